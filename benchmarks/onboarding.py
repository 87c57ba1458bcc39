"""What should somebody new be asked? People nobody has met are shown twelve items and choose those they truly took.

    python -m benchmarks onboarding

A share of the people is held out for the test and as many for the validation; not one event of theirs is learned from.
Of what each of them took a fifth, drawn by a seed, is the answer; of the rest they choose whatever they are shown.
Their lists come from what they chose alone, and are what is popular where they chose nothing: NDCG@10 among all items,
by ease and by itemknn, and the mean of both. Twelve items are shown: the most popular; a draw from the 300 most
popular, for each person another; the picks on one screen; the picks on three screens of four, of which each follows
from the answers to those before. The picks compare items by the same two models, and by each alone. Their settings are
chosen on people of the validation.
"""

from __future__ import annotations

from functools import cached_property
from itertools import product
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from foretaste.data.sources.folder import load_folder
from foretaste.evaluation.cold_start import new_users
from foretaste.evaluation.intervals import bootstrap_interval, paired_difference
from foretaste.metrics.ranking import ndcg
from foretaste.models.content.onboarding import ItemPicker, OnboardingConfig, popularity_of
from foretaste.models.linear.ease import Ease
from foretaste.models.neighbours.itemknn import ItemKNN
from foretaste.types import Queries, Run

if TYPE_CHECKING:
    from collections.abc import Callable

    from foretaste.data.dataset import Dataset
    from foretaste.data.splits import EvalQueries
    from foretaste.types import BoolArray, IntArray

DATA = Path(__file__).parents[2] / "shared" / "data"
SHARES = {"ml-latest-small-posters": 0.25, "ml-100k": 0.25, "ml-1m": 0.1}
"""Data set to the share of people in the test, and as many in the validation: all that leaves enough to learn from."""
SHOWN = 12
WELL_KNOWN = 300
ANSWERS = 0.2
WATCHED = 250
"""People of each validation by whom settings are chosen."""
GRID = [
    OnboardingConfig(breadth=breadth, carries=carries, passed=passed)
    for breadth, (carries, passed) in product((0.0, 0.25, 0.5, 1.0), ((0.3, 0.0), (0.3, 0.3), (1.0, 0.0)))
]


class People(NamedTuple):
    """took   : (B, n_items) all they ever took
    may     : (B, n_items) what of that they choose when they are shown it
    answers : (B, n_items) CSR, the rest
    """

    took: BoolArray
    may: BoolArray
    answers: csr_array


class Asked(NamedTuple):
    """(B,) of each person. recognised : of the shown items, those they ever took. score : NDCG@10, by model and mean"""

    recognised: np.ndarray
    score: dict[str, np.ndarray]


def run() -> dict[str, object]:
    there = {name: share for name, share in SHARES.items() if (DATA / name).is_dir()}
    worlds = {name: _World(load_folder(DATA / name), share) for name, share in there.items()}
    tried = {config: _validated(worlds, config) for config in GRID}
    best = max(tried, key=lambda config: tried[config])
    print("chosen", best, tried[best], flush=True)
    return {
        "chosen": best.model_dump(),
        "defaults": OnboardingConfig().model_dump(),
        "validation, three screens above popular, mean over the data": [
            [config.model_dump(include={"breadth", "carries", "passed"}), round(score, 4)]
            for config, score in sorted(tried.items(), key=lambda one: -one[1])
        ],
        **{name: world.told() for name, world in worlds.items()},
    }


def _validated(worlds: dict[str, _World], config: OnboardingConfig) -> float:
    """How far picks on three screens lie above what is popular, on people of the validation."""
    return float(np.mean([world.above_popular(config) for world in worlds.values()]))


class _World:
    """One data set: what was learned, and the people who are asked."""

    def __init__(self, data: Dataset, share: float) -> None:
        split = new_users(data, 1, share)
        train = split.train
        self.name, self.rule = data.name, split.rule.split(",")[0]
        self.popularity = popularity_of(train)
        self.n_people = int((np.diff(train.offsets) > 0).sum())
        self.order = np.argsort(-self.popularity, kind="stable").astype(np.int32)
        self.models: dict[str, Any] = {"itemknn": ItemKNN().fit(train, Run()), "ease": Ease().fit(train, Run())}
        self.validation, self.test = (_people(data, part) for part in (split.validation.sample(WATCHED), split.test))
        self.popular = _same(self.order[:SHOWN])

    def above_popular(self, config: OnboardingConfig) -> float:
        picker = self._picker(config)
        ours = self.asked(self.validation, _screens(picker, self.validation, 3))
        return float((ours.score["mean"] - self._popular_score).mean())

    @cached_property
    def _popular_score(self) -> np.ndarray:
        return self.asked(self.validation, self.popular).score["mean"]

    def _picker(self, config: OnboardingConfig, *by: str) -> ItemPicker:
        models = [self.models[name] for name in by or self.models]
        return ItemPicker.of(models, self.popularity, self.n_people, config=config)

    def asked(self, people: People, shown_to: Callable[[int], IntArray]) -> Asked:
        shown = np.stack([shown_to(u) for u in range(len(people.took))])
        rows = np.arange(len(shown))[:, None]
        chosen = [items[hit] for items, hit in zip(shown, people.may[rows, shown], strict=True)]
        queries = Queries.guests(chosen)
        silent = np.array([not len(items) for items in chosen])
        score = {}
        for name, model in self.models.items():
            found = model.recommend(queries, 10, exclude=queries.history).items.copy()
            found[silent] = self.order[:10]
            score[name] = ndcg(found, people.answers)
        score["mean"] = np.mean(list(score.values()), axis=0)
        return Asked(people.took[rows, shown].sum(axis=1).astype(np.float64), score)

    def told(self) -> dict[str, object]:
        """Every way to ask the people of the test."""
        rng = np.random.default_rng(0)
        began = perf_counter()
        default = self._picker(OnboardingConfig())
        seconds = perf_counter() - began
        ways: dict[str, Callable[[int], IntArray]] = {
            "popular": self.popular,
            "random well-known": lambda u: rng.choice(self.order[:WELL_KNOWN], SHOWN, replace=False),
            "picks, one screen": _same(default.pick(SHOWN)),
            "picks, three screens": _screens(default, self.test, 3),
            **{
                f"picks compared by {name} alone, three screens": _screens(
                    self._picker(OnboardingConfig(), name), self.test, 3
                )
                for name in self.models
            },
            "coverage alone, one screen": _same(_covering(default)),
        }
        asked = {way: self.asked(self.test, shown) for way, shown in ways.items()}
        popular = asked["popular"]
        return {
            "protocol": f"{self.rule}; a fifth of what they took is the answer, {SHOWN} items shown",
            "people": len(self.test.took),
            "seconds to compare": round(seconds, 2),
            "ways": {
                way: {
                    "recognised": _short(bootstrap_interval(found.recognised)),
                    "recognise none": round(float((found.recognised == 0).mean()), 3),
                    "ndcg@10": {name: _short(bootstrap_interval(values)) for name, values in found.score.items()},
                    "above popular": {
                        "recognised": _short(paired_difference(found.recognised, popular.recognised)),
                        **{
                            name: _short(paired_difference(values, popular.score[name]))
                            for name, values in found.score.items()
                        },
                    },
                }
                for way, found in asked.items()
            },
        }


def _people(data: Dataset, questions: EvalQueries) -> People:
    taken = data.matrix()[questions.queries.user].toarray() > 0
    rng = np.random.default_rng(0)
    may = taken.copy()
    for row in may:
        items = np.flatnonzero(row)
        row[rng.permutation(items)[: max(1, round(ANSWERS * len(items)))]] = False
    return People(taken, may, csr_array((taken & ~may).astype(np.float32)))


def _same(items: IntArray) -> Callable[[int], IntArray]:
    return lambda _: items


def _screens(picker: ItemPicker, people: People, screens: int) -> Callable[[int], IntArray]:
    """Each screen follows from what the person chose and passed over on those before."""

    def shown_to(u: int) -> IntArray:
        shown = np.zeros(0, np.int32)
        for _ in range(screens):
            hit = people.may[u, shown]
            shown = np.concatenate([shown, picker.pick(SHOWN // screens, shown[hit], shown[~hit])])
        return shown

    return shown_to


def _covering(picker: ItemPicker) -> IntArray:
    """As it was at first: whatever adds most to Σ w(j) max n(i, j), whether or not anybody knows it."""
    assert picker.table is not None
    covered = np.zeros(len(picker.weight), np.float32)
    picks: list[int] = []
    for _ in range(SHOWN):
        gain = np.maximum(picker.table - covered, 0) @ picker.weight
        gain[picks] = -1
        picks.append(int(np.argmax(gain)))
        covered = np.maximum(covered, picker.table[picks[-1]])
    return picker.items[picks]


def _short(values: tuple[float, ...]) -> list[float]:
    return [round(value, 4) for value in values]
