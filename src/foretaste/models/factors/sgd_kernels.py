"""Compiled SGD epochs for factor models: single-threaded, so that a seed gives a reproducible result.

Letters: U users, I items, L ratings or events, D factors. Every epoch updates its arrays in place.
Scalars are float32 like the arrays: a float64 among them would halve the speed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from foretaste.types import FloatArray, IntArray, LongArray

REASSOCIATE = {"reassoc", "contract", "nsz"}
"""Fast-math flags that let LLVM vectorise sums; nan and infinity keep their meaning."""


def compiled(function: Callable[..., Any]) -> Any:
    """The function compiled by numba, cached beside the source; without a cache where that folder is read-only."""
    try:
        return njit(cache=True, fastmath=REASSOCIATE)(function)
    except RuntimeError:  # numba finds no writable folder
        return njit(fastmath=REASSOCIATE)(function)


@compiled
def svd_epoch(
    order: LongArray,
    user: IntArray,
    item: IntArray,
    rating: FloatArray,
    mean: np.float32,
    p: FloatArray,
    q: FloatArray,
    user_bias: FloatArray,
    item_bias: FloatArray,
    rate: np.float32,
    shrink: np.float32,
    shrink_bias: np.float32,
) -> float:
    """One pass of Funk's SVD with biases over the ratings in `order` (Koren et al. 2009, eq. 5).

    e = r − (μ + b_u + b_i + p_u·q_i);  b ← b + γ(e − λ_b b);  p_u ← p_u + γ(e q_i − λ p_u), and q_i alike
    user, item, rating : (L,);  p, q : (U, D), (I, D);  user_bias, item_bias : (U,), (I,)
    """
    D = p.shape[1]
    total = 0.0
    for n in order:
        u, i = user[n], item[n]
        dot = np.float32(0)
        for d in range(D):
            dot += p[u, d] * q[i, d]
        e = rating[n] - (mean + user_bias[u] + item_bias[i] + dot)
        total += e * e
        user_bias[u] += rate * (e - shrink_bias * user_bias[u])
        item_bias[i] += rate * (e - shrink_bias * item_bias[i])
        for d in range(D):
            x, y = p[u, d], q[i, d]
            p[u, d] = x + rate * (e * y - shrink * x)
            q[i, d] = y + rate * (e * x - shrink * y)
    return total / max(1, len(order))


@compiled
def svdpp_epoch(
    users: LongArray,
    offsets: LongArray,
    item: IntArray,
    rating: FloatArray,
    mean: np.float32,
    p: FloatArray,
    q: FloatArray,
    y: FloatArray,
    user_bias: FloatArray,
    item_bias: FloatArray,
    rate: np.float32,
    shrink: np.float32,
    shrink_bias: np.float32,
) -> float:
    """One pass of SVD++ (Koren 2008, eq. 15 and 16), user by user in the order `users`.

    e = r − (μ + b_u + b_i + q_i·(p_u + z)),  z = |N|^−½ Σ_{j∈N} y_j;  y_j ← y_j + γ(e |N|^−½ q_i − λ y_j) for all j∈N

    Each rating updates every y_j of the user by the same step and factor, so the updates are accumulated in z and
    applied once at the end: the same result at cost n per user instead of n².
    """
    D = p.shape[1]
    z = np.empty(D, np.float32)
    moved = np.empty(D, np.float32)
    total, seen = 0.0, 0
    for u in users:
        begin, end = offsets[u], offsets[u + 1]
        n = end - begin
        if n == 0:
            continue
        root = np.float32(1 / np.sqrt(n))
        z[:] = 0
        moved[:] = 0
        for e_ in range(begin, end):
            for d in range(D):
                z[d] += y[item[e_], d]
        for d in range(D):
            z[d] *= root
        kept = np.float32(1)
        for e_ in range(begin, end):
            i = item[e_]
            dot = np.float32(0)
            for d in range(D):
                dot += (p[u, d] + z[d]) * q[i, d]
            e = rating[e_] - (mean + user_bias[u] + item_bias[i] + dot)
            total += e * e
            user_bias[u] += rate * (e - shrink_bias * user_bias[u])
            item_bias[i] += rate * (e - shrink_bias * item_bias[i])
            decay = np.float32(1) - rate * shrink
            step = rate * e
            for d in range(D):
                p_old, z_old, q_old, moved_old = p[u, d], z[d], q[i, d], moved[d]
                p[u, d] = decay * p_old + step * q_old
                q[i, d] = decay * q_old + step * (p_old + z_old)
                z[d] = decay * z_old + step * q_old
                moved[d] = decay * moved_old + step * root * q_old
            kept *= decay
        for e_ in range(begin, end):
            for d in range(D):
                y[item[e_], d] = kept * y[item[e_], d] + moved[d]
        seen += n
    return total / max(1, seen)


@compiled
def _next(state: NDArray[np.uint64]) -> Any:
    """The next 64 random bits (xorshift64*, Vigna 2016)."""
    x = state[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    state[0] = x
    return x * np.uint64(0x2545F4914F6CDD1D)


@compiled
def random_below(state: NDArray[np.uint64], n: int) -> Any:
    """A random integer in [0, n), n below 2³², by multiplication of the upper 32 bits instead of division."""
    return np.int64((_next(state) >> np.uint64(32)) * np.uint64(n) >> np.uint64(32))


@compiled
def logistic_epoch(
    order: LongArray,
    user: IntArray,
    item: IntArray,
    negatives: int,
    p: FloatArray,
    q: FloatArray,
    user_bias: FloatArray,
    item_bias: FloatArray,
    mean: FloatArray,
    rate: np.float32,
    shrink: np.float32,
    state: NDArray[np.uint64],
) -> None:
    """One pass over the events in `order`, each with `negatives` items drawn uniformly.

    s = b + b_u + b_i + p_u·q_i (Rendle et al. 2020, eq. 2 and section 4.1),  e = [positive] − σ(s)
    Updates as in `svd_epoch`. mean : (1,) global bias b;  state : (1,) of the random generator
    """
    D, n_items = p.shape[1], q.shape[0]
    kept = np.float32(1) - rate * shrink
    p_user = np.empty(D, np.float32)
    for n in order:
        u = user[n]
        for d in range(D):
            p_user[d] = p[u, d]
        for draw in range(negatives + 1):
            i = np.int64(item[n]) if draw == 0 else random_below(state, n_items)
            q_item = q[i]
            dot = np.float32(0)
            for d in range(D):
                dot += p_user[d] * q_item[d]
            s = mean[0] + user_bias[u] + item_bias[i] + dot
            e = (np.float32(1) if draw == 0 else np.float32(0)) - np.float32(1) / (np.float32(1) + np.exp(-s))
            mean[0] += rate * (e - shrink * mean[0])
            user_bias[u] += rate * (e - shrink * user_bias[u])
            item_bias[i] += rate * (e - shrink * item_bias[i])
            step = rate * e
            for d in range(D):
                x, y = p_user[d], q_item[d]  # both read before either is written, so that LLVM vectorises
                p_user[d] = kept * x + step * y
                q_item[d] = kept * y + step * x
        for d in range(D):
            p[u, d] = p_user[d]


@compiled
def skipgram_epoch(
    users: LongArray,
    offsets: LongArray,
    item: IntArray,
    window: int,
    noise: IntArray,
    negatives: int,
    v: FloatArray,
    c: FloatArray,
    rate: np.float32,
    state: NDArray[np.uint64],
) -> None:
    """One pass of skip-gram with negative sampling over histories (Mikolov et al. 2013, eq. 4).

    The window of each event has a random size up to `window`, which weights near events more; for each event in it, and
    for `negatives` draws, e = [positive] − σ(v·c), then v ← v + γ e c and c ← c + γ e v.
    users : order of the histories;  noise : (N,) item codes in proportion to their probability;  v, c : (I, D)
    """
    D = v.shape[1]
    moved = np.empty(D, np.float32)
    for u in users:
        begin, end = offsets[u], offsets[u + 1]
        for a in range(begin, end):
            i = item[a]
            reach = 1 + random_below(state, window)
            for b in range(max(begin, a - reach), min(end, a + reach + 1)):
                if item[b] == i:
                    continue
                for d in range(D):
                    moved[d] = 0
                for draw in range(negatives + 1):
                    j = item[b] if draw == 0 else noise[random_below(state, len(noise))]
                    if draw > 0 and j == item[b]:
                        continue
                    dot = np.float32(0)
                    for d in range(D):
                        dot += v[i, d] * c[j, d]
                    chance = np.float32(1) / (np.float32(1) + np.exp(-dot))
                    e = (np.float32(1) if draw == 0 else np.float32(0)) - chance
                    step = rate * e
                    for d in range(D):
                        x, y = v[i, d], c[j, d]
                        moved[d] += step * y
                        c[j, d] = y + step * x
                for d in range(D):
                    v[i, d] += moved[d]
