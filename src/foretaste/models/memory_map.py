"""Arrays of a safetensors file without reading it: pages come from the disk when touched, and processes share them."""

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
LARGEST_HEADER = 100 << 20


def mapped_arrays(path: Path) -> dict[str, NDArray[np.generic]]:
    """Every array of the file, by name; what `safetensors.numpy.load_file` would read, as views of the mapped file.

    A view may be written to; the page is then copied, and the file stays as it is. ValueError for a damaged file.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(LARGEST_HEADER, size - 8):
            raise ValueError(f"{path.name} is not a safetensors file")
        header = json.loads(file.read(length))
    first = 8 + length
    raw = np.asarray(np.memmap(path, np.uint8, mode="c")) if size > first else np.empty(first, np.uint8)
    arrays: dict[str, NDArray[np.generic]] = {}
    for name, told in header.items():
        if name == "__metadata__":
            continue
        start, end = told["data_offsets"]
        dtype = np.dtype(DTYPES[told["dtype"]])
        if not 0 <= start <= end <= size - first or end - start != dtype.itemsize * math.prod(told["shape"]):
            raise ValueError(f"{path.name} is damaged at '{name}'")
        arrays[name] = raw[first + start : first + end].view(dtype).reshape(told["shape"])
    return arrays
