"""Fit the network of a sequence model to the histories of a data set."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from foretaste.errors import ConfigError
from foretaste.features.columns import ColumnVectors
from foretaste.features.query_columns import query_column_vectors
from foretaste.models.sequence.trained_network import TrainedNetwork, build_network
from foretaste.models.sequence.training.capacity import resolve_auto_settings
from foretaste.models.sequence.training.item_inputs import read_item_inputs, similar_items
from foretaste.models.sequence.training.job import TRAIN, TrainingJob
from foretaste.models.sequence.training.pmi import pmi_factors
from foretaste.nn import losses
from foretaste.nn.ragged import gather_rows
from foretaste.training.batches import (
    MaskedEventBatches,
    NextEventBatches,
    TrainingBatch,
    UserFeatures,
    WithNegatives,
    positive_events,
)
from foretaste.training.device import device_of
from foretaste.training.distributed import current_group
from foretaste.training.loop import train_loop

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from foretaste.data.dataset import Dataset
    from foretaste.models.sequence.config import SequenceConfig
    from foretaste.nn.next_item_network import NextItemNetwork
    from foretaste.training.progress import TrainingProgress
    from foretaste.types import BoolArray, FloatArray, History, Run

ITEM_ROWS = "items.ids"
"""Name of the item embeddings among the weights of a network."""


def fit_network(
    model: type[Any],
    config: SequenceConfig,
    data: Dataset,
    run: Run,
    *,
    validation_score: Callable[[TrainedNetwork], float] | None,
    mask_share: float | None = None,
    initial_weights: Mapping[str, Tensor] | None = None,
) -> TrainedNetwork:
    """Train a network on the histories of `data`, or one for each member of the config's ensemble, with seeds in a row.

    model            : the class of the sequence model
    validation_score : of the network so far, for early stopping, higher is better; None trains for all epochs
    mask_share       : share of the events that are masked and predicted; None predicts every next event
    initial_weights  : by name, from another network; the others are random
    raises           : ConfigError for settings that cannot go together; DataError where the catalogue has not what the
                       settings read
    """
    name = model.name
    _check_settings(name, config, masked=mask_share is not None)
    history = positive_events(data.histories(), data.kinds.weights)
    seen_items = np.bincount(history.items, minlength=data.n_items) > 0
    config = resolve_auto_settings(config, history, seen_items)
    inputs = read_item_inputs(name, data, config, seen_items, run)
    columns, user_vectors = user_column_vectors(data, config, history.lengths > 0)
    job = TrainingJob(
        name=name,
        model_path=f"{model.__module__}:{model.__qualname__}",
        config=config,
        history=history,
        seen_items=seen_items,
        text_vectors=inputs.text_vectors,
        words=inputs.words,
        modalities=inputs.modalities,
        similar_items=similar_items(data, config.augment.substitutes, run) if config.augment.substitute else None,
        user_vectors=user_vectors,
        mask_share=mask_share,
        initial_rows=_initial_rows(config, history, data.n_items, run, ids_only=inputs.ids_only),
        initial_weights=initial_weights or {},
        early_stopping=validation_score is not None,
        device=run.device,
    )
    users = "" if user_vectors is None else sha256(user_vectors.tobytes()).hexdigest()
    fingerprint = data.fingerprint + users + _hash(inputs.modalities)

    def monitor(module: NextItemNetwork) -> float:
        assert validation_score is not None
        return validation_score(TrainedNetwork(name, [module], config, data.kinds.weights, seen_items, columns=columns))

    modules, progress = [], []
    for seed in range(run.seed, run.seed + config.ensemble):
        module, member_progress = train_network(
            replace(job, seed=seed), model.network, replace(run, seed=seed), monitor=monitor, fingerprint=fingerprint
        )
        module.fill_untrained_time_buckets()
        modules.append(module)
        progress.append(member_progress)
    return TrainedNetwork(name, modules, config, data.kinds.weights, seen_items, progress, columns)


def train_network(
    job: TrainingJob,
    network_of: Callable[[Any], nn.Module],
    run: Run,
    *,
    monitor: Callable[[NextItemNetwork], float] = lambda module: 0.0,
    fingerprint: str = "",
) -> tuple[NextItemNetwork, TrainingProgress]:
    """The network trained by one job, on the CPU, and its progress; shared among processes where there are several.

    network_of  : settings to the body of an untrained network
    monitor     : the validation score of the network so far; called only for jobs with early stopping
    fingerprint : of the data, for checkpoints
    """
    config, history, seen_items = job.config, job.history, job.seen_items
    processes = current_group()
    if processes.size > 1 and processes.is_leader:
        processes.broadcast_number(TRAIN)
        processes.broadcast(job.tensors())
    module = _initial_network(job, network_of).to(device_of(run.device))
    batches: Any
    people = None if job.user_vectors is None else UserFeatures(job.user_vectors, config.forget_columns)
    n_items = len(seen_items)
    if job.mask_share is None:
        batches = NextEventBatches(
            history, config.max_length, config.windows, config.augment, people, job.similar_items, mask=n_items
        )
    else:
        batches = MaskedEventBatches(
            history, config.max_length, n_items, job.mask_share, config.augment, people, job.similar_items
        )
    kind = config.loss.kind
    if kind == "softmax" and n_items > config.loss.most_items:
        kind = "sampled"
    if kind != "softmax":
        batches = WithNegatives(batches, int(seen_items.sum()), config.loss.negatives)
    settings = f"{job.name} {config.model_dump_json()}"
    progress = train_loop(
        module,
        _loss(kind, module, seen_items, config),
        batches,
        config.training,
        run,
        monitor=(lambda: monitor(module)) if job.early_stopping else None,
        name=job.name,
        fingerprint=f"{settings} {fingerprint} {job.early_stopping} {_hash(job.initial_weights)}",
    )
    return module.to("cpu"), progress  # at serving, one short history at a time is faster on the CPU


def user_column_vectors(
    data: Dataset, config: SequenceConfig, fit_on: BoolArray
) -> tuple[ColumnVectors | None, FloatArray | None]:
    """The fitted encoding of the user columns, and (n_users, P) float32 its vectors; None, None where none are read.

    fit_on : (n_users,) the users whose values are learned
    """
    if not config.columns or data.user_table is None:
        return None, None
    columns = ColumnVectors.fit(data.user_table.drop("user"), config.columns_as, fit_on)
    if not columns.width:
        return None, None
    all_users = np.arange(data.n_users, dtype=np.int32)
    return columns, query_column_vectors(data.columns_of(all_users), columns, data.n_users)


def load_matching_weights(module: NextItemNetwork, weights: Mapping[str, Tensor]) -> None:
    """Set the weights whose name and shape match one of the module's; the others of the module stay."""
    own = module.state_dict()
    module.load_state_dict(
        {name: weight for name, weight in weights.items() if name in own and own[name].shape == weight.shape},
        strict=False,
    )


def _check_settings(name: str, config: SequenceConfig, *, masked: bool) -> None:
    """ConfigError for settings that cannot go together."""
    heads = getattr(config, "heads", 1)
    if config.width % heads:
        raise ConfigError(f"width = {config.width} cannot be shared among heads = {heads}; make it a multiple of them.")
    if masked and config.max_length < 2:
        raise ConfigError(f"max_length = 1 leaves '{name}' only the gap it fills, and no event to read; make it more.")


def _initial_rows(
    config: SequenceConfig, history: History, n_items: int, run: Run, *, ids_only: bool
) -> FloatArray | None:
    """(n_items, width) float32 item embeddings from PMI factors, where the settings ask for them; else None."""
    if not config.ids or not (config.initial == "pmi" or (config.initial == "auto" and ids_only)):
        return None
    run.progress("counting item co-occurrences", 0, 1)
    rows = pmi_factors(history, n_items, config.width)
    run.progress("counting item co-occurrences", 1, 1)
    return rows


def _initial_network(job: TrainingJob, network_of: Callable[[Any], nn.Module]) -> NextItemNetwork:
    """The network of a job before the first step; random weights follow from the job's seed."""
    history, config = job.history, job.config
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(job.seed)
        module = build_network(
            config,
            len(job.seen_items),
            job.text_vectors,
            job.words,
            network_of(config),
            masked=job.mask_share is not None,
            n_kinds=int(history.kind.max(initial=0)) + 1 if len(np.unique(history.kind)) > 1 else 1,
            timed=config.times and history.time is not None,
            user_width=0 if job.user_vectors is None else job.user_vectors.shape[1],
            mask_token=config.augment.mask > 0,
            modalities=job.modalities,
            seen_items=job.seen_items,
        )
    weights = dict(job.initial_weights)
    if job.initial_rows is not None:
        weights[ITEM_ROWS] = torch.from_numpy(job.initial_rows)
    load_matching_weights(module, weights)
    return module


def _hash(weights: Mapping[str, Tensor]) -> str:
    digest = sha256()
    for name in sorted(weights):
        digest.update(name.encode())
        digest.update(weights[name].contiguous().numpy().tobytes())
    return digest.hexdigest() if weights else ""


def _loss(
    kind: str, module: NextItemNetwork, seen_items: BoolArray, config: SequenceConfig
) -> Callable[[TrainingBatch], Tensor]:
    """The loss over the items of the training data only: as a negative, a new item would be learned to be avoided.

    kind       : softmax, sampled, gbce (Petrov & Macdonald, RecSys 2023) or bpr
    seen_items : (n_items,)
    """
    codes = torch.from_numpy(np.flatnonzero(seen_items)).to(module.device)
    position = torch.from_numpy(np.cumsum(seen_items) - 1).to(module.device)
    all_seen = bool(seen_items.all())
    alpha = min(1.0, config.loss.negatives / max(1, len(codes) - 1))
    t = config.loss.calibration
    beta = alpha * (t * (1 - 1 / alpha) + 1 / alpha)
    low = torch.bfloat16 if config.training.precision == "bfloat16" else torch.float32

    def loss(batch: TrainingBatch) -> Tensor:
        table = module.table()
        states = gather_rows(module.states(table, batch.inputs), batch.where)
        items = table[: len(seen_items)] if all_seen else gather_rows(table, codes)
        targets = position[batch.targets]
        if kind == "softmax":
            return losses.full_softmax(states, items, targets, low)
        if kind == "sampled":
            return losses.sampled_softmax(states, items, targets, batch.negatives)
        if kind == "gbce":
            return losses.gbce(states, items, targets, batch.negatives, beta)
        return losses.bpr(states, items, targets, batch.negatives)

    return loss
