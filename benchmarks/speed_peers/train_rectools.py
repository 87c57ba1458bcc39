"""RecTools: SASRecModel with its defaults, and where NAME says so with sampled softmax or gBCE of 256 negatives."""

from __future__ import annotations

import warnings
from importlib.metadata import version

import numpy as np
import pandas as pd
import torch
from pytorch_lightning import Callback, Trainer, seed_everything
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import SASRecModel
from training_common import BLOCKS, DROPOUT, HEADS, LENGTH, SEED, WIDTH, Curve, Task

torch.set_num_threads(1)
warnings.simplefilter("ignore")
task = Task()
curve = Curve(task)
LOSSES = {
    "rectools": {},
    "rectools sampled softmax": {"loss": "sampled_softmax", "n_negatives": 256},
    "rectools gbce": {"loss": "gBCE", "n_negatives": 256, "gbce_t": 0.75},
}
frame = pd.DataFrame(
    {
        Columns.User: task.user,
        Columns.Item: task.item,
        Columns.Weight: 1.0,
        Columns.Datetime: pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(len(task.user)), unit="s"),
    }
)
rows = task.newest(padding_before=True, padding=-1)


class ValidationMonitor(Callback):
    def on_train_epoch_start(self, trainer: Trainer, module: object) -> None:
        curve.__enter__()

    def on_train_epoch_end(self, trainer: Trainer, module: object) -> None:
        curve.__exit__()
        trainer.should_stop = curve.judge(scored(module))


def scored(module: object) -> np.ndarray:
    network = module.torch_model
    network.eval()
    # Its codes begin with padding, and items that only stood in older events than it reads have none.
    names = module.data_preparator.item_id_map.external_ids[1:].astype(np.int64)
    code_of = np.zeros(task.n_items, np.int64)
    code_of[names] = np.arange(1, len(names) + 1)
    asked = torch.from_numpy(np.where(rows >= 0, code_of[rows], 0))
    scores = np.full((len(rows), task.n_items), -np.inf, np.float32)
    with torch.no_grad():
        table = network.item_model.get_all_embeddings()
        for at in torch.arange(len(rows)).split(500):
            states = network.encode_sessions({"x": asked[at]}, table)[:, -1]
            scores[np.ix_(at.numpy(), names)] = (states @ table.T).numpy()[:, code_of[names]]
    network.train()
    return scores


def trainer() -> Trainer:
    return Trainer(
        accelerator="cpu",
        devices=1,
        max_epochs=300,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        callbacks=[ValidationMonitor()],
    )


seed_everything(SEED)
settings = {
    "n_factors": WIDTH,
    "n_blocks": BLOCKS,
    "n_heads": HEADS,
    "dropout_rate": DROPOUT,
    "session_max_len": LENGTH,
    **LOSSES[task.name],
}
model = SASRecModel(**settings, get_trainer_func=trainer)
model.fit(Dataset.construct(frame))
curve.keep(finished=True, version=version("rectools"), settings=str(settings))
