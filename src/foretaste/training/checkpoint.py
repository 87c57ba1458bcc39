"""A half-finished training on disk: written beside, then renamed, so that there is always a whole one."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, NamedTuple

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from foretaste.training.loop import TrainingProgress

KEPT_CHECKPOINTS = 12
"""Trainings whose checkpoints stay in a folder, the newest: enough for a `foretaste train` that is begun again."""


class Checkpoint(NamedTuple):
    """state : to go on from, as `State.tensors` gives it; empty once the training is finished
    best  : the weights of the best epoch so far
    """

    progress: dict[str, Any]
    state: dict[str, Tensor]
    best: dict[str, Tensor]
    finished: bool


def write_checkpoint(
    folder: Path,
    fingerprint: str,
    progress: TrainingProgress,
    state: dict[str, Tensor],
    best: dict[str, Tensor],
    *,
    finished: bool = False,
) -> None:
    beside = folder.with_name(folder.name + ".new")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, beside / "state.safetensors")
    save_file({name: tensor.contiguous() for name, tensor in best.items()}, beside / "best.safetensors")
    # Written last: a folder without it is no checkpoint.
    said = {"fingerprint": fingerprint, "finished": finished, "progress": asdict(progress)}
    (beside / "progress.json").write_text(json.dumps(said))
    for path in beside.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    old = folder.with_name(folder.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    beside.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def read_checkpoint(folder: Path, fingerprint: str) -> Checkpoint | None:
    """The checkpoint of this very training, or None; killed between two renames, the one before is still there."""
    for path in (folder, folder.with_name(folder.name + ".old")):
        try:
            found = json.loads((path / "progress.json").read_text())
            if found["fingerprint"] == fingerprint:
                state, best = load_file(path / "state.safetensors"), load_file(path / "best.safetensors")
                return Checkpoint(found["progress"], state, best, found["finished"])
        except (OSError, ValueError, KeyError, SafetensorError):
            continue
    return None


def delete_oldest(own: Path) -> None:
    """Beside `own` leave only the KEPT_CHECKPOINTS checkpoints that were written last."""
    try:
        others = [path for path in own.parent.iterdir() if path.is_dir() and not path.name.startswith(own.name)]
        found = sorted(others, key=lambda path: -path.stat().st_mtime)
    except OSError:
        return
    for path in found[KEPT_CHECKPOINTS:]:
        shutil.rmtree(path, ignore_errors=True)
