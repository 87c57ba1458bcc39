"""Rating prediction from factors and from the set of rated items as implicit feedback (SVD++; Koren, KDD 2008)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt
from scipy.sparse import csr_array

from foretaste.config import Config
from foretaste.models.factors.fold_in import ridge_rows
from foretaste.models.factors.sgd_kernels import svdpp_epoch
from foretaste.models.ratings.rating_data import Scale, rate_in_blocks, ratings_to_learn
from foretaste.models.saving import fitted, read_model, write_model

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.data.dataset import Dataset
    from foretaste.types import FloatArray, History, IntArray, Queries, Run


class SVDPPConfig(Config):
    """Settings of `svdpp`."""

    factors: PositiveInt = 50
    """Number of latent factors."""
    epochs: PositiveInt = 80
    """Passes over the ratings."""
    learning_rate: PositiveFloat = 0.005
    """γ of SGD."""
    regularisation: NonNegativeFloat = 0.1
    """λ of the L2 penalty on factors and biases, per rating."""
    fold_in_regularisation: PositiveFloat = 0.1
    """λ, per rating, in the fold-in of a user's factors."""
    spread: PositiveFloat = 0.1
    """Standard deviation of the initial factors."""
    update_epochs: PositiveInt = 5
    """Passes over new ratings in `update`."""


class SVDPP:
    """r̂ = μ + b_u + b_i + q_i · (p_u + |N|^−½ Σ_{j∈N} y_j), N the items that the user rated (eq. 15 of the paper).

    Only item factors are stored: z = |N|^−½ Σ y_j is computed from a history, then p_u and b_u are folded in by ridge
    regression on its ratings.

    q, y      : (n_items, D) float32; 0 for unrated items
    item_bias : (n_items,) float32
    """

    config_class = SVDPPConfig
    grid = (
        SVDPPConfig(),
        *(SVDPPConfig(regularisation=r, epochs=e) for r, e in ((0.07, 50), (0.05, 40), (0.12, 100))),
    )
    q: FloatArray | None = None
    y: FloatArray
    item_bias: FloatArray
    scale: Scale

    def __init__(self, config: SVDPPConfig | None = None) -> None:
        self.config = config or SVDPPConfig()

    def fit(self, train: Dataset, run: Run) -> Self:
        ratings, self.scale = ratings_to_learn(train, "svdpp")
        rng, config, n = run.rng(), self.config, train.n_items
        p = rng.normal(0, config.spread, (len(ratings), config.factors)).astype(np.float32)
        self.q = rng.normal(0, config.spread, (n, config.factors)).astype(np.float32)
        # Hundreds of y are summed in one z, so they are initialised smaller.
        self.y = rng.normal(0, config.spread / 10, (n, config.factors)).astype(np.float32)
        self.item_bias = np.zeros(n, np.float32)
        self._descend(ratings, p, np.zeros(len(ratings), np.float32), config.epochs, run, rng)
        unrated = np.bincount(ratings.items, minlength=n) == 0
        self.q[unrated] = self.y[unrated] = 0
        return self

    def update(self, people: History, run: Run, *, n_items: int = 0) -> Self:
        """Incremental training on the ratings of some users, without those of the others.

        people  : whole histories of these users
        n_items : size of the catalogue if it has grown; new items start with a bias of 0
        """
        q, rng = fitted(self.q, self), run.rng()
        seen = max(n_items, int(people.items.max(initial=-1)) + 1)
        if (more := seen - len(q)) > 0:
            added = rng.normal(0, self.config.spread, (more, q.shape[1])).astype(np.float32)
            self.q, self.y = np.concatenate([q, added]), np.concatenate([self.y, added / 10])
            self.item_bias = np.concatenate([self.item_bias, np.zeros(more, np.float32)])
        p, _, bias = self._fold_in(people)
        self._descend(self.scale.ratings_of(people), p, bias, self.config.update_epochs, run, rng)
        return self

    def _descend(
        self, ratings: History, p: FloatArray, bias: FloatArray, epochs: int, run: Run, rng: np.random.Generator
    ) -> None:
        config = self.config
        for epoch in range(epochs):
            svdpp_epoch(
                rng.permutation(len(ratings)),
                ratings.offsets,
                ratings.items,
                ratings.value,
                np.float32(self.scale.mean),
                p,
                fitted(self.q, self),
                self.y,
                bias,
                self.item_bias,
                np.float32(config.learning_rate),
                np.float32(config.regularisation),
                np.float32(config.regularisation),
            )
            run.progress("svdpp", epoch + 1, epochs)

    def rate(self, queries: Queries, items: IntArray) -> FloatArray:
        return rate_in_blocks(self._rate, queries, items, self.config.factors)

    def _rate(self, queries: Queries, items: IntArray) -> FloatArray:
        q = fitted(self.q, self)
        p, z, bias = self._fold_in(queries.history)
        rating = self.item_bias[items] + bias[:, None] + np.float32(self.scale.mean)
        return self.scale.clip(rating + np.einsum("bd,bkd->bk", p + z, q[items]))

    def _fold_in(self, history: History) -> tuple[FloatArray, FloatArray, FloatArray]:
        """(B, D) p, (B, D) z and (B,) biases of the users."""
        q, ratings = fitted(self.q, self), self.scale.ratings_of(history)
        row = ratings.row_of_event()
        root = (1 / np.sqrt(np.maximum(ratings.lengths, 1))).astype(np.float32)
        rated = csr_array((root[row], ratings.items, ratings.offsets), shape=(len(ratings), len(q)))
        z: FloatArray = rated @ self.y
        baseline = np.float32(self.scale.mean) + self.item_bias[ratings.items]
        residual = ratings.value - baseline - np.einsum("ld,ld->l", q[ratings.items], z[row])
        p, bias = ridge_rows(q[ratings.items], ratings.offsets, residual, self.config.fold_in_regularisation)
        return p, z, bias

    def save(self, folder: Path | str) -> None:
        arrays = {"q": fitted(self.q, self), "y": self.y, "item_bias": self.item_bias, **self.scale.arrays()}
        write_model(folder, self.config, arrays)

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        config, arrays = read_model(folder, SVDPPConfig)
        model = cls(config)
        model.q = arrays["q"].astype(np.float32, copy=False)
        model.y = arrays["y"].astype(np.float32, copy=False)
        model.item_bias = arrays["item_bias"].astype(np.float32, copy=False)
        model.scale = Scale.of_arrays(arrays)
        return model
