"""Graph convolution on the user-item graph, trained with the BPR loss (LightGCN; He et al., SIGIR 2020).

Users have no learned embedding; theirs is the aggregate of their items (INMO; Wu et al., SIGIR 2022).
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Self

import numpy as np
import torch
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt
from scipy.sparse import csr_array
from torch.nn.functional import logsigmoid

from foretaste.config import Config
from foretaste.data.interaction_matrix import interaction_matrix
from foretaste.index.topk import recommend_in_blocks, score_in_blocks, set_nan
from foretaste.models.saving import fitted, read_model, write_model
from foretaste.training.device import device_of

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from foretaste.data.dataset import Dataset
    from foretaste.types import BoolArray, Candidates, FloatArray, IntArray, LongArray, Queries, Ragged, Run


class LightGCNConfig(Config):
    """Settings of `lightgcn`."""

    factors: PositiveInt = 64
    """Embedding dimension."""
    layers: int = Field(default=3, ge=1, le=4)
    """Graph convolution layers; 2 or 3 are best on most data."""
    learning_rate: PositiveFloat = 0.05
    """Learning rate of Adam."""
    regularisation: NonNegativeFloat = 1e-4
    """λ: L2 penalty on the embeddings before convolution."""
    spread: PositiveFloat = 1.0
    """Standard deviation of the initial embeddings."""
    batch_events: PositiveInt = 16_384
    """Events per batch. Every step convolves the whole graph, so large batches cost least."""
    epochs: PositiveInt = 100
    """Maximum passes over the events."""
    least_steps: PositiveInt = 100
    """Minimum number of steps; on small data more epochs are added to reach it."""
    measure_every: PositiveInt = 5
    """Epochs between two validations by `run.monitor`, where there is one."""
    patience: PositiveInt = 5
    """Validations without improvement after which training stops; the best state is kept."""


class LightGCN:
    """score(i) = u · f_i with f the mean of e⁽⁰⁾ … e⁽ᴷ⁾ of an item and u that of the user (eq. 4).

    e⁽ˡ⁺¹⁾ = Ãᵀ u⁽ˡ⁾, u⁽ˡ⁺¹⁾ = Ã e⁽ˡ⁾ with Ã = D_u^−½ A D_i^−½ (eq. 3); and u⁽⁰⁾ = Ã e⁽⁰⁾ instead of a learned row.
    So a user is a function of the history alone: u = |H|^−½ Σ_{j∈H} h_j with
    h_j = (e⁽⁰⁾ + Σ_{l<K} e⁽ˡ⁾)_j |j|^−½ / (K + 1), the same for guests and for users of the training data.

    history_vectors, item_vectors : (n_items, D) float32, h and f; 0 for items without events
    """

    config_class = LightGCNConfig
    grid = (
        LightGCNConfig(),
        *(LightGCNConfig(layers=k, regularisation=r) for k, r in ((3, 1e-3), (2, 1e-4), (1, 1e-4))),
    )
    item_vectors: FloatArray | None = None
    history_vectors: FloatArray
    unseen_items: BoolArray
    kind_weight: FloatArray

    def __init__(self, config: LightGCNConfig | None = None) -> None:
        self.config = config or LightGCNConfig()

    def fit(self, train: Dataset, run: Run) -> Self:
        config, rng = self.config, run.rng()
        self.kind_weight = train.kinds.weights
        A = train.matrix()
        popularity = np.asarray(A.sum(axis=0), np.float32)
        device = device_of(run.device)
        graph = _Graph(A, device)
        start = rng.normal(0, config.spread, (train.n_items, config.factors)).astype(np.float32)
        start[popularity == 0] = 0
        e = torch.from_numpy(start).to(device).requires_grad_()
        optimiser = torch.optim.Adam([e], lr=config.learning_rate)
        user, item = np.repeat(np.arange(A.shape[0], dtype=np.int64), np.diff(A.indptr)), A.indices.astype(np.int64)
        batches = max(1, -(-len(user) // config.batch_events))
        epochs = max(config.epochs, -(-config.least_steps // batches)) if len(user) else 0
        best, best_vectors, waited = -np.inf, None, 0
        for epoch in range(epochs):
            for batch in np.array_split(rng.permutation(len(user)), batches):
                negative = _sample_negatives(A, user[batch], rng)
                users, items, _ = graph.convolve(e, config.layers)
                u, i, j = (torch.from_numpy(codes).to(device) for codes in (user[batch], item[batch], negative))
                margin = (users[u] * (items[i] - items[j])).sum(dim=1)
                penalty = (e[i].square().sum() + e[j].square().sum()) / len(batch)
                loss = -logsigmoid(margin).mean() + config.regularisation / 2 * penalty
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
            run.progress("lightgcn", epoch + 1, epochs)
            if run.monitor is not None and (epoch + 1) % config.measure_every == 0:
                self._keep(graph, e, popularity)
                score = run.monitor(self)
                waited += 1
                if score > best:
                    best, best_vectors, waited = score, (self.history_vectors, self.item_vectors), 0
                if waited >= config.patience:
                    break
        if best_vectors is not None:
            self.history_vectors, self.item_vectors = best_vectors
        else:
            self._keep(graph, e, popularity)
        return self

    @torch.no_grad()
    def _keep(self, graph: _Graph, e: Tensor, popularity: FloatArray) -> None:
        _, items, history = graph.convolve(e, self.config.layers)
        root = np.asarray(np.sqrt(np.maximum(popularity, 1)), np.float32)[:, None]
        unseen = popularity == 0
        self.history_vectors = np.asarray(history.cpu().numpy() / root, np.float32)
        self.item_vectors = items.cpu().numpy().copy()
        self.history_vectors[unseen] = self.item_vectors[unseen] = 0
        self.unseen_items = np.asarray(~self.item_vectors.any(axis=1))

    def recommend(
        self, queries: Queries, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> Candidates:
        n = len(fitted(self.item_vectors, self))
        return recommend_in_blocks(self._score_all, queries, k, n, "lightgcn", exclude=exclude, allowed=allowed)

    def score(self, queries: Queries, items: IntArray) -> FloatArray:
        return score_in_blocks(self._score_all, queries, items, len(fitted(self.item_vectors, self)))

    def _score_all(self, queries: Queries) -> FloatArray:
        """(B, n_items); nan for items without events and for queries without positive events."""
        vectors = fitted(self.item_vectors, self)
        x = interaction_matrix(queries.history, len(vectors), self.kind_weight)
        count = np.diff(x.indptr)
        users = (x @ self.history_vectors) / np.sqrt(np.maximum(count, 1))[:, None]
        scores = users.astype(np.float32, copy=False) @ vectors.T
        set_nan(scores, self.unseen_items)
        scores[count == 0] = np.nan
        return scores

    def contributions(self, history: IntArray, items: IntArray) -> FloatArray:
        """(K, H) float32 f_i · h_j: contributions to the score, up to the factor |H|^−½."""
        return fitted(self.item_vectors, self)[items] @ self.history_vectors[history].T

    def save(self, folder: Path | str) -> None:
        arrays = {"item_vectors": fitted(self.item_vectors, self), "history_vectors": self.history_vectors}
        write_model(folder, self.config, {**arrays, "kind_weight": self.kind_weight})

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        config, arrays = read_model(folder, LightGCNConfig)
        model = cls(config)
        model.item_vectors = arrays["item_vectors"].astype(np.float32, copy=False)
        model.unseen_items = np.asarray(~model.item_vectors.any(axis=1))
        model.history_vectors = arrays["history_vectors"].astype(np.float32, copy=False)
        model.kind_weight = arrays["kind_weight"].astype(np.float32, copy=False)
        return model


class _Graph:
    """Ã, (n_users, n_items), and its transpose, as sparse tensors."""

    def __init__(self, A: csr_array, device: torch.device) -> None:
        users, items = (np.maximum(np.asarray(A.sum(axis=axis)), 1) for axis in (1, 0))
        row = np.repeat(np.arange(A.shape[0]), np.diff(A.indptr))
        weight = (A.data / np.sqrt(users[row] * items[A.indices])).astype(np.float32)
        normal = csr_array((weight, A.indices, A.indptr), shape=A.shape)
        self.to_users = _tensor(normal).to(device)
        self.to_items = _tensor(csr_array(normal.T)).to(device)

    def convolve(self, e: Tensor, layers: int) -> tuple[Tensor, Tensor, Tensor]:
        """(n_users, D) u, (n_items, D) f, and (n_items, D) h before its division by |j|^½."""
        u = _product(e, self.to_users, self.to_items)
        users, items, history = u, e, e
        for _ in range(layers):
            history = history + e
            u, e = _product(e, self.to_users, self.to_items), _product(u, self.to_items, self.to_users)
            users, items = users + u, items + e
        return users / (layers + 1), items / (layers + 1), history / (layers + 1)


class _Product(torch.autograd.Function):
    """M @ x for a constant sparse M, with the precomputed transpose for the gradient Mᵀ @ g."""

    @staticmethod
    def forward(context: torch.autograd.function.FunctionCtx, x: Tensor, matrix: Tensor, transpose: Tensor) -> Tensor:
        context.transpose = transpose  # type: ignore[attr-defined]
        return matrix @ x

    @staticmethod
    def backward(context: torch.autograd.function.FunctionCtx, *gradient: Tensor) -> tuple[Tensor, None, None]:
        return context.transpose @ gradient[0], None, None  # type: ignore[attr-defined]


def _product(x: Tensor, matrix: Tensor, transpose: Tensor) -> Tensor:
    y: Tensor = _Product.apply(x, matrix, transpose)  # type: ignore[no-untyped-call]
    return y


def _tensor(matrix: csr_array) -> Tensor:
    starts, columns = (torch.from_numpy(part.astype(np.int64)) for part in (matrix.indptr, matrix.indices))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta", UserWarning)
        # No need to check the invariants: they are those of scipy.
        weights = torch.from_numpy(matrix.data)
        return torch.sparse_csr_tensor(starts, columns, weights, size=matrix.shape, check_invariants=False)


def _sample_negatives(A: csr_array, user: LongArray, rng: np.random.Generator) -> LongArray:
    """(L,) for each event an item drawn uniformly; redrawn up to five times where the user has it too."""
    n = A.shape[1]
    drawn = rng.integers(0, n, len(user))
    keys = np.repeat(np.arange(A.shape[0]), np.diff(A.indptr)) * n + A.indices
    for _ in range(5):
        key = user * n + drawn
        at = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
        positive = np.flatnonzero(keys[at] == key)
        if not len(positive):
            break
        drawn[positive] = rng.integers(0, n, len(positive))
    return drawn
