"""Networks over ragged rows: no row sees another, none sees its future, padding is nothing."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch", reason="the extra 'torch' is not installed")
from foretaste.nn.dropout import Dropout  # noqa: E402
from foretaste.nn.gru import Gru  # noqa: E402
from foretaste.nn.hstu import Hstu  # noqa: E402
from foretaste.nn.ragged import batch_of  # noqa: E402
from foretaste.nn.transformer import Attention, Transformer  # noqa: E402

WIDTH, LONGEST = 8, 12
LENGTHS = [5, 1, 12, 3]
CAUSAL = {
    "transformer": lambda: Transformer(WIDTH, 2, 2, 0.0, LONGEST, causal=True),
    "rotary": lambda: Transformer(WIDTH, 2, 2, 0.0, LONGEST, causal=True, positions="rotary"),
    "hstu": lambda: Hstu(WIDTH, 2, 2, 0.0, LONGEST),
    "gru": lambda: Gru(WIDTH, 1, 0.0),
}
ALL = {
    **CAUSAL,
    "both ways": lambda: Transformer(WIDTH, 2, 2, 0.0, LONGEST, causal=False),
    "rotary both ways": lambda: Transformer(WIDTH, 2, 2, 0.0, LONGEST, causal=False, positions="rotary"),
}


def rows(lengths=LENGTHS, seed: int = 0):
    g = torch.Generator().manual_seed(seed)
    total = sum(lengths)
    time = torch.rand(total, generator=g, dtype=torch.float64).cumsum(0) * 1e5
    x = torch.randn(total, WIDTH, generator=g)
    return x, batch_of(torch.zeros(total, dtype=torch.int64), torch.tensor(lengths), time)


@pytest.mark.parametrize("name", ALL)
def test_a_row_is_answered_the_same_alone(name: str) -> None:
    torch.manual_seed(0)
    network = ALL[name]().eval()
    x, batch = rows()
    together = network(x, batch)
    start = 0
    for length in LENGTHS:
        here = slice(start, start + length)
        alone = batch_of(batch.items[here], torch.tensor([length]), batch.time[here])
        torch.testing.assert_close(network(x[here], alone), together[here], rtol=1e-4, atol=1e-5)
        start += length


@pytest.mark.parametrize("name", CAUSAL)
def test_the_future_changes_nothing(name: str) -> None:
    torch.manual_seed(0)
    network = CAUSAL[name]().eval()
    x, batch = rows([10])
    before = network(x, batch)
    changed = x.clone()
    changed[7:] = torch.randn(3, WIDTH)
    torch.testing.assert_close(network(changed, batch)[:7], before[:7])
    assert not torch.allclose(network(changed, batch)[7:], before[7:])


def test_both_ways_the_future_counts() -> None:
    torch.manual_seed(0)
    network = ALL["both ways"]().eval()
    x, batch = rows([10])
    changed = x.clone()
    changed[9] = torch.randn(WIDTH)
    assert not torch.allclose(network(changed, batch)[0], network(x, batch)[0])


@pytest.mark.parametrize("causal", [True, False])
def test_attention_equals_the_formula(causal: bool) -> None:
    torch.manual_seed(0)
    attention = Attention(WIDTH, 2, causal=causal).eval()
    x, batch = rows()
    plain, start = [], 0
    for length in LENGTHS:
        q, k, v = attention.qkv(x[start : start + length]).chunk(3, 1)
        heads = []
        for h in range(2):
            part = slice(h * WIDTH // 2, (h + 1) * WIDTH // 2)
            scores = q[:, part] @ k[:, part].T / math.sqrt(WIDTH // 2)
            if causal:
                scores = scores.masked_fill(~torch.ones(length, length, dtype=torch.bool).tril(), -torch.inf)
            heads.append(scores.softmax(1) @ v[:, part])
        plain.append(attention.out(torch.cat(heads, 1)))
        start += length
    torch.testing.assert_close(attention(x, batch), torch.cat(plain), rtol=1e-4, atol=1e-5)


def test_hstu_minds_times() -> None:
    torch.manual_seed(0)
    network = CAUSAL["hstu"]().eval()
    torch.nn.init.normal_(network.blocks[0].bias.by_time)  # it begins at zero, and learns
    x, batch = rows([6])
    later = batch._replace(time=batch.time * 1000)
    assert not torch.allclose(network(x, batch), network(x, later))


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.9])
def test_dropout_keeps_the_mean_and_its_share(p: float) -> None:
    torch.manual_seed(0)
    drop = Dropout(p).train()
    out = drop(torch.ones(400_000))
    assert abs(float((out == 0).float().mean()) - p) < 0.005
    assert abs(float(out.mean()) - 1) < 0.02
    assert (drop.eval()(torch.ones(9)) == 1).all()


def test_padding_there_and_back() -> None:
    x, batch = rows()
    padded = batch.pad(x)
    assert padded.shape == (4, 12, WIDTH)
    assert (padded[1, 1:] == 0).all()
    torch.testing.assert_close(batch.unpad(padded), x)
