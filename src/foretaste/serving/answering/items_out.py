"""Candidates and reasons in codes, written out in names for one person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from foretaste.api import ReasonOut, RecommendedItem, ScoredItem, SourceScore, TraceStep
from foretaste.registry import NEW
from foretaste.types import NO_ITEM

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from foretaste.api import Item
    from foretaste.pipeline.explain import Reason
    from foretaste.pipeline.pipeline import Answer
    from foretaste.pipeline.trace import Step
    from foretaste.serving.world.world import World
    from foretaste.types import Candidates

LIKES = "likes"
"""The kind of a reason: a label the person said they like."""


def recommended_items(world: World, answer: Answer, likes: Mapping[int, str]) -> list[RecommendedItem]:
    """The first list of an answer: each item, who found it, and, if that was asked, why.

    likes : by code of an item of the history that stands for a label, that label
    """
    found = answer.candidates
    listed = _listed(found)
    ranks = found.ranks[0].tolist()
    own = found.found_by[0].tolist()
    items = []
    for j, (known, (_, score)) in enumerate(zip(world.items([code for code, _ in listed]), listed, strict=True)):
        sources = {
            name: SourceScore.model_construct(rank=rank, score=_short(said))
            for name, rank, said in zip(found.sources, ranks[j], own[j], strict=True)
            if rank > 0
        }
        item = RecommendedItem.model_construct(
            id=known.id, title=known.title, score=score, columns=known.columns, sources=sources
        )
        if answer.reasons is not None:
            item.reasons = _reasons(world, answer.reasons[0][j], likes, sources)
        items.append(item)
    return items


def scored_items(world: World, found: Candidates) -> list[ScoredItem]:
    """The first list of some candidates, without its sources."""
    listed = _listed(found)
    return [scored(known, score) for known, (_, score) in zip(world.items([c for c, _ in listed]), listed, strict=True)]


def scored(item: Item, score: float) -> ScoredItem:
    return ScoredItem.model_construct(id=item.id, title=item.title, score=_short(score), columns=item.columns)


def trace_steps(trace: Iterable[Step]) -> list[TraceStep]:
    """The trace as it is sent; how a step ended is said only where it was left out."""
    steps = []
    for step in trace:
        sent = TraceStep.model_construct(stage=step.stage, seconds=_short(step.seconds), kept=step.kept)
        if step.outcome != "ran":
            sent.outcome = step.outcome
        steps.append(sent)
    return steps


def _listed(found: Candidates) -> list[tuple[int, float]]:
    """(code, score) of the first list; padding stands on its right."""
    pairs = zip(found.items[0].tolist(), found.scores[0].tolist(), strict=True)
    return [(code, _short(score)) for code, score in pairs if code != NO_ITEM]


def _reasons(
    world: World, reasons: Sequence[Reason], likes: Mapping[int, str], sources: Mapping[str, SourceScore]
) -> list[ReasonOut]:
    """As they were given; several items that stand for one label are one reason, where the first of them stood."""
    written: list[ReasonOut] = []
    of_label: dict[str, ReasonOut] = {}
    for reason in reasons:
        if (label := likes.get(reason.item)) is None:
            written.append(_reason(world, reason, sources))
        elif (known := of_label.get(label)) is not None:
            known.share = _short(known.share + reason.share)
        else:
            said = ReasonOut.model_construct(
                kind=LIKES, item=None, title=None, share=_short(reason.share), text=f"Because you like {label}"
            )
            of_label[label] = said
            written.append(said)
    return sorted(written, key=lambda said: -said.share) if of_label else written


def _reason(world: World, reason: Reason, sources: Mapping[str, SourceScore]) -> ReasonOut:
    item = title = None
    text = "Popular with everyone" if reason.kind == "popular" else f"Found by {reason.source}"
    if reason.kind == "new":
        text = "New, and like what you know" if (sources[NEW].score or 0) > 0 else "New here"
    if reason.said is not None:
        text = f"Wanted by people like you: {reason.said}"
    if reason.item != NO_ITEM:
        known = world.described(world.name(reason.item))
        item, title = known.id, known.title
        text = f"Because of {title}"
    return ReasonOut.model_construct(kind=reason.kind, item=item, title=title, share=_short(reason.share), text=text)


def _short(number: float) -> float:
    """Six digits: a float32 has no more to say."""
    return float(f"{number:.6g}")
