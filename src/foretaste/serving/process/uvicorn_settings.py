"""How uvicorn is set up, in every process alike."""

from __future__ import annotations

from typing import Any

GRACE_SECONDS = 5
"""How long requests under way may take once we are told to stop."""


def uvicorn_settings() -> dict[str, Any]:
    return {
        "http": "foretaste.serving.process.http_protocol:TimeoutProtocol",
        "ws": "none",
        "log_config": None,
        "log_level": "warning",
        "access_log": False,  # it would print the ids in the paths; the guard writes the route instead
        "server_header": False,
        "timeout_graceful_shutdown": GRACE_SECONDS,
    }
