"""Learning curves, one row per epoch: a CSV file and TensorBoard event files."""

from __future__ import annotations

import math
import os
import shutil
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from foretaste.files import write_atomically

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    from foretaste.training.progress import TrainingProgress

COLUMNS = ("training", "epoch", "loss", "validation", "seconds", "events_per_second")


class CsvCurves:
    """`curves.csv`: a line per epoch; lines of other trainings in the file are kept.

    An epoch is one write of one line, so a kill leaves the line or nothing. Before a training resumes, `rewrite`
    replaces its lines by those of the checkpoint, so that no epoch appears twice.
    """

    def __init__(self, path: Path, training: str) -> None:
        self.path, self.training = path, training

    def rewrite(self, progress: TrainingProgress) -> None:
        """Replace this training's lines by those of `progress`."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lines = [",".join(COLUMNS), *self._of_others(), *(self._line(progress, i) for i in range(progress.epochs))]
        write_atomically(self.path, "".join(f"{line}\n" for line in lines))

    def append(self, progress: TrainingProgress) -> None:
        """Append the newest epoch."""
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(file, f"{self._line(progress, progress.epochs - 1)}\n".encode())
        finally:
            os.close(file)

    def _line(self, progress: TrainingProgress, epoch: int) -> str:
        score, seconds = progress.scores[epoch], progress.seconds[epoch]
        validation = "" if math.isnan(score) else f"{score:.6f}"
        per_second = progress.events[epoch] / max(1e-9, seconds)
        return f"{self.training},{epoch + 1},{progress.losses[epoch]:.6f},{validation},{seconds:.3f},{per_second:.0f}"

    def _of_others(self) -> list[str]:
        try:
            lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines()[1:]
        except OSError:
            return []
        whole = (line for line in lines if line.count(",") == len(COLUMNS) - 1)
        return [line for line in whole if line.split(",", 1)[0] != self.training]


class TensorBoardCurves:
    """Scalars `loss`, `validation`, `events per second` against the epoch; `tensorboard --logdir FOLDER` shows them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.writer: Any = None

    @classmethod
    def where_installed(cls, folder: Path) -> Self | None:
        """None where the package is missing: the extra `tensorboard` switches it on."""
        return cls(folder) if find_spec("tensorboard") else None

    def rewrite(self, progress: TrainingProgress) -> None:
        """Replace the event files by those of `progress` and open the writer."""
        from torch.utils.tensorboard import SummaryWriter

        shutil.rmtree(self.folder, ignore_errors=True)  # files of a killed run may hold epochs after the checkpoint
        self.writer = SummaryWriter(str(self.folder))
        for epoch in range(progress.epochs):
            self.append(progress, epoch)

    def append(self, progress: TrainingProgress, epoch: int) -> None:
        """Write the scalars of an epoch, counted from 0."""
        self.writer.add_scalar("loss", progress.losses[epoch], epoch + 1)
        if not math.isnan(progress.scores[epoch]):
            self.writer.add_scalar("validation", progress.scores[epoch], epoch + 1)
        per_second = progress.events[epoch] / max(1e-9, progress.seconds[epoch])
        self.writer.add_scalar("events per second", per_second, epoch + 1)
        self.writer.flush()

    def close(self) -> None:
        self.writer.close()
