"""Files of a training in the folder of its run: checkpoint and learning curves.

run.folder/
├── checkpoints/NAME-KEY/   weights and optimiser state; of a finished training the weights alone
├── curves.csv              a line per epoch of every training
└── tensorboard/NAME-KEY/   the same for TensorBoard, where the package is installed (extra `tensorboard`)

KEY is a hash of data, settings and seed, so that a project can have several trainings.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from foretaste.training.checkpoint import delete_oldest, read_checkpoint, write_checkpoint
from foretaste.training.curves import CsvCurves, TensorBoardCurves

if TYPE_CHECKING:
    from torch import Tensor

    from foretaste.training.checkpoint import Checkpoint
    from foretaste.training.progress import TrainingProgress


class RunFolder:
    """Checkpoint and curves of one training; `name` and `fingerprint` (of data, settings and seed) identify it."""

    def __init__(self, folder: Path | str, name: str, fingerprint: str) -> None:
        self.fingerprint = fingerprint
        key = f"{name}-{sha256(fingerprint.encode()).hexdigest()[:12]}"
        folder = Path(folder)
        self.checkpoint_folder = folder / "checkpoints" / key
        self.csv = CsvCurves(folder / "curves.csv", key)
        self.board = TensorBoardCurves.where_installed(folder / "tensorboard" / key)

    def read(self) -> Checkpoint | None:
        """The checkpoint of this training, or None."""
        return read_checkpoint(self.checkpoint_folder, self.fingerprint)

    def start(self, progress: TrainingProgress) -> None:
        """Prepare the files before the first epoch: curves are rewritten to match the checkpoint."""
        delete_oldest(self.checkpoint_folder)
        self.csv.rewrite(progress)
        if self.board:
            self.board.rewrite(progress)

    def epoch_done(self, progress: TrainingProgress, state: dict[str, Tensor], best: dict[str, Tensor]) -> None:
        """Write the checkpoint first, then the curves: `start` repairs curves from the checkpoint."""
        write_checkpoint(self.checkpoint_folder, self.fingerprint, progress, state, best)
        self.csv.append(progress)
        if self.board:
            self.board.append(progress, progress.epochs - 1)

    def finish(self, progress: TrainingProgress, best: dict[str, Tensor]) -> None:
        """Keep the final weights alone, from which a repeated training returns at once."""
        write_checkpoint(self.checkpoint_folder, self.fingerprint, progress, {}, best, finished=True)
        if self.board:
            self.board.close()
