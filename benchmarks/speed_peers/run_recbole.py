"""RecBole: BPR and ItemKNN with its trainer's full-sort evaluation, in its own batch size and in one that fits."""

from __future__ import annotations

import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
import recbole_again  # noqa: F401  # before recbole
from common import FACTORS, NEIGHBOURS, Clock, asked, events, given
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.utils import get_model, get_trainer, init_seed

clock = Clock()
folder = Path(tempfile.mkdtemp())
(folder / "ml").mkdir()
train, test = events(given(), "train"), events(given(), "test")
last = np.r_[train[0][1:] != train[0][:-1], True]  # users stand together: the last one is the validation
parts = {"train": (train[0][~last], train[1][~last]), "valid": (train[0][last], train[1][last]), "test": test}
for part, (user, item) in parts.items():
    lines = "\n".join(f"{u}\t{i}" for u, i in zip(user.tolist(), item.tolist(), strict=True))
    (folder / "ml" / f"ml.{part}.inter").write_text("user_id:token\titem_id:token\n" + lines + "\n")
for called, model_name in asked({"factors": "BPR", "itemknn": "ItemKNN"}).items():
    for users_at_once, how in ((None, " (its batch size)"), (1000, "")):
        settings = {
            "data_path": str(folder),
            "load_col": {"inter": ["user_id", "item_id"]},
            "benchmark_filename": ["train", "valid", "test"],
            "eval_args": {"mode": "full", "order": "RO", "group_by": "user"},
            "metrics": ["NDCG", "Recall", "Hit", "MRR"],
            "topk": [10],
            "valid_metric": "NDCG@10",
            "embedding_size": FACTORS,
            "k": NEIGHBOURS,
            "epochs": 3,
            "eval_step": 100,
            "train_neg_sample_args": {"distribution": "uniform", "sample_num": 1, "dynamic": False},
            "use_gpu": False,
            "show_progress": False,
            "state": "ERROR",
            "checkpoint_dir": str(folder / "saved"),
        }
        if users_at_once:
            settings["eval_batch_size"] = users_at_once * 3706
        elif called == "itemknn":
            continue
        config = Config(model=model_name, dataset="ml", config_dict=settings)
        init_seed(0, True)
        dataset = create_dataset(config)
        train_data, valid_data, test_data = data_preparation(config, dataset)
        with clock(f"fit {called}{how}"):  # ItemKNN learns when it is made
            model = get_model(model_name)(config, train_data.dataset)
            trainer = get_trainer(config["MODEL_TYPE"], model_name)(config, model)
            trainer.fit(train_data, None, verbose=False, saved=False, show_progress=False)
        with clock(f"evaluate {called}{how}"):
            found = trainer.evaluate(test_data, load_best_model=False, show_progress=False)
        clock.figures[f"ndcg@10 {called}{how}"] = round(float(found["ndcg@10"]), 4)
clock.report(version("recbole"))
