"""Writes docs/reference/generated/: every model and stage, the settings of foretaste.toml, the REST API.

Not in the repository: `make docs` writes them from the registry, the config classes and the OpenAPI description, so
that a new model or setting appears by itself.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast, get_args

from pydantic_core import PydanticUndefined

from foretaste.config import Config
from foretaste.data.config import DataConfig, ImpressionConfig, ProjectConfig, RelationConfig, SearchConfig
from foretaste.data.kinds import EventKind
from foretaste.data.prepare.config import PrepareConfig
from foretaste.pipeline.config import PipelineConfig, RecallConfig, StageConfig
from foretaste.registry import MODELS, RANKERS, RATERS, STAGES
from foretaste.serving.config import SceneConfig, ServiceConfig
from foretaste.serving.http import reference
from foretaste.serving.http.app import create_app

FOLDER = Path(__file__).parent / "reference" / "generated"
TABLES: dict[str, tuple[type[Config], str]] = {
    "name, kind_names": (ProjectConfig, "At the top of the file."),
    "[data]": (DataConfig, "The files of events, items and users, and the meaning of their columns."),
    "[[kinds]]": (EventKind, "One table per kind of event that does not have its usual meaning."),
    "[relations.NAME]": (RelationConfig, "One table per file of links."),
    "[searches]": (SearchConfig, "Search queries of users."),
    "[impressions]": (ImpressionConfig, "What users were shown."),
    "[prepare]": (PrepareConfig, "What is done to the data before training."),
    "[serve]": (ServiceConfig, "How the service puts lists together."),
    "[serve.scenes.NAME]": (SceneConfig, "A place where lists are shown."),
    "[[serve.stages]]": (StageConfig, "Further steps between the merge and the answer."),
}
GROUPS = {
    "Models": (MODELS, "They recommend; each is a candidate source of the pipeline, or answers alone."),
    "Raters": (RATERS, "They predict ratings of given items, and retrieve none."),
    "Stages": (
        STAGES,
        "Steps of the pipeline between the merge and the answer; see [the pipeline](../../pipeline.md).",
    ),
    "Rankers": (RANKERS, "What the stage `rank` orders candidates by."),
}


def models_page() -> str:
    """Every registered part with its facts and settings."""
    lines = ["# Every model and its settings", ""]
    lines += ["Written from the registry; `foretaste models NAME` says the same on the command line.", ""]
    shared: dict[str, type[Config]] = {}
    for heading, (table, about) in GROUPS.items():
        if not table.all():
            continue
        lines += [f"## {heading}", "", about, ""]
        for name, spec in table.all().items():
            made = table.load(name)
            lines += [f"### {name}", "", f"{spec.summary[0].upper()}{spec.summary[1:]}. {_facts(spec)}", ""]
            lines += [f"Class: `{spec.path.replace(':', '.')}`.", ""]
            lines += [*settings_table(made.config_class, shared), ""]
    lines += ["## Shared settings", "", "Groups of settings that several models have.", ""]
    written: set[str] = set()
    while waiting := [name for name in shared if name not in written]:  # a group may hold a group
        for name in waiting:
            written.add(name)
            lines += [f"### {name}", "", *settings_table(shared[name], shared), ""]
    return "\n".join(lines)


def _facts(spec: Any) -> str:
    facts = [f"Extra: `{spec.extra}`." if spec.extra else "Needs no extra."]
    if needs := getattr(spec, "needs", ()):
        facts.append(f"Needs: {', '.join(needs)}.")
    if wants := getattr(spec, "wants", ()):
        facts.append(f"Of little use without: {', '.join(wants)}.")
    if cost := getattr(spec, "cost", None):
        facts.append(f"Training time grows with {cost.time}, memory with {cost.memory}.")
    return " ".join(facts)


def settings_table(config: type[Config], shared: dict[str, type[Config]]) -> list[str]:
    """A row per setting; classes of nested settings are added to `shared`, and linked."""
    if not config.model_fields:
        return ["It has no settings."]
    lines = ["| setting | default | meaning |", "| --- | --- | --- |"]
    for key, field in config.model_fields.items():
        meaning = " ".join((field.description or "").split()).replace("|", "\\|")
        for nested in _configs(field.annotation):
            shared[nested.__name__] = nested
            meaning = f"{meaning} See [{nested.__name__}](#{nested.__name__.lower()}).".strip()
        lines.append(f"| `{key}` | {_default(field)} | {meaning} |")
    return lines


def _configs(annotation: Any) -> list[type[Config]]:
    if isinstance(annotation, type) and issubclass(annotation, Config):
        return [annotation]
    return [found for part in get_args(annotation) for found in _configs(part)]


def _default(field: Any) -> str:
    default = field.get_default(call_default_factory=True)
    if default is PydanticUndefined:
        return "required"
    if default is None:
        return ""
    if isinstance(default, Config):
        return f"`{type(default).__name__}()`"
    return f"`{json.dumps(default, default=repr, ensure_ascii=False)}`".replace("|", "\\|")


def settings_page() -> str:
    """Every table of foretaste.toml."""
    lines = ["# foretaste.toml", ""]
    lines += ["`foretaste init` writes the file with the columns it guessed. Every table and setting it may have:", ""]
    for heading, (config, about) in TABLES.items():
        table = [row.partition(" See [")[0] + (" |" if " See [" in row else "") for row in settings_table(config, {})]
        lines += [f"## `{heading}`", "", about, "", *table, ""]
    lines += ["## Of the pipeline, in Python", "", "`foretaste.PipelineConfig`:", ""]
    for config in (PipelineConfig, RecallConfig):
        table = [row.partition(" See [")[0] + (" |" if " See [" in row else "") for row in settings_table(config, {})]
        lines += [f"### {config.__name__}", "", *table, ""]
    return "\n".join(lines)


def rest_page() -> str:
    """Every operation of the service: what to send, what comes back."""
    schema = create_app(cast("Any", SimpleNamespace())).openapi()
    schemas = schema["components"]["schemas"]
    lines = ["# REST API", "", "Written from the service's OpenAPI description, which a running service gives at"]
    lines += ["`/openapi.json`; [the service](../../service.md) explains it by example.", ""]
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            lines += [f"## {method.upper()} {path}", "", operation["description"].strip(), ""]
            if parameters := operation.get("parameters"):
                rows = [(f"{p['name']} ({p['in']})", f"{reference._type(p['schema'])}.") for p in parameters]
                lines += [*_fields(rows, "parameter"), ""]
            lines += _sent(operation, schemas)
            answer = operation["responses"]["200"]["content"]["application/json"]["schema"]
            if (name := reference._name(answer)) in schemas:
                lines += [f"**Answers with** `{name}`:", ""]
                lines += [*_fields(reference._rows(schemas[name], schemas, ""), "field"), ""]
    return "\n".join(lines)


def _sent(operation: dict[str, Any], schemas: dict[str, Any]) -> list[str]:
    if not (body := operation.get("requestBody")):
        return []
    if (content := body["content"].get("application/json")) is None:
        return [f"**Send** {', '.join(f'`{kind}`' for kind in body['content'])}: {body['description']}", ""]
    sent = schemas[reference._name(content["schema"])]
    example = json.dumps(sent["examples"][0], indent=2, ensure_ascii=False)
    rows = reference._rows(sent, schemas, "")
    return ["**Send**:", "", "```json", example, "```", "", *_fields(rows, "field"), ""]


def _fields(rows: list[tuple[str, str]], what: str) -> list[str]:
    cells = [(name, " ".join(about.split()).replace("|", "\\|")) for name, about in rows]
    return [f"| {what} | |", "| --- | --- |", *(f"| `{name}` | {about} |" for name, about in cells)]


def write_pages() -> None:
    """Write all of them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, page in {"models": models_page, "settings": settings_page, "rest": rest_page}.items():
        (FOLDER / f"{name}.md").write_text(page() + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_pages()
