"""What a training leaves in the folder of its run: a checkpoint to go on from, and its curves.

run.folder/
├── checkpoints/NAME-KEY/   weights and state of the optimizer; of a finished training its weights alone
├── curves.csv              a line per epoch of every training
└── tensorboard/NAME-KEY/   the same for TensorBoard, where the package is installed (extra `tensorboard`)

KEY is a hash of data, settings and seed, so that several trainings of one project stand side by side.
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
    from foretaste.training.loop import TrainingProgress


class RunFolder:
    def __init__(self, folder: Path | str, name: str, fingerprint: str) -> None:
        self.fingerprint = fingerprint
        called = f"{name}-{sha256(fingerprint.encode()).hexdigest()[:12]}"
        folder = Path(folder)
        self.checkpoint_folder = folder / "checkpoints" / called
        self.csv = CsvCurves(folder / "curves.csv", called)
        self.board = TensorBoardCurves.where_installed(folder / "tensorboard" / called)

    def read(self) -> Checkpoint | None:
        return read_checkpoint(self.checkpoint_folder, self.fingerprint)

    def start(self, progress: TrainingProgress) -> None:
        """The curves become those of the checkpoint: a line that was written twice, or never, is put right here."""
        delete_oldest(self.checkpoint_folder)
        self.csv.rewrite(progress)
        if self.board:
            self.board.rewrite(progress)

    def epoch_done(self, progress: TrainingProgress, state: dict[str, Tensor], best: dict[str, Tensor]) -> None:
        """The checkpoint first: it is what counts, and the curves follow it."""
        write_checkpoint(self.checkpoint_folder, self.fingerprint, progress, state, best)
        self.csv.append(progress)
        if self.board:
            self.board.append(progress, progress.epochs - 1)

    def finish(self, progress: TrainingProgress, best: dict[str, Tensor]) -> None:
        """Begun again, the training is at its end at once; what was needed to go on is not kept."""
        write_checkpoint(self.checkpoint_folder, self.fingerprint, progress, {}, best, finished=True)
        if self.board:
            self.board.close()
