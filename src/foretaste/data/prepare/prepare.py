"""Applies the configured preparation steps to a data set, each with counts before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING

from foretaste.data.prepare.core import core
from foretaste.data.prepare.events import cut_sessions, drop_repeats
from foretaste.data.prepare.items import fill_numbers, strip_texts
from foretaste.data.prepare.report import Counts, PrepareStep
from foretaste.data.prepare.report import PrepareReport as PrepareReport

if TYPE_CHECKING:
    from foretaste.data.dataset import Dataset
    from foretaste.data.prepare.config import PrepareConfig


def prepare(data: Dataset, config: PrepareConfig) -> tuple[Dataset, PrepareReport]:
    """The prepared data set, and what each step did; the data set itself where no step is configured.

    Users and items that remain keep their order of codes, so ties break as before, except that sessions are numbered
    anew, by the hash of their names like all users.
    """
    steps = []
    for name, step in (
        ("repeats", drop_repeats),
        ("sessions", cut_sessions),
        ("core", core),
        ("missing_numbers", fill_numbers),
        ("strip_html", strip_texts),
    ):
        before = Counts.of(data)
        if (done := step(data, config)) is not None:
            data, sentence = done
            steps.append(PrepareStep(name=name, sentence=sentence, before=before, after=Counts.of(data)))
    return data, PrepareReport(steps=tuple(steps))
