"""Checkpoints of a training: written to a temporary folder, then renamed, so that one is always complete."""

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

    from foretaste.training.progress import TrainingProgress

KEPT_CHECKPOINTS = 12
"""Checkpoints (one per training) kept in a folder, the newest: enough to resume a `foretaste train`."""


class Checkpoint(NamedTuple):
    """What is needed to resume a training.

    progress : fields of `TrainingProgress`
    state    : as of `TrainingState.tensors`; empty once the training is finished
    best     : weights of the best epoch so far
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
    """Replace the checkpoint in `folder`; `fingerprint` (of data, settings and seed) must match when it is read."""
    temporary = folder.with_name(folder.name + ".new")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, temporary / "state.safetensors")
    save_file({name: tensor.contiguous() for name, tensor in best.items()}, temporary / "best.safetensors")
    # Written last: a folder without it is no checkpoint.
    about = {"fingerprint": fingerprint, "finished": finished, "progress": asdict(progress)}
    (temporary / "progress.json").write_text(json.dumps(about))
    for path in temporary.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    old = folder.with_name(folder.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    temporary.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def read_checkpoint(folder: Path, fingerprint: str) -> Checkpoint | None:
    """The checkpoint with this fingerprint, or None; after a kill between the two renames, the previous one."""
    for path in (folder, folder.with_name(folder.name + ".old")):
        try:
            stored = json.loads((path / "progress.json").read_text())
            if stored["fingerprint"] == fingerprint:
                state, best = load_file(path / "state.safetensors"), load_file(path / "best.safetensors")
                return Checkpoint(stored["progress"], state, best, stored["finished"])
        except (OSError, ValueError, KeyError, SafetensorError):
            continue
    return None


def delete_oldest(own: Path) -> None:
    """Of the checkpoints beside `own` keep only the newest KEPT_CHECKPOINTS."""
    try:
        others = [path for path in own.parent.iterdir() if path.is_dir() and not path.name.startswith(own.name)]
        newest_first = sorted(others, key=lambda path: -path.stat().st_mtime)
    except OSError:
        return
    for path in newest_first[KEPT_CHECKPOINTS:]:
        shutil.rmtree(path, ignore_errors=True)
