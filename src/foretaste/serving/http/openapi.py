"""The service openapi_document for machines: which key each operation needs, and what it answers besides its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi.openapi.utils import get_openapi

from foretaste.serving.http.access import required_scope

if TYPE_CHECKING:
    from fastapi import FastAPI

SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key: foretaste keys create NAME."},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same key, in this header."},
}


def openapi_document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document; built once."""
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
        schema.setdefault("components", {})["securitySchemes"] = SCHEMES
        for path, methods in schema["paths"].items():
            for method, operation in methods.items():
                _complete(operation, required_scope(method.upper(), path))
        app.openapi_schema = schema
    return app.openapi_schema


def _complete(operation: dict[str, Any], scope: str | None) -> None:
    if scope is None:
        operation["security"] = []
        for status in ("401", "403", "408", "413", "415", "429"):
            operation["responses"].pop(status, None)
        return
    operation["security"] = [{name: []} for name in SCHEMES]
    operation["x-scope"] = scope
    operation["description"] = f"{operation.get('description', '').rstrip()} Scope: {scope}."
    for status in ("429", "503"):
        if status in operation["responses"]:
            operation["responses"][status].setdefault("headers", {})["Retry-After"] = {
                "description": "Seconds to wait.",
                "schema": {"type": "integer"},
            }
