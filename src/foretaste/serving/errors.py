"""What only a service can run into."""

from __future__ import annotations

from foretaste.errors import ConfigError, ForetasteError


class NotReadyError(ForetasteError):
    """No bundle is loaded yet."""


class KeysUnreadableError(ConfigError):
    """The file of keys is damaged, or not ours to read: nobody can be let in until it is mended."""


class GoneError(ForetasteError):
    """The bundle a page began with is no longer kept."""
