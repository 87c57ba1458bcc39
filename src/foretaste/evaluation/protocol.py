"""How a row was measured, in full, and in one sentence."""

from __future__ import annotations

import platform
import sys
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Literal

import numpy as np

import foretaste
from foretaste.config import Config

if TYPE_CHECKING:
    from foretaste.data.splits import EvalQueries, Split

NUMERIC_PACKAGES = ("numpy", "scipy", "polars", "implicit", "numba", "torch", "scikit-learn", "optuna")
"""Packages whose version may move a figure; those in use are named."""
NOT_COMPARED = ("foretaste", "python", "versions")


class EvaluationProtocol(Config):
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
    questions: str = ""
    """Hash of whom was asked what: where it is equal, two models met the same people with the same answers."""
    distance: str = ""
    """What diversity is measured by."""
    foretaste: str = foretaste.__version__
    python: str = platform.python_version()
    versions: dict[str, str] = {}
    """Of the packages in use that may move a figure."""

    @classmethod
    def of(cls, split: Split, variant: Literal["refit", "strict"], people_with_a_question: int) -> EvaluationProtocol:
        return cls(
            data=split.data.name,
            fingerprint=split.data.fingerprint,
            split=split.rule,
            variant=variant,
            seen="included" if split.test.repeats else "excluded",
            people_asked=len(split.test),
            people_with_a_question=people_with_a_question,
            people_left_out=split.left_out,
            questions=query_fingerprint(split.test),
            versions=versions(),
        )

    def differences(self, other: EvaluationProtocol) -> list[str]:
        """What was measured otherwise, one phrase each; versions are not held against anybody."""
        mine, theirs = self.model_dump(), other.model_dump()
        return [
            f"{name.replace('_', ' ')}: {mine[name]} and {theirs[name]}"
            for name in mine
            if name not in NOT_COMPARED and mine[name] != theirs[name]
        ]

    def sentence(self) -> str:
        learned = "everything before the test" if self.variant == "refit" else "the training part alone"
        of = f"{self.people_with_a_question:,}"
        asked = of if self.people_asked == self.people_with_a_question else f"{self.people_asked:,} of {of}"
        used = "".join(f", {name} {number}" for name, number in self.versions.items())
        return (
            f"{self.data} ({self.fingerprint}) · held out: {self.split} · {asked} people asked, "
            f"{self.people_left_out:,} left out (too few events, or nothing new) · ranking {self.ranking}, "
            f"seen items {self.seen} · {self.variant}: chosen on validation, learned from {learned} · ties: {self.ties}"
            f" · foretaste {self.foretaste}, Python {self.python}{used}"
        )


def query_fingerprint(questions: EvalQueries) -> str:
    """Hash of whom was asked what, and what would have been right."""
    digest = sha256()
    history = questions.queries.history
    for column in (questions.queries.user, history.items, history.offsets):
        digest.update(np.ascontiguousarray(column).tobytes())
    relevant = questions.relevant
    digest.update(np.ascontiguousarray(relevant.indptr, np.int64).tobytes())
    digest.update(np.ascontiguousarray(relevant.indices, np.int64).tobytes())
    return digest.hexdigest()[:16]


def versions() -> dict[str, str]:
    """Of the packages that are loaded at this moment."""
    return {name: found for name in NUMERIC_PACKAGES if _module(name) in sys.modules and (found := _version(name))}


def _module(package: str) -> str:
    return "sklearn" if package == "scikit-learn" else package


@cache
def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
