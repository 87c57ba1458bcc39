"""Metric learning on fixed item vectors: a linear map that brings consecutive items of histories together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from foretaste.models.encoder_tuning.contrastive import (
    ContrastiveBatch,
    ContrastiveBatches,
    contrastive_loss,
    log_item_shares,
)
from foretaste.training.batches import positive_events
from foretaste.training.loop import train_loop

if TYPE_CHECKING:
    from collections.abc import Callable

    from foretaste.data.dataset import Dataset
    from foretaste.models.encoder_tuning.config import ContrastiveConfig
    from foretaste.training.config import TrainingConfig
    from foretaste.types import FloatArray, Run


class LinearMap(nn.Module):
    """(N, D) to (N, D): x M, scaled to length 1. M is initialised as the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.M = nn.Parameter(torch.eye(width))

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.normalize(x @ self.M, dim=1)


def fit_linear_map(
    data: Dataset,
    vectors: FloatArray,
    contrast: ContrastiveConfig,
    training: TrainingConfig,
    run: Run,
    *,
    validation_score: Callable[[FloatArray], float] | None = None,
) -> tuple[FloatArray, int]:
    """The map M (D, D) float32, for row vectors x M, and its best epoch; the identity where no history has two items.

    vectors          : (n_items, D) rows of length 1; 0 for items without content, which are not trained on
    validation_score : given a map, the score for early stopping, higher is better; None trains for all epochs
    """
    history = positive_events(data.histories(), data.kinds.weights)
    known = np.asarray(vectors.any(axis=1))
    history = history.where(known[history.items])
    network = LinearMap(vectors.shape[1])
    if not (history.lengths >= 2).any():
        return network.M.detach().numpy(), 0
    x = torch.from_numpy(vectors)
    log_q = log_item_shares(history, data.n_items)

    def loss(batch: ContrastiveBatch) -> Tensor:
        return contrastive_loss(network(x[torch.from_numpy(batch.items)]), batch, log_q, contrast)

    def monitor() -> float:
        assert validation_score is not None
        return validation_score(network.M.detach().numpy().copy())

    batches: Any = ContrastiveBatches(history, contrast, vectors)
    progress = train_loop(
        network,
        loss,  # type: ignore[arg-type]  # the loop needs only the targets of a batch
        batches,
        training,
        replace(run, folder=None, monitor=None),
        monitor=monitor if validation_score else None,
    )
    return network.M.detach().numpy().copy(), progress.best_epoch
