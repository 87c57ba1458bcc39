"""Settings of uvicorn, the same in every process."""

from __future__ import annotations

from typing import Any

GRACE_SECONDS = 5
"""Time for requests in progress to finish after a signal to stop."""


def uvicorn_settings() -> dict[str, Any]:
    return {
        "http": "foretaste.serving.process.http_protocol:TimeoutProtocol",
        "ws": "none",
        "log_config": None,
        "log_level": "warning",
        "access_log": False,  # it would log ids in paths; the guard logs the route instead
        "server_header": False,
        "timeout_graceful_shutdown": GRACE_SECONDS,
    }
