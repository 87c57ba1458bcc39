"""Two processes that learn one network: the gradients, the stopping and the resuming of one."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra 'torch' is not installed")
import worlds  # noqa: E402
from foretaste.features.columns import ColumnsConfig  # noqa: E402
from foretaste.models.sequence.bert4rec import Bert4Rec, Bert4RecConfig  # noqa: E402
from foretaste.models.sequence.config import LossConfig  # noqa: E402
from foretaste.models.sequence.sasrec import SasRec, SasRecConfig  # noqa: E402
from foretaste.models.sequence.training.distributed import several_processes  # noqa: E402
from foretaste.models.sequence.training.job import TrainingJob  # noqa: E402
from foretaste.nn.item_embedding import ItemTokens  # noqa: E402
from foretaste.training.batches import MaskedEventBatches, NextEventBatches, WithNegatives, every_nth_row  # noqa: E402
from foretaste.training.config import AugmentConfig, TrainingConfig  # noqa: E402
from foretaste.training.state import TrainingState  # noqa: E402
from foretaste.types import History, Run  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HELPER = (
    "from foretaste.models.sequence.training.distributed import several_processes\n"
    "with several_processes(): raise SystemExit('only the first process does the work')"
)
CHANGED = AugmentConfig(substitute=0.3, mask=0.2, drop=0.1)
EXACT = TrainingConfig(epochs=4, least_steps=0, batch_events=144, precision="float32")


@pytest.fixture(scope="module")
def together() -> Iterator[None]:
    """This process leads another for all tests of this file."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    told = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2", "OMP_NUM_THREADS": "1"}
    helper = subprocess.Popen([sys.executable, "-c", HELPER], env={**os.environ, **told, "RANK": "1"})
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {**told, "RANK": "0"}.items():
                patch.setenv(name, value)
            with several_processes():
                yield
        assert helper.wait(30) == 0, "the helper leaves in peace"
    finally:
        helper.kill()


def gradients(model: object, world: object, patch: pytest.MonkeyPatch) -> list[list[np.ndarray]]:
    """Of every step of a training, as the optimizer meets them."""
    found: list[list[np.ndarray]] = []
    step = TrainingState.step

    def noted(self: TrainingState) -> None:
        found.append([p.grad.numpy().copy() for p in self.trainable if p.grad is not None])
        step(self)

    with patch.context() as within:
        within.setattr(TrainingState, "step", noted)
        model.fit(world, Run())
    return found


@pytest.mark.parametrize(
    "make",
    [
        lambda: SasRec(SasRecConfig(width=16, dropout=0.0, training=EXACT)),
        lambda: SasRec(SasRecConfig(width=16, dropout=0.0, training=EXACT, loss=LossConfig(kind="gbce", negatives=8))),
        lambda: Bert4Rec(Bert4RecConfig(width=16, dropout=0.0, training=EXACT)),
        lambda: SasRec(
            SasRecConfig(width=16, dropout=0.0, training=EXACT, augment=CHANGED, item_columns=ColumnsConfig())
        ),
    ],
    ids=["softmax", "negatives", "masked", "augmented"],
)
def test_the_gradients_are_those_of_one_process(make, together: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from foretaste.training.distributed import SINGLE_PROCESS, train_with

    world = worlds.parity(n_users=61)  # an odd row is left over somewhere
    shared = gradients(make(), world, monkeypatch)
    with train_with(SINGLE_PROCESS):
        alone = gradients(make(), world, monkeypatch)
    assert len(shared) == len(alone) > 4
    for a, b in zip(shared[0], alone[0], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5 * max(1.0, np.abs(b).max()))
    for a, b in zip(shared[1], alone[1], strict=True):  # after one step of both, the weights are still the same
        np.testing.assert_allclose(a, b, atol=1e-3)


def test_stopped_and_resumed_all_go_on_from_the_checkpoint_of_the_first(together: None, tmp_path: Path) -> None:
    config = SasRecConfig(width=16, training=EXACT)  # with dropout: each process draws its own
    undisturbed = SasRec(config).fit(worlds.parity(), Run(folder=tmp_path / "whole"))

    def interrupt(what: str, done: int, total: int) -> None:
        if what.startswith("training, epoch 3") and done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        SasRec(config).fit(worlds.parity(), Run(folder=tmp_path / "cut", progress=interrupt))
    resumed = SasRec(config).fit(worlds.parity(), Run(folder=tmp_path / "cut"))
    assert resumed.trained.progress.losses == undisturbed.trained.progress.losses
    np.testing.assert_array_equal(resumed.trained.vectors, undisturbed.trained.vectors)


def test_the_monitor_of_the_first_decides_for_all(together: None) -> None:
    scores = iter([0.1, 0.2, 0.9, *[0.3] * 50])
    config = SasRecConfig(width=16, training=EXACT.model_copy(update={"epochs": 30, "patience": 2}))
    stopped = SasRec(config).fit(worlds.parity(), Run(monitor=lambda model: next(scores)))
    assert (stopped.trained.progress.best_epoch, stopped.trained.progress.epochs) == (3, 5)


@pytest.mark.parametrize("kind", ["next", "masked", "negatives"])
def test_the_shares_of_a_batch_are_the_batch(kind: str) -> None:
    history = History.of_items([[1, 2, 3, 4, 5], [7, 8], [10, 11], [20, 21, 22], [30, 31]])
    lessons = {
        "next": NextEventBatches(history, 50),
        "masked": MaskedEventBatches(history, 50, 99, 0.4),
        "negatives": WithNegatives(NextEventBatches(history, 50), 40, 6),
    }[kind]
    for whole in lessons.epoch(9, np.random.default_rng(0)):
        shares = [every_nth_row(whole, first, 3) for first in range(3)]
        asked = sorted(pair for share in shares for pair in pairs(share))
        assert asked == sorted(pairs(whole))
        assert sum(len(share.inputs.last) for share in shares) == len(whole.inputs.last)
        assert all((share.negatives == whole.negatives).all() for share in shares)


def pairs(lesson) -> list[tuple[int, int, int, int]]:
    """What is asked for, of which place after which item of a row of which length."""
    batch = lesson.inputs
    lengths = torch.bincount(batch.row, minlength=len(batch.last))
    return [
        (int(y), int(batch.position[w]), int(batch.items[w]), int(lengths[batch.row[w]]))
        for w, y in zip(lesson.where, lesson.targets, strict=True)
    ]


def test_a_job_arrives_as_it_was_sent() -> None:
    data = worlds.parity()
    words = ItemTokens(torch.tensor([0, 1, 1]), torch.tensor([0, 2]), torch.tensor([0.5, 0.5, 1.0]), 2)
    sent = TrainingJob(
        name="sasrec",
        model_path="foretaste.models.sequence.sasrec:SasRec",
        config=SasRecConfig(width=16),
        history=data.histories(),
        seen_items=np.ones(40, bool),
        text_vectors=torch.rand(40, 3),
        words=words,
        modalities={"pictures": torch.rand(40, 2)},
        similar_items=np.arange(80, dtype=np.int32).reshape(40, 2),
        initial_rows=np.ones((40, 16), np.float32),
        initial_weights={"network.norm.bias": torch.ones(16)},
        seed=7,
        early_stopping=True,
    )
    found = TrainingJob.from_tensors(sent.tensors())
    for name in ("name", "model_class", "config", "seed", "early_stopping", "mask_share", "device"):
        assert getattr(found, name) == getattr(sent, name)
    np.testing.assert_array_equal(found.history.items, sent.history.items)
    np.testing.assert_array_equal(found.history.time, sent.history.time)
    for name in ("seen_items", "text_vectors", "similar_items", "initial_rows"):
        np.testing.assert_array_equal(getattr(found, name), getattr(sent, name))
    assert found.user_vectors is None
    assert found.words.size == 2
    assert all((a == b).all() for a, b in zip(found.words[:3], words[:3], strict=True))
    assert (found.initial_weights["network.norm.bias"] == 1).all()
    assert torch.equal(found.modalities["pictures"], sent.modalities["pictures"])


def test_a_single_process_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with several_processes():
        pass
