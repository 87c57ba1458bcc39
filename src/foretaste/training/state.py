"""What a training is made of besides the data: the weights, their average, the state of the optimizer."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from foretaste.training.config import TrainingConfig


def trainable_weights(network: nn.Module) -> dict[str, Tensor]:
    return {name: parameter.detach() for name, parameter in network.named_parameters() if parameter.requires_grad}


class WeightAverage:
    """An exponential moving average of the weights (Polyak & Juditsky 1992), young averages corrected."""

    def __init__(self, network: nn.Module, keep: float) -> None:
        self.keep, self.updates = keep, 0
        self.weights = {name: weight.clone() for name, weight in trainable_weights(network).items()}

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        self.updates += 1
        keep = min(self.keep, (1 + self.updates) / (10 + self.updates))
        for name, weight in trainable_weights(network).items():
            self.weights[name].lerp_(weight, 1 - keep)


class SwappedWeights:
    """The network with other weights, for as long as it is looked at."""

    def __init__(self, network: nn.Module, weights: dict[str, Tensor]) -> None:
        self.network, self.weights = network, weights

    def __enter__(self) -> None:
        self.own = {name: weight.clone() for name, weight in trainable_weights(self.network).items()}
        self.network.load_state_dict(self.weights, strict=False)

    def __exit__(self, *error: object) -> None:
        self.network.load_state_dict(self.own, strict=False)


class TrainingState:
    """Everything that must be the same again after a kill, as named tensors.

    learned : the parameters that are learned
    steps   : batches learned from
    average : None where the config wants none
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
        """The weights that answer: the averaged ones where there are any."""
        return self.average.weights if self.average else trainable_weights(self.network)

    def step(self) -> None:
        """One step along the gradients that the parameters hold."""
        nn.utils.clip_grad_norm_(self.trainable, self.config.clip)
        self.steps += 1
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate * min(1.0, self.steps / max(1, self.config.warm_up_steps))
        self.optimizer.step()
        if self.average:
            self.average.update(self.network)

    def tensors(self) -> dict[str, Tensor]:
        found = {f"weight/{name}": weight for name, weight in trainable_weights(self.network).items()}
        for index, slots in self.optimizer.state_dict()["state"].items():
            found |= {f"optimizer/{index}/{slot}": torch.as_tensor(value) for slot, value in slots.items()}
        found["steps"] = torch.tensor(self.steps)
        if self.average:
            found |= {f"average/{name}": weight for name, weight in self.average.weights.items()}
            found["updates"] = torch.tensor(self.average.updates)
        return found

    def restore(self, tensors: dict[str, Tensor]) -> None:
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
