"""Repeated items may be targets where the data has them; the protocol says whether they are."""

from __future__ import annotations

import numpy as np

import worlds
from foretaste.data.splits import Holdout, by_time, leave_last
from foretaste.evaluation.evaluator import evaluate
from foretaste.evaluation.leaderboard import EvaluationProtocol
from foretaste.models.neighbours.itemknn import ItemKNN
from foretaste.pipeline.config import PipelineConfig, RecallConfig
from foretaste.pipeline.pipeline import Pipeline
from foretaste.selection.choose_settings import choose_settings
from foretaste.types import Run


def weekly(n_users: int = 60, n_items: int = 30, weeks: int = 8):
    """Everybody buys the same two things every week."""
    rng = np.random.default_rng(0)
    own = np.stack([rng.permutation(n_items)[:2] for _ in range(n_users)])
    user = np.repeat(np.tile(np.arange(n_users), weeks), 2)
    item = np.tile(own, (weeks, 1)).ravel()
    return worlds.dataset(user, item, n_items=n_items)


def test_repeats_are_answers_only_when_asked_for() -> None:
    data = weekly()
    assert len(leave_last(data).test) == 0, "nobody took anything new"
    split = leave_last(data, repeats=True)
    assert len(split.test) == 60
    assert split.test.excluded is None
    protocol = EvaluationProtocol.of(split, "refit", 60)
    assert protocol.seen == "included"
    assert "what one had before counts" in protocol.sentence()
    model = ItemKNN().fit(split.refit, Run())
    assert evaluate(model, split.test).mean("hr@10") > 0.9
    assert evaluate(model, split.test, exclude_seen=True).mean("hr@10") == 0


def test_a_pipeline_offers_again_what_people_had_where_that_counts() -> None:
    data = weekly()
    assert data.kinds.hides.all()
    alone = Pipeline(PipelineConfig(recalls=(RecallConfig(model="itemknn"),)))
    for kind in ("leave-one-out", "time"):
        split = Holdout(kind=kind, repeats=True)(data)
        assert split.data.fingerprint == data.fingerprint
        model = ItemKNN().fit(split.refit, Run())
        own = evaluate(model, split.test).per_user["ndcg@10"]
        assert own.mean() > 0.4
        np.testing.assert_array_equal(evaluate(alone.fit(split.refit, Run()), split.test).per_user["ndcg@10"], own)
    assert leave_last(data).refit.kinds.hides.all(), "elsewhere kinds hide as they are told"


def test_every_way_of_holding_out_can_keep_repeats_and_settings_are_chosen_with_them() -> None:
    data = weekly()
    assert len(by_time(data).test) == 0
    assert len(by_time(data, repeats=True).test) > 40
    for kind in ("leave-one-out", "time"):
        split = Holdout(kind=kind, repeats=True)(data)
        assert split.validation.repeats
        assert split.test.sample(3).repeats
        assert choose_settings("itemknn", split, Run()).score > 0.4


def test_a_holdout_is_the_split_it_names() -> None:
    data = worlds.parity()
    for mine, plain in [
        (Holdout(n=2)(data), leave_last(data, 2)),
        (Holdout(kind="time", test_share=0.2)(data), by_time(data, 0.2)),
    ]:
        assert mine.rule == plain.rule
        np.testing.assert_array_equal(mine.test.relevant.toarray(), plain.test.relevant.toarray())
