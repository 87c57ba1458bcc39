"""What only a service can run into."""

from __future__ import annotations

from foretaste.errors import ForetasteError


class NotReadyError(ForetasteError):
    """No bundle is loaded yet."""


class GoneError(ForetasteError):
    """The bundle a page began with is no longer kept."""
