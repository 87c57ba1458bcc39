"""Importing and asking for help cost nothing."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType

import foretaste

HEAVY = ("numpy", "torch", "polars", "scipy", "pydantic", "fastapi")


def _loaded_after(code: str) -> set[str]:
    asked = f"import sys\n{code}\nprint('LOADED', *[m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    return set(done.stdout.rpartition("LOADED")[2].split())


def test_import_loads_nothing_heavy() -> None:
    assert _loaded_after("import foretaste") == set()


def test_help_loads_nothing_heavy() -> None:
    code = "sys.argv = ['foretaste', '--help']\nfrom foretaste.cli import main\ntry: main()\nexcept SystemExit: pass"
    assert _loaded_after(code) == set()


def test_every_public_name_is_there() -> None:
    for name in foretaste.__all__:
        assert getattr(foretaste, name) is not None
    assert set(foretaste.__all__) <= set(dir(foretaste))


def test_no_public_name_is_taken_by_a_folder_of_the_package() -> None:
    """`foretaste.models` was a function until the first model was imported, and the folder `models/` ever after."""
    import foretaste.models.plain.popular

    assert "ease" in foretaste.all_models()
    assert not [name for name in foretaste.__all__ if isinstance(getattr(foretaste, name), ModuleType)]


def test_the_docstring_lists_the_public_names_and_nothing_else() -> None:
    assert foretaste.__doc__ is not None
    lines = foretaste.__doc__.partition("Public names")[2].splitlines()
    listed = [line.split()[0] for line in lines if line.startswith("    ")]
    assert sorted([*listed, "__version__"]) == sorted(foretaste.__all__) == dir(foretaste)
