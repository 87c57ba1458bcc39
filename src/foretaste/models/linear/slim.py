"""Sparse linear item-to-item weights (SLIM; Ning & Karypis, ICDM 2011), for catalogues too large for `ease`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt
from scipy.sparse import csc_array, csr_array

from foretaste.errors import MissingExtraError
from foretaste.models.neighbours.item_to_item import ItemToItem
from foretaste.models.neighbours.weights import ItemWeights, nearest_items
from foretaste.models.recency import RecencyConfig

if TYPE_CHECKING:
    from foretaste.data.dataset import Dataset
    from foretaste.types import FloatArray, IntArray, LongArray, Run

ITEMS_PER_BLOCK = 500
"""Items between two progress reports."""
TOLERANCE = 1e-4
"""Convergence threshold. Weights are between 0 and 1, so a smaller change does not change any list."""
MAX_SWEEPS = 100
"""Maximum sweeps of coordinate descent per item."""


class SlimConfig(RecencyConfig):
    """Settings of `slim`."""

    l1: NonNegativeFloat = 1.0
    """Lasso penalty, in users: sets small weights to exactly 0."""
    l2: PositiveFloat = 100.0
    """Ridge penalty, in users: shrinks the weights of items with few users."""
    activity: NonNegativeFloat = 0.0
    """γ: 0 weights all users equally; with larger values very active users count less."""
    candidates: PositiveInt = 200
    """How many of the nearest items (cosine) may have a weight to an item; time and memory grow with it."""


class Slim(ItemToItem):
    """score = x W, with column i the argmin of ½ Σ_u ω_u (x_ui − x_u·w)² + l2/2 ‖w‖² + l1 ‖w‖₁ for w ≥ 0, w_i = 0.

    ω_u = |u|^(−γ), scaled to a mean of 1 over the events; γ = 0 is the paper. w is non-zero only at the
    `candidates` of i (fsSLIM in the paper), so that the cost grows with the events and not with n².

    weights : W, sparse
    """

    name = "slim"
    config_class = SlimConfig
    grid = (
        SlimConfig(),
        SlimConfig(l1=2.0, l2=50.0),
        SlimConfig(l2=300.0),
        SlimConfig(l1=0.1, l2=30.0, activity=0.5),
        SlimConfig(l1=0.1, l2=10.0),
    )

    def fit_weights(self, train: Dataset, run: Run) -> ItemWeights:
        try:
            from foretaste.models.linear.slim_kernel import descend
        except ModuleNotFoundError as error:
            raise MissingExtraError(error.name or "numba", "cf", "The model 'slim'") from error
        X = csc_array(train.matrix())
        starts, sources = self._candidates(train, run)
        n, residual = train.n_items, np.zeros(train.n_users, np.float32)
        user_weight = self._user_weights(np.bincount(X.indices, minlength=train.n_users))
        parts = [np.empty(0, np.float32)]
        for start in range(0, n, ITEMS_PER_BLOCK):
            targets = (start, min(n, start + ITEMS_PER_BLOCK))
            parts.append(
                descend(
                    *(X.indptr, X.indices, starts, sources, user_weight, residual, targets),
                    *(self.config.l1, self.config.l2, TOLERANCE, MAX_SWEEPS),
                )
            )
            run.progress("slim", targets[1], n)
        columns = csc_array((np.concatenate(parts), sources, starts), shape=(n, n))
        columns.eliminate_zeros()
        return ItemWeights(csr_array(columns), train.kinds.weights)

    def _user_weights(self, count: LongArray) -> FloatArray:
        """(n_users,) float32 ω, from the number of items of each user."""
        weight = np.maximum(count, 1.0) ** -self.config.activity
        return np.asarray(weight * (count.sum() / max(float((weight * count).sum()), 1e-12)), np.float32)

    def _candidates(self, train: Dataset, run: Run) -> tuple[IntArray, IntArray]:
        """(n_items + 1,) starts and (n,) int32 codes: codes[starts[i]:starts[i + 1]] may have a weight to item i."""
        X = train.matrix()
        count = np.asarray(X.sum(axis=0), np.float32)

        def cosine(target: IntArray, source: IntArray, overlap: FloatArray) -> FloatArray:
            return overlap / np.sqrt(count[target] * count[source])

        nearest = csc_array(nearest_items(csr_array(X.T), X, cosine, self.config.candidates, run, "slim: neighbours"))
        return nearest.indptr.astype(np.int32), nearest.indices.astype(np.int32)
