"""Every error foretaste raises on purpose; one sentence: what is wrong, where, what to do next.

ForetasteError            a mistake a person can put right; the command line exits with 2
├── ConfigError           a setting is unknown or out of range
├── UnknownNameError      no model, data set, user or item is called that
├── DataError             a table cannot be read or understood
├── NotFittedError        a model was asked before it was trained
├── BundleError           a trained bundle is missing, damaged or of another world
├── StoreError            the event store cannot be read or written
│   ├── StoreUnavailableError   just now; the next call may work again
│   └── StoreFullError          its disk is full
└── MissingExtraError     an optional package is not installed
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class ForetasteError(Exception):
    """A mistake a person can put right."""


class ConfigError(ForetasteError):
    """A setting is unknown or out of range."""


class UnknownNameError(ForetasteError):
    """No model, data set, user or item is called that."""


class DataError(ForetasteError):
    """A table cannot be read or understood."""


class NotFittedError(ForetasteError):
    """A model was asked before it was trained."""


class BundleError(ForetasteError):
    """A trained bundle is missing, damaged or of another world."""


class StoreError(ForetasteError):
    """The event store cannot be read or written."""


class StoreUnavailableError(StoreError):
    """The event store does not answer just now; the next call tries again by itself."""


class StoreFullError(StoreError):
    """The disk under the event store is full; nothing of the request was kept."""


class MissingExtraError(ForetasteError):
    """An optional package is not installed."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the package '{package}', which is not installed. Try: pip install 'foretaste[{extra}]'"
        )


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """' Did you mean 'sasrec'? Known: popular, sasrec.', the second half of a helpful sentence."""
    options = sorted(known)
    near = get_close_matches(name, options, n=1, cutoff=0.5)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return f"{hint} Known: {', '.join(options)}."
