"""Memory-mapped arrays equal the saved ones, and writing to them changes no file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import load_file, save_file

from foretaste.models.memory_map import memory_mapped_arrays

arrays = hnp.arrays(
    st.sampled_from([np.float32, np.float64, np.float16, np.int8, np.int32, np.int64, np.uint8, np.bool_]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)


@settings(deadline=None, max_examples=60)
@given(named=st.dictionaries(st.text("abc.", min_size=1, max_size=3), arrays, max_size=4))
def test_it_reads_what_safetensors_reads(
    named: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("mapped") / "arrays.safetensors"
    save_file(named, path)
    mapped, read = memory_mapped_arrays(path), load_file(path)
    assert mapped.keys() == read.keys()
    for name, array in read.items():
        assert mapped[name].dtype == array.dtype
        np.testing.assert_array_equal(mapped[name], array)


def test_writing_to_a_view_leaves_the_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "arrays.safetensors"
    save_file({"a": np.arange(5000, dtype=np.float32)}, path)
    before = path.read_bytes()
    view = memory_mapped_arrays(path)["a"]
    view[:] = 7  # type: ignore[index]
    assert path.read_bytes() == before
    assert memory_mapped_arrays(path)["a"][3] == 3


def test_a_damaged_file_is_said_to_be_one(tmp_path: Path) -> None:
    path = tmp_path / "arrays.safetensors"
    save_file({"a": np.arange(5000, dtype=np.float32)}, path)
    whole = path.read_bytes()
    for damaged in (b"", b"\xff" * 20, whole[:-1], whole[:100], (1 << 60).to_bytes(8, "little") + whole[8:]):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="safetensors"):
            memory_mapped_arrays(path)
