"""Rotary positions: the fast form is a product of complex numbers, and only distances count."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch", reason="the extra 'torch' is not installed")
from foretaste.errors import ConfigError  # noqa: E402
from foretaste.nn.ragged import batch_of  # noqa: E402
from foretaste.nn.rotary import BASE, Rotary  # noqa: E402
from foretaste.nn.transformer import Attention, Transformer  # noqa: E402

WIDTH, HEADS, LONGEST = 8, 2, 40
D = WIDTH // HEADS


def turned(x, place: int):
    """One head of one event, x (D,), by complex numbers."""
    whole = torch.complex(x[: D // 2], x[D // 2 :])
    theta = torch.tensor([BASE ** (-2 * j / D) for j in range(D // 2)])
    whole = whole * torch.exp(1j * place * theta)
    return torch.cat([whole.real, whole.imag])


def test_it_turns_complex_numbers() -> None:
    torch.manual_seed(0)
    place = torch.tensor([0, 1, 5, LONGEST - 1])
    x = torch.randn(len(place), 2 * WIDTH)  # queries and keys side by side
    found = Rotary(WIDTH, HEADS, LONGEST)(x, place).view(len(place), 2 * HEADS, D)
    for t, where in enumerate(place.tolist()):
        for h in range(2 * HEADS):
            torch.testing.assert_close(found[t, h], turned(x[t].view(2 * HEADS, D)[h], where), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("lengths", [[5, 1, 12, 3], [30], [2, 9, 17, 33, 1]])
def test_attention_over_ragged_rows_equals_the_formula(causal: bool, lengths: list[int]) -> None:
    torch.manual_seed(0)
    attention = Attention(WIDTH, HEADS, causal=causal, rotary=Rotary(WIDTH, HEADS, LONGEST))
    x = torch.randn(sum(lengths), WIDTH)
    batch = batch_of(torch.zeros(len(x), dtype=torch.int64), torch.tensor(lengths))
    plain, start = [], 0
    for length in lengths:
        q, k, v = attention.qkv(x[start : start + length]).chunk(3, 1)
        heads = []
        for h in range(HEADS):
            part = slice(h * D, (h + 1) * D)
            asks = torch.stack([turned(q[t, part], t) for t in range(length)])
            keys = torch.stack([turned(k[t, part], t) for t in range(length)])
            scores = asks @ keys.T / math.sqrt(D)
            if causal:
                scores = scores.masked_fill(~torch.ones(length, length, dtype=torch.bool).tril(), -torch.inf)
            heads.append(scores.softmax(1) @ v[:, part])
        plain.append(attention.out(torch.cat(heads, 1)))
        start += length
    torch.testing.assert_close(attention(x, batch), torch.cat(plain), rtol=1e-4, atol=1e-5)


def test_only_distances_count() -> None:
    torch.manual_seed(0)
    turn = Rotary(WIDTH, 1, LONGEST)
    q, k = torch.randn(1, WIDTH), torch.randn(1, WIDTH)

    def met(query_at: int, key_at: int) -> float:
        return float((turn(q, torch.tensor([query_at])) * turn(k, torch.tensor([key_at]))).sum())

    assert met(3, 0) == pytest.approx(met(30, 27), rel=1e-4)
    assert met(3, 0) != pytest.approx(met(3, 2), rel=1e-2)


def test_the_order_is_known_without_learned_positions() -> None:
    torch.manual_seed(0)
    network = Transformer(WIDTH, 1, HEADS, 0.0, LONGEST, causal=False, positions="rotary").eval()
    assert not any("positions" in name for name in network.state_dict())
    x = torch.randn(6, WIDTH)
    batch = batch_of(torch.zeros(6, dtype=torch.int64), torch.tensor([6]))
    other = torch.tensor([1, 0, 3, 2, 4, 5])
    assert not torch.allclose(network(x, batch)[5], network(x[other], batch)[5], atol=1e-3)


def test_a_head_of_an_odd_width_is_refused_in_a_sentence() -> None:
    with pytest.raises(ConfigError, match="make width / heads even"):
        Transformer(6, 1, 2, 0.0, LONGEST, causal=True, positions="rotary")
