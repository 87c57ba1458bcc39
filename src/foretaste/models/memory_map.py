"""Memory-mapped arrays of a safetensors file: pages are read when used, and processes share them."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

DTYPES = {
    "F64": np.float64,
    "F32": np.float32,
    "F16": np.float16,
    "I64": np.int64,
    "I32": np.int32,
    "I16": np.int16,
    "I8": np.int8,
    "U64": np.uint64,
    "U32": np.uint32,
    "U16": np.uint16,
    "U8": np.uint8,
    "BOOL": np.bool_,
}
MAX_HEADER_BYTES = 100 << 20


def memory_mapped_arrays(path: Path) -> dict[str, NDArray[np.generic]]:
    """Every array of the file by name, as `safetensors.numpy.load_file` reads it, but as views of the mapped file.

    The views are copy-on-write: writing to one changes neither the file nor other processes' views.

    raises : ValueError for a damaged file, OSError for a missing one
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(MAX_HEADER_BYTES, size - 8):
            raise ValueError(f"{path.name} is not a safetensors file")
        header = json.loads(file.read(length))
    first = 8 + length
    raw = np.asarray(np.memmap(path, np.uint8, mode="c")) if size > first else np.empty(first, np.uint8)
    arrays: dict[str, NDArray[np.generic]] = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        start, end = entry["data_offsets"]
        dtype = np.dtype(DTYPES[entry["dtype"]])
        if not 0 <= start <= end <= size - first or end - start != dtype.itemsize * math.prod(entry["shape"]):
            raise ValueError(f"{path.name} is damaged at '{name}'")
        arrays[name] = raw[first + start : first + end].view(dtype).reshape(entry["shape"])
    return arrays
