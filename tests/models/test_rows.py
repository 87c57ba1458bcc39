"""Rows of a grown catalogue against one plain array."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from foretaste.models.content.rows import Rows


def test_whatever_was_added_or_replaced_they_are_as_one_array() -> None:
    rng = np.random.default_rng(0)
    first = rng.standard_normal((7, 3)).astype(np.float32)
    kept = first.copy()
    plain, rows = first.copy(), Rows(first)
    for codes, n in (([7, 8], 9), ([2, 9], 10), ([2, 4, 8], 10), ([10], 11)):
        said = rng.standard_normal((len(codes), 3)).astype(np.float32)
        plain = np.concatenate([plain, np.zeros((n - len(plain), 3), np.float32)])
        plain[codes] = said
        rows = rows.grown(n, np.array(codes, np.int32), said)
        assert len(rows) == n
        assert rows.first is first
        np.testing.assert_array_equal(rows.whole(), plain)
        some = rng.integers(0, n, (4, 5)).astype(np.int32)
        np.testing.assert_array_equal(rows.take(some), plain[some])
        weights = csr_array((rng.random((4, n)) * (rng.random((4, n)) < 0.4)).astype(np.float32))
        np.testing.assert_allclose(rows.weighted(weights), weights @ plain, rtol=1e-6)
        asked = rng.standard_normal((4, 3)).astype(np.float32)
        np.testing.assert_allclose(rows.products(asked), asked @ plain.T, rtol=1e-5, atol=1e-6)
    early = csr_array(np.eye(3, 10, dtype=np.float32))
    np.testing.assert_array_equal(Rows(first).grown(10, np.array([7, 8, 9]), plain[7:10]).weighted(early), first[:3])
    np.testing.assert_array_equal(first, kept)
