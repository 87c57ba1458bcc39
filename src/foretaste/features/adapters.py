"""A taught encoder on disk: the name of the model it began from, and the small changes to it (LoRA; Hu et al. 2022).

adapter.json         base, the weights it must have, how it was taught
adapter.safetensors  STAGE/NAME.A (rank, in) and STAGE/NAME.B (out, rank) of every changed linear map
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from foretaste.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor, nn

ABOUT, CHANGES = "adapter.json", "adapter.safetensors"


class Adapter(NamedTuple):
    """base    : name or folder of the model the changes belong to
    weights : which weights of it, as `weights_of` names them
    stages  : the changes of each time it was taught, the first one first
    about   : how it was taught
    """

    base: str
    weights: str
    stages: tuple[dict[str, Tensor], ...]
    about: dict[str, Any]


def is_adapter(name: str) -> bool:
    return (Path(name) / ABOUT).is_file()


def write_adapter(folder: Path, adapter: Adapter) -> None:
    """Written beside, then renamed: a folder of that name is always whole."""
    from safetensors.torch import save_file

    beside = folder.with_name(folder.name + ".new")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    flat = {f"{n}/{name}": tensor for n, stage in enumerate(adapter.stages) for name, tensor in stage.items()}
    save_file(flat, beside / CHANGES)
    about = {"base": adapter.base, "weights": adapter.weights, "stages": len(adapter.stages), **adapter.about}
    (beside / ABOUT).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    for path in beside.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    shutil.rmtree(folder, ignore_errors=True)
    beside.rename(folder)


def read_adapter(folder: Path) -> Adapter:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        base, weights, n = about.pop("base"), about.pop("weights"), int(about.pop("stages"))
        stages: tuple[dict[str, Tensor], ...] = tuple({} for _ in range(n))
        for key, tensor in load_file(folder / CHANGES).items():
            stage, _, name = key.partition("/")
            stages[int(stage)][name] = tensor
    except (OSError, ValueError, KeyError, IndexError, AttributeError, SafetensorError) as error:
        raise ConfigError(f"The taught encoder in {folder} cannot be read ({error}); teach it again.") from error
    return Adapter(base, weights, stages, about)


def apply_adapter(adapter: Adapter, body: nn.Module, weights: str, folder: str) -> None:
    """W ← W + B A for every change, in float32 and then as W is kept.

    body    : the transformer just loaded by the base's name
    weights : which weights those are
    """
    import torch

    if weights != adapter.weights:
        raise ConfigError(
            f"The encoder in {folder} was taught from {adapter.weights}, and {adapter.base} is now {weights}; "
            "teach it again."
        )
    linear = {name: module for name, module in body.named_modules() if isinstance(module, torch.nn.Linear)}
    with torch.no_grad():
        for stage in adapter.stages:
            for name in sorted({key.rpartition(".")[0] for key in stage}):
                if name not in linear:
                    raise ConfigError(f"The encoder in {folder} changes '{name}', which {adapter.base} does not have.")
                weight = linear[name].weight
                change = stage[f"{name}.B"].float() @ stage[f"{name}.A"].float()
                weight.copy_((weight.float() + change).to(weight.dtype))
