"""docs/data.md says what the code does: every source, every setting of [prepare]."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_generated_tables_are_current() -> None:
    spec = spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = module_from_spec(spec)
    spec.loader.exec_module(generate)
    page = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
    assert generate.sources_table() in page, "run: make docs"
    assert generate.prepare_table() in page, "run: make docs"
