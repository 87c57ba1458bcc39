"""What a training leaves in its folder: curves that tell every epoch once, whatever happened in between."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra 'torch' is not installed")
import worlds  # noqa: E402
from foretaste.errors import ConfigError  # noqa: E402
from foretaste.models.sequence.sasrec import SasRec, SasRecConfig  # noqa: E402
from foretaste.project import train_on  # noqa: E402
from foretaste.training.config import TrainingConfig  # noqa: E402
from foretaste.training.curves import COLUMNS, CsvCurves  # noqa: E402
from foretaste.training.progress import TrainingProgress  # noqa: E402
from foretaste.types import Run  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = SasRecConfig(width=16, training=TrainingConfig(epochs=4, least_steps=0, batch_events=144))


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "curves.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def progress(epochs: int) -> TrainingProgress:
    numbers = [float(i + 1) for i in range(epochs)]
    return TrainingProgress(numbers, numbers, numbers, [10] * epochs, epochs)


def test_every_epoch_is_a_line(tmp_path: Path) -> None:
    scores = iter([0.1, 0.2, 0.3, 0.4])
    model = SasRec(CONFIG).fit(worlds.parity(), Run(folder=tmp_path, monitor=lambda model: next(scores)))
    found = rows(tmp_path)
    assert tuple(found[0]) == COLUMNS
    assert [int(row["epoch"]) for row in found] == [1, 2, 3, 4]
    assert [float(row["validation"]) for row in found] == [0.1, 0.2, 0.3, 0.4]
    np.testing.assert_allclose([float(row["loss"]) for row in found], model.trained.progress.losses, atol=1e-6)
    assert all(float(row["events_per_second"]) > 0 for row in found)


def test_without_a_monitor_there_is_no_score(tmp_path: Path) -> None:
    SasRec(CONFIG).fit(worlds.parity(), Run(folder=str(tmp_path)))
    assert [row["validation"] for row in rows(tmp_path)] == ["", "", "", ""]


def test_a_monitor_that_gives_no_number_is_said_so() -> None:
    with pytest.raises(ConfigError, match=r"Run\.monitor gave None; it has to give a number"):
        SasRec(CONFIG).fit(worlds.parity(), Run(monitor=lambda model: None))
    SasRec(CONFIG).fit(worlds.parity(), Run(monitor=lambda model: np.float32(1)))


def test_trainings_stand_side_by_side(tmp_path: Path) -> None:
    for seed in (0, 1, 0):  # the third is the first again, and finished already
        SasRec(CONFIG).fit(worlds.parity(), Run(folder=tmp_path, seed=seed))
    found = rows(tmp_path)
    assert len({row["training"] for row in found}) == 2
    assert len(found) == 8


def test_a_finished_training_is_not_done_again(tmp_path: Path) -> None:
    first = SasRec(CONFIG).fit(worlds.parity(), Run(folder=tmp_path))

    def never(what: str, done: int, total: int) -> None:
        assert not what.startswith("training"), "there is nothing left to learn"

    again = SasRec(CONFIG).fit(worlds.parity(), Run(folder=tmp_path, progress=never))
    np.testing.assert_array_equal(again.trained.vectors, first.trained.vectors)
    assert again.trained.progress.losses == first.trained.progress.losses


@pytest.mark.parametrize("in_file", [3, 2, 1])
def test_what_was_lost_or_told_too_early_is_put_right(tmp_path: Path, in_file: int) -> None:
    """A kill between checkpoint and line leaves one line too few; a restored folder may have one too many."""
    curves, other = CsvCurves(tmp_path / "curves.csv", "a"), CsvCurves(tmp_path / "curves.csv", "b")
    other.rewrite(progress(2))
    curves.rewrite(progress(in_file))
    with (tmp_path / "curves.csv").open("a") as file:
        file.write("a,4,1.0")  # torn by a loss of power
    curves.rewrite(progress(2))
    curves.append(progress(3))
    found = [(row["training"], int(row["epoch"])) for row in rows(tmp_path)]
    assert sorted(found) == [("a", 1), ("a", 2), ("a", 3), ("b", 1), ("b", 2)]


def test_only_the_newest_checkpoints_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foretaste.training.checkpoint.KEPT_CHECKPOINTS", 2)
    brief = CONFIG.model_copy(update={"training": CONFIG.training.model_copy(update={"epochs": 1})})
    for seed in range(4):
        SasRec(brief).fit(worlds.parity(), Run(folder=tmp_path, seed=seed))
        assert len(list((tmp_path / "checkpoints").iterdir())) <= 3, "two that were, and the one that is"
    assert len({row["training"] for row in rows(tmp_path)}) == 4, "the curves of all are kept"


def test_interrupted_and_resumed_every_epoch_is_told_once(tmp_path: Path) -> None:
    def interrupt(what: str, done: int, total: int) -> None:
        if what.startswith("training, epoch 3"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        SasRec(CONFIG).fit(worlds.parity(), Run(folder=tmp_path, progress=interrupt))
    assert len(rows(tmp_path)) == 2
    SasRec(CONFIG).fit(worlds.parity(), Run(folder=tmp_path))
    assert [int(row["epoch"]) for row in rows(tmp_path)] == [1, 2, 3, 4]


def test_a_project_keeps_the_curves_of_all_it_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The network is learned three times: to choose its settings, to be measured, and to be shipped."""
    quick = {"epochs": 30, "learning_rate": 0.01, "warm_up_steps": 10, "averaging": 0.9}
    better = CONFIG.model_copy(update={"training": CONFIG.training.model_copy(update=quick)})
    monkeypatch.setattr(SasRec, "grid", (better,))
    train_on(tmp_path, worlds.parity(), Run(folder=tmp_path), names=["sasrec"])
    found = rows(tmp_path)
    trainings = list(dict.fromkeys(row["training"] for row in found))
    assert len(trainings) == 3
    assert [all(row["validation"] for row in found if row["training"] == one) for one in trainings] == [
        True,
        False,
        False,
    ]


def test_tensorboard_reads_the_same(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="the extra 'tensorboard' is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    def interrupt(what: str, done: int, total: int) -> None:
        if what.startswith("training, epoch 3"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        SasRec(CONFIG).fit(worlds.parity(), Run(folder=tmp_path, progress=interrupt))
    model = SasRec(CONFIG).fit(worlds.parity(), Run(folder=tmp_path))
    (folder,) = (tmp_path / "tensorboard").iterdir()
    told = EventAccumulator(str(folder)).Reload()
    assert [event.step for event in told.Scalars("loss")] == [1, 2, 3, 4]
    np.testing.assert_allclose(
        [event.value for event in told.Scalars("loss")], model.trained.progress.losses, rtol=1e-5
    )
