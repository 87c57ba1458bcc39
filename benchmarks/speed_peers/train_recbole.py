"""RecBole: SASRec with its defaults (full softmax, batches of 2,048 beginnings of histories, learning rate 1e-3)."""

from __future__ import annotations

import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
import recbole_again  # noqa: F401  # before recbole
import torch
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.data.interaction import Interaction
from recbole.utils import get_model, get_trainer, init_seed
from training_common import BLOCKS, DROPOUT, HEADS, LENGTH, SEED, WIDTH, Curve, Task

task = Task()
curve = Curve(task)
folder = Path(tempfile.mkdtemp())
(folder / "beauty").mkdir()
# Two events more of everybody, which RecBole holds out: only those of the task are learned from.
last = np.r_[task.user[1:] != task.user[:-1], True]
twice = np.repeat(np.arange(len(task.user)), np.where(last, 3, 1))
lines = "\n".join(f"{task.user[t]}\t{task.item[t]}\t{n}" for n, t in enumerate(twice.tolist()))
(folder / "beauty" / "beauty.inter").write_text("user_id:token\titem_id:token\ttimestamp:float\n" + lines + "\n")
settings = {
    "data_path": str(folder),
    "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
    "MAX_ITEM_LIST_LENGTH": LENGTH,
    "eval_args": {"split": {"LS": "valid_and_test"}, "order": "TO", "mode": "full"},
    "train_neg_sample_args": None,
    "n_layers": BLOCKS,
    "n_heads": HEADS,
    "hidden_size": WIDTH,
    "inner_size": 4 * WIDTH,
    "hidden_dropout_prob": DROPOUT,
    "attn_dropout_prob": DROPOUT,
    "loss_type": "CE",
    "seed": SEED,
    "use_gpu": False,
    "show_progress": False,
    "state": "ERROR",
    "checkpoint_dir": str(folder / "saved"),
}
config = Config(model="SASRec", dataset="beauty", config_dict=settings)
init_seed(SEED, True)
dataset = create_dataset(config)
train_data, _, _ = data_preparation(config, dataset)
torch.set_num_threads(1)
model = get_model("SASRec")(config, train_data.dataset)
trainer = get_trainer(config["MODEL_TYPE"], "SASRec")(config, model)

known = np.unique(task.item)
code_of = np.zeros(task.n_items, np.int64)
code_of[known] = dataset.token2id("item_id", known.astype(str))
rows = task.newest(padding_before=False, padding=-1)
lengths = (rows >= 0).sum(axis=1)
asked = torch.from_numpy(np.where(rows >= 0, code_of[rows], 0))


def scored() -> np.ndarray:
    model.eval()
    scores = np.full((len(rows), task.n_items), -np.inf, np.float32)
    with torch.no_grad():
        for at in torch.arange(len(rows)).split(500):
            batch = Interaction({"item_id_list": asked[at], "item_length": torch.from_numpy(lengths)[at]})
            scores[np.ix_(at.numpy(), known)] = model.full_sort_predict(batch).numpy()[:, code_of[known]]
    return scores


for epoch in range(config["epochs"]):
    with curve:
        trainer._train_epoch(train_data, epoch, show_progress=False)
    if curve.judge(scored()):
        break
curve.keep(finished=True, version=version("recbole"), targets=len(train_data.dataset), settings=str(settings))
