"""A linear map from image vectors to text vectors, for searching pictures by text (after LiT, Zhai et al. 2022).

Both encoders stay frozen; the map is fitted to the catalogue's pairs of picture and title with the symmetric
contrastive loss of CLIP (Radford et al. 2021) over in-batch negatives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from foretaste.config import Config
from foretaste.errors import BundleError, DataError, MissingExtraError
from foretaste.features.vector_ops import unit_rows

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.types import FloatArray, Run

MIN_PAIRS = 50
"""Minimum number of pairs: with fewer the map overfits."""


class ImageTextMapConfig(Config):
    """How the map is fitted."""

    epochs: PositiveInt = 60
    """Maximum; the map of the best epoch on held-out pairs is kept."""
    batch_size: PositiveInt = 256
    learning_rate: PositiveFloat = 1e-3
    weight_decay: NonNegativeFloat = 0.1
    """High, because the map has many weights (1280 x 384) for a small catalogue."""
    temperature: PositiveFloat = 0.05
    held_out: PositiveFloat = 0.15
    """Share of the pairs that is held out to choose the epoch."""


class LinearMap:
    """y = (x − centre) W, scaled to length 1.

    weight : (D_picture, D_text) float32
    centre : (D_picture,) float32, mean image vector
    """

    def __init__(self, weight: FloatArray, centre: FloatArray) -> None:
        self.weight = weight
        self.centre = centre

    def __call__(self, pictures: FloatArray) -> FloatArray:
        """Image vectors (n, D_picture) to (n, D_text), rows of length 1; 0 where the input is 0."""
        mapped = unit_rows(((pictures - self.centre) @ self.weight).astype(np.float32, copy=False))
        mapped[~pictures.any(axis=1)] = 0
        return mapped

    def save(self, folder: Path) -> None:
        """Write `map.safetensors`."""
        folder.mkdir(parents=True, exist_ok=True)
        save_file({"weight": self.weight, "centre": self.centre}, folder / "map.safetensors")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Inverse of `save`; BundleError where the file is missing or damaged."""
        try:
            arrays = load_file(folder / "map.safetensors")
            return cls(arrays["weight"], arrays["centre"])
        except (OSError, KeyError, SafetensorError) as error:
            raise BundleError(f"The map in {folder} cannot be read ({error}); fit it again.") from error


def fit_image_text_map(
    pictures: FloatArray, texts: FloatArray, run: Run, config: ImageTextMapConfig | None = None
) -> LinearMap:
    """Fit the map to pairs; rows of zeros on either side are skipped. DataError with fewer than MIN_PAIRS pairs.

    pictures : (n, D_picture), texts : (n, D_text), the same items in the same order
    """
    try:
        import torch
        from torch.nn.functional import cross_entropy, normalize
    except ModuleNotFoundError as error:
        raise MissingExtraError(error.name or "?", "image", "Fitting the image-text map") from error
    config = config or ImageTextMapConfig()
    pairs = np.flatnonzero(pictures.any(axis=1) & texts.any(axis=1))
    if len(pairs) < MIN_PAIRS:
        raise DataError(
            f"Only {len(pairs)} items have both a picture and a text, and a map needs {MIN_PAIRS}; leave it out."
        )
    pairs = run.rng().permutation(pairs)
    held = max(10, int(config.held_out * len(pairs)))
    centre = pictures[pairs[held:]].mean(axis=0)
    x = normalize(torch.from_numpy(pictures[pairs] - centre), dim=1)
    y = normalize(torch.from_numpy(texts[pairs]), dim=1)
    generator = torch.Generator().manual_seed(run.seed)
    weight = torch.empty(x.shape[1], y.shape[1]).normal_(0, x.shape[1] ** -0.5, generator=generator).requires_grad_()
    optimiser = torch.optim.AdamW([weight], config.learning_rate, weight_decay=config.weight_decay)
    best, kept = -1.0, weight.detach().clone()
    for epoch in range(config.epochs):
        for rows in torch.split(torch.randperm(len(x) - held, generator=generator) + held, config.batch_size):
            if len(rows) > 1:
                near = normalize(x[rows] @ weight, dim=1) @ y[rows].T / config.temperature
                own = torch.arange(len(rows))
                loss = (cross_entropy(near, own) + cross_entropy(near.T, own)) / 2
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
        with torch.no_grad():
            score = mean_reciprocal_rank((x[:held] @ weight).numpy(), y[:held].numpy())
        if score > best:
            best, kept = score, weight.detach().clone()
        run.progress("fitting the image-text map", epoch + 1, config.epochs)
    return LinearMap(kept.numpy(), centre.astype(np.float32))


def mean_reciprocal_rank(pictures: FloatArray, texts: FloatArray) -> float:
    """MRR of each text's own picture among all pictures; 1 is always first.

    pictures, texts : (n, D), the same items in the same order
    """
    length = np.maximum(np.linalg.norm(pictures, axis=1, keepdims=True), 1e-12)
    near = texts @ (pictures / length).T
    ranks = (near > np.diag(near)[:, None]).sum(axis=1) + 1
    return float((1 / ranks).mean())
