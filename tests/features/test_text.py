"""The language model reads, and nothing is read twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from foretaste.errors import ConfigError
from foretaste.features import text
from foretaste.features.cache import VectorCache
from foretaste.features.text import TextEncoder, TextEncoderConfig
from foretaste.types import Run


def test_meaning_is_near_meaning(tmp_path: Path) -> None:
    pytest.importorskip("sentence_transformers")
    encoder = TextEncoder(TextEncoderConfig(), tmp_path)
    kitten, cat, rocket = encoder.encode(["a kitten", "a small cat", "a rocket to the moon"], Run())
    assert kitten @ cat > 0.6 > 0.4 > kitten @ rocket
    assert np.linalg.norm(kitten) == pytest.approx(1, abs=1e-5)


def test_a_second_run_reads_nothing_and_a_changed_text_reads_one(tmp_path: Path, monkeypatch) -> None:
    read: list[str] = []

    def pretend(model: object, batch: list[str]) -> np.ndarray:
        read.extend(batch)
        return np.array([[len(t), 1.0] for t in batch], np.float32)

    monkeypatch.setattr(text, "_loaded", lambda name, dtype: None)
    monkeypatch.setattr(text, "_encoded", pretend)
    config = TextEncoderConfig(batch_size=2)
    texts = ["one", "three", "one", "seventeen", "é"]
    first = TextEncoder(config, tmp_path).encode(texts, Run())
    assert sorted(read) == ["one", "seventeen", "three", "é"]
    assert first[:, 0].tolist() == [3, 5, 3, 9, 1]
    read.clear()
    np.testing.assert_array_equal(TextEncoder(config, tmp_path).encode(texts, Run()), first)
    assert read == []
    TextEncoder(config, tmp_path).encode([*texts[:-1], "changed"], Run())
    assert read == ["changed"]


def test_an_interrupted_run_loses_at_most_one_batch(tmp_path: Path, monkeypatch) -> None:
    calls: list[int] = []

    def dies_at_the_third(model: object, batch: list[str]) -> np.ndarray:
        calls.append(len(batch))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return np.ones((len(batch), 2), np.float32)

    monkeypatch.setattr(text, "_loaded", lambda name, dtype: None)
    monkeypatch.setattr(text, "_encoded", dies_at_the_third)
    texts = [f"text {i}" for i in range(10)]
    encoder = TextEncoder(TextEncoderConfig(batch_size=2), tmp_path)
    with pytest.raises(KeyboardInterrupt):
        encoder.encode(texts, Run())
    calls.clear()
    calls.append(0)
    monkeypatch.setattr(
        text, "_encoded", lambda model, batch: (calls.append(len(batch)), np.ones((len(batch), 2), np.float32))[1]
    )
    encoder.encode(texts, Run())
    assert sum(calls) == 6


def test_vectors_of_two_encoders_never_mix(tmp_path: Path) -> None:
    VectorCache("a", tmp_path).put(["x"], np.ones((1, 3), np.float32))
    assert VectorCache("b", tmp_path).get(["x"]) == [None]
    found = VectorCache("a", tmp_path).get(["x", "y"])
    assert found[0] is not None
    assert found[1] is None


def test_an_unknown_encoder_is_one_sentence(monkeypatch, tmp_path: Path) -> None:
    pytest.importorskip("sentence_transformers")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    nowhere = TextEncoder(TextEncoderConfig(name=str(tmp_path / "nothing")), tmp_path)
    with pytest.raises(ConfigError, match="cannot be loaded"):
        nowhere.encode(["x"], Run())
