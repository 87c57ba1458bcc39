"""All commands in one place. Their files import typer alone at the top, so `foretaste --help` loads no numpy."""

from __future__ import annotations

from typing import Annotated

import typer

import foretaste
from foretaste.cli.info import benchmark, doctor, models, sources
from foretaste.cli.log import backup, erase, export, import_, restore
from foretaste.cli.project import check, compare, demo, evaluate, init, train, up
from foretaste.cli.service import keys, onboarding, recommend, replay, search, serve, similar

app = typer.Typer(
    name="foretaste",
    help="Your event log in; measured, explained, real-time recommendations out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _print_version(asked: bool) -> None:
    if asked:
        print(foretaste.__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    pass


_ORDER = {
    "Begin": (demo.demo, up.up),
    "Step by step": (
        init.init,
        check.check,
        train.train,
        evaluate.evaluate,
        compare.compare,
        recommend.recommend,
        onboarding.onboarding,
        similar.similar,
        search.search,
    ),
    "Run": (serve.serve, replay.replay),
    "Keep": (backup.backup, restore.restore, export.export, import_.import_, erase.erase),
    "Look": (models.models, benchmark.benchmark, sources.sources, doctor.doctor),
}
for panel, commands in _ORDER.items():
    for command in commands:
        app.command(command.__name__.rstrip("_"), rich_help_panel=panel)(command)
app.add_typer(keys.keys, rich_help_panel="Run")
