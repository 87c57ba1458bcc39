"""Teach a network the histories of a data set."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from foretaste.errors import ConfigError, DataError
from foretaste.features.columns import ColumnVectors
from foretaste.features.people import column_vectors
from foretaste.models.sequence.capacity import for_data
from foretaste.models.sequence.course import Course
from foretaste.models.sequence.known import beside_texts, content_vectors, similar_items, words_of
from foretaste.models.sequence.pmi import pmi_factors
from foretaste.models.sequence.several import TRAIN
from foretaste.models.sequence.trained import Trained, module_of
from foretaste.nn import losses
from foretaste.nn.ragged import pick
from foretaste.training.device import device_of
from foretaste.training.loop import train
from foretaste.training.processes import current
from foretaste.training.rows import Lesson, MaskedEvents, NextEvents, People, WithNegatives, wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from foretaste.data.dataset import Dataset
    from foretaste.models.sequence.config import SequenceConfig
    from foretaste.nn.next_items import NextItems
    from foretaste.training.loop import Progress
    from foretaste.types import BoolArray, FloatArray, Run

ROWS = "items.ids"
"""The learned rows of items, among the weights of a network."""


def learn(
    name: str,
    config: SequenceConfig,
    network_of: Callable[[Any], nn.Module],
    data: Dataset,
    run: Run,
    *,
    validation_score: Callable[[Trained], float] | None,
    mask_share: float | None = None,
    start: Mapping[str, Tensor] | None = None,
) -> Trained:
    """Teach a network the histories of `data`, or as many as the config's ensemble has, each with a seed of its own.

    validation_score   : the validation score of what has been learned so far, for early stopping
    mask_share : hide this share of the events and ask for them; None asks for every next event
    start      : weights to begin with, by name; None begins at random
    """
    _refuse_misfits(name, config, asks_gaps=mask_share is not None)
    history = wanted(data.histories(), data.kinds.weights)
    met = np.bincount(history.items, minlength=data.n_items) > 0
    config = for_data(config, history, met)
    beside = beside_texts(data, config, met, run)
    if not config.ids and not beside and not any(data.items.texts()):
        raise DataError(f"The model '{name}' reads texts of items, and this catalogue has none; leave it out.")
    if not (config.ids or config.texts or config.words or beside):
        raise ConfigError(
            f"With ids = false the model '{name}' has to read something else of items: set texts or words, or, where "
            "the catalogue has them, pictures, item_columns or vectors."
        )
    content = None if config.texts is None else torch.from_numpy(content_vectors(data, config.texts, run))
    for setting, found in (("texts", content is None or content.any()), ("words", any(data.items.texts()))):
        if getattr(config, setting) and config.ids and not found:
            raise DataError(f"'{name}' is to read the {setting} of items, and this catalogue has none; leave it out.")
    said = words_of(data, run) if config.words else None
    similar = similar_items(data, config.augment.substitutes, run) if config.augment.substitute else None
    rows = None
    alone = content is None and said is None and not beside
    if config.ids and (config.initial == "pmi" or (config.initial == "auto" and alone)):
        run.progress("counting what is taken together", 0, 1)
        rows = pmi_factors(history, data.n_items, config.width)
        run.progress("counting what is taken together", 1, 1)
    columns, people = known_people(data, config, history.lengths > 0)
    known = ("" if people is None else sha256(people.tobytes()).hexdigest()) + _hash(beside)

    def monitor(module: NextItems) -> float:
        assert validation_score is not None
        return validation_score(Trained(name, [module], config, data.kinds.weights, met, columns=columns))

    modules, learning = [], []
    for seed in range(run.seed, run.seed + config.ensemble):
        course = Course(
            name,
            config,
            history,
            met,
            content,
            said,
            mask_share,
            seed,
            validation_score is not None,
            start or {},
            run.device,
            people,
            beside,
            similar,
            rows,
        )
        module, progress = taught(
            course, network_of, replace(run, seed=seed), monitor=monitor, fingerprint=data.fingerprint + known
        )
        module.fill_times()
        modules.append(module)
        learning.append(progress)
    return Trained(name, modules, config, data.kinds.weights, met, learning, columns)


def known_people(
    data: Dataset, config: SequenceConfig, learned: BoolArray
) -> tuple[ColumnVectors | None, FloatArray | None]:
    """How columns of people are read, and (n_users, P) what they say of each; None where nothing is known or asked.

    learned : (n_users,) whose values are learned
    """
    if not config.columns or data.user_table is None:
        return None, None
    columns = ColumnVectors.fit(data.user_table.drop("user"), config.columns_as, learned)
    if not columns.width:
        return None, None
    everybody = np.arange(data.n_users, dtype=np.int32)
    return columns, column_vectors(data.columns_of(everybody), columns, data.n_users)


def taught(
    course: Course,
    network_of: Callable[[Any], nn.Module],
    run: Run,
    *,
    monitor: Callable[[NextItems], float] = lambda module: 0.0,
    fingerprint: str = "",
) -> tuple[NextItems, Progress]:
    """A network that has learned a course, and how that went; together with other processes where there are any.

    monitor     : the validation score of the network as it stands, asked only of courses that are watched
    fingerprint : of the data
    """
    config, history, met = course.config, course.history, course.met
    processes = current()
    if processes.size > 1 and processes.lead:
        processes.signal(TRAIN)
        processes.tell(course.tensors())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(course.seed)
        module = module_of(
            config,
            len(met),
            course.content,
            course.words,
            network_of(config),
            mask=course.mask_share is not None,
            n_kinds=int(history.kind.max(initial=0)) + 1 if len(np.unique(history.kind)) > 1 else 1,
            timed=config.times and history.time is not None,
            known=0 if course.people is None else course.people.shape[1],
            blank=config.augment.mask > 0,
            beside=course.beside,
            met=met,
        )
    begin_with(module, course.start if course.rows is None else {**course.start, ROWS: torch.from_numpy(course.rows)})
    module.to(device_of(run.device))
    lessons: Any
    people = None if course.people is None else People(course.people, config.forget_columns)
    if course.mask_share is None:
        lessons = NextEvents(
            history, config.max_length, config.windows, config.augment, people, course.similar, mask=len(met)
        )
    else:
        lessons = MaskedEvents(
            history, config.max_length, len(met), course.mask_share, config.augment, people, course.similar
        )
    kind = config.loss.kind
    if kind == "softmax" and len(met) > config.loss.most_items:
        kind = "sampled"
    if kind != "softmax":
        lessons = WithNegatives(lessons, int(met.sum()), config.loss.negatives)
    progress = train(
        module,
        _loss(kind, module, met, config),
        lessons,
        config.training,
        run,
        monitor=(lambda: monitor(module)) if course.watched else None,
        name=course.name,
        fingerprint=f"{course.name} {config.model_dump_json()} {fingerprint} {course.watched} {_hash(course.start)}",
    )
    return module.to("cpu"), progress  # an answer is one short row: a processor is quicker at it


def _refuse_misfits(name: str, config: SequenceConfig, *, asks_gaps: bool) -> None:
    """ConfigError for settings that cannot go together."""
    heads = getattr(config, "heads", 1)
    if config.width % heads:
        raise ConfigError(f"width = {config.width} cannot be shared among heads = {heads}; make it a multiple of them.")
    if asks_gaps and config.max_length < 2:
        raise ConfigError(f"max_length = 1 leaves '{name}' only the gap it fills, and no event to read; make it more.")


def begin_with(module: NextItems, weights: Mapping[str, Tensor]) -> None:
    """Take the weights that have a place of the same name and shape; the others stay as they are."""
    own = module.state_dict()
    module.load_state_dict(
        {name: weight for name, weight in weights.items() if name in own and own[name].shape == weight.shape},
        strict=False,
    )


def _hash(weights: Mapping[str, Tensor]) -> str:
    digest = sha256()
    for name in sorted(weights):
        digest.update(name.encode())
        digest.update(weights[name].contiguous().numpy().tobytes())
    return digest.hexdigest() if weights else ""


def _loss(kind: str, module: NextItems, met: BoolArray, config: SequenceConfig) -> Callable[[Lesson], Tensor]:
    """Compared are only items somebody wanted: to push one down because it is new would teach to hide new items."""
    codes = torch.from_numpy(np.flatnonzero(met)).to(module.device)
    place = torch.from_numpy(np.cumsum(met) - 1).to(module.device)
    all_met = bool(met.all())
    alpha = min(1.0, config.loss.negatives / max(1, len(codes) - 1))
    t = config.loss.calibration
    beta = alpha * (t * (1 - 1 / alpha) + 1 / alpha)
    low = torch.bfloat16 if config.training.precision == "bfloat16" else torch.float32

    def loss(lesson: Lesson) -> Tensor:
        table = module.table()
        states = pick(module.states(table, lesson.batch), lesson.where)
        items = table[: len(met)] if all_met else pick(table, codes)
        targets = place[lesson.targets]
        if kind == "softmax":
            return losses.full_softmax(states, items, targets, low)
        if kind == "sampled":
            return losses.sampled_softmax(states, items, targets, lesson.negatives)
        if kind == "gbce":
            return losses.gbce(states, items, targets, lesson.negatives, beta)
        return losses.bpr(states, items, targets, lesson.negatives)

    return loss
