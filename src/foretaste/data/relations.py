"""Relations between users or between items, and knowledge graphs: friends, similar products, facts about items.

A data set holds them by name, because preparation changes codes but never names. `links` and `triples` return the
arrays that models use.
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
    """A table of links.

    between  : users with users, items with items, or triples (head, relation, tail) of a knowledge graph
    frame    : one row per link: source, target (names); optionally relation (its label), weight
    entities : for triples, the entity of each item: columns item, entity; None where they have the same ids
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
        """The links as codes; those with an unknown end are left out and counted."""
        source, target = ids.codes(self.frame["source"]), ids.codes(self.frame["target"])
        known = (source != NO_ITEM) & (target != NO_ITEM)
        weight = np.ones(len(self), np.float32)
        if "weight" in self.frame.columns:
            weight = self.frame["weight"].cast(pl.Float32).fill_null(1.0).to_numpy()
        return Links(source[known], target[known], weight[known], len(ids), int((~known).sum()))

    def triples(self, items: IdMap) -> Triples:
        """The knowledge graph as codes of entities and relations, and the entity code of each item."""
        head, label, tail = (self.frame[name] for name in ("source", "relation", "target"))
        of_items = items.names.to_frame("item").with_columns(entity="item")
        if self.entities is not None:
            pairs = self.entities.unique("item", keep="first", maintain_order=True)
            of_items = items.names.to_frame("item").join(pairs, on="item", how="left", maintain_order="left")
        facts = pl.concat([head.rename("entity"), tail.rename("entity")])
        # Items without a fact are no entities, unless the file maps them to one.
        mapped = [] if self.entities is None else [of_items["entity"].drop_nulls()]
        entities, relations = IdMap.of(pl.concat([facts, *mapped])), IdMap.of(label)
        return Triples(
            entities=entities,
            relations=relations,
            head=entities.codes(head),
            relation=relations.codes(label),
            tail=entities.codes(tail),
            entity_of_item=entities.codes(of_items["entity"]),
        )


@dataclass(frozen=True, eq=False)
class Links:
    """A relation as codes.

    source, target : (E,) int32 codes of users or of items
    weight         : (E,) float32, 1 where there is none
    n              : number of users, or items
    unknown        : number of links left out because an end is neither in an event nor in the catalogue
    """

    source: IntArray
    target: IntArray
    weight: FloatArray
    n: int
    unknown: int = 0

    def __len__(self) -> int:
        return len(self.source)

    def matrix(self) -> csr_array:
        """(n, n) float32 adjacency matrix; the weights of repeated links are added up."""
        return csr_array((self.weight, (self.source, self.target)), shape=(self.n, self.n))


@dataclass(frozen=True, eq=False)
class Triples:
    """A knowledge graph as codes.

    entities, relations : names ⇄ codes
    head, relation, tail : (T,) int32 codes
    entity_of_item : (n_items,) int32 entity code of each item, NO_ITEM where it has none
    """

    entities: IdMap
    relations: IdMap
    head: IntArray
    relation: IntArray
    tail: IntArray
    entity_of_item: IntArray

    def __len__(self) -> int:
        return len(self.head)
