"""foretaste replay: a past answer once more, to the byte."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from foretaste.cli.output import Folder, Json, notes, print_json


def replay(
    recommendation_id: Annotated[str, typer.Argument(help="The recommendation_id of the answer.")],
    project: Folder = ".",
    as_json: Json = False,
) -> None:
    """Give a past answer again: from its bundle, the log as it was then, and the catalogue as it was then.

    The answer goes to standard output, byte for byte; ends with 1 if it is no longer the same, and says why.
    """
    from foretaste.serving.answering.replay import Replayer

    with Replayer.of_project(Path(project)) as replayer:
        found = replayer.replay(recommendation_id)
    said = found.record.inputs
    if as_json:
        print_json(
            {
                "recommendation_id": recommendation_id,
                "same": found.same,
                "why": found.why,
                "user": found.record.user,
                "at": found.record.at,
                "version": said["version"],
                "log_position": said["position"],
                "catalogue_change": found.record.change,
                "question": said["question"],
                "answer": found.body.decode(),
            }
        )
    else:
        moment = datetime.fromtimestamp(found.record.at / 1e6, UTC).isoformat(timespec="seconds")
        by = f"Asked at {moment}, answered by {said['version']}, log position {said['position']}"
        verdict = "the same to the byte." if found.same else f"not the same. {found.why}"
        notes().print(f"{by}: {verdict}", highlight=False, markup=False)
        print(found.body.decode())
    if not found.same:
        raise typer.Exit(1)
