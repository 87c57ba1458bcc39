"""Rotary positions (Su et al. 2021: RoFormer, eq. 34): queries and keys rotated by position."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from foretaste.errors import ConfigError
from foretaste.nn.ragged import gather_rows

BASE = 10_000.0


class Rotary(nn.Module):
    """Components j and j + d/2 of each head, as one complex number, times exp(i · position · θ_j).

    θ_j = BASE^(−2j / d). The product of a query and a key then depends on their distance alone. Nothing is learned.
    ConfigError for an odd width per head, d = width / heads.
    """

    cos: Tensor
    sin: Tensor

    def __init__(self, width: int, heads: int, max_length: int) -> None:
        super().__init__()
        d = width // heads
        if d % 2:
            raise ConfigError(
                f'positions = "rotary" rotates pairs: make width / heads even; it is {width} / {heads} = {d}.'
            )
        self.heads = heads
        speed = BASE ** (-2 * torch.arange(d // 2, dtype=torch.float64) / d)
        angle = torch.arange(max_length, dtype=torch.float64)[:, None] * speed
        self.register_buffer("cos", angle.cos().float(), persistent=False)
        self.register_buffer("sin", angle.sin().float(), persistent=False)

    def forward(self, x: Tensor, position: Tensor) -> Tensor:
        """x (T, n · width), n concatenated vectors of the events at `position` (T,); the rotated x."""
        cos, sin = gather_rows(self.cos, position)[:, None], gather_rows(self.sin, position)[:, None]
        a, b = x.view(len(x), -1, 2, cos.shape[2]).unbind(2)
        return torch.stack([a * cos - b * sin, a * sin + b * cos], 2).view(x.shape)
