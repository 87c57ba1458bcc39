"""An accelerator is rarely where tests run: a pretended one finds every tensor that was left on the processor."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")

from torch._subclasses.fake_tensor import FakeTensorMode  # noqa: E402

from foretaste.errors import ConfigError  # noqa: E402
from foretaste.models.sequence.trained_network import build_network  # noqa: E402
from foretaste.models.sequence.training.capacity import resolve_auto_settings  # noqa: E402
from foretaste.models.sequence.training.fit import _loss  # noqa: E402
from foretaste.nn.item_embedding import ItemTokens  # noqa: E402
from foretaste.registry import model_class  # noqa: E402
from foretaste.training.batches import MaskedEventBatches, NextEventBatches, WithNegatives  # noqa: E402
from foretaste.training.device import device_of  # noqa: E402
from foretaste.types import History  # noqa: E402

N_ITEMS = 12
PRETENDED = torch.device("meta")


def some_history() -> History:
    rng = np.random.default_rng(0)
    lengths = rng.integers(2, 7, 20)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    n = int(offsets[-1])
    time = np.sort(rng.integers(0, 10**12, n))
    kind = rng.integers(0, 2, n).astype(np.int8)
    return History(rng.integers(0, N_ITEMS, n).astype(np.int32), offsets, time, kind, np.ones(n, np.float32))


NETWORKS = [(name, {}) for name in ("sasrec", "hstu", "gru4rec", "bert4rec")]
WAYS = [("sasrec", {"fusion": "concat", "positions": "rotary"}), ("sasrec", {"fusion": "gated"})]
WAYS += [("sasrec", {"fusion": "attention"}), ("sasrec", {"fusion": "attention", "ids": False})]


@pytest.mark.parametrize(
    ("name", "settings", "loss"),
    [(*network, loss) for network in NETWORKS for loss in ("softmax", "sampled", "gbce", "bpr")]
    + [(*way, "softmax") for way in WAYS],
)
def test_a_step_on_an_accelerator_leaves_nothing_behind_on_the_processor(
    name: str, settings: dict[str, Any], loss: str
) -> None:
    made: Any = model_class(name)
    config = made.config_class.parse({"width": 8, "loss": {"kind": loss, "negatives": 4}, **settings}, "a test")
    config = resolve_auto_settings(config, some_history(), np.ones(N_ITEMS, bool))
    lessons: Any = NextEventBatches(some_history(), 5)
    masked = name == "bert4rec"
    if masked:
        lessons = MaskedEventBatches(some_history(), 5, N_ITEMS, 0.3)
    lesson = next(iter(WithNegatives(lessons, N_ITEMS, 4).epoch(1_000, np.random.default_rng(0))))
    met = np.ones(N_ITEMS, bool)
    met[3] = False
    met[lesson.targets.numpy()] = True
    # Only the way forward: autograd wants a real accelerator for the way back.
    with FakeTensorMode(allow_non_fake_inputs=True) as pretending, torch.no_grad():
        with torch.device(PRETENDED):
            network = made.network(config)
            content = torch.ones(N_ITEMS, 5)
            words = ItemTokens(torch.arange(N_ITEMS), torch.arange(N_ITEMS), torch.ones(N_ITEMS), N_ITEMS)
            module = build_network(config, N_ITEMS, content, words, network, masked=masked, n_kinds=2, timed=True)
        value = _loss(loss, module, met, config)(_pretended(pretending, lesson))
        assert value.device == PRETENDED
        assert module.states(module.table(), _pretended(pretending, lesson).inputs).device == PRETENDED


def test_a_tensor_left_behind_is_found() -> None:
    with FakeTensorMode(), pytest.raises(RuntimeError, match="device"):
        torch.ones(3, device=PRETENDED) + torch.ones(3)


@pytest.mark.skipif(torch.accelerator.is_available(), reason="there is an accelerator here")
def test_an_accelerator_that_is_not_there_is_one_sentence() -> None:
    assert device_of("auto") == device_of("cpu") == torch.device("cpu")
    with pytest.raises(ConfigError, match="torch finds no accelerator here; use cpu or auto"):
        device_of("cuda")
    with pytest.raises(ConfigError, match="No device is called 'warp'"):
        device_of("warp")


def _pretended(mode: Any, lesson: Any) -> Any:
    """The same lesson as pretended tensors, on the pretended device."""

    def fake(part: Any) -> Any:
        return None if part is None else mode.from_tensor(part)

    batch = type(lesson.inputs)(*(fake(part) for part in lesson.inputs))
    same = type(lesson)(batch, fake(lesson.where), fake(lesson.targets), fake(lesson.negatives))
    return same.to(PRETENDED)
