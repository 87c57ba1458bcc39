"""A model on disk is a folder: `config.json` and `arrays.safetensors`. Nothing in it can run code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from safetensors.numpy import save_file
from scipy.sparse import csr_array

from foretaste.config import Config
from foretaste.errors import BundleError, NotFittedError
from foretaste.models.mapped import mapped_arrays

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

ConfigT = TypeVar("ConfigT", bound=Config)
T = TypeVar("T")


def write_model(folder: Path | str, config: Config, arrays: Mapping[str, NDArray[np.generic]]) -> None:
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(config.model_dump_json(indent=2), encoding="utf-8")
    save_file({name: np.asarray(array, order="C") for name, array in arrays.items()}, folder / "arrays.safetensors")


def read_model(folder: Path | str, config_class: type[ConfigT]) -> tuple[ConfigT, dict[str, NDArray[np.generic]]]:
    folder = Path(folder)
    if not (folder / "config.json").is_file():
        raise BundleError(f"There is no model in {folder}; save one there first.")
    try:
        config = config_class.model_validate_json((folder / "config.json").read_bytes())
        return config, mapped_arrays(folder / "arrays.safetensors")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BundleError(f"The model in {folder} cannot be read ({error}); train it again.") from error


def sparse_arrays(name: str, matrix: csr_array) -> dict[str, NDArray[np.generic]]:
    """A CSR matrix as named arrays for `write_model`; `sparse_matrix` reads them back."""
    return {
        f"{name}.data": matrix.data,
        f"{name}.indices": matrix.indices,
        f"{name}.indptr": matrix.indptr,
        f"{name}.shape": np.array(matrix.shape),
    }


def sparse_matrix(name: str, arrays: Mapping[str, NDArray[np.generic]]) -> csr_array:
    rows, columns = (int(n) for n in arrays[f"{name}.shape"])
    parts = (arrays[f"{name}.data"], arrays[f"{name}.indices"], arrays[f"{name}.indptr"])
    return csr_array(parts, shape=(rows, columns))


def fitted(state: T | None, model: object) -> T:
    """The learned state, or NotFittedError where `fit` has not been called."""
    if state is None:
        raise NotFittedError(f"{type(model).__name__} has not learned anything yet; call fit(train, run) first.")
    return state
