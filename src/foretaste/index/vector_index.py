"""What every index of vectors promises; rows are item codes, nearness is the inner product.

Letters: B queries, K items per query, D width, n items.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.types import BoolArray, FloatArray, IntArray, Ragged


class VectorIndex(Protocol):
    def __len__(self) -> int:
        """Items that can be found."""
        ...

    @property
    def vectors(self) -> FloatArray:
        """(n, D), row = item code; 0 where an item has none."""
        ...

    def search(
        self, vectors: FloatArray, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> tuple[IntArray, FloatArray]:
        """The k items of highest inner product with each query, best first; ties to the smaller code.

        vectors : (B, D) float32
        exclude : B rows of items that must not be found by that query
        allowed : (n,) the only items that may be found; None allows all
        returns : items (B, k) int32, NO_ITEM padded, and their exact scores (B, k) float32, nan at padding
        """
        ...

    def put(self, items: IntArray, vectors: FloatArray) -> None:
        """Add these items, or give them new vectors; found from now on. A vector of zeros is no vector."""
        ...

    def delete(self, items: IntArray) -> None:
        """Never found again, until they are put again; unknown ones are nothing to delete."""
        ...

    def save(self, folder: Path) -> None: ...

    @classmethod
    def load(cls, folder: Path) -> Self: ...
