"""Vectors smoothed over the graph of who took what, learned pair by pair.

He et al., "LightGCN", SIGIR 2020; that people need no vector of their own: Wu et al., "INMO", SIGIR 2022.
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
    factors: PositiveInt = 64
    """Length of the vectors."""
    layers: int = Field(default=3, ge=1, le=4)
    """How many steps over the graph; 2 or 3 serve most data."""
    learning_rate: PositiveFloat = 0.05
    """Of Adam."""
    regularisation: NonNegativeFloat = 1e-4
    """λ on the vectors before smoothing."""
    spread: PositiveFloat = 1.0
    """Standard deviation of the vectors before the first step."""
    batch_events: PositiveInt = 16_384
    """Every step smooths the whole graph, so large batches cost least."""
    epochs: PositiveInt = 100
    """Passes over the events, at most."""
    least_steps: PositiveInt = 100
    """Small data makes further epochs until it has taken so many steps."""
    measure_every: PositiveInt = 5
    """Epochs between two questions to `run.monitor`, where there is one."""
    patience: PositiveInt = 5
    """How many questions without a better answer end the training; the best state is kept."""


class LightGCN:
    """score(i) = u · f_i with f the mean of e⁽⁰⁾ … e⁽ᴷ⁾ of an item and u that of the person (eq. 4).

    e⁽ˡ⁺¹⁾ = Ãᵀ u⁽ˡ⁾, u⁽ˡ⁺¹⁾ = Ã e⁽ˡ⁾ with Ã = D_u^−½ A D_i^−½ (eq. 3); and u⁽⁰⁾ = Ã e⁽⁰⁾ instead of a learned row.
    So a person is their history alone: u = |H|^−½ Σ_{j∈H} h_j, h_j = (e⁽⁰⁾ + Σ_{l<K} e⁽ˡ⁾)_j |j|^−½ / (K + 1).
    Guests and those who were learned from differ only in having been part of the graph.

    history_vectors, item_vectors : (n_items, D) float32, h and f; 0 where nobody took the item
    """

    config_class = LightGCNConfig
    grid = (
        LightGCNConfig(),
        *(LightGCNConfig(layers=k, regularisation=r) for k, r in ((3, 1e-3), (2, 1e-4), (1, 1e-4))),
    )
    item_vectors: FloatArray | None = None
    history_vectors: FloatArray
    unmet: BoolArray
    kind_weight: FloatArray

    def __init__(self, config: LightGCNConfig | None = None) -> None:
        self.config = config or LightGCNConfig()

    def fit(self, train: Dataset, run: Run) -> Self:
        config, rng = self.config, run.rng()
        self.kind_weight = train.kinds.weights
        A = train.matrix()
        taken = np.asarray(A.sum(axis=0), np.float32)
        device = device_of(run.device)
        graph = _Graph(A, device)
        start = rng.normal(0, config.spread, (train.n_items, config.factors)).astype(np.float32)
        start[taken == 0] = 0
        e = torch.from_numpy(start).to(device).requires_grad_()
        optimiser = torch.optim.Adam([e], lr=config.learning_rate)
        user, item = np.repeat(np.arange(A.shape[0], dtype=np.int64), np.diff(A.indptr)), A.indices.astype(np.int64)
        batches = max(1, -(-len(user) // config.batch_events))
        epochs = max(config.epochs, -(-config.least_steps // batches)) if len(user) else 0
        best, kept, waited = -np.inf, None, 0
        for epoch in range(epochs):
            for batch in np.array_split(rng.permutation(len(user)), batches):
                other = _not_taken(A, user[batch], rng)
                people, items, _ = graph.smoothed(e, config.layers)
                u, near, far = (torch.from_numpy(codes).to(device) for codes in (user[batch], item[batch], other))
                apart = (people[u] * (items[near] - items[far])).sum(dim=1)
                size = (e[near].square().sum() + e[far].square().sum()) / len(batch)
                loss = -logsigmoid(apart).mean() + config.regularisation / 2 * size
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
            run.progress("lightgcn", epoch + 1, epochs)
            if run.monitor is not None and (epoch + 1) % config.measure_every == 0:
                self._keep(graph, e, taken)
                score = run.monitor(self)
                waited += 1
                if score > best:
                    best, kept, waited = score, (self.history_vectors, self.item_vectors), 0
                if waited >= config.patience:
                    break
        if kept is not None:
            self.history_vectors, self.item_vectors = kept
        else:
            self._keep(graph, e, taken)
        return self

    @torch.no_grad()
    def _keep(self, graph: _Graph, e: Tensor, taken: FloatArray) -> None:
        _, items, history = graph.smoothed(e, self.config.layers)
        root = np.asarray(np.sqrt(np.maximum(taken, 1)), np.float32)[:, None]
        unknown = taken == 0
        self.history_vectors = np.asarray(history.cpu().numpy() / root, np.float32)
        self.item_vectors = items.cpu().numpy().copy()
        self.history_vectors[unknown] = self.item_vectors[unknown] = 0
        self.unmet = np.asarray(~self.item_vectors.any(axis=1))

    def recommend(
        self, queries: Queries, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> Candidates:
        n = len(fitted(self.item_vectors, self))
        return recommend_in_blocks(self._score_all, queries, k, n, "lightgcn", exclude=exclude, allowed=allowed)

    def score(self, queries: Queries, items: IntArray) -> FloatArray:
        return score_in_blocks(self._score_all, queries, items, len(fitted(self.item_vectors, self)))

    def _score_all(self, queries: Queries) -> FloatArray:
        """(B, n_items); nan for items nobody took and for people without a history."""
        vectors = fitted(self.item_vectors, self)
        x = interaction_matrix(queries.history, len(vectors), self.kind_weight)
        count = np.diff(x.indptr)
        people = (x @ self.history_vectors) / np.sqrt(np.maximum(count, 1))[:, None]
        scores = people.astype(np.float32, copy=False) @ vectors.T
        set_nan(scores, self.unmet)
        scores[count == 0] = np.nan
        return scores

    def contributions(self, history: IntArray, items: IntArray) -> FloatArray:
        return fitted(self.item_vectors, self)[items] @ self.history_vectors[history].T

    def save(self, folder: Path | str) -> None:
        arrays = {"item_vectors": fitted(self.item_vectors, self), "history_vectors": self.history_vectors}
        write_model(folder, self.config, {**arrays, "kind_weight": self.kind_weight})

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        config, arrays = read_model(folder, LightGCNConfig)
        model = cls(config)
        model.item_vectors = arrays["item_vectors"].astype(np.float32, copy=False)
        model.unmet = np.asarray(~model.item_vectors.any(axis=1))
        model.history_vectors = arrays["history_vectors"].astype(np.float32, copy=False)
        model.kind_weight = arrays["kind_weight"].astype(np.float32, copy=False)
        return model


class _Graph:
    """Ã, (n_users, n_items), and its transpose, as sparse tensors."""

    def __init__(self, A: csr_array, device: torch.device) -> None:
        people, items = (np.maximum(np.asarray(A.sum(axis=axis)), 1) for axis in (1, 0))
        row = np.repeat(np.arange(A.shape[0]), np.diff(A.indptr))
        weight = (A.data / np.sqrt(people[row] * items[A.indices])).astype(np.float32)
        normal = csr_array((weight, A.indices, A.indptr), shape=A.shape)
        self.forth = _tensor(normal).to(device)
        self.back = _tensor(csr_array(normal.T)).to(device)

    def smoothed(self, e: Tensor, layers: int) -> tuple[Tensor, Tensor, Tensor]:
        """(n_users, D) u, (n_items, D) f, and (n_items, D) h before its division by the root of the degree."""
        u = _product(e, self.forth, self.back)
        people, items, history = u, e, e
        for _ in range(layers):
            history = history + e
            u, e = _product(e, self.forth, self.back), _product(u, self.back, self.forth)
            people, items = people + u, items + e
        return people / (layers + 1), items / (layers + 1), history / (layers + 1)


class _Product(torch.autograd.Function):
    """M @ x for a sparse M that is not learned; its gradient is Mᵀ @ g, with the transpose handed in ready-made."""

    @staticmethod
    def forward(context: torch.autograd.function.FunctionCtx, x: Tensor, matrix: Tensor, transpose: Tensor) -> Tensor:
        context.transpose = transpose  # type: ignore[attr-defined]
        return matrix @ x

    @staticmethod
    def backward(context: torch.autograd.function.FunctionCtx, *gradient: Tensor) -> tuple[Tensor, None, None]:
        return context.transpose @ gradient[0], None, None  # type: ignore[attr-defined]


def _product(x: Tensor, matrix: Tensor, transpose: Tensor) -> Tensor:
    found: Tensor = _Product.apply(x, matrix, transpose)  # type: ignore[no-untyped-call]
    return found


def _tensor(matrix: csr_array) -> Tensor:
    begins, columns = (torch.from_numpy(part.astype(np.int64)) for part in (matrix.indptr, matrix.indices))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta", UserWarning)
        # The invariants are scipy's own.
        weights = torch.from_numpy(matrix.data)
        return torch.sparse_csr_tensor(begins, columns, weights, size=matrix.shape, check_invariants=False)


def _not_taken(A: csr_array, user: LongArray, rng: np.random.Generator) -> LongArray:
    """(L,) for each event an item drawn evenly; drawn again, a few times, where the person took that one too."""
    n = A.shape[1]
    drawn = rng.integers(0, n, len(user))
    keys = np.repeat(np.arange(A.shape[0]), np.diff(A.indptr)) * n + A.indices
    for _ in range(5):
        key = user * n + drawn
        at = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
        taken = np.flatnonzero(keys[at] == key)
        if not len(taken):
            break
        drawn[taken] = rng.integers(0, n, len(taken))
    return drawn
