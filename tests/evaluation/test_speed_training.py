"""The measure that judges all libraries in benchmarks/speed_training is the one foretaste reports."""

from __future__ import annotations

import math
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np

PATH = Path(__file__).parents[2] / "benchmarks" / "speed_peers" / "training_common.py"
spec = spec_from_file_location("training_common", PATH)
assert spec is not None
assert spec.loader is not None
common = module_from_spec(spec)
sys.modules["training_common"] = common
spec.loader.exec_module(common)


def test_it_is_ndcg_of_one_item_without_what_was_seen() -> None:
    rng = np.random.default_rng(0)
    scores = rng.random((200, 30)).astype(np.float32)
    seen = [rng.choice(29, rng.integers(1, 20), replace=False) for _ in scores]
    wanted = np.array([rng.choice(np.setdiff1d(np.arange(30), row)) for row in seen])
    plain = []
    for row, history, item in zip(scores, seen, wanted, strict=True):
        ranked = [i for i in np.argsort(-row) if i not in set(history.tolist())][:10]
        plain.append(1 / math.log2(ranked.index(item) + 2) if item in ranked else 0.0)
    assert math.isclose(common.ndcg(scores.copy(), seen, wanted), float(np.mean(plain)), rel_tol=1e-6)


def test_equal_scores_help_nobody_and_unknown_items_are_never_found() -> None:
    assert common.ndcg(np.zeros((1, 30)), [np.array([0])], np.array([3])) == 0.0
    unknown = np.full((1, 30), -np.inf)
    unknown[0, :5] = 1.0
    assert common.ndcg(unknown, [np.array([0])], np.array([7])) == 0.0
    assert math.isclose(common.ndcg(np.zeros((1, 3)), [np.array([0])], np.array([2])), 1 / math.log2(3))
