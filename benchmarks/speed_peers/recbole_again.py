"""Import this before recbole: three things of RecBole 1.2.1 no longer hold with today's numpy and torch.

They are `np.bool8` and its like, pkg_resources (an older setuptools is installed beside it), and torch.load, which now
wants to be told that a pickle is meant.
"""

from __future__ import annotations

import functools

import numpy as np

for name, kind in {"bool8": np.bool_, "float_": np.float64, "complex_": np.complex128, "unicode_": np.str_}.items():
    if not hasattr(np, name):
        setattr(np, name, kind)
import torch  # noqa: E402  # after the shims

torch.load = functools.partial(torch.load, weights_only=False)
torch.set_num_threads(1)
