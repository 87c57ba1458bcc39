"""A saved model is a folder with `config.json` and `arrays.safetensors`; neither can execute code when read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from safetensors.numpy import save_file
from scipy.sparse import csr_array

from foretaste.config import Config
from foretaste.errors import BundleError, NotFittedError
from foretaste.models.memory_map import memory_mapped_arrays

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

ConfigT = TypeVar("ConfigT", bound=Config)
T = TypeVar("T")


def write_model(folder: Path | str, config: Config, arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """Write a model's folder, creating it if needed."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(config.model_dump_json(indent=2), encoding="utf-8")
    save_file({name: np.asarray(array, order="C") for name, array in arrays.items()}, folder / "arrays.safetensors")


def read_model(folder: Path | str, config_class: type[ConfigT]) -> tuple[ConfigT, dict[str, NDArray[np.generic]]]:
    """Config and memory-mapped arrays that `write_model` wrote. BundleError where they are missing or damaged."""
    folder = Path(folder)
    if not (folder / "config.json").is_file():
        raise BundleError(f"There is no model in {folder}; save one there first.")
    try:
        config = config_class.model_validate_json((folder / "config.json").read_bytes())
        return config, memory_mapped_arrays(folder / "arrays.safetensors")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BundleError(f"The model in {folder} cannot be read ({error}); train it again.") from error


def sparse_arrays(name: str, matrix: csr_array) -> dict[str, NDArray[np.generic]]:
    """A CSR matrix as named arrays for `write_model`; the inverse of `sparse_matrix`."""
    return {
        f"{name}.data": matrix.data,
        f"{name}.indices": matrix.indices,
        f"{name}.indptr": matrix.indptr,
        f"{name}.shape": np.array(matrix.shape),
    }


def sparse_matrix(name: str, arrays: Mapping[str, NDArray[np.generic]]) -> csr_array:
    """The CSR matrix that `sparse_arrays` took apart under this name."""
    rows, columns = (int(n) for n in arrays[f"{name}.shape"])
    parts = (arrays[f"{name}.data"], arrays[f"{name}.indices"], arrays[f"{name}.indptr"])
    return csr_array(parts, shape=(rows, columns))


def fitted(state: T | None, model: object) -> T:
    """The fitted state; NotFittedError where it is None because `fit` has not been called."""
    if state is None:
        raise NotFittedError(f"{type(model).__name__} has not learned anything yet; call fit(train, run) first.")
    return state
