"""foretaste sources: public data sets, what they hold and what one may do with them; fetching one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from foretaste.cli.output import Json, console, notes, print_json


def sources(
    name: Annotated[str | None, typer.Argument(help="One data set, to be fetched: amazon-2023:Video_Games.")] = None,
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="You have read its licence and accept it.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option(help="Also write events.parquet and items.parquet into this folder.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the public data sets, or fetch one into the cache."""
    if name is None:
        _list(as_json)
        return
    from foretaste.data.sources import load_source, ready
    from foretaste.progress import progress

    ready(name, accept_licence=accept_licence)  # may ask on the terminal, so before the bar
    with progress(notes()) as report:
        data = load_source(name, accept_licence=accept_licence, progress=report)
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        data.as_frame().write_parquet(output / "events.parquet")
        data.items.as_frame().write_parquet(output / "items.parquet")
    counts = {"name": name, "events": len(data), "users": data.n_users, "items": data.n_items}
    if as_json:
        print_json({**counts, "kinds": list(data.kinds.names), "fingerprint": data.fingerprint})
        return
    console().print(
        f"{name}: {len(data):,} events ({', '.join(data.kinds.names)}) of {data.n_users:,} users about "
        f"{data.n_items:,} items. Fingerprint {data.fingerprint}.",
        highlight=False,
    )
    if output is not None:
        console().print(f"\nNext: foretaste init {output / 'events.parquet'} --items {output / 'items.parquet'}")


def _list(as_json: bool) -> None:
    from rich.table import Table

    from foretaste.data.sources.cache import cache_root
    from foretaste.data.sources.catalogue import SOURCES
    from foretaste.data.sources.licences import accepted

    if as_json:
        rows = [
            {
                "name": name,
                "summary": source.summary,
                "licence": source.licence,
                "terms": source.terms,
                "by_hand": source.by_hand or None,
                "categories": list(source.choices),
                "accepted": accepted(cache_root(), name),
            }
            for name, source in SOURCES.items()
        ]
        print_json({"sources": rows})
        return
    table = Table("data set", "holds", "licence", box=None, header_style="bold")
    for name, source in SOURCES.items():
        by_hand = " Fetched by hand." if source.by_hand else ""
        table.add_row(f"{name}:CATEGORY" if source.choices else name, source.summary, source.licence + by_hand)
    table.add_row("folder:PATH", "interactions.parquet, and items.parquet, users.parquet and relations beside it", "")
    console().print(table)
    console().print("\nFetch one: foretaste sources NAME --accept-licence", style="dim", highlight=False)
