"""Maps between names of users or items and int32 codes: the only place where the two meet."""

from __future__ import annotations

from functools import cached_property
from hashlib import blake2b, sha256
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from foretaste.types import NO_ITEM

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from foretaste.types import IntArray


ROWS_AT_ONCE = 2_000_000
"""Names looked up at once, which bounds the memory of the join for a large log."""


class IdMap:
    """Names ⇄ codes 0 … n−1. A code never changes; new names get the next codes.

    The first names are ordered by a hash of the name, never by appearance: ties in score are broken by the code,
    and an order of appearance would leak who did what first.
    """

    def __init__(self, names: Sequence[str] | pl.Series = ()) -> None:
        """Names in the order of their codes, all different; see `IdMap.of` for a first numbering."""
        self.names = pl.Series("name", names, dtype=pl.String, strict=True).rechunk()

    @classmethod
    def of(cls, names: Iterable[str] | pl.Series) -> IdMap:
        """An id map of these names, in any order and with repetitions, ordered by the hash of each name."""
        distinct = pl.Series(names, dtype=pl.String).drop_nulls().unique().to_list()
        return cls(sorted(distinct, key=lambda name: (blake2b(name.encode(), digest_size=8).digest(), name)))

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, name: object) -> bool:
        return str(name) in self._code

    @cached_property
    def _code(self) -> dict[str, int]:
        return {name: code for code, name in enumerate(self.names.to_list())}

    def code(self, name: object) -> int | None:
        return self._code.get(str(name))

    def codes(self, names: Sequence[object] | pl.Series, *, unknown: int = NO_ITEM) -> IntArray:
        """(n,) codes of names; `unknown` for names without one. Numbers are looked up by their text."""
        if not isinstance(names, pl.Series):  # a few names: no join needed
            return np.fromiter((self._code.get(str(name), unknown) for name in names), np.int32, len(names))
        known = pl.DataFrame({"name": self.names, "code": np.arange(len(self), dtype=np.int32)})
        codes = np.empty(len(names), np.int32)
        for start in range(0, len(names), ROWS_AT_ONCE):
            some = names[start : start + ROWS_AT_ONCE].cast(pl.String).to_frame("name")
            joined = some.join(known, on="name", how="left", maintain_order="left")
            codes[start : start + len(some)] = joined["code"].fill_null(unknown).to_numpy()
        return codes

    def name(self, code: int) -> str:
        found: str = self.names[int(code)]
        return found

    def names_of(self, codes: NDArray[np.integer]) -> list[str]:
        """Names of (n,) codes, all of them known."""
        return self.names.gather(codes).to_list()

    def extended(self, names: Iterable[str] | pl.Series) -> IdMap:
        """The same map with unknown names appended."""
        new = [name for name in IdMap.of(names).names.to_list() if name not in self._code]
        return IdMap(pl.concat([self.names, pl.Series("name", new, dtype=pl.String)])) if new else self

    def fingerprint(self, length: int | None = None) -> str:
        """Hash of the first `length` names in order; a bundle accepts any extension of the map it was trained with."""
        digest = sha256()
        for name in self.names.head(len(self) if length is None else length).to_list():
            raw = name.encode()
            digest.update(len(raw).to_bytes(4, "little") + raw)
        return digest.hexdigest()[:16]
