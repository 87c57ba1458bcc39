"""Progress of a training: losses, scores and times per epoch."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass
class TrainingProgress:
    """Progress of a training; a checkpoint holds this and the weights.

    losses, scores, seconds, events : one value per completed epoch; scores are nan without a monitor
    best_epoch : the epoch of the highest score, counted from 1; without a monitor the last
    """

    losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    events: list[int] = field(default_factory=list)
    best_epoch: int = 0

    @property
    def epochs(self) -> int:
        return len(self.losses)

    @property
    def best_score(self) -> float:
        return self.scores[self.best_epoch - 1] if self.best_epoch else -np.inf

    @property
    def summary(self) -> str:
        """Loss, score and speed of the last epoch, for a progress bar."""
        if not self.epochs:
            return ""
        score = "" if np.isnan(self.scores[-1]) else f", validation {self.scores[-1]:.4f}"
        return f" (loss {self.losses[-1]:.3f}{score}, {self.events[-1] / max(1e-9, self.seconds[-1]):,.0f} events/s)"
