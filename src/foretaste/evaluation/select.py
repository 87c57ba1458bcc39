"""Choosing on validation: each model's settings, then how loudly each source speaks in the merge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from foretaste.metrics.ranking import ndcg
from foretaste.models.fading import asked_otherwise
from foretaste.pipeline.merge import reciprocal_rank
from foretaste.pipeline.pipeline import PipelineConfig, RecallConfig
from foretaste.registry import model_class

if TYPE_CHECKING:
    from foretaste.config import Config
    from foretaste.data.splits import Questions, Split
    from foretaste.types import Candidates, Run

WEIGHTS = (0.02, 0.1, 0.3, 1.0)
"""Tried for each source. The least of them only fills the tail of a list; a source that stays there is left out, for
it would cost time in every answer and change none."""
KNOWS_NEW_ITEMS = {"bridge", "content", "content_metric", "content_tuned", "profile_classifier", "tfidf", "two_tower"}
"""One of them is kept even there: what adds nothing for the people of yesterday may be alone in knowing an item of
tomorrow. `content`, where there is a choice, for a service lets it read new items as they come."""
KNOWS_NEW_PEOPLE = {"demographic"}
"""Kept likewise: validation asks people with a history, and it is for those who have none yet."""
BEHIND_ALL = 1e-6
"""Their weight then: too little to change an order that others have made of a history."""
K = 10
MONITORED = 2_000
"""Validation questions asked of a half-trained model after each epoch."""


@dataclass(frozen=True)
class Chosen:
    """config : what scored best on validation
    tried  : every setting with its validation NDCG@10
    lists  : the best one's answers to the validation questions
    course : its score after each epoch, on MONITORED of the questions; empty for what learns in one step
    """

    config: Config
    tried: tuple[tuple[Config, float], ...]
    lists: Candidates
    course: tuple[float, ...] = ()

    @property
    def score(self) -> float:
        return max(score for _, score in self.tried)


class Watch:
    """Asks a half-trained model some of the validation questions, and remembers what it scored."""

    def __init__(self, questions: Questions, most: int = MONITORED) -> None:
        self.few = questions.sample(most)
        self.scores: list[float] = []

    def __call__(self, model: Any) -> float:
        score = score_of(model.recommend(self.few.queries, K, exclude=self.few.excluded), self.few)
        self.scores.append(score)
        return score


def choose_settings(name: str, split: Split, run: Run, *, depth: int = 200) -> Chosen:
    """Fit every setting of the model's grid on the training part, and ask the best one with histories that fade;
    keep the best on validation, ties to the first."""
    questions = split.validation
    tried: list[tuple[Config, float]] = []
    best: tuple[Any, Candidates] | None = None
    course: list[float] = []

    def asked(model: Any, config: Config) -> bool:
        """Whether it is the best so far."""
        nonlocal best
        lists = model.recommend(questions.queries, depth, exclude=questions.excluded)
        score = score_of(lists, questions)
        better = best is None or score > max(score for _, score in tried)
        if better:
            best = model, lists
        tried.append((config, score))
        return better

    grid = model_class(name).grid
    for number, config in enumerate(grid):
        watch = Watch(questions)
        model = model_class(name)(config).fit(split.train, run.with_monitor(watch))
        # What stopped early names the epochs it took, so that it can learn again from more data, unwatched.
        if asked(model, getattr(model, "settled", config)):
            course = watch.scores
        run.progress(f"choosing settings of {name}", number + 1, len(grid))
    assert best is not None
    for other in asked_otherwise(best[0]):
        asked(other, other.config)
    winner = max(range(len(tried)), key=lambda i: (tried[i][1], -i))
    return Chosen(tried[winner][0], tuple(tried), best[1], tuple(course))


def choose_weights(chosen: dict[str, Chosen], split: Split, config: PipelineConfig) -> PipelineConfig:
    """The pipeline whose merge weights score best on validation: each source in turn, the best source fixed at 1."""
    weights = merge_weights(chosen, split.validation, config.merge_constant)
    best = max(weights, key=lambda name: chosen[name].score)
    earned = {name for name, weight in weights.items() if weight > WEIGHTS[0]} | {best}
    for_newcomers = (KNOWS_NEW_PEOPLE & weights.keys()) - earned
    weights |= dict.fromkeys(for_newcomers, BEHIND_ALL)
    new_items = sorted((name for name in weights if name in KNOWS_NEW_ITEMS), key=lambda name: name != "content")[:1]
    recalls = [
        RecallConfig(model=name, settings=chosen[name].config.model_dump(mode="json"), weight=weight)
        for name, weight in weights.items()
        if name in earned | for_newcomers | set(new_items)
    ]
    return config.model_copy(update={"recalls": tuple(recalls)})


def merge_weights(chosen: dict[str, Chosen], questions: Questions, constant: float) -> dict[str, float]:
    """What each model weighs in a merge by reciprocal rank, the best of them first; its `lists` answer `questions`."""
    names = sorted(chosen, key=lambda name: -chosen[name].score)
    weights = {name: 1.0 if name == names[0] else WEIGHTS[0] for name in names}

    def score(trial: dict[str, float]) -> float:
        lists = {name: chosen[name].lists for name in names}
        return score_of(reciprocal_rank(lists, [trial[name] for name in names], constant), questions)

    for _ in range(2):
        for name in names[1:]:
            scores = [score({**weights, name: weight}) for weight in WEIGHTS]
            weights[name] = WEIGHTS[int(np.argmax(scores))]
    return weights


def score_of(lists: Candidates, questions: Questions) -> float:
    """NDCG@10 of the lists; what settings are chosen by."""
    return float(np.nanmean(ndcg(lists.items[:, :K], questions.relevant)))
