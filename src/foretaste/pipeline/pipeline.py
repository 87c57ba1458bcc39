"""Recall, merge, hide what was seen, fall back, explain: a list of parts that answers like one model."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt, field_validator

from foretaste.config import Config
from foretaste.data.kinds import EventKind, Kinds
from foretaste.errors import BundleError, ConfigError
from foretaste.models.plain.popular import Popular
from foretaste.models.saving import fitted
from foretaste.pipeline.explain import POPULAR, Reason, explain
from foretaste.pipeline.merge import filled, reciprocal_rank
from foretaste.pipeline.seen import hidden_items, joined
from foretaste.registry import model_class, model_spec
from foretaste.types import BoolArray, Candidates, IntArray, Queries, Ragged

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from foretaste.data.dataset import Dataset
    from foretaste.protocols import Recommender, Stage
    from foretaste.types import Run

FALLBACK = POPULAR


class RecallConfig(Config):
    """One source of candidates."""

    model: str
    """Its name in the registry, and in every answer."""
    settings: dict[str, Any] = {}
    """Settings of the model; its defaults where nothing is said."""
    weight: NonNegativeFloat = 1.0
    """How much its ranks count in the merge, beside the other sources."""

    @field_validator("model")
    @classmethod
    def _known(cls, name: str) -> str:
        model_spec(name)
        return name


class PipelineConfig(Config):
    recalls: tuple[RecallConfig, ...] = (RecallConfig(model="ease"), RecallConfig(model="itemknn"))
    """The sources, each asked for `depth` items; those of weight 0 are not asked, and one at least has more."""
    depth: PositiveInt = 200
    merge_constant: PositiveFloat = 60.0
    """The k of reciprocal rank fusion: the larger, the less the first ranks stand out."""

    @field_validator("recalls")
    @classmethod
    def _some_source(cls, recalls: tuple[RecallConfig, ...]) -> tuple[RecallConfig, ...]:
        if not any(recall.weight > 0 for recall in recalls):
            raise ConfigError(
                "recalls: no source has a weight above 0, so nothing could be offered; name one, such as 'popular'."
            )
        return recalls


class Step(NamedTuple):
    """One line of the trace."""

    stage: str
    seconds: float
    kept: int
    """Candidates alive after it, over the whole batch."""


@dataclass(frozen=True, eq=False)
class Answer:
    """candidates : the lists
    reasons    : per query, per item, the strongest first; None unless asked for
    trace      : what was done, how long it took, what remained
    degraded   : a source did not fit in the time that was left
    """

    candidates: Candidates
    reasons: list[list[list[Reason]]] | None
    trace: list[Step]
    degraded: bool


@dataclass(eq=False)
class _Trace:
    steps: list[Step] = field(default_factory=list)
    since: float = field(default_factory=perf_counter)

    def add(self, stage: str, candidates: Candidates) -> None:
        now = perf_counter()
        self.steps.append(Step(stage, now - self.since, int((candidates.items >= 0).sum())))
        self.since = now


class Pipeline:
    """Several recalls, merged by reciprocal rank, then further stages, then a named fallback for short lists.

    recalls : name to fitted model, in the order of the config
    stages  : what happens between merge and fallback: ranking, rules, diversity
    """

    config_class = PipelineConfig

    def __init__(self, config: PipelineConfig | None = None, stages: tuple[Stage, ...] = ()) -> None:
        self.config = config or PipelineConfig()
        self.stages = stages
        self.recalls: dict[str, Recommender] | None = None
        self.fallback = Popular()
        self.kinds = Kinds([EventKind(name="interaction")])

    def fit(self, train: Dataset, run: Run, *, fitted: Mapping[str, Recommender] | None = None) -> Self:
        """fitted : recalls that have learned from this very data, with the settings of the config, already"""
        self.kinds = train.kinds
        self.fallback = Popular().fit(train, run)
        self.recalls = {}
        for recall in self._recalls_used():
            if fitted is not None and recall.model in fitted:
                self.recalls[recall.model] = fitted[recall.model]
                continue
            model = model_class(recall.model)
            config = model.config_class.parse(recall.settings, f"settings of {recall.model}")
            self.recalls[recall.model] = model(config).fit(train, run)
        return self

    def recommend(
        self, queries: Queries, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> Candidates:
        return self.answer(queries, k, exclude=exclude, allowed=allowed).candidates

    def answer(
        self,
        queries: Queries,
        n: int,
        *,
        exclude: Ragged | None = None,
        allowed: BoolArray | None = None,
        explain: bool = False,
    ) -> Answer:
        """The n best items for each query, why, and how they were found.

        What a person already did is hidden where its kind says so (bought hides, viewed may return); `exclude` and
        `allowed` narrow further. Only a deadline that has passed can leave a source out, never the first one.
        """
        started = perf_counter()
        trace = _Trace()
        hidden = joined(hidden_items(queries.history, self.kinds.hides), exclude)
        lists: dict[str, Candidates] = {}
        degraded = False
        for name, model in fitted(self.recalls, self).items():
            if lists and queries.deadline_seconds is not None and perf_counter() - started > queries.deadline_seconds:
                degraded = True
                break
            lists[name] = model.recommend(queries, max(n, self.config.depth), exclude=hidden, allowed=allowed)
            trace.add(f"recall:{name}", lists[name])
        weights = {recall.model: recall.weight for recall in self.config.recalls}
        merged = reciprocal_rank(lists, [weights[name] for name in lists], self.config.merge_constant)
        trace.add("merge", merged)
        for stage in self.stages:
            merged = stage(queries, merged)
            trace.add(stage.name, merged)
        best = merged.head(n)
        if best.items.shape[1] < n or (best.items < 0).any():
            filler = self.fallback.recommend(queries, 2 * n, exclude=hidden, allowed=allowed)
            best = filled(best, filler).head(n)
            trace.add(f"fallback:{FALLBACK}", best)
        reasons = self._reasons(queries, best, weights) if explain else None
        if explain:
            trace.add("explain", best)
        return Answer(best, reasons, trace.steps, degraded)

    def similar(self, items: IntArray, k: int, *, allowed: BoolArray | None = None) -> Candidates:
        """(B,) items in, what goes with each of them out: what somebody who did only that would be offered."""
        alone = items[:, None]
        guests = Queries.guests(list(alone), self.kinds.usual)
        return self.recommend(guests, k, exclude=Ragged.from_rows(list(alone)), allowed=allowed)

    def popular(self, k: int) -> IntArray:
        """(≤ k,) items most wanted by everyone."""
        items = self.fallback.recommend(Queries.guests([[]]), k).items[0]
        return items[items >= 0]

    def _reasons(self, queries: Queries, best: Candidates, weights: dict[str, float]) -> list[list[list[Reason]]]:
        return explain(queries, best, fitted(self.recalls, self), weights, self.kinds.weights)

    def _recalls_used(self) -> Iterator[RecallConfig]:
        """A source of weight 0 would only cost time."""
        return (recall for recall in self.config.recalls if recall.weight > 0)

    def save(self, folder: Path | str) -> None:
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        described = {
            "config": self.config.model_dump(mode="json"),
            "kinds": [kind.model_dump(mode="json") for kind in self.kinds.kinds],
        }
        (folder / "pipeline.json").write_text(json.dumps(described, indent=2), encoding="utf-8")
        self.fallback.save(folder / "fallback")
        for name, model in fitted(self.recalls, self).items():
            model.save(folder / "recalls" / name)

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        folder = Path(folder)
        try:
            described = json.loads((folder / "pipeline.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise BundleError(f"There is no pipeline in {folder}; save one there first.") from None
        pipeline = cls(PipelineConfig.parse(described["config"], str(folder / "pipeline.json")))
        pipeline.kinds = Kinds(EventKind.parse(kind, "kinds") for kind in described["kinds"])
        pipeline.fallback = Popular.load(folder / "fallback")
        pipeline.recalls = {
            recall.model: model_class(recall.model).load(folder / "recalls" / recall.model)
            for recall in pipeline._recalls_used()
        }
        return pipeline
