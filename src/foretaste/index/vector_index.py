"""The protocol of every vector index: rows are item codes, similarity is the inner product.

Letters: B queries, K items per query, D width, n items.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.types import BoolArray, FloatArray, IntArray, Ragged


class VectorIndex(Protocol):
    """Maximum inner product search over item vectors; `load` raises BundleError for a damaged folder."""

    def __len__(self) -> int:
        """Items that have a vector."""
        ...

    @property
    def vectors(self) -> FloatArray:
        """(n, D), row = item code; all 0 where an item has none."""
        ...

    def search(
        self, vectors: FloatArray, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> tuple[IntArray, FloatArray]:
        """The k items of highest inner product with each query, best first; ties to the smaller code.

        vectors : (B, D) float32
        exclude : B rows of items that must not be returned for that query
        allowed : (n,) bool, the only items that may be returned; None allows all
        returns : items (B, k) int32, NO_ITEM padded, and their exact scores (B, k) float32, nan at padding
        """
        ...

    def put(self, items: IntArray, vectors: FloatArray) -> None:
        """Add or replace the vectors (N, D) of these items (N,); a row of zeros removes the item."""
        ...

    def delete(self, items: IntArray) -> None:
        """Remove items until they are put again; unknown codes are ignored."""
        ...

    def save(self, folder: Path) -> None: ...

    @classmethod
    def load(cls, folder: Path) -> Self: ...
