"""Schemas of bundles and of health checks."""

from __future__ import annotations

from typing import Any

from foretaste.api.base import Response, response_example

VERSION = "20261121-100000-3f9a1c"


class ModelOut(Response):
    version: str
    created: str
    metrics: dict[str, Any]
    """The leaderboard of its training, measured on held-out data."""


class Models(Response):
    model_config = response_example(
        {"active": VERSION, "models": [{"version": VERSION, "created": "2026-11-21T10:00:00+00:00", "metrics": {}}]}
    )
    active: str
    """The bundle in use."""
    models: list[ModelOut]
    """Newest first."""


class Activated(Response):
    model_config = response_example({"active": VERSION, "before": "20261114-100000-9b2d77"})
    active: str
    before: str
    """The bundle that was in use before; activate it to roll back."""


class Liveness(Response):
    model_config = response_example({"status": "ok"})
    status: str


class Readiness(Response):
    model_config = response_example({"status": "ready", "version": VERSION})
    status: str
    version: str
