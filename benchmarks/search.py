"""Does hybrid search find more than words or meaning alone, and does taste bring up what a person then chose?

    python -m benchmarks search

Films of `ml-latest-small-posters` with their genres and tags. The weight of meaning and that of taste are each chosen
on a validation half and judged on the other. Strata: see strata.py. Taste: people search for a genre of the film they
chose next; the lift is in the reciprocal rank of that film, with taste and without, person by person. Its weight is the
best of those that cost at most a point of success@10 on the strata, asked by random people: who types a title wants it.
"""

from __future__ import annotations

import random
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.strata import STRATA, Case, cases, catalogue
from foretaste.data.sources.folder import load_folder
from foretaste.data.splits import leave_last
from foretaste.evaluation.intervals import bootstrap_interval, paired_difference
from foretaste.models.neighbours.itemknn import ItemKNN
from foretaste.search.hybrid import Search, SearchConfig
from foretaste.types import NO_USER, History, Queries, Run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from foretaste.data.dataset import Dataset
    from foretaste.data.items import ItemTable
    from foretaste.data.splits import EvalQueries

FOLDER = Path(__file__).parents[2] / "shared" / "data" / "ml-latest-small-posters"
K, DEEP = 10, 200
MEANING = (0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0)
PERSONAL = (0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
HARMLESS = 0.0101
"""What taste may cost of success@10 when people search for something particular: a point."""
PEOPLE = 300


def run() -> dict[str, object]:
    data = load_folder(FOLDER)
    items = catalogue(data, FOLDER)
    began = perf_counter()
    search = Search.of(items, SearchConfig(), Run())
    built = perf_counter() - began
    asked = cases(items)
    validation, test = asked[::2], asked[1::2]
    by_weight = {weight: float(_hits(search, validation, weight).mean()) for weight in MEANING}
    # Of equals the one nearest the middle: the plateau is flat, and its edges are not.
    chosen = max(MEANING[1:-1], key=lambda weight: (by_weight[weight], -abs(weight - 0.45)))
    hits = {
        name: _hits(search, test, weight) for name, weight in (("hybrid", chosen), ("words", 0.0), ("meaning", 1.0))
    }
    bare = _hits(search, test, 0.0, forgiving=False)
    return {
        "items": len(items),
        "seconds_to_build_with_vectors_at_hand": round(built, 2),
        "milliseconds": _speed(search, test),
        "success@10_validation_by_weight_of_meaning": by_weight,
        "weight_of_meaning": chosen,
        "success@10_test": {
            name: _by_stratum(test, hit) for name, hit in (hits | {"words, slips not forgiven": bare}).items()
        },
        "hybrid_above": {
            name: [round(x, 4) for x in paired_difference(hits["hybrid"], hits[name])] for name in ("words", "meaning")
        },
        "personal": _personal(data, items, search, chosen, validation[::2]),
    }


def _ask(texts: Sequence[str]) -> Queries:
    return Queries(np.full(len(texts), NO_USER, np.int32), History.of_items([[] for _ in texts]), text=tuple(texts))


def _weighted(search: Search, meaning: float) -> Search:
    search.config = search.config.model_copy(update={"meaning": meaning})
    return search


def _hits(search: Search, asked: Sequence[Case], meaning: float, *, forgiving: bool = True) -> np.ndarray:
    """(n,) 1 where a right item is among the first K."""
    search = _weighted(search, meaning)
    queries = _ask([case.query for case in asked])
    if not forgiving:
        known = [" ".join(w for w in case.query.lower().split() if search._bm25.is_indexed(w)) for case in asked]
        queries = _ask(known)
    return _found(asked, search.recommend(queries, K).items)


def _found(asked: Sequence[Case], found: np.ndarray) -> np.ndarray:
    """(n,) 1 where a right item is in the list (n, K)."""
    return np.array([float(bool(case.right & set(row))) for case, row in zip(asked, found.tolist(), strict=True)])


def _by_stratum(asked: Sequence[Case], hits: np.ndarray) -> dict[str, object]:
    stratum = np.array([case.stratum for case in asked])
    return {"all": [round(x, 4) for x in bootstrap_interval(hits)]} | {
        name: round(float(hits[stratum == name].mean()), 4) for name in STRATA
    }


def _speed(search: Search, asked: Sequence[Case]) -> dict[str, float]:
    """One question at a time, never asked before; and one new item until it can be found."""
    _weighted(search, 0.5)
    took = []
    for case in asked[:100]:
        began = perf_counter()
        search.recommend(_ask([f"{case.query} film"]), K)
        took.append(perf_counter() - began)
    n = len(search)
    began = perf_counter()
    search.put(np.array([n], np.int32), ["A film about quokkas"], Run())
    put = perf_counter() - began
    assert n in search.recommend(_ask(["quokkas"]), K).items
    search.delete(np.array([n], np.int32))
    p50, p99 = np.quantile(np.array(took) * 1e3, [0.5, 0.99])
    return {"question_p50": round(p50, 1), "question_p99": round(p99, 1), "put_one_item": round(put * 1e3, 1)}


def _personal(
    data: Dataset, items: ItemTable, search: Search, meaning: float, particular: Sequence[Case]
) -> dict[str, object]:
    split = leave_last(data)
    _weighted(search, meaning)
    search.taste = ItemKNN().fit(split.train, Run())
    ranks = {w: _reciprocal_ranks(search, split.validation.sample(PEOPLE), items, w) for w in (0.0, *PERSONAL)}
    someone = np.random.default_rng(0).integers(0, len(split.validation), len(particular))
    people = split.validation.queries.take(someone)
    people = Queries(people.user, people.history, text=tuple(case.query for case in particular))
    success = {w: _found(particular, search.recommend(people, K, personal=w).items) for w in (0.0, *PERSONAL)}
    harmless = [w for w in PERSONAL if success[w].mean() >= success[0.0].mean() - HARMLESS]
    chosen = max(harmless, key=lambda w: ranks[w].mean())
    search.taste = ItemKNN().fit(split.refit, Run())
    with_taste = _reciprocal_ranks(search, split.test, items, chosen)
    without = _reciprocal_ranks(search, split.test, items, 0.0)
    return {
        "taste": "itemknn",
        "people": len(with_taste),
        "mrr_validation_by_weight": {str(w): round(float(r.mean()), 4) for w, r in ranks.items()},
        "success@10_of_particular_searches_by_weight": {str(w): round(float(h.mean()), 4) for w, h in success.items()},
        "weight": chosen,
        "mrr_test_with_taste": [round(x, 4) for x in bootstrap_interval(with_taste)],
        "mrr_test_without": [round(x, 4) for x in bootstrap_interval(without)],
        "lift": [round(x, 4) for x in paired_difference(with_taste, without)],
    }


def _reciprocal_ranks(search: Search, questions: EvalQueries, items: ItemTable, personal: float) -> np.ndarray:
    """(B,) of the film each person chose next, when they search for one of its genres; 0 beyond DEEP."""
    chance = random.Random(0)
    wanted = questions.relevant.indices[questions.relevant.indptr[:-1]]
    genres = items.frame["genres"].gather(wanted).to_list()
    texts = tuple(chance.choice(of_one).lower() if of_one else "" for of_one in genres)
    queries = Queries(questions.queries.user, questions.queries.history, text=texts)
    found = search.recommend(queries, DEEP, personal=personal).items
    here = found == wanted[:, None]
    return np.where(here.any(axis=1), 1 / (here.argmax(axis=1) + 1), 0.0)
