"""Low-rank adapters: a frozen linear map learns a small change (LoRA; Hu et al., ICLR 2022)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class LoraLinear(nn.Module):
    """y = W x + b + B A x with W (out, in) and b frozen, A (rank, in) random and B (out, rank) zero at the start.

    A and B are float32 whatever W is: small steps would be lost in bfloat16.
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


def with_adapters(module: nn.Module, rank: int) -> None:
    """Put a LoraLinear in the place of every linear map below `module`, which is frozen otherwise."""
    module.requires_grad_(False)
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Linear) and not isinstance(parent, LoraLinear):
                setattr(parent, name, LoraLinear(child, rank))


def changes_in(module: nn.Module, prefix: str = "") -> dict[str, Tensor]:
    """`NAME.A` and `NAME.B` of every adapter below `module`, NAME as if no adapter stood there."""
    return {
        f"{prefix}{name}.{side}": getattr(child, side).detach().clone().contiguous()
        for name, child in module.named_modules()
        if isinstance(child, LoraLinear)
        for side in ("A", "B")
    }
