"""What a guest says they like, as a history: items that stand for labels, which any model can answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from foretaste.errors import DataError
from foretaste.events.model import Past

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from foretaste.serving.config import ServiceConfig
    from foretaste.serving.world.world import World
    from foretaste.types import IntArray


NAMED = 3
"""Labels that are named of a stand-in, which may have many of those somebody likes."""


class Liked(NamedTuple):
    """past   : the stand-ins, as if they had been taken before all that was
    labels : by the code of each stand-in, what it stands for: 'Drama', 'Drama and War'
    """

    past: Past
    labels: Mapping[int, str]


def liked(likes: Sequence[str], past: Past, world: World, config: ServiceConfig) -> Liked:
    """What is best known of each label, without what is in the past anyway; DataError for a label that nothing has."""
    catalogue = world.catalogue
    codes, labels = stand_ins_of(likes, world, config)
    done = set(past.item)
    stand_ins = {
        code: " and ".join(named[:NAMED])
        for code, named in zip(codes.tolist(), labels, strict=True)
        if catalogue.ids[code] not in done
    }
    n = len(stand_ins)
    kinds = catalogue.bundle.kinds
    kind = kinds.names[kinds.usual]
    # Whatever a person did says more than what they say, so it comes after; where nobody says when, so do we.
    times = [time for time in past.time if time is not None]
    time = min(times) if times and len(times) == len(past.time) else None
    return Liked(Past([catalogue.ids[code] for code in stand_ins], [kind] * n, [time] * n, [1.0] * n), stand_ins)


def joined(before: Past, past: Past) -> Past:
    return Past(
        before.item + past.item,
        before.kind + past.kind,
        before.time + past.time,
        before.value + past.value,
        past.upto,
    )


def stand_ins_of(likes: Sequence[str], world: World, config: ServiceConfig) -> tuple[IntArray, list[list[str]]]:
    """Items that stand for these labels, the best last, and for which labels each does.

    DataError where the catalogue has no labels, or nothing has one of these.
    """
    if (found := world.catalogue.likes(config.likes_column)) is None:
        raise DataError("likes: this catalogue has no column of labels; send a history instead.")
    column, labels = found
    try:
        return labels.stand_in_items(likes, allowed=world.allowed_of_bundle({}))
    except DataError as error:
        raise DataError(
            f"{error} Only labels of the column '{column}' count; likes_column in [serve] of foretaste.toml names "
            "another."
        ) from None
