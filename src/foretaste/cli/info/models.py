"""foretaste models: what there is to choose from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from foretaste.cli.output import Json, console, print_json

if TYPE_CHECKING:
    from foretaste.registry.table import Table


def models(
    name: Annotated[str | None, typer.Argument(help="One model, with its settings.")] = None, as_json: Json = False
) -> None:
    """List every model, rater, stage and ranker, or the settings of one."""
    if name is None:
        _list(as_json)
    else:
        _settings(name, as_json)


def _list(as_json: bool) -> None:
    from rich.table import Table

    tables = _tables()
    if as_json:
        print_json({kind: [_facts(name, spec) for name, spec in table.all().items()] for kind, table in tables.items()})
        return
    does = {
        "models": "recommends",
        "raters": "expects ratings from",
        "stages": "between the merge and the answer",
        "rankers": "orders candidates by",
    }
    for kind, heading in does.items():
        if not (specs := tables[kind].all()):
            continue
        shown = Table(kind.removesuffix("s"), heading, "needs", box=None, header_style="bold")
        for name, spec in specs.items():
            shown.add_row(name, spec.summary, f"foretaste\\[{spec.extra}]" if spec.extra else "")
        console().print(shown)
    console().print("\nSettings of one: foretaste models NAME", style="dim", highlight=False)


def _tables() -> dict[str, Table[Any]]:
    from foretaste.registry import MODELS, RANKERS, RATERS, STAGES

    return {"models": MODELS, "raters": RATERS, "stages": STAGES, "rankers": RANKERS}


def _facts(name: str, spec: Any) -> dict[str, Any]:
    """What is known of a part without importing it, as JSON."""
    facts = {"name": name, "summary": spec.summary, "extra": spec.extra}
    if (cost := getattr(spec, "cost", None)) is None:
        return facts
    return {
        **facts,
        "family": spec.family,
        "needs": list(spec.needs),
        "wants": list(spec.wants),
        "time_grows_with": cost.time,
        "memory_grows_with": cost.memory,
        "default": spec.default,
    }


def _settings(name: str, as_json: bool) -> None:
    from rich.table import Table

    table = next((table for table in _tables().values() if name in table.all()), None)
    if table is None:
        raise _unknown(name)
    spec = table.spec(name)
    schema = table.load(name).config_class.model_json_schema()
    if as_json:
        print_json({**_facts(name, spec), "settings": schema})
        return
    console().print(f"[bold]{name}[/bold]: {spec.summary}")
    if (cost := getattr(spec, "cost", None)) is not None:
        console().print(
            f"needs: {', '.join(spec.needs) or 'nothing but events'}; of little use without: "
            f"{', '.join(spec.wants) or 'nothing'}; learning time grows with {cost.time}, memory with {cost.memory}",
            highlight=False,
        )
    shown = Table("setting", "default", "meaning", box=None, header_style="bold")
    for key, described in schema.get("properties", {}).items():
        shown.add_row(key, repr(described.get("default")), described.get("description", ""))
    console().print()
    console().print(shown if schema.get("properties") else "It has no settings.")


def _unknown(name: str) -> Exception:
    from foretaste.errors import UnknownNameError, did_you_mean

    known = [known for table in _tables().values() for known in table.all()]
    return UnknownNameError(f"No model is called '{name}'.{did_you_mean(name, known)}")
