"""The page /docs: every operation of the API, generated from its OpenAPI document, readable offline."""

from __future__ import annotations

import json
from html import escape
from typing import Any

STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.55 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem; }
h2 { font: 600 1rem ui-monospace, monospace; margin-top: 2.5rem; }
h2 b { color: #b8430f; display: inline-block; min-width: 3.5rem; }
pre { background: color-mix(in srgb, currentColor 8%, transparent); padding: .8rem; overflow-x: auto; }
table { border-collapse: collapse; } td { padding: .15rem 1.2rem .15rem 0; vertical-align: top; }
code { white-space: nowrap; }
"""


def reference(schema: dict[str, Any]) -> str:
    """The HTML page, without scripts."""
    operations = [
        _operation(method.upper(), path, operation, schema["components"]["schemas"])
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>foretaste: the API</title>'
        '<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/docs.css"></head><body>'
        f"<h1>foretaste {escape(schema['info']['version'])}: the API</h1><p>{escape(schema['info']['summary'])} "
        'OpenAPI document: <a href="/openapi.json">/openapi.json</a>. Console: <a href="/">/</a>.</p>'
        f"{''.join(operations)}</body></html>"
    )


def _operation(method: str, path: str, operation: dict[str, Any], schemas: dict[str, Any]) -> str:
    parts = [f"<h2><b>{method}</b> {escape(path)}</h2><p>{escape(operation['description'])}</p>"]
    if parameters := operation.get("parameters"):
        parts.append(_table((f"{p['name']} ({p['in']})", f"{_type(p['schema'])}.") for p in parameters))
    if body := operation.get("requestBody"):
        if (json_body := body["content"].get("application/json")) is not None:
            sent = schemas[_name(json_body["schema"])]
            example = json.dumps(sent["examples"][0], indent=2)
            parts.append(f"<p>Request</p><pre>{escape(example)}</pre>{_fields(sent, schemas)}")
        else:
            kinds = ", ".join(body["content"])
            parts.append(f"<p>Request</p><p>{escape(body['description'])} Content-Type: {escape(kinds)}.</p>")
    answer = operation["responses"]["200"]["content"]["application/json"]["schema"]
    if (name := _name(answer)) in schemas:
        parts.append(f"<p>Response</p>{_fields(schemas[name], schemas)}")
    return "".join(parts)


def _fields(schema: dict[str, Any], schemas: dict[str, Any], prefix: str = "") -> str:
    return _table(_rows(schema, schemas, prefix))


def _rows(schema: dict[str, Any], schemas: dict[str, Any], prefix: str) -> list[tuple[str, str]]:
    """(name, description) of every field, nested fields after their parent."""
    rows = []
    for field, of in schema.get("properties", {}).items():
        name = f"{prefix}{field}"
        rows.append((name, f"{_type(of)}. {of.get('description', '')}"))
        inner = next((part for part in _parts(of) if _name(part) in schemas), None)
        if inner is not None:
            rows += _rows(schemas[_name(inner)], schemas, f"{name}{'[]' if of.get('type') != 'object' else ''}.")
    return rows


def _parts(of: dict[str, Any]) -> list[dict[str, Any]]:
    """The schema of a field and of the elements, values or alternatives in it."""
    found = [of]
    for part in (of.get("items"), of.get("additionalProperties"), *of.get("anyOf", ())):
        if isinstance(part, dict):
            found += _parts(part)
    return found


def _type(of: dict[str, Any]) -> str:
    if "anyOf" in of:
        return " or ".join(_type(part) for part in of["anyOf"])
    if of.get("type") == "array":
        return f"list of {_type(of['items'])}"
    default = f", default {json.dumps(of['default'])}" if "default" in of else ""
    limit = f" up to {of['maximum']}" if "maximum" in of and of["maximum"] < 1e6 else ""
    return f"{of.get('type', 'object')}{limit}{default}"


def _name(of: dict[str, Any]) -> str:
    return str(of.get("$ref", "")).rpartition("/")[2]


def _table(rows: Any) -> str:
    cells = "".join(f"<tr><td><code>{escape(name)}</code></td><td>{escape(text)}</td></tr>" for name, text in rows)
    return f"<table>{cells}</table>"
