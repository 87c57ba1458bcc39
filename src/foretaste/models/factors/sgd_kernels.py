"""Stochastic gradient descent on factors, compiled: one thread, one order, the same result for the same seed.

Letters: U users, I items, L ratings or events, D factors. Every epoch changes its arrays in place.
Scalars are float32, as the arrays: a float64 among them would halve the speed.
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
"""What LLVM may assume, so that sums run eight abreast; nan and infinity keep their meaning."""


def compiled(function: Callable[..., Any]) -> Any:
    """The machine code of a function, kept beside the source; made anew each time where that folder is read-only."""
    try:
        return njit(cache=True, fastmath=REASSOCIATE)(function)
    except RuntimeError:  # numba finds no folder it may write to
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
    people: LongArray,
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
    """One pass of SVD++ (Koren 2008, eq. 15 and 16), person by person in the order `people`.

    e = r − (μ + b_u + b_i + q_i·(p_u + z)),  z = |N|^−½ Σ_{j∈N} y_j;  y_j ← y_j + γ(e |N|^−½ q_i − λ y_j) for all j∈N

    Each rating moves every y_j of the person by the same step and shrinks it by the same factor, so the steps are added
    up in z and handed out once at the end: the same arithmetic at n a person instead of n².
    """
    D = p.shape[1]
    z = np.empty(D, np.float32)
    moved = np.empty(D, np.float32)
    total, seen = 0.0, 0
    for u in people:
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
            fade = np.float32(1) - rate * shrink
            step = rate * e
            for d in range(D):
                mine, chose, old, added = p[u, d], z[d], q[i, d], moved[d]
                p[u, d] = fade * mine + step * old
                q[i, d] = fade * old + step * (mine + chose)
                z[d] = fade * chose + step * old
                moved[d] = fade * added + step * root * old
            kept *= fade
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
    """A whole number in [0, n), n below 2³²: the upper half of the bits times n, which costs no division."""
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
    """One pass over the events in `order`, each followed by `negatives` even draws of the catalogue.

    s = b + b_u + b_i + p_u·q_i,  e = [taken] − σ(s), then as in `svd_epoch` (Rendle et al. 2020, eq. 2 and section 4.1)
    mean : (1,) the bias of all;  state : (1,) of the random draws
    """
    D, n_items = p.shape[1], q.shape[0]
    kept = np.float32(1) - rate * shrink
    person = np.empty(D, np.float32)
    for n in order:
        u = user[n]
        for d in range(D):
            person[d] = p[u, d]
        for draw in range(negatives + 1):
            i = np.int64(item[n]) if draw == 0 else random_below(state, n_items)
            thing = q[i]
            dot = np.float32(0)
            for d in range(D):
                dot += person[d] * thing[d]
            s = mean[0] + user_bias[u] + item_bias[i] + dot
            e = (np.float32(1) if draw == 0 else np.float32(0)) - np.float32(1) / (np.float32(1) + np.exp(-s))
            mean[0] += rate * (e - shrink * mean[0])
            user_bias[u] += rate * (e - shrink * user_bias[u])
            item_bias[i] += rate * (e - shrink * item_bias[i])
            step = rate * e
            for d in range(D):
                x, y = person[d], thing[d]  # both read before either is written: only then does LLVM go eight abreast
                person[d] = kept * x + step * y
                thing[d] = kept * y + step * x
        for d in range(D):
            p[u, d] = person[d]


@compiled
def skipgram_epoch(
    people: LongArray,
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

    For each event the window reaches a random distance up to `window`, so that near events are met more often; for each
    event o within it, and for `negatives` draws, e = [real] − σ(v·c), then v and c move by γ e of each other.
    people : order of the histories;  noise : (N,) item codes, each as often as it is to be drawn;  v, c : (I, D)
    """
    D = v.shape[1]
    moved = np.empty(D, np.float32)
    for u in people:
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
