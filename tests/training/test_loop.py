"""The training loop: what it promises about stopping, resuming, seeds and averages."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra 'torch' is not installed")
import worlds  # noqa: E402
from foretaste.models.sequence.sasrec import SasRec, SasRecConfig  # noqa: E402
from foretaste.training.config import AugmentConfig, TrainingConfig  # noqa: E402
from foretaste.types import Run  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

SHORT = {"epochs": 6, "least_steps": 0, "batch_events": 144, "averaging": 0.0}


def config(**training: object) -> SasRecConfig:
    return SasRecConfig(width=16, training=TrainingConfig(**{**SHORT, **training}))


def weights(model: SasRec) -> np.ndarray:
    assert model.trained is not None
    return model.trained.vectors


def test_the_loss_falls() -> None:
    model = SasRec(config(epochs=60, warm_up_steps=10)).fit(worlds.parity(), Run())
    losses = model.trained.progress.losses
    assert losses[-1] < losses[0] - 0.3


def test_a_monitor_stops_it_and_the_best_weights_remain() -> None:
    """A score that is best after the third epoch: the model is as after three epochs."""
    scores = iter([0.1, 0.2, 0.9, *[0.3] * 50])
    stopped = SasRec(config(epochs=30, patience=2)).fit(worlds.parity(), Run(monitor=lambda model: next(scores)))
    assert stopped.trained.progress.best_epoch == 3
    assert stopped.trained.progress.epochs == 5
    three = SasRec(config(epochs=3)).fit(worlds.parity(), Run())
    np.testing.assert_array_equal(weights(stopped), weights(three))
    assert stopped.refit_config.training.epochs == 3
    again = SasRec(stopped.refit_config).fit(worlds.parity(), Run())
    np.testing.assert_array_equal(weights(again), weights(three))


def test_another_seed_is_another_training() -> None:
    one, two = (SasRec(config()).fit(worlds.parity(), Run(seed=seed)) for seed in (0, 1))
    assert not np.allclose(weights(one), weights(two))


def test_same_seed_same_weights_on_two_threads() -> None:
    """Long enough rows and a width at which torch does share the work."""
    rng = np.random.default_rng(0)
    data = worlds.dataset(np.repeat(np.arange(60), 40), rng.integers(0, 300, 2400), n_items=300)
    settings = SasRecConfig(width=64, training=TrainingConfig(epochs=1, least_steps=0, learning_rate=0.01))
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        one, two = (weights(SasRec(settings).fit(data, Run(seed=0))) for _ in range(2))
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(one, two)


def test_the_average_is_what_is_kept() -> None:
    plain = SasRec(config()).fit(worlds.parity(), Run())
    averaged = SasRec(config(averaging=0.9)).fit(worlds.parity(), Run())
    assert plain.trained.progress.losses == averaged.trained.progress.losses, "averaging does not touch the training"
    assert not np.allclose(weights(plain), weights(averaged))


def test_the_randomness_of_others_is_left_alone() -> None:
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    SasRec(config(epochs=1)).fit(worlds.parity(), Run(seed=3))
    assert torch.rand(1) == expected


def test_a_checkpoint_of_other_data_is_not_continued(tmp_path: Path) -> None:
    SasRec(config()).fit(worlds.parity(), Run(folder=tmp_path))
    other = worlds.parity(seed=5)
    after = SasRec(config()).fit(other, Run(folder=tmp_path))
    np.testing.assert_array_equal(weights(after), weights(SasRec(config()).fit(other, Run())))


CHANGED = AugmentConfig(crop=0.3, drop=0.1, reorder=0.2, substitute=0.2, mask=0.2)


@pytest.mark.parametrize(("averaging", "augment"), [(0.0, AugmentConfig()), (0.9, AugmentConfig()), (0.9, CHANGED)])
def test_interrupted_and_resumed_it_is_the_undisturbed_run(
    tmp_path: Path, averaging: float, augment: AugmentConfig
) -> None:
    settings = config(averaging=averaging).model_copy(update={"augment": augment})
    undisturbed = SasRec(settings).fit(worlds.parity(), Run())

    def interrupt(what: str, done: int, total: int) -> None:
        if what.startswith("training, epoch 4") and done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        SasRec(settings).fit(worlds.parity(), Run(folder=tmp_path, progress=interrupt))
    resumed = SasRec(settings).fit(worlds.parity(), Run(folder=tmp_path))
    assert resumed.trained.progress.losses == undisturbed.trained.progress.losses
    np.testing.assert_array_equal(weights(resumed), weights(undisturbed))


PROGRAM = """
import sys; sys.path.insert(0, "tests")
from pathlib import Path
import torch; torch.set_num_threads(1)
import worlds
from foretaste.models.sequence.sasrec import SasRec, SasRecConfig
from foretaste.training.config import TrainingConfig
from foretaste.types import Run
print("ready", flush=True)
config = SasRecConfig(width=16, training=TrainingConfig(epochs=40, least_steps=0, batch_events=144))
told = lambda what, done, total: print(what, flush=True)
model = SasRec(config).fit(worlds.parity(), Run(folder=Path(sys.argv[1]), progress=told))
print("losses", model.trained.progress.losses, flush=True)
"""


def test_killed_and_resumed_it_gives_the_same_curve(tmp_path: Path) -> None:
    """SIGKILL at three random moments of a training in another process."""
    kept = {**os.environ, "OMP_NUM_THREADS": "1"}
    rng = np.random.default_rng(0)

    def started() -> subprocess.Popen[str]:
        program = [sys.executable, "-c", textwrap.dedent(PROGRAM), str(tmp_path / "run")]
        return subprocess.Popen(program, stdout=subprocess.PIPE, text=True, env=kept)

    for kill in range(3):
        process = started()
        assert process.stdout is not None
        for lines, _ in enumerate(process.stdout):
            if lines == 10 + rng.integers(0, 30):
                break
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        assert process.returncode == -signal.SIGKILL, f"killed, time {kill + 1}"
    last = started()
    out, _ = last.communicate(timeout=120)
    losses = [line for line in out.splitlines() if line.startswith("losses")]
    whole = SasRec(SasRecConfig(width=16, training=TrainingConfig(epochs=40, least_steps=0, batch_events=144)))
    torch.set_num_threads(1)
    expected = whole.fit(worlds.parity(), Run()).trained.progress.losses
    assert losses == [f"losses {expected}"]
