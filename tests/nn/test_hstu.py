"""HSTU: the formula event by event, what it knows of times, and the quick gather beside the plain one."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="the extra 'torch' is not installed")
from foretaste.nn.hstu import AttentionContext, Hstu, HstuBlock, gather_scalars  # noqa: E402
from foretaste.nn.ragged import batch_of, time_bucket  # noqa: E402

WIDTH, LONGEST = 8, 12


def one_row(n: int, *, asked_at: float | None = None, seed: int = 0):
    """n events with random content at uneven times, and the question `asked_at` seconds after the newest."""
    g = torch.Generator().manual_seed(seed)
    time = torch.rand(n, generator=g, dtype=torch.float64).cumsum(0) * 1e5
    moment = None if asked_at is None else time[-1:] + asked_at
    batch = batch_of(torch.zeros(n, dtype=torch.int64), torch.tensor([n]), time, asked_at=moment)
    return torch.randn(n, WIDTH, generator=g), batch


@pytest.mark.parametrize("heads", [1, 2])
def test_a_block_equals_the_formula(heads: int) -> None:
    """Event by event, as the paper writes it; the newest event is asked about a day later."""
    torch.manual_seed(0)
    block = HstuBlock(WIDTH, heads, 0.0, LONGEST).eval()
    torch.nn.init.normal_(block.bias.by_time)
    x, batch = one_row(6, asked_at=86_400.0)
    context = AttentionContext.causal(6, 6, batch.time[None], batch.next_time()[None], x.device)
    u, v, q, k = torch.nn.functional.silu(block.uvqk(block.norm(x))).chunk(4, 1)
    d = WIDTH // heads
    expected = []
    for i in range(6):
        until = float(batch.time[i + 1]) if i < 5 else float(batch.time[5]) + 86_400
        seen = torch.zeros(WIDTH)
        for j in range(i + 1):
            bucket = min(63, int(math.log(max(1.0, until - float(batch.time[j]))) / math.log(1.5)))
            bias = block.bias.by_place[i - j] + block.bias.by_time[bucket]
            for h in range(heads):
                part = slice(h * d, (h + 1) * d)
                weight = torch.nn.functional.silu(q[i, part] @ k[j, part] / math.sqrt(d) + bias) / (i + 1)
                seen[part] = seen[part] + weight * v[j, part]
        expected.append(x[i] + block.out(block.norm_seen(seen) * u[i]))
    torch.testing.assert_close(
        block(x, [(batch.grid, context)], torch.arange(6)), torch.stack(expected), rtol=1e-4, atol=1e-5
    )


@given(
    n=st.integers(1, 9),
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=3),
    seed=st.integers(0, 1000),
)
@settings(max_examples=30, deadline=None)
def test_the_quick_gather_is_the_plain_one_there_and_back(n: int, shape: list[int], seed: int) -> None:
    torch.manual_seed(seed)
    plain = torch.randn(n, requires_grad=True)
    quick = plain.detach().clone().requires_grad_()
    codes, weights = torch.randint(0, n, shape), torch.randn(shape)
    (plain[codes] * weights).sum().backward()
    (gather_scalars(quick, codes) * weights).sum().backward()
    torch.testing.assert_close(gather_scalars(quick, codes), plain[codes])
    torch.testing.assert_close(quick.grad, plain.grad)


def begin_anywhere(made: Hstu) -> None:
    """What is learned of times begins at zero, where nothing could go wrong with it."""
    torch.nn.init.normal_(made.waits, std=0.5)
    for block in made.blocks:
        torch.nn.init.normal_(block.bias.by_time, std=0.5)


@given(lengths=st.lists(st.integers(1, 40), min_size=1, max_size=6), seed=st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_rows_read_together_are_rows_read_alone(lengths: list[int], seed: int) -> None:
    torch.manual_seed(seed)
    made = Hstu(WIDTH, 2, 2, 0.0, 40)
    begin_anywhere(made)
    x = torch.randn(sum(lengths), WIDTH, requires_grad=True)
    time = torch.rand(sum(lengths), dtype=torch.float64).cumsum(0) * 1e5
    asked_at = time[torch.tensor(lengths).cumsum(0) - 1] + 1e4

    def read(x, time, lengths, asked_at):
        return made(x, batch_of(torch.zeros(len(x), dtype=torch.int64), torch.tensor(lengths), time, asked_at=asked_at))

    together = read(x, time, lengths, asked_at)
    rows = zip(x.split(lengths), time.split(lengths), lengths, asked_at.split(1), strict=True)
    alone = torch.cat([read(own, times, [n], moment) for own, times, n, moment in rows])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)
    weight = torch.randn_like(together)
    learned = (x, made.blocks[0].bias.by_time, made.blocks[0].uvqk.weight)
    for one, other in zip(
        *(torch.autograd.grad((found * weight).sum(), learned) for found in (together, alone)), strict=True
    ):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


def network() -> Hstu:
    torch.manual_seed(0)
    made = Hstu(WIDTH, 2, 2, 0.0, LONGEST).eval()
    begin_anywhere(made)
    return made


def test_when_the_question_comes_matters_to_the_newest_event_alone() -> None:
    made = network()
    x, at_once = one_row(6)
    _, next_month = one_row(6, asked_at=2.6e6)
    _, right_now = one_row(6, asked_at=0.0)
    torch.testing.assert_close(made(x, right_now), made(x, at_once))
    torch.testing.assert_close(made(x, next_month)[:5], made(x, at_once)[:5])
    assert not torch.allclose(made(x, next_month)[5], made(x, at_once)[5])


def test_asked_before_its_newest_event_it_waited_for_nothing() -> None:
    """Clocks of two machines differ: no time is shorter than a second."""
    made = network()
    x, _ = one_row(1)
    torch.testing.assert_close(made(x, one_row(1, asked_at=-30.0)[1]), made(x, one_row(1, asked_at=0.0)[1]))


def test_a_time_between_two_events_is_known_to_the_first_of_them() -> None:
    """As a question it would have been put then."""
    made = network()
    x, batch = one_row(6)
    _, asked_at = one_row(6)
    until_third = batch_of(batch.items[:2], torch.tensor([2]), batch.time[:2], asked_at=batch.time[2:3])
    torch.testing.assert_close(made(x, asked_at)[:2], made(x[:2], until_third), rtol=1e-4, atol=1e-5)


def test_buckets_of_float32_differences_are_those_of_float64() -> None:
    apart = torch.rand(10_000, dtype=torch.float64).mul(20).exp()
    assert (time_bucket(apart.float()) != time_bucket(apart)).float().mean() < 1e-3


def test_without_times_it_reads_the_order() -> None:
    made = network()
    x, batch = one_row(6)
    untimed = batch._replace(time=None, asked_at=None)
    assert torch.isfinite(made(x, untimed)).all()
    assert not torch.allclose(made(x, untimed), made(x, batch))


def test_told_to_read_no_times_it_reads_none() -> None:
    torch.manual_seed(0)
    made = Hstu(WIDTH, 2, 2, 0.0, LONGEST, timed=False).eval()
    x, batch = one_row(6, asked_at=1e6)
    torch.testing.assert_close(made(x, batch), made(x, batch._replace(time=None, asked_at=None)))
