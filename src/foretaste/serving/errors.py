"""Errors that only the service raises."""

from __future__ import annotations

from foretaste.errors import ConfigError, ForetasteError


class NotReadyError(ForetasteError):
    """No bundle is loaded yet."""


class KeysUnreadableError(ConfigError):
    """The key file is damaged or not readable: all requests that need a key are refused until it is repaired."""


class GoneError(ForetasteError):
    """The bundle of a cursor is no longer loaded."""
