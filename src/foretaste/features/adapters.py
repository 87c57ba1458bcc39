"""A fine-tuned encoder on disk: the name of its base model and low-rank weight updates (LoRA; Hu et al. 2022).

adapter.json         base, fingerprint of its weights, how it was fine-tuned
adapter.safetensors  STAGE/NAME.A (rank, in) and STAGE/NAME.B (out, rank) of every updated linear layer
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
    """LoRA updates of a base model.

    base    : name or folder of the base model
    weights : fingerprint of its weights, as of `weights_of`
    stages  : updates of each fine-tuning, the first one first
    about   : how it was fine-tuned
    """

    base: str
    weights: str
    stages: tuple[dict[str, Tensor], ...]
    about: dict[str, Any]


def is_adapter(name: str) -> bool:
    """Whether `name` is the folder of a fine-tuned encoder."""
    return (Path(name) / ABOUT).is_file()


def write_adapter(folder: Path, adapter: Adapter) -> None:
    """Write to a temporary folder, then rename: a folder of that name is always complete."""
    from safetensors.torch import save_file

    temporary = folder.with_name(folder.name + ".new")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    flat = {f"{n}/{name}": tensor for n, stage in enumerate(adapter.stages) for name, tensor in stage.items()}
    save_file(flat, temporary / CHANGES)
    about = {"base": adapter.base, "weights": adapter.weights, "stages": len(adapter.stages), **adapter.about}
    (temporary / ABOUT).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    for path in temporary.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    shutil.rmtree(folder, ignore_errors=True)
    temporary.rename(folder)


def read_adapter(folder: Path) -> Adapter:
    """The adapter in `folder`; ConfigError where it is damaged."""
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
        raise ConfigError(
            f"The fine-tuned encoder in {folder} cannot be read ({error}); fine-tune it again."
        ) from error
    return Adapter(base, weights, stages, about)


def apply_adapter(adapter: Adapter, body: nn.Module, weights: str, folder: str) -> None:
    """W ← W + B A for every update, computed in float32 and stored in the dtype of W.

    body    : the transformer loaded by the base's name
    weights : fingerprint of its weights; ConfigError where it is not the adapter's
    """
    import torch

    if weights != adapter.weights:
        raise ConfigError(
            f"The encoder in {folder} was fine-tuned from {adapter.weights}, and {adapter.base} is now {weights}; "
            "fine-tune it again."
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
