"""Each fast loss equals its plain form, forward and backward, on random shapes."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="the extra 'torch' is not installed")
from foretaste.nn import losses  # noqa: E402

shapes = st.tuples(st.integers(1, 40), st.integers(2, 50), st.integers(1, 9), st.integers(0, 10_000))


def case(T: int, n: int, width: int, seed: int):
    g = torch.Generator().manual_seed(seed)
    states = torch.randn(T, width, generator=g, dtype=torch.float32).requires_grad_()
    items = torch.randn(n, width, generator=g, dtype=torch.float32).requires_grad_()
    return states, items, torch.randint(0, n, (T,), generator=g), torch.randint(0, n, (7,), generator=g)


def same(fast, plain, states, items) -> None:
    """Equal values and equal gradients."""
    torch.testing.assert_close(fast, plain, rtol=1e-5, atol=1e-5)
    a = torch.autograd.grad(fast, (states, items), retain_graph=True)
    b = torch.autograd.grad(plain, (states, items), retain_graph=True)
    for x, y in zip(a, b, strict=True):
        torch.testing.assert_close(x, y, rtol=1e-4, atol=1e-6)


@given(shapes)
@settings(max_examples=40, deadline=None)
def test_full_softmax(shape) -> None:
    states, items, targets, _ = case(*shape)
    plain = torch.stack(
        [torch.log(sum(torch.exp(h @ e) for e in items)) - h @ items[y] for h, y in zip(states, targets, strict=True)]
    ).mean()
    same(losses.full_softmax(states, items, targets), plain, states, items)


def test_full_softmax_in_chunks_is_full_softmax(monkeypatch: pytest.MonkeyPatch) -> None:
    states, items, targets, _ = case(33, 20, 5, 0)
    whole = losses.full_softmax(states, items, targets)
    monkeypatch.setattr(losses, "CHUNK_CELLS", 60)
    same(losses.full_softmax(states, items, targets), whole, states, items)


def test_low_precision_moves_it_little() -> None:
    states, items, targets, _ = case(64, 500, 32, 1)
    whole = losses.full_softmax(states, items, targets)
    low = losses.full_softmax(states, items, targets, torch.bfloat16)
    assert abs((low - whole).item()) < 0.02 * whole.item()
    a, b = (torch.autograd.grad(x, states, retain_graph=True)[0] for x in (whole, low))
    assert torch.nn.functional.cosine_similarity(a.flatten(), b.flatten(), dim=0) > 0.999


@given(shapes)
@settings(max_examples=40, deadline=None)
def test_sampled_softmax(shape) -> None:
    states, items, targets, negatives = case(*shape)
    log_q = torch.linspace(-2, 0, len(items))
    rows = []
    for h, y in zip(states, targets, strict=True):
        others = [k for k in negatives if k != y]
        all_scores = [h @ items[j] - log_q[j] for j in (y, *others)]
        rows.append(torch.logsumexp(torch.stack(all_scores), 0) - all_scores[0])
    same(losses.sampled_softmax(states, items, targets, negatives, log_q), torch.stack(rows).mean(), states, items)


def test_sampled_softmax_with_every_other_item_is_the_full_one() -> None:
    states, items, targets, _ = case(30, 25, 6, 3)
    everything = torch.arange(25)
    same(
        losses.sampled_softmax(states, items, targets, everything),
        losses.full_softmax(states, items, targets),
        states,
        items,
    )


@given(shapes, st.floats(0.01, 1))
@settings(max_examples=25, deadline=None)
def test_gbce_and_bpr(shape, beta: float) -> None:
    states, items, targets, negatives = case(*shape)
    gbce, bpr = [], []
    for h, y in zip(states, targets, strict=True):
        others = [h @ items[k] for k in negatives if k != y]
        wanted = h @ items[y]
        log = torch.nn.functional.logsigmoid
        gbce.append(-beta * log(wanted) - sum((log(-s) for s in others), torch.zeros(())))
        bpr.append(sum((-log(wanted - s) for s in others), torch.zeros(())) / max(1, len(others)))
    same(losses.gbce(states, items, targets, negatives, beta), torch.stack(gbce).mean(), states, items)
    if any((negatives != y).any() for y in targets):
        same(losses.bpr(states, items, targets, negatives), torch.stack(bpr).mean(), states, items)


def test_info_nce_of_equal_pairs_knows_no_better_than_chance_when_all_are_alike() -> None:
    alike = torch.ones(8, 4) / 2
    assert math.isclose(float(losses.info_nce(alike, alike, 0.1)), math.log(8), rel_tol=1e-5)
    apart = torch.eye(8)
    assert float(losses.info_nce(apart, apart, 0.05)) < 1e-6


def test_log_q_takes_off_what_popularity_adds() -> None:
    """A key that stands in every batch is not pushed away for it."""
    queries = torch.eye(3)
    keys = torch.eye(3)
    log_q = torch.tensor([0.0, -5.0, -5.0])
    by_hand = torch.stack([torch.logsumexp((queries[i] @ keys.T) - log_q, 0) - (1 - log_q[i]) for i in range(3)]).mean()
    torch.testing.assert_close(losses.info_nce(queries, keys, 1.0, log_q), by_hand)
