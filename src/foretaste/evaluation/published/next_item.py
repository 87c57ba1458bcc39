"""Tables of the next item: leave-one-out, the whole catalogue ranked, both variants, seen items in and out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from foretaste.data.sources.folder import load_folder
from foretaste.data.splits import leave_last
from foretaste.errors import UnknownNameError, did_you_mean
from foretaste.evaluation.beyond import Background
from foretaste.evaluation.evaluator import evaluate
from foretaste.evaluation.leaderboard import Leaderboard, Protocol, Row
from foretaste.evaluation.segments import segments_of
from foretaste.evaluation.select import Watch, score_of
from foretaste.models.fading import asked_otherwise
from foretaste.registry import model_class

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Group, RenderableType

    from foretaste.config import Config
    from foretaste.data.splits import Split
    from foretaste.types import Run

METRICS = ("recall@10", "ndcg@10", "recall@5", "ndcg@5")
CHOSEN_BY = 3_000
"""People asked on validation after each epoch and for each setting; the test asks everybody."""
Seen = Literal["excluded", "included"]
Variant = Literal["refit", "strict"]


class NextTable(NamedTuple):
    summary: str
    models: tuple[str, ...]
    references: dict[str, tuple[float, float]]
    """Who printed what: Recall@10, NDCG@10."""


CLASSICS = ("popular", "itemknn", "rp3beta", "gfcf")
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "sasrec+texts": ("sasrec", {"texts": {}, "words": True}),
    "hstu+texts": ("hstu", {"texts": {}, "words": True}),
    "sasrec-long": ("sasrec", {"blocks": 2, "max_length": 200, "dropout": 0.2}),
    "hstu-long": ("hstu", {"blocks": 2, "max_length": 200, "dropout": 0.2, "training": {"patience": 5}}),
}
"""Rows that are a model with settings beside its grid: with texts fused in, or made for long histories."""
TABLES = {
    "amazon-beauty": NextTable(
        "Amazon Beauty 2014, 5-core",
        (*CLASSICS, "bridge", "sasrec", "sasrec+texts"),
        {
            "SASRec + sampled softmax (eSASRec README)": (0.0921, 0.0531),
            "eSASRec (its README)": (0.0928, 0.0523),
            "HSTU (eSASRec README)": (0.0788, 0.0439),
            "TIGER (its paper)": (0.0648, 0.0384),
            "BARGE (second-hand)": (0.0927, 0.0547),
        },
    ),
    "amazon-sports": NextTable(
        "Amazon Sports 2014, 5-core",
        (*CLASSICS, "bridge", "sasrec", "sasrec+texts"),
        {
            "SASRec + sampled softmax (eSASRec README)": (0.0569, 0.0314),
            "eSASRec (its README)": (0.0560, 0.0323),
            "TIGER (its paper)": (0.0400, 0.0225),
        },
    ),
    "yelp-s3rec": NextTable("Yelp, the S3-Rec files", (*CLASSICS, "sasrec"), {"S3-Rec": (0.0341, 0.0168)}),
    "amazon-instruments": NextTable(
        "Amazon Instruments, the LETTER files", (*CLASSICS, "sasrec"), {"HG-Rec (second-hand)": (0.1315, 0.0945)}
    ),
    "ml-1m-next": NextTable(
        "MovieLens 1M in the order of the NCF files",
        (*CLASSICS, "ease", "sasrec-long", "hstu-long"),
        {
            "SASRec + sampled softmax (eSASRec README)": (0.2929, 0.1684),
            "HSTU (its README)": (0.3097, 0.1720),
            "HSTU-large (its README)": (0.3294, 0.1893),
        },
    ),
}
SUMMARIES = {name: table.summary for name, table in TABLES.items()}


@dataclass(frozen=True, eq=False)
class Boards:
    """One leaderboard for each variant and way with seen items: rows of different protocols are not compared."""

    boards: tuple[Leaderboard, ...]

    def view(self) -> Group:
        from rich.console import Group
        from rich.text import Text

        parts: list[RenderableType] = []
        for board in self.boards:
            said = board.protocol
            parts += [Text(f"\n{said.variant}, seen items {said.seen}", style="bold"), board.view()]
        return Group(*parts)

    def to_json(self) -> dict[str, Any]:
        return {"rows": [row for board in self.boards for row in board.to_json()["rows"]]}


def board(name: str, root: Path, run: Run, *, models: Sequence[str] = (), strict: bool = False) -> Boards:
    """Choose, fit and measure: a row for each model, variant and way with seen items.

    strict : leave the variant refit out, which takes half the time
    """
    if name not in TABLES:
        raise UnknownNameError(f"No benchmark is called '{name}'.{did_you_mean(name, TABLES)}")
    table = TABLES[name]
    split = leave_last(load_folder(root / name.removesuffix("-next")))
    fewer = replace(split, validation=split.validation.sample(CHOSEN_BY))
    rows: dict[tuple[Variant, Seen], list[Row]] = {}
    for model_name in models or table.models:
        for way, found in _measured(model_name, fewer, run, strict).items():
            rows.setdefault(way, []).append(found)
    segments = segments_of(split.test, Background.of(split.refit))
    boards = []
    for (variant, seen), of_variant in rows.items():
        protocol = Protocol.of(split, variant, len(split.test)).model_copy(update={"seen": seen})
        boards.append(Leaderboard(protocol, tuple(of_variant), segments=segments))
    return Boards(tuple(boards))


def _measured(name: str, split: Split, run: Run, only_strict: bool) -> dict[tuple[Variant, Seen], Row]:
    """One model, chosen on validation: as it was then (strict), and learned again from all before the test (refit)."""
    kind, settings = VARIANTS.get(name, (name, None))
    made = model_class(kind)
    configs = made.grid if settings is None else (made.config_class.parse(settings, f"settings of {name}"),)
    questions = split.validation
    best: tuple[float, Any, float, Watch] | None = None
    tried: list[tuple[Config, float]] = []

    def asked(model: Any, config: Config, seconds: float, watch: Watch) -> None:
        nonlocal best
        score = score_of(model.recommend(questions.queries, 10, exclude=questions.excluded), questions)
        tried.append((config, score))
        if best is None or score > best[0]:
            best = score, model, seconds, watch

    for config in configs:
        began, watch = perf_counter(), Watch(questions, CHOSEN_BY)
        model: Any = made(config).fit(split.train, run.with_monitor(watch))
        asked(model, getattr(model, "settled", config), perf_counter() - began, watch)
    assert best is not None
    for other in asked_otherwise(best[1]):
        asked(other, other.config, *best[2:])
    score, strict, seconds, watch = best
    chosen = getattr(strict, "settled", strict.config)
    kept = tuple((config.model_dump(mode="json"), value) for config, value in tried)
    found: dict[tuple[Variant, Seen], Row] = {}

    def measure(variant: Variant, model: Any, seconds: float) -> None:
        ways: tuple[Seen, ...] = ("excluded", "included")
        for seen in ways:
            result = evaluate(model, split.test, METRICS, exclude_seen=seen == "excluded")
            row = Row(name, chosen.model_dump(mode="json"), score, result, seconds, kept, tuple(watch.scores))
            found[variant, seen] = row

    measure("strict", strict, seconds)
    if only_strict:
        return found
    began = perf_counter()
    again = made(chosen).fit(split.refit, run)
    measure("refit", again, perf_counter() - began)
    return found
