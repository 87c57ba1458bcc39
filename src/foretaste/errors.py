"""Exceptions of foretaste; each message is one sentence: what is wrong, where, what to do next.

ForetasteError            base class: an error the user can fix; the command line exits with 2
├── ConfigError           a setting is unknown or out of range
├── UnknownNameError      no model, data set, user or item has that name
├── DataError             a table or an array is malformed
├── NotFittedError        a model was used before `fit`
├── BundleError           a trained bundle is missing, damaged or made for other data
├── StoreError            the event store cannot be read or written
│   ├── StoreUnavailableError   temporarily; the next call may succeed
│   └── StoreFullError          the disk is full
└── MissingExtraError     an optional package is not installed
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class ForetasteError(Exception):
    """Base class: an error the user can fix."""


class ConfigError(ForetasteError):
    """A setting is unknown or out of range."""


class UnknownNameError(ForetasteError):
    """No model, data set, user or item has that name."""


class DataError(ForetasteError):
    """A table or an array is malformed."""


class NotFittedError(ForetasteError):
    """A model was used before `fit`."""


class BundleError(ForetasteError):
    """A trained bundle is missing, damaged or made for other data."""


class StoreError(ForetasteError):
    """The event store cannot be read or written."""


class StoreUnavailableError(StoreError):
    """The event store is temporarily unavailable; the next call reconnects."""


class StoreFullError(StoreError):
    """The disk of the event store is full; nothing of the request was stored."""


class MissingExtraError(ForetasteError):
    """An optional package is not installed; the message names the extra that installs it."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the package '{package}', which is not installed. Try: pip install 'foretaste[{extra}]'"
        )


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """End of an error message: ' Did you mean 'sasrec'? Known: popular, sasrec.'"""
    if not (options := sorted(known)):
        return " There is none."
    near = get_close_matches(name, options, n=1, cutoff=0.5)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return f"{hint} Known: {', '.join(options)}."
