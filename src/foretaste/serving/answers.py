"""Candidates and reasons in codes, written out in names for one person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from foretaste.pipeline.merge import RANK_IN_SOURCES
from foretaste.serving.schemas import ReasonOut, RecommendedItem, ScoredItem, Source, TraceStep
from foretaste.types import NO_ITEM

if TYPE_CHECKING:
    from collections.abc import Iterable

    from foretaste.pipeline.explain import Reason
    from foretaste.pipeline.pipeline import Answer, Step
    from foretaste.serving.catalogue import Catalogue
    from foretaste.types import Candidates


def recommended_items(catalogue: Catalogue, answer: Answer) -> list[RecommendedItem]:
    """The first list of an answer: each item, who found it, and, if that was asked, why."""
    found = answer.candidates
    ranks = found.columns[RANK_IN_SOURCES][0].tolist()
    own = found.found_by[0].tolist()
    items = []
    for j, (code, score) in enumerate(_listed(found)):
        sources = {
            name: Source.model_construct(rank=rank, score=_short(said))
            for name, rank, said in zip(found.sources, ranks[j], own[j], strict=True)
            if rank > 0
        }
        item = RecommendedItem.model_construct(
            id=catalogue.ids[code],
            title=catalogue.titles[code],
            score=score,
            columns=catalogue.columns[code],
            sources=sources,
        )
        if answer.reasons is not None:
            item.reasons = [_reason(catalogue, reason) for reason in answer.reasons[0][j]]
        items.append(item)
    return items


def scored_items(catalogue: Catalogue, found: Candidates) -> list[ScoredItem]:
    """The first list of some candidates, without its sources."""
    return [
        ScoredItem.model_construct(
            id=catalogue.ids[code], title=catalogue.titles[code], score=score, columns=catalogue.columns[code]
        )
        for code, score in _listed(found)
    ]


def trace_steps(trace: Iterable[Step]) -> list[TraceStep]:
    return [TraceStep.model_construct(stage=step.stage, seconds=_short(step.seconds), kept=step.kept) for step in trace]


def _listed(found: Candidates) -> list[tuple[int, float]]:
    """(code, score) of the first list; padding stands on its right."""
    pairs = zip(found.items[0].tolist(), found.scores[0].tolist(), strict=True)
    return [(code, _short(score)) for code, score in pairs if code != NO_ITEM]


def _reason(catalogue: Catalogue, reason: Reason) -> ReasonOut:
    item = title = None
    text = "Popular with everyone" if reason.kind == "popular" else f"Found by {reason.source}"
    if reason.item != NO_ITEM:
        item, title = catalogue.ids[reason.item], catalogue.titles[reason.item]
        text = f"Because of {title}"
    return ReasonOut.model_construct(kind=reason.kind, item=item, title=title, share=_short(reason.share), text=text)


def _short(number: float) -> float:
    """Six digits: a float32 has no more to say."""
    return float(f"{number:.6g}")
