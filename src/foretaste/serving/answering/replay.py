"""Gives a past answer again, byte for byte: its bundle, the log as far as it was then, its catalogue, its moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Self

import foretaste
from foretaste.api import format_time
from foretaste.errors import BundleError, UnknownNameError
from foretaste.events.answer_log import AnswerLog
from foretaste.events.opening import open_store
from foretaste.pipeline.bundle import load_bundle
from foretaste.serving.answering.answer_recorder import body_hash, written
from foretaste.serving.answering.list_builder import MAX_HISTORY, ListMaker, Moment
from foretaste.serving.answering.questions import KINDS, answered, told
from foretaste.serving.config import ServiceConfig
from foretaste.serving.world.catalogue import Catalogue
from foretaste.serving.world.fallback_bundle import load_fallback
from foretaste.serving.world.indexes import with_indexes
from foretaste.serving.world.world import World

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.events.answer_log import AnswerRecord
    from foretaste.events.model import Past
    from foretaste.events.protocols import EventStore
    from foretaste.serving.answering.list_builder import Made

_Key = tuple[str, bool, bool]


class Replayed(NamedTuple):
    """body : the answer, as it is given from what is there now
    same    : whether it is, to the byte, what was sent then
    why     : what has changed since, in one sentence, where it is not
    record  : what was written down of it
    """

    body: bytes
    same: bool
    why: str | None
    record: AnswerRecord


class Replayer:
    """Reads a project folder, and changes nothing in it. Bundles stay loaded between two answers of the same one."""

    def __init__(self, folder: Path, store: EventStore, book: AnswerLog) -> None:
        self._folder = folder
        self._store = store
        self._book = book
        self._catalogues: dict[_Key, Catalogue] = {}
        self._worlds: dict[tuple[_Key, int, int], World] = {}

    @classmethod
    def of_project(cls, folder: Path) -> Self:
        if (book := AnswerLog.existing(folder)) is None:
            raise UnknownNameError(f"{folder} has no record of answers; `foretaste serve` keeps one (answers_kept).")
        return cls(folder, open_store(None, folder), book)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._book.close()
        self._store.close()

    def replay(self, recommendation_id: str) -> Replayed:
        """UnknownNameError if there is no record of that answer; BundleError if its bundle is gone."""
        if (record := self._book.find(recommendation_id)) is None:
            raise UnknownNameError(
                f"Nothing is written down of an answer '{recommendation_id}': it is not of this project and machine, "
                "or older than [serve] answers_days and answers_kept allow."
            )
        said = record.inputs
        config = ServiceConfig.parse(record.setting["serve"], "the settings of that answer")
        world = self._world(record, config)
        question = KINDS[said["ask"]].model_validate(_with_dates(said["question"]))
        user, past = told(question, world)
        if past is None:
            assert user is not None
            past = self._store.history(user, last=MAX_HISTORY, until=said["position"])
        # Without a deadline: what there was no time for then is left out by name.
        made = answered(
            ListMaker(config), world, question, past, Moment(record.at, record.id, said.get("left_out", {}))
        )
        _as_long(made, said.get("seconds"))
        body = written(made)
        same = body_hash(body) == said["sha256"]
        return Replayed(body, same, None if same else _why(record, past), record)

    def _world(self, record: AnswerRecord, config: ServiceConfig) -> World:
        """The bundle of then, with the catalogue of then."""
        version, partial, indexed = (record.inputs.get(name, False) for name in ("version", "partial", "indexed"))
        bundle_key = (version, partial, indexed)
        key = (bundle_key, record.change, record.inputs.get("read", 0))
        if key in self._worlds:
            return self._worlds[key]
        if bundle_key not in self._catalogues:
            folder = self._folder / "bundles" / version
            if not folder.is_dir():
                raise BundleError(f"The bundle {version}, which gave this answer, is no longer in {folder.parent}.")
            bundle = load_fallback(folder) if partial else load_bundle(folder)
            if indexed:
                bundle = with_indexes(bundle, config.approximate_above, anyhow=True)
            self._catalogues[bundle_key] = Catalogue.of(bundle)
        world = World(self._catalogues[bundle_key], partial=partial).with_changes(self._book.items(record.change))
        world = world.reading(record.inputs.get("read", 0))  # what models read of texts is in the cache of this machine
        self._worlds = {key: world}  # the next answer is likely of the same
        return world


def _with_dates(question: dict[str, Any]) -> dict[str, Any]:
    """As a client may ask it: written down are µs, and a number from before 1990 would be taken for one of seconds."""
    if not question.get("history"):
        return question
    dated = [
        {**event, "time": format_time(event["time"])} if isinstance(event.get("time"), int) else event
        for event in question["history"]
    ]
    return {**question, "history": dated}


def _as_long(made: Made, seconds: list[float] | None) -> None:
    """How long each stage took cannot be computed, only remembered."""
    trace = getattr(made.answer, "trace", None)
    if trace is not None and seconds is not None and len(trace) == len(seconds):
        for step, took in zip(trace, seconds, strict=True):
            step.seconds = took


def _why(record: AnswerRecord, past: Past) -> str:
    there, then = len(past), record.inputs["events"]
    if there != then:
        return (
            f"{then - there} of the {then} events it was made from are gone: erased, taken out, or too old to be kept."
        )
    if (by := record.setting["foretaste"]) != foretaste.__version__:
        return f"It was given by foretaste {by}, and this is {foretaste.__version__}; use that one."
    return "The same events, bundle and catalogue give another answer here: another machine, or other libraries."
