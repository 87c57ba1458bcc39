"""Blurring and sharpening on the item graph, without training (BSPM; Choi et al., SIGIR 2023)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from pydantic import NonNegativeFloat, NonNegativeInt, PositiveInt
from scipy.sparse import csr_array

from foretaste.config import Config
from foretaste.data.interaction_matrix import interaction_matrix
from foretaste.index.topk import recommend_in_blocks, score_in_blocks
from foretaste.models.graph.spectral import low_pass_filter, normalised
from foretaste.models.saving import fitted, read_model, sparse_arrays, sparse_matrix, write_model

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.data.dataset import Dataset
    from foretaste.types import BoolArray, Candidates, FloatArray, IntArray, Queries, Ragged, Run

HISTORIES_PER_BLOCK = 32
"""Histories filtered together: few enough that the dense operand stays in the CPU cache."""


class BlurSharpenConfig(Config):
    """Settings of `bspm`."""

    rank: NonNegativeInt = 448
    """Rank of the ideal low-pass filter: how many of the lowest graph frequencies it keeps."""
    ideal_weight: NonNegativeFloat = 0.2
    """β: weight of the ideal filter relative to the linear one."""
    sharpening: NonNegativeFloat = 2.5
    """T: integration time of the sharpening; 0 is the graph filter `gfcf`."""
    steps: PositiveInt = 1
    """Steps of the ODE solver."""
    solver: Literal["rk4", "euler"] = "rk4"
    """rk4: fourth-order Runge–Kutta. euler: first order, four times as fast."""


class BlurSharpen:
    """s = (r P + β r D^(−½) V Vᵀ D^(½)) p(−T P / steps)^steps, for a history r: the "early merge" of the paper.

    The blurred history is the initial value of the sharpening ODE ds/dt = −s P, solved up to t = T. A Runge–Kutta step
    of a linear ODE is a polynomial: p(z) = 1 + z for euler and 1 + z + z²/2 + z³/6 + z⁴/24 for rk4. P = R̃ᵀ R̃ is never
    computed: with 41,000 items it would be dense, while R̃ = D_u^(−½) R D_i^(−½) is sparse.

    normal : (n_users, n_items) CSR float32, R̃
    into   : (n_items, rank) float32, D^(−½) V, with V the first right singular vectors of R̃
    out_of : (rank, n_items) float32, β Vᵀ D^(½)
    """

    config_class = BlurSharpenConfig
    grid = (
        BlurSharpenConfig(),
        BlurSharpenConfig(ideal_weight=0.1),
        BlurSharpenConfig(rank=128, sharpening=0.5, solver="euler"),
        BlurSharpenConfig(rank=128, ideal_weight=0.4, sharpening=1.0, solver="euler"),
        BlurSharpenConfig(rank=64, ideal_weight=1.0, sharpening=0.5, solver="euler"),
    )
    normal: csr_array | None = None
    into: FloatArray
    out_of: FloatArray
    kind_weight: FloatArray

    def __init__(self, config: BlurSharpenConfig | None = None) -> None:
        self.config = config or BlurSharpenConfig()

    def fit(self, train: Dataset, run: Run) -> Self:
        R = train.matrix()
        normal = normalised(R)
        self.into, self.out_of = low_pass_filter(R, normal, self.config.rank, self.config.ideal_weight, run)
        self.normal, self.kind_weight = normal, train.kinds.weights
        return self

    def recommend(
        self, queries: Queries, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> Candidates:
        n = fitted(self.normal, self).shape[1]
        return recommend_in_blocks(self._score_all, queries, k, n, "bspm", exclude=exclude, allowed=allowed)

    def score(self, queries: Queries, items: IntArray) -> FloatArray:
        return score_in_blocks(self._score_all, queries, items, fitted(self.normal, self).shape[1])

    def _score_all(self, queries: Queries) -> FloatArray:
        """(B, n_items); nan for queries without positive events."""
        x = interaction_matrix(queries.history, fitted(self.normal, self).shape[1], self.kind_weight)
        scores = self._filtered(x)
        scores[np.diff(x.indptr) == 0] = np.nan
        return scores

    def _filtered(self, x: csr_array) -> FloatArray:
        """(B, n_items) float32 scores of a (B, n_items) CSR of histories; linear in x."""
        scores = np.empty(x.shape, np.float32)
        for start in range(0, x.shape[0], HISTORIES_PER_BLOCK):
            part = x[start : start + HISTORIES_PER_BLOCK]
            scores[start : start + HISTORIES_PER_BLOCK] = self._sharpened(self._blurred(part)).T
        return scores

    def _blurred(self, x: csr_array) -> FloatArray:
        """(n_items, B): the initial value of the sharpening."""
        R = fitted(self.normal, self)
        return R.T @ (R @ x.T).toarray() + ((x @ self.into) @ self.out_of).T

    def _sharpened(self, scores: FloatArray) -> FloatArray:
        """(n_items, B) to (n_items, B): the solution of the sharpening ODE at T."""
        R = fitted(self.normal, self)
        order = 4 if self.config.solver == "rk4" else 1
        step = np.float32(self.config.sharpening / self.config.steps)
        for _ in range(self.config.steps if step else 0):
            term = scores
            for power in range(1, order + 1):
                term = R.T @ (R @ term)
                term *= -step / np.float32(power)
                scores = scores + term
        return scores

    def contributions(self, history: IntArray, items: IntArray) -> FloatArray:
        """(K, H) float32 contribution of each event of the history to each item's score; exact, by linearity."""
        n = fitted(self.normal, self).shape[1]
        ones = np.ones(len(history), np.float32)
        each = csr_array((ones, history, np.arange(len(history) + 1)), shape=(len(history), n))
        return self._filtered(each)[:, items].T

    def save(self, folder: Path | str) -> None:
        normal = sparse_arrays("normal", fitted(self.normal, self))
        write_model(
            folder, self.config, {**normal, "into": self.into, "out_of": self.out_of, "kind_weight": self.kind_weight}
        )

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        config, arrays = read_model(folder, BlurSharpenConfig)
        model = cls(config)
        model.normal = sparse_matrix("normal", arrays)
        model.into, model.out_of = arrays["into"].astype(np.float32), arrays["out_of"].astype(np.float32)
        model.kind_weight = arrays["kind_weight"].astype(np.float32)
        return model
