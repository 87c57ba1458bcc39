"""The Python code of docs/evaluation.md runs, in order."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import foretaste
import worlds
from foretaste import registry
from foretaste.errors import ConfigError
from foretaste.models.plain.popular import Popular
from foretaste.types import Run

PAGE = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text(encoding="utf-8")


@pytest.fixture
def _as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests go through every model there is."""
    monkeypatch.setattr(registry.MODELS, "_own", {})
    known = registry.models()
    before = dict(known)
    yield
    known.clear()
    known.update(before)


@pytest.mark.usefixtures("_as_before")
def test_the_python_of_the_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 2
    names: dict[str, object] = {"data": worlds.parity(n_users=40)}
    for block in blocks:
        exec(compile(block, "docs/evaluation.md", "exec"), names)
    shown = capsys.readouterr().out
    assert "ease beats itemknn" in shown or "are not significantly different" in shown
    assert "Result(40 users: ndcg@10" in shown
    assert re.search(r"^mine .* 0\.", shown, re.MULTILINE)
    mine = foretaste.PipelineConfig(recalls=(foretaste.RecallConfig(model="mine"),))
    assert set(foretaste.Pipeline(mine).fit(names["data"], Run()).recalls) == {"mine"}


@pytest.mark.usefixtures("_as_before")
def test_a_class_is_registered_again_but_takes_no_name_and_lacks_nothing() -> None:
    for made in (type("Mine", (Popular,), {}), type("Mine", (Popular,), {})):
        foretaste.register("mine", made)
        assert foretaste.model_class("mine") is made
    with pytest.raises(ConfigError, match="A model is called 'ease' already"):
        foretaste.register("ease", Popular)
    lacking = type("Lacking", (), dict.fromkeys(set(registry.MODELS.parts) - {"grid", "load"}))
    with pytest.raises(ConfigError, match=r"Lacking has no grid and no load; see foretaste\.protocols\.Recommender"):
        foretaste.register("lacking", lacking)
