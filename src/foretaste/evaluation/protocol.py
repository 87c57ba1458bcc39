"""The protocol of an evaluation, in full and as one sentence."""

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
"""Packages whose version may change a result; the protocol names those in use."""
NOT_COMPARED = ("foretaste", "python", "versions")


class EvaluationProtocol(Config):
    """The protocol a row was measured under; rows are comparable only where these fields are equal."""

    data: str
    fingerprint: str
    split: str
    variant: Literal["refit", "strict"]
    """refit: settings chosen on validation, then trained on all but the test part. strict: on the training part."""
    ranking: str = "full: every item of the catalogue"
    seen: Literal["excluded", "included"] = "excluded"
    ties: str = "equal times keep the order of the file; equal scores go to the smaller code, a hash of the id"
    people_asked: int
    people_with_a_question: int
    """Users with a test query; `people_asked` are a sample of them, drawn by a hash of the id."""
    people_left_out: int
    questions: str = ""
    """Hash of all queries and targets; equal hashes mean that two models were measured on the same queries."""
    distance: str = ""
    """Catalogue column or matrix by which the distance of two items is computed, for diversity."""
    foretaste: str = foretaste.__version__
    python: str = platform.python_version()
    versions: dict[str, str] = {}
    """Versions of the packages in use that may change a result."""

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
        """The fields that differ, one phrase each; versions are not compared."""
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
            f"{self.data} ({self.fingerprint}) · held out: {self.split} · {asked} users evaluated, "
            f"{self.people_left_out:,} left out (too few events, or nothing new) · ranking {self.ranking}, "
            f"seen items {self.seen} · {self.variant}: chosen on validation, trained on {learned} · ties: {self.ties}"
            f" · foretaste {self.foretaste}, Python {self.python}{used}"
        )


def query_fingerprint(eval_queries: EvalQueries) -> str:
    """Hash of the users, histories and targets of all queries."""
    digest = sha256()
    history = eval_queries.queries.history
    for column in (eval_queries.queries.user, history.items, history.offsets):
        digest.update(np.ascontiguousarray(column).tobytes())
    relevant = eval_queries.relevant
    digest.update(np.ascontiguousarray(relevant.indptr, np.int64).tobytes())
    digest.update(np.ascontiguousarray(relevant.indices, np.int64).tobytes())
    return digest.hexdigest()[:16]


def versions() -> dict[str, str]:
    """Package to version, of the packages that are imported now."""
    return {name: found for name in NUMERIC_PACKAGES if _module(name) in sys.modules and (found := _version(name))}


def _module(package: str) -> str:
    return "sklearn" if package == "scikit-learn" else package


@cache
def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
