"""Who or what belongs together: friends, similar products, the facts of a knowledge graph.

A data set keeps its relations by name, because codes change when data are prepared and names never do. `links` and
`triples` give the arrays that models work with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl
from scipy.sparse import csr_array

from foretaste.data.ids import IdMap
from foretaste.errors import DataError
from foretaste.types import NO_ITEM

if TYPE_CHECKING:
    from foretaste.types import FloatArray, IntArray

Between = Literal["users", "items", "triples"]


@dataclass(frozen=True, eq=False)
class Relation:
    """between  : users with users, items with items, or facts (head, relation, tail) about anything
    frame    : one row per link: source, target (names); optionally relation (what the link says), weight
    entities : of triples, which entity is which item: columns item, entity; None where they share their ids
    """

    between: Between
    frame: pl.DataFrame
    entities: pl.DataFrame | None = None

    def __post_init__(self) -> None:
        needed = {"source", "target"} | ({"relation"} if self.between == "triples" else set())
        if missing := needed - set(self.frame.columns):
            raise DataError(f"A relation between {self.between} needs a column '{min(missing)}'.")

    def __len__(self) -> int:
        return len(self.frame)

    def links(self, ids: IdMap) -> Links:
        """The links of which both ends are known; the others have no code."""
        source, target = ids.codes(self.frame["source"]), ids.codes(self.frame["target"])
        known = (source != NO_ITEM) & (target != NO_ITEM)
        weight = np.ones(len(self), np.float32)
        if "weight" in self.frame.columns:
            weight = self.frame["weight"].cast(pl.Float32).fill_null(1.0).to_numpy()
        return Links(source[known], target[known], weight[known], len(ids), int((~known).sum()))

    def triples(self, items: IdMap) -> Triples:
        """Every fact, with the entities numbered anew, and where each item is among them."""
        head, said, tail = (self.frame[name] for name in ("source", "relation", "target"))
        of_items = items.names.to_frame("item").with_columns(entity="item")
        if self.entities is not None:
            pairs = self.entities.unique("item", keep="first", maintain_order=True)
            of_items = items.names.to_frame("item").join(pairs, on="item", how="left", maintain_order="left")
        facts = pl.concat([head.rename("entity"), tail.rename("entity")])
        # Items that no fact is about are no entities, unless the file says which entity they are.
        mapped = [] if self.entities is None else [of_items["entity"].drop_nulls()]
        entities, relations = IdMap.of(pl.concat([facts, *mapped])), IdMap.of(said)
        return Triples(
            entities=entities,
            relations=relations,
            head=entities.codes(head),
            relation=relations.codes(said),
            tail=entities.codes(tail),
            entity_of_item=entities.codes(of_items["entity"]),
        )


@dataclass(frozen=True, eq=False)
class Links:
    """source, target : (E,) int32 codes of users or of items
    weight  : (E,) float32, 1 where nothing was said
    n       : how many users, or items, there are
    unknown : links left out because an end is in no event and in no catalogue
    """

    source: IntArray
    target: IntArray
    weight: FloatArray
    n: int
    unknown: int = 0

    def __len__(self) -> int:
        return len(self.source)

    def matrix(self) -> csr_array:
        """(n, n) float32; a link stated twice counts twice."""
        return csr_array((self.weight, (self.source, self.target)), shape=(self.n, self.n))


@dataclass(frozen=True, eq=False)
class Triples:
    """entities, relations : their names ⇄ codes
    head, relation, tail : (T,) int32 codes
    entity_of_item : (n_items,) int32 code of the entity each item is, NO_ITEM where it is none
    """

    entities: IdMap
    relations: IdMap
    head: IntArray
    relation: IntArray
    tail: IntArray
    entity_of_item: IntArray

    def __len__(self) -> int:
        return len(self.head)
