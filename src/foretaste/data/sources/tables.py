"""Tables beside the events, as public data sets have them, as relations of a data set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from foretaste.data.relations import Relation

if TYPE_CHECKING:
    from collections.abc import Mapping

FACTS = ("head", "relation", "tail")


def relations_of(tables: Mapping[str, pl.DataFrame]) -> dict[str, Relation]:
    """The tables that say who or what belongs together; others (pictures, negatives of a paper) are none.

    Known by their columns: source_user_id, target_user_id · source_item_id, target_item_id · head, relation, tail, with
    a table item_id, entity_id beside it · item_id, tag: who tagged is left out, the tag is a fact about the item.
    A table P_… beside P_interactions has the numbering of those other events, and is left out.
    """
    others = tuple(name.removesuffix("interactions") for name in tables if name.endswith("_interactions"))
    entities = next((table for table in tables.values() if {"item_id", "entity_id"} == set(table.columns)), None)
    words = next((table for table in tables.values() if {"tag_id", "tag"} == set(table.columns)), None)
    found = {}
    for name, table in tables.items():
        if others and name.startswith(others):
            continue
        columns = set(table.columns)
        if set(FACTS) <= columns:
            pairs = None if entities is None else _text(entities, item="item_id", entity="entity_id")
            found[name] = Relation("triples", _text(table, source="head", relation="relation", target="tail"), pairs)
        elif {"item_id", "tag"} <= columns or ({"item_id", "tag_id"} <= columns and words is not None):
            tagged = table if "tag" in columns or words is None else table.join(words, on="tag_id", how="inner")
            facts = _text(tagged.drop_nulls(["item_id", "tag"]), source="item_id", target="tag")
            facts = facts.unique(maintain_order=True).with_columns(relation=pl.lit("tag"))
            found[name] = Relation("triples", facts)
        elif {"source_user_id", "target_user_id"} <= columns:
            found[name] = Relation("users", _text(table, source="source_user_id", target="target_user_id"))
        elif {"source_item_id", "target_item_id"} <= columns:
            found[name] = Relation("items", _text(table, source="source_item_id", target="target_item_id"))
    return found


def _text(table: pl.DataFrame, **columns: str) -> pl.DataFrame:
    """These columns under new names, as ids are outside: text."""
    return table.select(**{new: pl.col(old).cast(pl.String) for new, old in columns.items()}).drop_nulls()
