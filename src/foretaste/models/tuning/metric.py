"""A linear map under which what people take one after the other lies together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from foretaste.models.tuning.engaged import Engaged, Together, contrastive
from foretaste.training.batches import positive_events
from foretaste.training.loop import train_loop

if TYPE_CHECKING:
    from collections.abc import Callable

    from foretaste.data.dataset import Dataset
    from foretaste.models.tuning.config import ContrastConfig
    from foretaste.training.config import TrainingConfig
    from foretaste.types import FloatArray, Run


class Map(nn.Module):
    """x ↦ M x of length 1; M begins as the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.M = nn.Parameter(torch.eye(width))

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.normalize(x @ self.M, dim=1)


def learn_map(
    data: Dataset,
    vectors: FloatArray,
    contrast: ContrastConfig,
    training: TrainingConfig,
    run: Run,
    *,
    measured: Callable[[FloatArray], float] | None = None,
) -> tuple[FloatArray, int]:
    """M (D, D) float32, and after how many epochs it was best; the identity where histories say nothing.

    vectors  : (n_items, D) rows of length 1, 0 for items nothing is known of, which teach nothing
    measured : the validation score of a map, for early stopping
    """
    history = positive_events(data.histories(), data.kinds.weights)
    known = np.asarray(vectors.any(axis=1))
    history = history.where(known[history.items])
    network = Map(vectors.shape[1])
    if not (history.lengths >= 2).any():
        return network.M.detach().numpy(), 0
    x = torch.from_numpy(vectors)
    often = np.bincount(history.items, minlength=data.n_items)
    log_q = torch.from_numpy(np.log(np.maximum(often, 1) / len(history.items)).astype(np.float32))

    def loss(lesson: Engaged) -> Tensor:
        return contrastive(network(x[torch.from_numpy(lesson.items)]), lesson, log_q, contrast)

    def monitor() -> float:
        assert measured is not None
        return measured(network.M.detach().numpy().copy())

    lessons: Any = Together(history, contrast, vectors)
    progress = train_loop(
        network,
        loss,  # type: ignore[arg-type]  # the loop asks of a lesson only that it has targets
        lessons,
        training,
        replace(run, folder=None, monitor=None),
        monitor=monitor if measured else None,
    )
    return network.M.detach().numpy().copy(), progress.best_epoch
