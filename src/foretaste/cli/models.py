"""foretaste models: what there is to choose from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from foretaste.cli.output import Json, console, print_json

if TYPE_CHECKING:
    from foretaste.registry import ModelSpec


def models(
    name: Annotated[str | None, typer.Argument(help="One model, with its settings.")] = None, as_json: Json = False
) -> None:
    """List every model, or the settings of one."""
    if name is None:
        _list(as_json)
    else:
        _settings(name, as_json)


def _list(as_json: bool) -> None:
    from rich.table import Table

    from foretaste.registry import models as known
    from foretaste.registry import raters

    tables = {"models": known(), "raters": raters()}
    if as_json:
        print_json({kind: [_facts(name, spec) for name, spec in specs.items()] for kind, specs in tables.items()})
        return
    for kind, does in {"models": "recommends", "raters": "expects ratings from"}.items():
        table = Table(kind.removesuffix("s"), does, "needs", box=None, header_style="bold")
        for name, spec in tables[kind].items():
            table.add_row(name, spec.summary, f"foretaste\\[{spec.extra}]" if spec.extra else "")
        console().print(table)
    console().print("\nSettings of one: foretaste models NAME", style="dim", highlight=False)


def _facts(name: str, spec: ModelSpec) -> dict[str, Any]:
    """What is known of a model without importing it, as JSON."""
    return {
        "name": name,
        "summary": spec.summary,
        "extra": spec.extra,
        "family": spec.family,
        "needs": list(spec.needs),
        "wants": list(spec.wants),
        "time_grows_with": spec.cost.time,
        "memory_grows_with": spec.cost.memory,
        "default": spec.default,
    }


def _settings(name: str, as_json: bool) -> None:
    from rich.table import Table

    from foretaste.registry import model_class, model_spec, rater_class, raters

    rater = raters().get(name)
    spec = rater or model_spec(name)
    schema = (rater_class(name) if rater else model_class(name)).config_class.model_json_schema()
    if as_json:
        print_json({**_facts(name, spec), "settings": schema})
        return
    console().print(f"[bold]{name}[/bold]: {spec.summary}")
    console().print(
        f"needs: {', '.join(spec.needs) or 'nothing but events'}; of little use without: "
        f"{', '.join(spec.wants) or 'nothing'}; learning time grows with {spec.cost.time}, memory with "
        f"{spec.cost.memory}\n",
        highlight=False,
    )
    table = Table("setting", "default", "meaning", box=None, header_style="bold")
    for key, described in schema.get("properties", {}).items():
        table.add_row(key, repr(described.get("default")), described.get("description", ""))
    console().print(table if schema.get("properties") else "It has no settings.")
