"""The search space follows from the grid and the bounds of the config."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from annotated_types import Le
from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt

from foretaste.config import Config
from foretaste.errors import ForetasteError
from foretaste.models.linear.ease import Ease
from foretaste.models.plain.popular import Popular
from foretaste.registry import model_class, models
from foretaste.selection.search_space import Range, config_of, space_of


class SomeConfig(Config):
    rank: PositiveInt = 64
    share: Annotated[NonNegativeFloat, Le(1.0)] = 0.0
    strength: PositiveFloat = 10.0
    way: Literal["a", "b", "c"] = "a"
    half_life: PositiveFloat | None = None
    fixed: int = 7


class Some:
    config_class = SomeConfig
    grid = (
        SomeConfig(),
        SomeConfig(rank=256, share=0.9, strength=1.0),
        SomeConfig(way="b", half_life=30.0),
    )


def test_ranges_reach_beyond_the_grid_and_stay_within_the_bounds() -> None:
    space = space_of(Some)
    assert space["rank"] == Range(21, 768, whole=True, log=True)
    assert space["share"] == Range(0.0, 1.0, whole=False, log=False)
    assert space["strength"] == Range(pytest.approx(1 / 3), 30.0, whole=False, log=True)
    assert space["way"] == ("a", "b", "c"), "all that the type allows"
    assert space["half_life"] == (None, 30.0)
    assert "fixed" not in space, "what the grid does not vary is not varied"


def test_popular_has_no_space_and_a_model_may_name_its_own() -> None:
    assert space_of(Popular) == {}
    assert set(space_of(Ease)) == {"regularisation"}

    class Own(Some):
        @classmethod
        def space(cls):
            return {"rank": Range(1, 4, whole=True, log=False)}

    assert space_of(Own) == {"rank": Range(1, 4, whole=True, log=False)}
    assert config_of(Own, {"rank": 3}) == SomeConfig(rank=3)
    assert config_of(Own, {"rank": -3}) is None


@pytest.mark.parametrize("name", models())
def test_every_grid_lies_within_its_space(name: str) -> None:
    try:
        model = model_class(name)
    except ForetasteError as error:
        pytest.skip(str(error))
    for setting, part in space_of(model).items():
        for config in model.grid:
            value = getattr(config, setting)
            assert part.low <= value <= part.high if isinstance(part, Range) else value in part
