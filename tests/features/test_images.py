"""Pictures are looked at once, broken ones stop nothing, and words find them through one linear map."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.errors import BundleError, ConfigError, DataError
from foretaste.features import images
from foretaste.features.image_text_map import ImageTextMapConfig, LinearMap, fit_image_text_map, mean_reciprocal_rank
from foretaste.features.images import ImageEncoder, ImageEncoderConfig
from foretaste.types import Run

Image = pytest.importorskip("PIL.Image")

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "white": (255, 255, 255)}


class MeanColour:
    """A model of three numbers that counts how often it looks."""

    width = 3

    def __init__(self) -> None:
        self.looked = 0

    def vectors(self, pictures: list) -> np.ndarray:
        self.looked += len(pictures)
        return np.stack([np.asarray(picture, np.float32).mean((0, 1)) for picture in pictures])


@pytest.fixture
def model(monkeypatch) -> MeanColour:
    model = MeanColour()
    monkeypatch.setattr(images, "image_model", lambda name: model)
    return model


def file(colour: tuple[int, ...], kind: str = "PNG", mode: str = "RGB", size: tuple[int, int] = (9, 7)) -> bytes:
    content = BytesIO()
    Image.new(mode, size, colour).save(content, kind)
    return content.getvalue()


def test_broken_and_missing_pictures_are_normal(tmp_path: Path, model: MeanColour) -> None:
    red = file(COLOURS["red"])
    given = [red, None, b"", b"no picture", red[: len(red) // 2], file(COLOURS["green"]), red]
    found = ImageEncoder(ImageEncoderConfig(batch_size=2), tmp_path).encode(given, Run())
    assert (found.missing, found.broken) == (2, 2)
    assert found.vectors[[0, 5, 6]].tolist() == [[1, 0, 0], [0, 1, 0], [1, 0, 0]]
    assert not found.vectors[1:5].any()
    assert model.looked == 2, "the same file twice is looked at once"


def test_a_second_run_looks_at_nothing(tmp_path: Path, model: MeanColour) -> None:
    given = [file((n, 99, 0)) for n in range(5)]
    config = ImageEncoderConfig(batch_size=2)
    first = ImageEncoder(config, tmp_path).encode(given, Run())
    model.looked = 0
    again = ImageEncoder(config, tmp_path).encode(given, Run())
    np.testing.assert_array_equal(first.vectors, again.vectors)
    assert model.looked == 0
    ImageEncoder(config, tmp_path).encode([*given, file((7, 7, 7))], Run())
    assert model.looked == 1


def test_every_usual_kind_of_file_is_read(tmp_path: Path, model: MeanColour) -> None:
    given = [
        file((255, 255, 255, 0), mode="RGBA"),
        file((200,), mode="L"),
        file(COLOURS["red"], kind="JPEG"),
        file(COLOURS["red"], kind="WEBP"),
        file((0, 255, 255, 0), kind="JPEG", mode="CMYK"),
    ]
    found = ImageEncoder(None, tmp_path).encode(given, Run())
    assert found.broken == 0
    grey = np.ones(3) / np.sqrt(3)
    np.testing.assert_allclose(found.vectors[0], grey, atol=1e-3)
    np.testing.assert_allclose(found.vectors[1], grey, atol=1e-3)
    assert (found.vectors[2:, 0] > 0.99).all()


def test_what_moves_is_the_mean_of_its_frames(tmp_path: Path, model: MeanColour) -> None:
    content = BytesIO()
    frames = [
        Image.new("RGB", (8, 8), colour)
        for colour in (COLOURS["red"], COLOURS["red"], COLOURS["green"], COLOURS["green"])
    ]
    frames[0].save(content, "PNG", save_all=True, append_images=frames[1:])
    config = ImageEncoderConfig(frames=2)
    found = ImageEncoder(config, tmp_path).encode([content.getvalue()], Run())
    np.testing.assert_allclose(found.vectors[0], [np.sqrt(0.5), np.sqrt(0.5), 0], atol=1e-3)
    assert model.looked == 2


def test_a_trap_is_not_unpacked(tmp_path: Path, model: MeanColour, monkeypatch) -> None:
    monkeypatch.setattr(images, "MAX_PIXELS", 50)
    assert ImageEncoder(None, tmp_path).encode([file(COLOURS["red"])], Run()).broken == 1


@given(st.binary(max_size=200))
def test_any_bytes_are_survived(content: bytes) -> None:
    assert isinstance(ImageEncoder()._frames(content), list)
    assert isinstance(ImageEncoder()._frames(file((9, 9, 9))[:30] + content), list)


def test_nothing_to_look_at_is_no_rows(tmp_path: Path, model: MeanColour) -> None:
    assert ImageEncoder(None, tmp_path).encode([], Run()).vectors.shape == (0, 3)
    assert ImageEncoder(None, tmp_path).encode([None, None], Run()).vectors.shape == (2, 3)


def test_the_packaged_model_sees(tmp_path: Path) -> None:
    pytest.importorskip("efficientnet_lite_pytorch")
    datasets = pytest.importorskip("sklearn.datasets")
    china, flower = datasets.load_sample_images().images
    crops = []
    for picture in (china, flower):
        for left in (0, 150):
            content = BytesIO()
            Image.fromarray(picture[:400, left : left + 400]).save(content, "JPEG")
            crops.append(content.getvalue())
    found = ImageEncoder(None, tmp_path).encode(crops, Run()).vectors
    assert found.shape == (4, 1280)
    near = found @ found.T
    assert min(near[0, 1], near[2, 3]) > near[:2, 2:].max() + 0.1, "two views of one place are alike"


@pytest.mark.parametrize("kind", ["clip", "vit"])
def test_any_transformers_folder_is_an_encoder(kind: str, tmp_path: Path) -> None:
    """Random weights: what is tested is that such a folder opens and gives vectors of its width."""
    transformers = pytest.importorskip("transformers")
    small = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    seen = small | {"image_size": 32, "patch_size": 16}
    if kind == "clip":
        words = small | {"vocab_size": 99, "max_position_embeddings": 8, "eos_token_id": 98}
        config = transformers.CLIPConfig(text_config=words, vision_config=seen, projection_dim=8)
        transformers.CLIPModel(config).save_pretrained(tmp_path / "mine")
        transformers.CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=32).save_pretrained(tmp_path / "mine")
    else:
        transformers.ViTModel(transformers.ViTConfig(**seen)).save_pretrained(tmp_path / "mine")
        transformers.ViTImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(tmp_path / "mine")
    encoder = ImageEncoder(ImageEncoderConfig(name=str(tmp_path / "mine")), tmp_path)
    found = encoder.encode([file(COLOURS["red"], size=(50, 40)), file(COLOURS["green"])], Run()).vectors
    assert found.shape == (2, 8 if kind == "clip" else 16)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)
    assert not np.allclose(found[0], found[1])


def test_an_unknown_encoder_is_one_sentence(monkeypatch, tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    nowhere = ImageEncoder(ImageEncoderConfig(name=str(tmp_path / "nothing")), tmp_path)
    with pytest.raises(ConfigError, match="cannot be loaded"):
        nowhere.encode([file(COLOURS["red"])], Run())


def pairs(n: int = 300, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Pictures that are a linear image of their texts, with noise and a shared background."""
    rng = np.random.default_rng(seed)
    texts = rng.normal(size=(n, 12)).astype(np.float32)
    pictures = texts @ np.random.default_rng(7).normal(size=(12, 40)) + 0.3 * rng.normal(size=(n, 40)) + 5
    return pictures.astype(np.float32), texts / np.linalg.norm(texts, axis=1, keepdims=True)


def test_the_map_is_found_again(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pictures, texts = pairs()
    found = fit_image_text_map(pictures, texts, Run(), ImageTextMapConfig(epochs=30, learning_rate=0.01, batch_size=64))
    new_pictures, new_texts = pairs(100, seed=1)
    assert mean_reciprocal_rank(found(new_pictures), new_texts) > 0.9
    shuffled = fit_image_text_map(
        pictures, texts[::-1].copy(), Run(), ImageTextMapConfig(epochs=5, learning_rate=0.01, batch_size=64)
    )
    assert mean_reciprocal_rank(shuffled(new_pictures), new_texts) < 0.2, "wrong pairs teach nothing"
    assert not found(np.zeros((1, 40), np.float32)).any(), "no picture, no direction"
    found.save(tmp_path)
    np.testing.assert_array_equal(LinearMap.load(tmp_path)(new_pictures), found(new_pictures))
    (tmp_path / "map.safetensors").write_bytes(b"torn")
    with pytest.raises(BundleError, match="fit it again"):
        LinearMap.load(tmp_path)


def test_too_few_pairs_are_refused() -> None:
    pytest.importorskip("torch")
    pictures, texts = pairs(60)
    pictures[20:] = 0
    with pytest.raises(DataError, match="Only 20 items have both"):
        fit_image_text_map(pictures, texts, Run())


def test_large_files_go_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_BATCH_BYTES", 100)
    files = [b"x" * 60, None, b"x" * 60, b"x" * 500, b"x", b"x", b"x"]
    assert [[len(file or b"") for file in batch] for batch in images._batches(files, 3)] == [
        [60, 0, 60],
        [500],
        [1, 1, 1],
    ]
    assert list(images._batches([], 3)) == []
