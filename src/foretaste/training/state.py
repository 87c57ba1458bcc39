"""State of a training: weights, their moving average, and the optimiser."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from foretaste.training.config import TrainingConfig


def trainable_weights(network: nn.Module) -> dict[str, Tensor]:
    """Parameters that require a gradient, by name, detached; views, not copies."""
    return {name: parameter.detach() for name, parameter in network.named_parameters() if parameter.requires_grad}


class WeightAverage:
    """An exponential moving average of the weights (Polyak & Juditsky 1992) with a smaller decay in the first updates.

    keep : decay, 0 ≤ keep < 1; at update t it is min(keep, (1 + t) / (10 + t))
    """

    def __init__(self, network: nn.Module, keep: float) -> None:
        self.keep, self.updates = keep, 0
        self.weights = {name: weight.clone() for name, weight in trainable_weights(network).items()}

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Fold the network's current weights into the average."""
        self.updates += 1
        keep = min(self.keep, (1 + self.updates) / (10 + self.updates))
        for name, weight in trainable_weights(network).items():
            self.weights[name].lerp_(weight, 1 - keep)


class SwappedWeights:
    """Context manager: the network with other weights, its own restored on exit."""

    def __init__(self, network: nn.Module, weights: dict[str, Tensor]) -> None:
        self.network, self.weights = network, weights

    def __enter__(self) -> None:
        self.own = {name: weight.clone() for name, weight in trainable_weights(self.network).items()}
        self.network.load_state_dict(self.weights, strict=False)

    def __exit__(self, *error: object) -> None:
        self.network.load_state_dict(self.own, strict=False)


class TrainingState:
    """All state that a resumed training must restore, as named tensors.

    trainable : parameters that require a gradient
    steps     : batches so far
    average   : moving average of the weights; None without
    """

    def __init__(self, network: nn.Module, config: TrainingConfig) -> None:
        self.network, self.config, self.steps = network, config, 0
        self.trainable = [parameter for parameter in network.parameters() if parameter.requires_grad]
        self.optimizer: Any = torch.optim.AdamW(
            [
                {"params": [p for p in self.trainable if p.ndim > 1], "weight_decay": config.weight_decay},
                {"params": [p for p in self.trainable if p.ndim <= 1], "weight_decay": 0.0},
            ],
            lr=config.learning_rate,
            fused=True,
        )
        self.average = WeightAverage(network, config.averaging) if config.averaging else None

    @property
    def inference_weights(self) -> dict[str, Tensor]:
        """Weights for validation and inference: the averaged ones, if averaging is on."""
        return self.average.weights if self.average else trainable_weights(self.network)

    def step(self) -> None:
        """Clip the gradients, set the learning rate, take an optimiser step and update the average."""
        nn.utils.clip_grad_norm_(self.trainable, self.config.clip)
        self.steps += 1
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate * min(1.0, self.steps / max(1, self.config.warm_up_steps))
        self.optimizer.step()
        if self.average:
            self.average.update(self.network)

    def tensors(self) -> dict[str, Tensor]:
        """The state as named tensors, for a checkpoint."""
        tensors = {f"weight/{name}": weight for name, weight in trainable_weights(self.network).items()}
        for index, slots in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer/{index}/{slot}": torch.as_tensor(value) for slot, value in slots.items()}
        tensors["steps"] = torch.tensor(self.steps)
        if self.average:
            tensors |= {f"average/{name}": weight for name, weight in self.average.weights.items()}
            tensors["updates"] = torch.tensor(self.average.updates)
        return tensors

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Inverse of `tensors`."""
        self.network.load_state_dict(_below("weight/", tensors), strict=False)
        state = copy.deepcopy(self.optimizer.state_dict())
        for key, tensor in _below("optimizer/", tensors).items():
            index, slot = key.split("/")
            state["state"].setdefault(int(index), {})[slot] = tensor
        self.optimizer.load_state_dict(state)
        self.steps = int(tensors["steps"])
        if self.average:
            own = self.average.weights
            self.average.weights = {
                name: weight.to(own[name].device) for name, weight in _below("average/", tensors).items()
            }
            self.average.updates = int(tensors["updates"])


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
