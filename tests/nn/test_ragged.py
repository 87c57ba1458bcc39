"""Rows in pieces are the rows."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="the extra 'torch' is not installed")
from foretaste.nn import ragged  # noqa: E402
from foretaste.nn.ragged import batch_of, gather_rows  # noqa: E402
from foretaste.nn.transformer import Attention  # noqa: E402

rows_of = st.lists(st.integers(1, 70), min_size=1, max_size=12)


@given(rows_of)
@settings(max_examples=60, deadline=None)
def test_each_event_stands_once_in_the_pieces_and_where_it_is_said_to_stand(lengths) -> None:
    batch = batch_of(torch.arange(sum(lengths)), torch.tensor(lengths))
    pieces, at = batch.pieces()
    cells = torch.cat([piece.flatten() for piece in pieces])
    assert cells[at].tolist() == list(range(sum(lengths)))
    assert int((cells < sum(lengths)).sum()) == sum(lengths)
    assert all((piece < sum(lengths)).any(1).all() for piece in pieces)  # no row without events


@given(rows_of, st.booleans(), st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_attention_in_pieces_is_attention_row_by_row(lengths, causal: bool, seed: int) -> None:
    torch.manual_seed(seed)
    attention = Attention(8, 2, causal=causal)
    x = torch.randn(sum(lengths), 8, requires_grad=True)
    whole = attention(x, batch_of(torch.arange(sum(lengths)), torch.tensor(lengths)))
    alone = torch.cat(
        [attention(row, batch_of(torch.arange(len(row)), torch.tensor([len(row)]))) for row in x.split(lengths)]
    )
    torch.testing.assert_close(whole, alone, rtol=1e-4, atol=1e-5)
    weight = torch.randn_like(whole)
    a, b = (torch.autograd.grad((found * weight).sum(), (x, attention.qkv.weight)) for found in (whole, alone))
    for one, other in zip(a, b, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_short_rows_are_not_padded_to_the_longest() -> None:
    lengths = [3] * 100 + [50]
    pieces, _ = batch_of(torch.arange(350), torch.tensor(lengths)).pieces()
    assert sum(piece.numel() for piece in pieces) <= 100 * ragged.PADDING_WIDTHS[0] + 50


def test_picking_is_indexing() -> None:
    rows, codes = torch.randn(5, 3), torch.tensor([[4, 0], [2, 2]])
    assert torch.equal(gather_rows(rows, codes), rows[codes])
