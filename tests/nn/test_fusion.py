"""The parts of an item made one vector: the fast form is the plain one, and what an item lacks says nothing of it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="the extra 'torch' is not installed")
from foretaste.nn.fusion import fusion_of  # noqa: E402
from foretaste.nn.item_embedding import ItemEmbedding, ItemTokens  # noqa: E402

WIDTH, ITEMS = 6, 12
KINDS = ["sum", "concat", "gated", "attention"]
LACKING = torch.tensor([0, 1, 2])
"""Items that lack the part a test is about."""


def shaken(module):
    """Parameters begin where a fusion is a sum, and little could go wrong."""
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.7)
    return module


def plain(fuse, kind: str, parts: list, there: list[bool], row: bool):
    """One item, its parts as a list of vectors: the formulas of the docstrings, over the parts that are there alone."""
    present = [m for m in range(len(parts)) if there[m]]
    total = sum((parts[m] for m in present), torch.zeros(WIDTH))
    if kind == "sum" or len(parts) == 1:
        return total
    if kind == "concat":
        if not present:
            return total
        columns = fuse.mix.weight.view(WIDTH, len(parts), WIDTH)
        r = math.sqrt(sum(float((parts[m] ** 2).sum()) for m in present) / (len(present) * WIDTH))
        mixed = sum(columns[:, m] @ parts[m] for m in present) / r
        return total + fuse.out.weight @ torch.nn.functional.gelu(mixed)
    if kind == "gated":
        read = fuse.gates.weight.view(len(parts), len(parts), WIDTH)
        logits = [fuse.gates.bias[m] + sum(read[m, n] @ parts[n] for n in present) for m in present]
        gates = torch.tensor([math.exp(x) for x in logits])
        gates = gates / gates.sum()
        return sum((len(present) * g * parts[m] for g, m in zip(gates, present, strict=True)), torch.zeros(WIDTH))
    has_row = row and there[0]
    own = parts[0] if has_row else torch.zeros(WIDTH)
    tokens = [parts[m] for m in present if not (row and m == 0)]
    if not tokens:
        return own
    query = own if has_row else fuse.query
    shares = torch.stack([query @ fuse.match @ token / math.sqrt(WIDTH) for token in tokens]).softmax(0)
    return own + len(tokens) * sum(a * token for a, token in zip(shares, tokens, strict=True)) @ fuse.value


@pytest.mark.parametrize("kind", KINDS)
@given(n_parts=st.integers(1, 4), row=st.booleans(), seed=st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_it_is_the_plain_form_and_finite(kind: str, n_parts: int, row: bool, seed: int) -> None:
    torch.manual_seed(seed)
    fuse = shaken(fusion_of(kind, WIDTH, n_parts, row=row))
    there = torch.rand(8, n_parts) < 0.6  # some items have nothing at all
    parts = [torch.randn(8, WIDTH) * there[:, m, None] for m in range(n_parts)]
    parts = [part.requires_grad_() for part in parts]
    found = fuse(parts, there)
    with torch.no_grad():
        for i in range(8):
            expected = plain(fuse, kind, [part[i] for part in parts], there[i].tolist(), row)
            torch.testing.assert_close(found[i], expected, rtol=1e-4, atol=1e-5)
    found.square().sum().backward()
    assert all(torch.isfinite(part.grad).all() for part in parts)
    assert all(p.grad is None or torch.isfinite(p.grad).all() for p in fuse.parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_every_fusion_begins_as_the_sum(kind: str) -> None:
    torch.manual_seed(0)
    there = torch.rand(ITEMS, 3) < 0.7
    parts = [torch.randn(ITEMS, WIDTH) * there[:, m, None] for m in range(3)]
    if kind == "attention":  # the learned row and one part more: of several, it begins with those like the row
        there, parts = there[:, :2], parts[:2]
    found = fusion_of(kind, WIDTH, len(parts), row=True)(parts, there)
    torch.testing.assert_close(found, sum(parts[1:], parts[0]))


def embedding(kind: str, layers: int, lacks: str | None, ids: bool = True) -> ItemEmbedding:
    """Items with texts, words and a picture; of those LACKING, one thing is missing."""

    def vectors(name: str, width: int):
        found = torch.nn.functional.normalize(torch.randn(ITEMS, width, generator=g), dim=1)
        return found.index_fill(0, LACKING, 0.0) if lacks == name else found

    g = torch.Generator().manual_seed(1)
    said = [0 if lacks == "words" and i in LACKING else 2 for i in range(ITEMS)]
    starts = torch.tensor([0, *said]).cumsum(0)
    words = ItemTokens(torch.arange(int(starts[-1])) % 5, starts[:-1], torch.ones(int(starts[-1])), 5)
    met = torch.ones(ITEMS, dtype=torch.bool).index_fill(0, LACKING, lacks != "row")
    beside = {"pictures": vectors("pictures", 3)}
    torch.manual_seed(2)
    made = ItemEmbedding(
        ITEMS, WIDTH, vectors("texts", 4), words, ids=ids, layers=layers, beside=beside, fusion=kind, met=met
    )
    return shaken(made)


def learned_of(items: ItemEmbedding, part: str) -> list:
    """Everything that is learned of one part alone, as views into the parameters."""
    own = {
        "row": lambda: [items.ids],
        "texts": lambda: list(items.project.parameters()),
        "words": lambda: [items.words],
        "pictures": lambda: list(items.beside["pictures"].parameters()),
    }[part]()
    m, fuse = ["row", "texts", "words", "pictures"].index(part), items.fuse
    here = slice(m * WIDTH, (m + 1) * WIDTH)
    if hasattr(fuse, "mix"):
        own.append(fuse.mix.weight[:, here])
    if hasattr(fuse, "gates"):
        own += [fuse.gates.weight[:, here], fuse.gates.weight[m], fuse.gates.bias[m : m + 1]]
    return own


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("part", ["row", "texts", "words", "pictures"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_an_item_lacks_says_nothing_of_it(kind: str, part: str, layers: int) -> None:
    if kind == "sum" and part == "row":
        return  # the rows nobody taught are set to 0 after the training: tests/models/test_sequences.py
    items = embedding(kind, layers, part)
    before = items()
    before[LACKING].square().sum().backward()
    names = {"row": "ids", "texts": "project.", "words": "words", "pictures": "beside."}
    touched = {n: p.grad for n, p in items.named_parameters() if n.startswith(names[part])}
    assert touched
    assert all(grad is None or (grad == 0).all() for grad in touched.values()), "nothing of it is learned from them"
    with torch.no_grad():
        for parameter in learned_of(items, part):
            parameter.add_(torch.randn_like(parameter))
        after = items()
    assert torch.equal(after[LACKING], before[LACKING])
    others = torch.arange(len(LACKING), ITEMS)
    assert ((after[others] - before[others]).abs().amax(1) > 1e-3).all(), "the others do hear it"


@pytest.mark.parametrize("ids", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_a_search_is_an_item_of_which_only_the_texts_are_known(kind: str, ids: bool) -> None:
    """As a catalogue in which the other parts are missing would have it."""
    items = embedding(kind, 2, None, ids)
    asked_at = torch.nn.functional.normalize(torch.randn(ITEMS, 4), dim=1)
    found = items.from_content(asked_at)
    empty = ItemTokens(torch.tensor([], dtype=torch.int64), torch.zeros(ITEMS, dtype=torch.int64), torch.tensor([]), 5)
    unmet = torch.zeros(ITEMS, dtype=torch.bool)
    alone = ItemEmbedding(
        ITEMS,
        WIDTH,
        asked_at,
        empty,
        ids=ids,
        layers=2,
        beside={"pictures": torch.zeros(ITEMS, 3)},
        fusion=kind,
        met=unmet,
    )
    learned = {name: p for name, p in items.state_dict().items() if name in dict(items.named_parameters())}
    alone.load_state_dict(learned, strict=False)
    if ids and kind == "sum":
        torch.nn.init.zeros_(alone.ids)
    torch.testing.assert_close(found, alone())


def test_the_default_is_the_sum_and_keeps_what_it_always_kept() -> None:
    torch.manual_seed(0)
    content = torch.nn.functional.normalize(torch.randn(ITEMS, 4), dim=1)
    words = ItemTokens(torch.arange(ITEMS) % 5, torch.arange(ITEMS), torch.ones(ITEMS), 5)
    items = ItemEmbedding(ITEMS, WIDTH, content, words)
    said = torch.nn.functional.embedding_bag(
        words.codes, items.words, words.starts, mode="sum", per_sample_weights=words.weights
    )
    assert torch.equal(items(), items.ids + items.project(content) + said)
    assert set(items.state_dict()) == {
        *("ids", "words", "project.0.weight"),
        *("content", "word_codes", "word_starts", "word_weights"),
    }
    assert items.has_content().all()
    assert not ItemEmbedding(ITEMS, WIDTH).has_content().any()
