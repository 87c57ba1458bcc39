"""Dropout (Srivastava et al., JMLR 2014) that draws one random byte per element instead of a random float."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Dropout(nn.Module):
    """x · m / (1 − p), m ~ Bernoulli(1 − p), with 1 − p rounded to the nearest 1/256; the identity in eval mode.

    On a CPU the masks of torch.nn.Dropout cost a third of a training step (docs/log.md). p : 0 ≤ p < 1
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p
        self.keep = max(1, 256 - round(256 * p))

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.keep == 256:
            return x
        if x.device.type != "cpu":
            return F.dropout(x, self.p)
        words = torch.empty(-(-x.numel() // 8), dtype=torch.int64).random_(-(2**63), None)
        mask = words.view(torch.uint8)[: x.numel()].view(x.shape) < self.keep
        return x * mask * (256 / self.keep)
