"""Film titles as people say them, the original title behind them too."""

from __future__ import annotations

import polars as pl
import pytest

from foretaste.data.sources.datasets.movielens import named


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        ("Empire Strikes Back, The", "The Empire Strikes Back (1980)"),
        ("Big Blue, The (Grand bleu, Le)", "The Big Blue (Le Grand bleu) (1980)"),
        ("Enfer, L'", "L'Enfer (1980)"),
        ("Good, The Bad and The Ugly, The", "The Good, The Bad and The Ugly (1980)"),
        ("Kiss Me, Guido", "Kiss Me, Guido (1980)"),
        ("I, Worst of All (Yo, la peor de todas)", "I, Worst of All (Yo, la peor de todas) (1980)"),
        ("Fish Called Wanda, A ", "A Fish Called Wanda (1980)"),
    ],
)
def test_the_article_comes_first(listed: str, said: str) -> None:
    assert named(pl.DataFrame({"title": [listed], "year": [1980]}))["title"].to_list() == [said]
