"""Models side by side: measures with intervals, how they were measured, and what level with the best means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import foretaste
from foretaste.config import Config
from foretaste.evaluation.intervals import LEVEL, of_difference, over_users

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console, ConsoleOptions, Group, RenderableType
    from rich.table import Table
    from rich.text import Text

    from foretaste.data.splits import Split
    from foretaste.evaluation.evaluator import Result

MAIN = "ndcg@10"


class Protocol(Config):
    """How a row was measured; two rows may be compared only where these are equal."""

    data: str
    fingerprint: str
    split: str
    variant: Literal["refit", "strict"]
    """refit: settings chosen on validation, then learned from everything but the test part. strict: never from it."""
    ranking: str = "full: every item of the catalogue"
    seen: Literal["excluded", "included"] = "excluded"
    ties: str = "equal times keep the order of the file; equal scores go to the smaller code, a hash of the id"
    people_asked: int
    people_with_a_question: int
    """Of whom the asked are a sample, drawn by a hash of the id."""
    people_left_out: int
    foretaste: str = foretaste.__version__

    @classmethod
    def of(cls, split: Split, variant: Literal["refit", "strict"], people_with_a_question: int) -> Protocol:
        return cls(
            data=split.data.name,
            fingerprint=split.data.fingerprint,
            split=split.rule,
            variant=variant,
            people_asked=len(split.test),
            people_with_a_question=people_with_a_question,
            people_left_out=split.left_out,
        )

    def sentence(self) -> str:
        learned = "everything before the test" if self.variant == "refit" else "the training part alone"
        of = f"{self.people_with_a_question:,}"
        asked = of if self.people_asked == self.people_with_a_question else f"{self.people_asked:,} of {of}"
        return (
            f"{self.data} ({self.fingerprint}) · held out: {self.split} · {asked} people asked, "
            f"{self.people_left_out:,} left out (too few events, or nothing new) · ranking {self.ranking}, "
            f"seen items {self.seen} · {self.variant}: chosen on validation, learned from {learned} · ties: {self.ties}"
        )


@dataclass(frozen=True, eq=False)
class Row:
    model: str
    settings: dict[str, Any]
    validation: float | None
    """NDCG@10 on the validation questions, None where nothing was chosen."""
    result: Result
    fit_seconds: float


@dataclass(frozen=True, eq=False)
class Leaderboard:
    """main : the measure rows are ordered and compared by."""

    protocol: Protocol
    rows: tuple[Row, ...]
    main: str = MAIN

    def sorted(self) -> list[Row]:
        return sorted(self.rows, key=lambda row: -row.result.mean(self.main))

    def level_with_best(self) -> set[str]:
        """Models whose distance from the best, person by person, has an interval that includes 0."""
        best = self.sorted()[0].result.per_user[self.main]
        return {row.model for row in self.rows if of_difference(best, row.result.per_user[self.main]).low <= 0}

    def to_json(self) -> dict[str, Any]:
        level = self.level_with_best() if self.rows else set()
        rows = []
        for row in self.sorted():
            intervals = {name: over_users(values) for name, values in row.result.per_user.items()}
            rows.append(
                {
                    "model": row.model,
                    "settings": row.settings,
                    "test": {
                        **{name: interval.mean for name, interval in intervals.items()},
                        "coverage@10": row.result.coverage,
                    },
                    "intervals": {name: [interval.low, interval.high] for name, interval in intervals.items()},
                    "validation": None if row.validation is None else {MAIN: row.validation},
                    "level_with_best": row.model in level,
                    "fit_seconds": row.fit_seconds,
                    "answer_seconds": row.result.seconds,
                    "protocol": self.protocol.model_dump(mode="json"),
                }
            )
        return {"rows": rows}

    def view(self) -> Group:
        """For a terminal: made for 100 columns; on a narrower one the last measures stay away, never the names."""
        from rich.console import Group
        from rich.text import Text

        names = list(self.rows[0].result.per_user)
        best = {name: max(row.result.mean(name) for row in self.rows) for name in names}
        level = self.level_with_best()
        lines = []
        for row in self.sorted():
            cells = []
            for name in names:
                mean = row.result.mean(name)
                text = f"{mean:.4f}"
                if name == self.main:
                    text += f" ±{over_users(row.result.per_user[name]).half:.4f}"
                cells.append(Text(text, style="bold green" if mean == best[name] else ""))
            called = Text(row.model + (" =" if row.model in level and len(level) > 1 else ""))
            rest = (f"{row.result.coverage:.0%}", f"{row.fit_seconds:.2f}", f"{row.result.seconds:.2f}")
            lines.append((called, cells, rest))
        remarks = f"± half of the {LEVEL:.0%} interval over people."
        if len(level) > 1:
            remarks += " = level with the best: the interval of the difference, person by person, includes 0."
        headings = [f"{name} ± " if name == self.main else name for name in names]
        table = _FittingTable(headings, lines)
        return Group(table, Text(remarks, style="dim"), Text(self.protocol.sentence(), style="dim"))


@dataclass(frozen=True, eq=False)
class _FittingTable:
    """As many measures as fit the width: rich would squeeze all columns alike and end up hiding the models."""

    names: list[str]
    lines: Sequence[tuple[Text, list[Text], tuple[str, ...]]]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        from rich.text import Text

        shown = len(self.names)
        while shown > 1 and console.measure(self._table(shown), options=options.update(max_width=10_000)).maximum > (
            options.max_width
        ):
            shown -= 1
        yield self._table(shown)
        if hidden := self.names[shown:]:
            names = ", ".join(name.removesuffix(" ± ") for name in hidden)
            yield Text(f"Not shown for want of width: {names}; --json has them all.", style="dim")

    def _table(self, shown: int) -> Table:
        from rich.table import Table

        table = Table(box=None, header_style="bold", padding=(0, 1), pad_edge=False)
        table.add_column("model", no_wrap=True)
        for name in self.names[:shown]:
            table.add_column(name, justify="right", no_wrap=True)
        for name in ("coverage", "fit s", "answer s"):
            table.add_column(name, justify="right", no_wrap=True)
        for called, cells, rest in self.lines:
            table.add_row(called, *cells[:shown], *rest)
        return table
