"""Reading on from what is remembered gives the states of reading everything."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="the extra 'torch' is not installed")
from foretaste.nn.gru import Gru  # noqa: E402
from foretaste.nn.hstu import Hstu  # noqa: E402
from foretaste.nn.item_embedding import ItemEmbedding  # noqa: E402
from foretaste.nn.next_item_network import NextItemNetwork  # noqa: E402
from foretaste.nn.ragged import batch_of  # noqa: E402
from foretaste.nn.sequence_cache import SequenceCache  # noqa: E402
from foretaste.nn.transformer import Transformer  # noqa: E402

WIDTH, LONGEST, ITEMS, KINDS = 8, 12, 20, 3
NETWORKS = {
    "transformer": lambda: Transformer(WIDTH, 2, 2, 0.5, LONGEST, causal=True),
    "rotary": lambda: Transformer(WIDTH, 2, 2, 0.5, LONGEST, causal=True, positions="rotary"),
    "hstu": lambda: Hstu(WIDTH, 2, 2, 0.5, LONGEST),
    "gru": lambda: Gru(WIDTH, 2, 0.5),
}


def module(name: str, seed: int) -> NextItemNetwork:
    torch.manual_seed(seed)
    made = NextItemNetwork(ItemEmbedding(ITEMS, WIDTH), NETWORKS[name](), WIDTH, mask=False, n_kinds=KINDS, timed=True)
    for parameter in made.parameters():  # kinds and gaps begin at zero, where nothing could go wrong with them
        torch.nn.init.normal_(parameter, std=0.5)
    return made.eval()


@pytest.mark.parametrize("name", NETWORKS)
@given(parts=st.lists(st.integers(1, 4), min_size=1, max_size=5), timed=st.booleans(), seed=st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_read_in_parts_it_is_the_row_read_at_once(name: str, parts: list[int], timed: bool, seed: int) -> None:
    network = module(name, seed)
    length = min(sum(parts), LONGEST)
    items, kind = torch.randint(0, ITEMS, (length,)), torch.randint(0, KINDS, (length,))
    time = torch.rand(length, dtype=torch.float64).mul(1e6).cumsum(0) if timed else None
    with torch.inference_mode():
        table = network.table()
        memory, start = SequenceCache(), 0
        for part in parts:
            stop = min(start + part, length)
            if stop == start:
                break
            here, until_here = slice(start, stop), slice(0, stop)
            found, memory = network.extend(table, items[here], kind[here], None if time is None else time[here], memory)
            at_once = batch_of(
                items[until_here], torch.tensor([stop]), None if time is None else time[until_here], kind[until_here]
            )
            expected = network.states(table, at_once)[here]
            torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
            assert memory.length == stop
            start = stop
