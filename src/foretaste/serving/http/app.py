"""The ASGI application around an engine."""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from anyio.to_thread import current_default_thread_limiter
from fastapi import Depends, FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.responses import FileResponse, HTMLResponse, Response

import foretaste
from foretaste.serving.answering.onboarding import OnboardingDesk
from foretaste.serving.http.guard import Guard
from foretaste.serving.http.openapi import openapi_document
from foretaste.serving.http.problems import DOCUMENTED, add_error_handlers
from foretaste.serving.http.reference import STYLE, reference
from foretaste.serving.routes import events, health, items, models, onboarding, recommendations, search, users
from foretaste.serving.routes.query_parameters import refuse_unknown_parameters
from foretaste.serving.search.search_service import SearchService
from foretaste.serving.settings import ServerConfig
from foretaste.serving.telemetry import prometheus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fastapi.telemetry import TelemetryConfig

    from foretaste.serving.answering.engine import Engine
    from foretaste.serving.http.keys import KeyFile

NO_TELEMETRY: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
"""FastAPI's own telemetry would export request paths, with the ids in them, once the process sets up OpenTelemetry;
spans.py works without ids. Older versions of FastAPI ignore this setting."""
CONSOLE = Path(__file__).parents[1] / "console"


def create_app(engine: Engine, config: ServerConfig | None = None, keys: KeyFile | None = None) -> FastAPI:
    """The REST service of one engine, with the console at /. Without `keys`, localhost needs no API key."""
    config = config or ServerConfig()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        current_default_thread_limiter().total_tokens = config.threads
        engine.start()
        yield
        engine.stop()

    app = FastAPI(
        title="foretaste",
        summary="Your events in; measured, explained, real-time recommendations out.",
        version=foretaste.__version__,
        # FastAPI's pages load scripts from elsewhere; /docs works offline, and our policy lets no other script in.
        docs_url=None,
        redoc_url=None,
        responses=DOCUMENTED,  # type: ignore[arg-type]  # dict is invariant
        lifespan=lifespan,
        redirect_slashes=False,
        telemetry=NO_TELEMETRY,
    )
    app.openapi = lambda: openapi_document(app)  # type: ignore[method-assign]
    add_error_handlers(app)
    search_service = SearchService(engine)
    for router in (
        events.router(engine),
        recommendations.router(engine),
        search.router(search_service),
        onboarding.router(OnboardingDesk(engine)),
        users.router(engine),
        items.router(engine, search_service),
        models.router(engine),
    ):
        app.include_router(router, dependencies=[Depends(refuse_unknown_parameters)])
    app.include_router(
        health.router(engine)
    )  # without `refuse_unknown_parameters`: load balancers may add parameters to probes

    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(CONSOLE / "index.html")

    @app.get("/docs", include_in_schema=False)
    def docs() -> HTMLResponse:
        return HTMLResponse(reference(app.openapi()))

    @app.get("/docs.css", include_in_schema=False)
    async def docs_style() -> Response:
        return Response(STYLE, media_type="text/css")

    @app.get("/metrics", include_in_schema=False)
    def figures() -> Response:
        text, kind = prometheus.exposition()
        return Response(text, media_type=kind)

    app.mount("/console", StaticFiles(directory=CONSOLE))
    app.add_middleware(Guard, config=config, keys=keys)
    return app
