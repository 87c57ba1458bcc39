"""Recall, merge, stages, mask, explain: a list of parts that answers like one model."""

from __future__ import annotations

import json
import logging
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np

from foretaste.data.kinds import EventKind, Kinds
from foretaste.errors import BundleError, DataError
from foretaste.models.plain.popular import Popular
from foretaste.models.saving import fitted
from foretaste.pipeline.config import PipelineConfig, RecallConfig, StageConfig
from foretaste.pipeline.explain import Reason, explain
from foretaste.pipeline.growth import Asked, Growth, of_known
from foretaste.pipeline.merge import filled, reciprocal_rank
from foretaste.pipeline.ranking_rows import ranking_rows
from foretaste.pipeline.seen import hidden_items, joined, masked
from foretaste.pipeline.stage_result import checked, extra_of, protected, protected_rows, read_only
from foretaste.pipeline.trace import Outcome, Step, Trace
from foretaste.protocols import LearnsFromRows, ReadsCatalogue, ReadsNewItems
from foretaste.registry import FALLBACK, NEW_ITEMS, STAGES, model_class
from foretaste.types import (
    NO_ITEM,
    BoolArray,
    Candidates,
    FloatArray,
    IntArray,
    LongArray,
    Queries,
    Ragged,
    StageContext,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from foretaste.data.dataset import Dataset
    from foretaste.data.items import ItemTable
    from foretaste.protocols import Recommender, Stage
    from foretaste.types import Run

log = logging.getLogger("foretaste.pipeline")
RECALL = "recall:"
"""What the name of a recall begins with in a trace."""
SIMILAR = 20
"""Items that count as the most similar to one, for stages."""
SIMILAR_KEPT = 10_000
"""Items whose most similar ones are remembered."""


@dataclass(frozen=True, eq=False)
class Answer:
    """candidates : the lists
    reasons    : per query, per item, the strongest first; None unless asked for
    trace      : what was done, how long it took, what remained
    degraded   : a source or a stage was left out, because it failed or the time was up; the trace names it
    """

    candidates: Candidates
    reasons: list[list[list[Reason]]] | None
    trace: list[Step]
    degraded: bool


class Pipeline:
    """Several recalls, merged by reciprocal rank; a named fallback for short lists; then stages; then one mask.

    recalls : name to fitted model, in the order of the config
    stages  : name to stage, in the order of the config: what happens between the merge and the answer
    growth   : what came to the catalogue after the training; None for nothing
    left_out : steps that are not taken, and why: a stage that is missing, what a past answer had no time for. They
               degrade every answer, which names them
    """

    config_class = PipelineConfig

    def __init__(self, config: PipelineConfig | None = None) -> None:
        self.config = config or PipelineConfig()
        self.recalls: dict[str, Recommender] | None = None
        self.stages: dict[str, Stage] = {}
        self.left_out: Mapping[str, Outcome] = {}
        self.fallback = Popular()
        self.kinds = Kinds([EventKind(name="interaction")])
        self.growth: Growth | None = None
        self._similar: dict[int, IntArray] = {}

    def fit(self, train: Dataset, run: Run, *, fitted: Mapping[str, Recommender] | None = None) -> Self:
        """fitted : recalls that have learned from this very data, with the settings of the config, already"""
        self.kinds = train.kinds
        self.growth = None
        self.fallback = Popular().fit(train, run)
        self._similar = {}
        self.stages = {config.stage: _stage_of(config) for config in self.config.stages}
        self._fit_from_rows(train, run)
        self.recalls = {}
        for recall in self._recalls_used():
            known = (fitted or {}).get(recall.model)
            self.recalls[recall.model] = known if known is not None else _recall_of(recall).fit(train, run)
        for name, stage in self.stages.items():
            if (learn := getattr(stage, "fit", None)) is not None:
                self.stages[name] = learn(train, run)
            elif isinstance(stage, ReadsCatalogue):
                self.stages[name] = stage.for_items(train.items)
        return self

    def _fit_from_rows(self, train: Dataset, run: Run) -> None:
        """Stages that learn from candidates get those of recalls that have not learned from the answers."""
        learning = {name: stage for name, stage in self.stages.items() if isinstance(stage, LearnsFromRows)}
        if learning:
            recalls = Pipeline(self.config.model_copy(update={"stages": ()}))
            rows = ranking_rows(recalls.fit, self.config.depth, train, run)
            self.stages |= {name: cast("Stage", stage.fit_rows(rows, run)) for name, stage in learning.items()}

    def recommend(
        self, queries: Queries, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> Candidates:
        """The lists alone, however long they take; a stage that fails raises its error here, and degrades nothing."""
        return self.answer(queries, k, exclude=exclude, allowed=allowed, strict=True).candidates

    def answer(
        self,
        queries: Queries,
        n: int,
        *,
        exclude: Ragged | None = None,
        allowed: BoolArray | None = None,
        explain: bool = False,
        strict: bool = False,
        now: LongArray | None = None,
    ) -> Answer:
        """The n best items for each query, why, and how they were found.

        What a person already did is hidden where its kind says so (bought hides, viewed may return); `exclude` and
        `allowed` narrow further, and hold whatever a stage does. A deadline that has passed leaves out sources, never
        the first one, and stages; a stage that fails is left out too. Both degrade the answer, and the trace says so.

        strict : errors of stages are raised, and no deadline holds
        now    : (B,) µs, what stages take for the present; `queries.asked_at` by default
        """
        seconds = None if strict else queries.deadline_seconds
        deadline = None if seconds is None else perf_counter() + seconds
        trace = Trace(deadline)
        hidden = joined(hidden_items(queries.history, self.kinds.hides), exclude)
        left_out = dict(self.left_out)
        wanted = n + self._extra(queries, n, left_out, strict)
        merged = self._merged(queries, wanted, hidden, allowed, trace, strict)
        best = self._filled(merged.head(wanted), queries, wanted, hidden, allowed, trace)
        now = queries.asked_at if now is None else now
        score_new = None if self.growth is None else self._score_new
        shown = protected_rows(hidden) if self.stages else hidden
        context = StageContext(n, shown, allowed, now, deadline, self.most_similar, self.kinds.weights, score_new)
        before = best
        for name, stage in self.stages.items():
            if name in left_out:
                trace.left_out(name, best, left_out[name])
            else:
                best = self._staged(name, stage, queries, best, context, trace, strict)
        if best is not before:
            best = masked(best, hidden, allowed)
        for name, outcome in self.left_out.items():
            if outcome == "missing":
                trace.left_out(name, best, outcome)
        best = best.head(n)
        reasons = None
        if explain:
            reasons = self._reasons(queries, best)
            trace.add("explain", best)
        return Answer(best, reasons, trace.steps, trace.degraded)

    def _extra(self, queries: Queries, n: int, left_out: dict[str, Outcome], strict: bool) -> int:
        """The most candidates beyond n that a stage wants; one that cannot say so is put among those left out."""
        most = 0
        for name, stage in self.stages.items():
            if name in left_out:
                continue
            try:
                most = max(most, extra_of(stage, queries, n))
            except Exception as error:
                if strict:
                    raise
                log.error("The stage '%s' failed with %s and was left out.", name, type(error).__name__)
                left_out[name] = "failed"
        return most

    def _merged(
        self, queries: Queries, n: int, hidden: Ragged, allowed: BoolArray | None, trace: Trace, strict: bool
    ) -> Candidates:
        lists: dict[str, Candidates] = {}
        asked = Asked(self.growth, queries, hidden, allowed)
        for name, model in fitted(self.recalls, self).items():
            step = f"{RECALL}{name}"
            if lists and (trace.late or step in self.left_out):
                trace.left_out(step, lists[next(iter(lists))], self.left_out.get(step, "timed out"))
                continue
            some, out, may = asked.of(name)
            try:
                lists[name] = model.recommend(some, max(n, self.config.depth), exclude=out, allowed=may)
            except Exception as error:
                if strict or not lists:
                    raise
                log.error("The source '%s' failed with %s and was left out.", name, type(error).__name__)
                trace.left_out(step, lists[next(iter(lists))], "failed")
                continue
            trace.add(step, lists[name])
        weights = self._weights()
        merged = reciprocal_rank(lists, [weights[name] for name in lists], self.config.merge_constant)
        trace.add("merge", merged)
        return merged

    def _filled(
        self, best: Candidates, queries: Queries, n: int, hidden: Ragged, allowed: BoolArray | None, trace: Trace
    ) -> Candidates:
        if best.items.shape[1] >= n and (best.items >= 0).all():
            return best
        some, out, may = Asked(self.growth, queries, hidden, allowed).of(None)
        filler = self.fallback.recommend(some, 2 * n, exclude=out, allowed=may)
        best = filled(best, filler).head(n)
        trace.add(f"fallback:{FALLBACK}", best)
        return best

    def _staged(
        self,
        name: str,
        stage: Stage,
        queries: Queries,
        candidates: Candidates,
        context: StageContext,
        trace: Trace,
        strict: bool,
    ) -> Candidates:
        if trace.late:
            trace.left_out(name, candidates, "timed out")
            return candidates
        try:
            given = protected(candidates)
            result: Any = stage(queries, given, context)
            result = candidates if result is given else checked(result, queries, self.n_items)
        except TimeoutError:
            if strict:
                raise
            trace.left_out(name, candidates, "timed out")
            return candidates
        except Exception as error:
            if strict:
                raise
            log.error("The stage '%s' failed with %s and was left out.", name, type(error).__name__)
            trace.left_out(name, candidates, "failed")
            return candidates
        trace.add(name, result)
        return result

    def similar(self, items: IntArray, k: int, *, allowed: BoolArray | None = None) -> Candidates:
        """(B,) items in, what goes with each of them out: what somebody who did only that would be offered."""
        alone = items[:, None]
        guests = Queries.guests(list(alone), self.kinds.usual)
        exclude = Ragged.from_rows(list(alone))
        return self.with_stages({}).recommend(guests, k, exclude=exclude, allowed=allowed)

    def most_similar(self, code: int) -> IntArray:
        """(≤ SIMILAR,) what is most similar to an item; remembered. Nothing to one that came after the training."""
        if self.growth is not None and code >= self.growth.trained:
            return np.empty(0, np.int32)
        if (known := self._similar.get(code)) is None:
            items = self.similar(np.array([code], np.int32), SIMILAR).items[0]
            known = read_only(items[items >= 0])
            if len(self._similar) >= SIMILAR_KEPT:
                self._similar.clear()
            self._similar[code] = known
        return known

    def popular(self, k: int) -> IntArray:
        """(≤ k,) items taken by the most people."""
        items = self.fallback.recommend(Queries.guests([[]]), k).items[0]
        return items[items >= 0]

    def with_kinds(self, kinds: Kinds) -> Self:
        """The same with another table of kinds, as of what hides an item; nothing is learned."""
        other = copy(self)
        other.kinds = kinds
        return other

    @property
    def n_items(self) -> int:
        """Items of the catalogue, those of after the training too."""
        if self.growth is not None:
            return self.growth.n_items
        return len(fitted(self.fallback.popularity, self.fallback))

    def with_items(
        self,
        items: ItemTable,
        run: Run,
        changed: IntArray | None = None,
        *,
        readers: Collection[str] | None = None,
    ) -> Self:
        """The same for a catalogue that has grown; nothing is learned, and the pipeline itself stays as it is.

        Recalls that read new items (`ReadsNewItems`) read them; the others, and the fallback, go on with the items they
        know. With the stage `new_items` that stage alone puts new items into lists, and the recalls that read them say
        which are liked; without it, these recalls offer them among the others.

        items   : the catalogue of `fit`, or of the pipeline so far, with further rows behind it
        changed : codes of old items that are to be read again
        readers : the only recalls that read them, for that may take a language model; None for all that can
        """
        n = self.n_items
        if len(items) < n:
            raise DataError(f"The pipeline knows {n} items and the new catalogue has {len(items)}; it may only grow.")
        other = copy(self)
        known = {} if self.growth is None else dict(self.growth.known)
        for name, model in fitted(self.recalls, self).items():
            if isinstance(model, ReadsNewItems) and (readers is None or name in readers):
                other.recalls = {**fitted(other.recalls, self), name: model.with_items(items, run, changed)}
                other._similar = {}
                known[name] = len(items)
        trained = n if self.growth is None else self.growth.trained
        other.growth = Growth(trained, len(items), known, placed=NEW_ITEMS in self.stages)
        for name, stage in self.stages.items():
            if isinstance(stage, ReadsNewItems):
                other.stages = {**other.stages, name: stage.with_items(items, run, changed)}
            elif isinstance(stage, ReadsCatalogue):
                other.stages = {**other.stages, name: stage.for_items(items)}
        return other

    def with_recalls(self, recalls: Mapping[str, Recommender]) -> Self:
        """The same with these recalls in place of its own; names are those of the config."""
        other = copy(self)
        other.recalls = dict(recalls)
        if self.growth is not None:
            mine = self.recalls or {}
            known = {name: n for name, n in self.growth.known.items() if recalls.get(name) is mine.get(name)}
            other.growth = replace(self.growth, known=known)
        other._similar = {}
        return other

    def with_stages(self, stages: Mapping[str, Stage], missing: Iterable[str] = ()) -> Self:
        """The same with these stages in place of its own.

        missing : names of stages that ought to be there and are not
        """
        other = copy(self)
        other.stages = dict(stages)
        other.left_out = dict.fromkeys(missing, "missing")
        return other

    def without(self, left_out: Mapping[str, Outcome]) -> Self:
        """The same without these steps, as they stand in a trace: 'recall:ease', 'fatigue'. The first recall stays."""
        other = copy(self)
        other.left_out = {**self.left_out, **left_out}
        return other

    def _weights(self) -> dict[str, float]:
        return {recall.model: recall.weight for recall in self.config.recalls}

    def _reasons(self, queries: Queries, best: Candidates) -> list[list[list[Reason]]]:
        recalls = fitted(self.recalls, self)
        known = None if self.growth is None else self.growth.limits(recalls)
        return explain(queries, best, recalls, self._weights(), self.kinds.weights, known=known)

    def _score_new(self, queries: Queries, items: IntArray) -> FloatArray:
        """(B, K) scores of new items by the heaviest of the recalls that have read some; nan where it has not."""
        growth, weights = fitted(self.growth, self), self._weights()
        reading = [name for name in fitted(self.recalls, self) if growth.known.get(name, 0) > growth.trained]
        if not reading:
            return np.full(items.shape, np.nan, np.float32)
        name = max(reading, key=lambda name: weights.get(name, 0.0))
        n = growth.known[name]
        some = replace(queries, history=of_known(queries.history, n))
        return fitted(self.recalls, self)[name].score(some, np.where(items < n, items, np.int32(NO_ITEM)))

    def _recalls_used(self) -> Iterator[RecallConfig]:
        """A source of weight 0 would only cost time."""
        return (recall for recall in self.config.recalls if recall.weight > 0)

    def save(self, folder: Path | str) -> None:
        if self.growth is not None:
            raise BundleError("A pipeline whose catalogue has grown cannot be saved; save the one it came from.")
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        described = {
            "config": self._config_of_stages().model_dump(mode="json"),
            "kinds": [kind.model_dump(mode="json") for kind in self.kinds.kinds],
        }
        (folder / "pipeline.json").write_text(json.dumps(described, indent=2), encoding="utf-8")
        self.fallback.save(folder / "fallback")
        for name, model in fitted(self.recalls, self).items():
            model.save(folder / "recalls" / name)
        for name, stage in self.stages.items():
            stage.save(folder / "stages" / name)

    def _config_of_stages(self) -> PipelineConfig:
        """The config with the stages that are there, which `with_stages` may have changed."""
        if [config.stage for config in self.config.stages] == list(self.stages):
            return self.config
        stages = tuple(
            StageConfig(stage=name, settings=stage.config.model_dump(mode="json"))
            for name, stage in self.stages.items()
        )
        return self.config.model_copy(update={"stages": stages})

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """A pipeline as it was saved; one of before there were stages has none."""
        folder = Path(folder)
        try:
            described = json.loads((folder / "pipeline.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise BundleError(f"There is no pipeline in {folder}; save one there first.") from None
        config = dict(described["config"])
        stages = config.get("stages", ())
        gone = [stage["stage"] for stage in stages if stage["stage"] not in STAGES.all()]
        config["stages"] = [stage for stage in stages if stage["stage"] not in gone]
        pipeline = cls(PipelineConfig.parse(config, str(folder / "pipeline.json")))
        pipeline.left_out = dict.fromkeys(gone, "missing")  # of a package that is not installed
        pipeline.kinds = Kinds(EventKind.parse(kind, "kinds") for kind in described["kinds"])
        pipeline.fallback = Popular.load(folder / "fallback")
        pipeline.recalls = {
            recall.model: model_class(recall.model).load(folder / "recalls" / recall.model)
            for recall in pipeline._recalls_used()
        }
        pipeline.stages = {
            config.stage: STAGES.load(config.stage).load(folder / "stages" / config.stage)
            for config in pipeline.config.stages
        }
        return pipeline


def _recall_of(recall: RecallConfig) -> Recommender:
    model = model_class(recall.model)
    return model(model.config_class.parse(recall.settings, f"settings of {recall.model}"))


def _stage_of(config: StageConfig) -> Any:
    made = STAGES.load(config.stage)
    return made(made.config_class.parse(config.settings, f"settings of the stage {config.stage}"))
