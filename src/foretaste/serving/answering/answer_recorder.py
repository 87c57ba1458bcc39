"""Records the inputs of past answers for replay, in the background: no request waits for it."""

from __future__ import annotations

import logging
import time
from collections import deque
from hashlib import sha256
from threading import Event as Signal
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

import foretaste
from foretaste.api import format_time
from foretaste.errors import ForetasteError
from foretaste.events.answer_log import DAY, AnswerRecord
from foretaste.serving.answering.questions import KINDS
from foretaste.serving.telemetry import metrics

if TYPE_CHECKING:
    from collections.abc import Iterable

    from foretaste.events.answer_log import AnswerLog
    from foretaste.events.model import ItemRecord, Past
    from foretaste.serving.answering.list_builder import Made, Moment
    from foretaste.serving.answering.questions import Question
    from foretaste.serving.config import ServiceConfig
    from foretaste.serving.world.world import World

log = logging.getLogger("foretaste.serving")
EVERY_SECONDS = 0.2
PRUNE_SECONDS = 60.0
MAX_QUEUED = 20_000
"""Answers in the queue; where the disk is too slow, the oldest are dropped and counted."""
NAME_OF = {kind: name for name, kind in KINDS.items()}


class AnswerRecording:
    """An optional recorder: before `begin` nothing is recorded."""

    def __init__(self) -> None:
        self._recorder: AnswerRecorder | None = None

    def begin(self, recorder: AnswerRecorder) -> None:
        """Record answers from now on."""
        self._recorder = recorder

    def note(self, made: Made, question: Question, world: World, past: Past, moment: Moment, user: str | None) -> None:
        """Queue an answer for recording, if there is a recorder."""
        if self._recorder is not None:
            self._recorder.note(made, question, world, past, moment, user)

    def forget(self, user: str) -> int:
        """Remove the recorded answers of a user; returns their number."""
        return 0 if self._recorder is None else self._recorder.forget(user)

    def of_person(self, user: str) -> list[dict[str, Any]]:
        """Every recorded answer of a user, JSON-ready."""
        return [] if self._recorder is None else self._recorder.of_person(user)

    def close(self) -> None:
        if self._recorder is not None:
            recorder, self._recorder = self._recorder, None
            recorder.close()


class AnswerRecorder:
    """Writes answers to the answer log every 0.2 seconds. Thread-safe. Answers of the last 0.2 seconds cannot be
    replayed after a kill."""

    def __init__(self, book: AnswerLog, config: ServiceConfig) -> None:
        self.book = book
        self._config = config
        self._setting = {"serve": config.model_dump(mode="json"), "foretaste": foretaste.__version__}
        self._answers: deque[tuple[Made, Question, World, Past, Moment, str | None]] = deque(maxlen=MAX_QUEUED)
        self._items: deque[ItemRecord] = deque()
        self._written = book.last_change()
        self._lock = Lock()  # held while writing
        self._stop = Signal()
        self._pruned = time.monotonic() - PRUNE_SECONDS
        self._thread = Thread(target=self._run, name="foretaste-answers", daemon=True)
        self._thread.start()

    def note(self, made: Made, question: Question, world: World, past: Past, moment: Moment, user: str | None) -> None:
        """Queue an answer for recording; takes a microsecond."""
        if len(self._answers) == MAX_QUEUED:
            metrics.ANSWERS.labels("left_out").inc()
        self._answers.append((made, question, world, past, moment, user))

    def changes(self, items: Iterable[ItemRecord]) -> None:
        """Queue changes of the catalogue, before any answer uses them."""
        self._items.extend(items)

    def flush(self) -> None:
        """Write everything in the queue."""
        with self._lock:
            given = [self._answers.popleft() for _ in range(len(self._answers))]
            items = [self._items.popleft() for _ in range(len(self._items))]
            new = [item for item in items if item.change > self._written]
            if not given and not new:
                return
            try:
                self.book.keep([self._answered(*one) for one in given], new)
            except ForetasteError:
                self._answers.extendleft(reversed(given))
                self._items.extendleft(reversed(items))
                raise
            self._written = max((item.change for item in new), default=self._written)
            metrics.ANSWERS.labels("kept").inc(len(given))

    def forget(self, user: str) -> int:
        """Remove the recorded answers of a user; returns their number."""
        self.flush()
        return self.book.forget(user, time.time_ns() // 1000)

    def of_person(self, user: str) -> list[dict[str, Any]]:
        """Every recorded answer of a user with its request, JSON-ready."""
        self.flush()
        return [
            {"recommendation_id": one.id, "at": format_time(one.at), "question": one.inputs["question"]}
            for one in self.book.of_person(user)
        ]

    def close(self) -> None:
        self._stop.set()
        self._thread.join(timeout=5)
        self.book.close()

    def _run(self) -> None:
        while not self._stop.wait(EVERY_SECONDS):
            self._try()
        self._try()

    def _try(self) -> None:
        try:
            self.flush()
            if time.monotonic() - self._pruned > PRUNE_SECONDS:
                self._pruned = time.monotonic()
                days = int(self._config.answers_days * DAY)
                self.book.prune(self._config.answers_kept, time.time_ns() // 1000 - days)
        except ForetasteError as error:
            log.warning("Answers cannot be recorded at the moment: %s", error)
            self._stop.wait(5)
        except Exception as error:
            log.error("Recording answers failed with %s.", type(error).__name__)
            self._stop.wait(5)

    def _answered(
        self, made: Made, question: Question, world: World, past: Past, moment: Moment, user: str | None
    ) -> AnswerRecord:
        inputs: dict[str, Any] = {
            "ask": NAME_OF[type(question)],
            "question": question.model_dump(mode="json", exclude_unset=True),
            "version": world.version,
            "position": past.upto,
            "events": len(past),
            "sha256": body_hash(written(made)),
        }
        if world.partial:
            inputs["partial"] = True
        if made.left_out:
            inputs["left_out"] = dict(made.left_out)
        if world.read_to:
            inputs["read"] = world.read_to
        if world.indexed:
            inputs["indexed"] = True
        if (trace := getattr(made.answer, "trace", None)) is not None:
            inputs["seconds"] = [step.seconds for step in trace]
        return AnswerRecord(moment.id, user, moment.at, world.change, self._setting, inputs)


def written(made: Made) -> bytes:
    """The response body of an answer."""
    return made.answer.model_dump_json(exclude_unset=True).encode()


def body_hash(body: bytes) -> str:
    return sha256(body).hexdigest()
