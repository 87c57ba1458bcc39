"""Low-rank adapters on frozen linear layers (LoRA; Hu et al., ICLR 2022)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class LoraLinear(nn.Module):
    """y = W x + b + B A x (eq. 3 of the paper): W (out, in) and b frozen, A (rank, in) random and B (out, rank) zero at
    initialisation.

    A and B are float32 whatever the type of W: small updates would be lost in bfloat16.
    """

    def __init__(self, frozen: nn.Linear, rank: int) -> None:
        super().__init__()
        self.frozen = frozen.requires_grad_(False)
        self.A = nn.Parameter(torch.randn(rank, frozen.in_features) / frozen.in_features**0.5)
        self.B = nn.Parameter(torch.zeros(frozen.out_features, rank))

    def forward(self, x: Tensor) -> Tensor:
        change = (x @ self.A.T.to(x.dtype)) @ self.B.T.to(x.dtype)
        y: Tensor = self.frozen(x) + change
        return y


def add_adapters(module: nn.Module, rank: int) -> None:
    """Freeze `module` and replace every linear layer in it by a LoraLinear, in place."""
    module.requires_grad_(False)
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Linear) and not isinstance(parent, LoraLinear):
                setattr(parent, name, LoraLinear(child, rank))


def adapter_weights(module: nn.Module, prefix: str = "") -> dict[str, Tensor]:
    """Copies of `NAME.A` and `NAME.B` of every adapter in `module`; NAME is that of the linear layer it replaced."""
    return {
        f"{prefix}{name}.{side}": getattr(child, side).detach().clone().contiguous()
        for name, child in module.named_modules()
        if isinstance(child, LoraLinear)
        for side in ("A", "B")
    }
