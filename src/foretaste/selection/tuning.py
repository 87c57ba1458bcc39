"""Hyper-parameter tuning within a time budget: on validation, resumable, the grid first (Optuna, TPE)."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from foretaste.errors import ConfigError, ForetasteError
from foretaste.evaluation.protocol import query_fingerprint
from foretaste.models.recency import half_life_variants
from foretaste.registry import model_class
from foretaste.selection.choose_settings import DEPTH, ModelChoice, ValidationMonitor, choose_settings, score_of
from foretaste.selection.search_space import Range, config_of, space_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from optuna import Study, Trial
    from optuna.distributions import BaseDistribution

    from foretaste.config import Config
    from foretaste.data.splits import Split
    from foretaste.selection.search_space import Space
    from foretaste.types import Candidates, Run

MAX_REPEATED_PROPOSALS = 10
"""After so many proposals in a row that were tried before, the space counts as exhausted."""
UNITS = {"s": 1, "m": 60, "h": 3600}


def seconds_of(text: str) -> float:
    """'90s', '10m', '1.5h'; a bare number means minutes."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smh]?)\s*", text)
    if found is None or float(found[1]) <= 0:
        raise ConfigError(f"The budget '{text}' is not a duration; write 90s, 10m or 1.5h.")
    return float(found[1]) * UNITS[found[2] or "m"]


@dataclass(frozen=True, eq=False)
class TuningResult:
    """chosen : by model; remarks : what a reader should know, one sentence each"""

    chosen: dict[str, ModelChoice]
    remarks: tuple[str, ...]


class _OutOfTimeError(Exception):
    pass


def tune_all(names: Sequence[str], split: Split, run: Run, seconds: float) -> TuningResult:
    """Tune every model within `seconds` in total; time that one model leaves is used by the next.

    The default setting of every model is always tried, however short the time. Ctrl-C ends the search and keeps the
    best settings so far. Without Optuna the grids are tried, as without a budget.
    """
    try:
        import optuna
    except ModuleNotFoundError:
        chosen = {name: choose_settings(name, split, run) for name in names}
        return TuningResult(
            chosen, ("Optuna is not installed, so the grids were tried: pip install 'foretaste[tune]'.",)
        )
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    end, chosen = monotonic() + seconds, dict[str, ModelChoice]()
    remarks: list[str] = []
    for number, name in enumerate(names):
        left = max(0.0, end - monotonic())
        share = 0.0 if remarks else left / (len(names) - number)
        search = _ModelSearch(name, split, run, monotonic() + share)
        search.search()
        if search.stopped:
            remarks.append("Tuning was interrupted; the best settings found so far are used.")
        chosen[name] = search.chosen()
    return TuningResult(chosen, tuple(remarks))


class _ModelSearch:
    """The search for one model's settings.

    scores  : config as JSON to config and score, those of earlier sessions first
    stopped : ended by Ctrl-C
    """

    def __init__(self, name: str, split: Split, run: Run, deadline: float) -> None:
        self.name, self.split, self.deadline = name, split, deadline
        self.began = monotonic()
        self.model: Any = model_class(name)
        self.space = space_of(self.model)
        self.report = run.progress
        self.run = replace(run, progress=self._in_time, folder=None)  # trials need no checkpoints
        self.scores: dict[str, tuple[Config, float]] = {}  # by the config as JSON: some cannot be hashed
        self.best: tuple[float, ModelChoice, Any] | None = None
        self.slowest = 0.0
        self.stopped = False
        self.study = _study(name, split, self.space, run) if self.space else None
        for params, score in _completed(self.study) if self.study else ():
            if (config := config_of(self.model, params)) is not None:
                self.scores.setdefault(_key(config), (config, score))

    def search(self) -> None:
        """Try settings until the time is over, the space is exhausted or Ctrl-C; the default is tried in any case."""
        try:
            for config in self.model.grid:
                if (
                    self.study is None
                    or config_of(self.model, {name: getattr(config, name) for name in self.space}) != config
                ):
                    self._outside_the_space(config)
                    continue
                self.study.enqueue_trial({name: getattr(config, name) for name in self.space}, skip_if_exists=True)
            same = 0
            while self.study is not None and same < MAX_REPEATED_PROPOSALS and self._may_begin():
                trial = self.study.ask(_distributions(self.space))
                config = config_of(self.model, trial.params)
                same = same + 1 if config is not None and _key(config) in self.scores else 0
                self._try(trial, config)
        except KeyboardInterrupt:
            self.stopped = True
        finally:
            self.report(f"tuning {self.name}", 1, 1)

    def chosen(self) -> ModelChoice:
        """The best setting, also tried with several half-lives; fitted again where it is from an earlier session."""
        self.deadline = float("inf")
        default = self.model.grid[0]
        if _key(default) not in self.scores:
            self._measure(default, None)
        winner, score = max(self.scores.values(), key=lambda tried: tried[1])
        if self.best is None or self.best[0] < score:
            self.best = None
            self._measure(winner, None)
        assert self.best is not None
        best, chosen, model = self.best
        tried = list(self.scores.values())
        for other in half_life_variants(model):
            lists = self._validation_lists(other)
            score = score_of(lists, self.split.validation)
            tried.append((other.config, score))
            if score > best:
                best, chosen = score, replace(chosen, config=other.config, lists=lists)
        return replace(chosen, tried=tuple(tried))

    def _may_begin(self) -> bool:
        """Whether there is time for another setting, if it takes as long as the slowest so far."""
        return monotonic() + self.slowest < self.deadline

    def _try(self, trial: Trial, config: Config | None) -> None:
        from optuna import TrialPruned
        from optuna.trial import TrialState

        assert self.study is not None
        if config is None:
            self.study.tell(trial, state=TrialState.FAIL)
        elif _key(config) in self.scores:
            self.study.tell(trial, self.scores[_key(config)][1])
        else:
            try:
                self.study.tell(trial, self._measure(config, trial))
            except TrialPruned:
                self.study.tell(trial, state=TrialState.PRUNED)
            except (_OutOfTimeError, ForetasteError):  # an invalid setting, or one that takes too long
                self.study.tell(trial, state=TrialState.FAIL)
            except BaseException:
                self.study.tell(trial, state=TrialState.FAIL)
                raise

    def _outside_the_space(self, config: Config) -> None:
        """Try a setting of the grid that the space cannot express, such as nested settings."""
        if _key(config) not in self.scores and self._may_begin():
            with suppress(_OutOfTimeError, ForetasteError):
                self._measure(config, None)

    def _measure(self, config: Config, trial: Trial | None) -> float:
        """Fit on the training part, score on validation, keep the lists of the best."""
        eval_queries = self.split.validation
        began = monotonic()
        validation_monitor = ValidationMonitor(eval_queries)
        run = self.run.with_monitor(validation_monitor if trial is None else _pruner(trial, validation_monitor))
        model = self.model(config).fit(self.split.train, run)
        lists = self._validation_lists(model)
        score = score_of(lists, eval_queries)
        self.scores[_key(config)] = (config, score)
        if self.best is None or score > self.best[0]:
            # `refit_config` has the number of epochs of early stopping, for a refit without validation.
            settled = getattr(model, "refit_config", config)
            self.best = (score, ModelChoice(settled, (), lists, tuple(validation_monitor.scores)), model)
        self.slowest = max(self.slowest, monotonic() - began)
        self._report_progress()
        return score

    def _validation_lists(self, model: Any) -> Candidates:
        eval_queries = self.split.validation
        found: Candidates = model.recommend(eval_queries.queries, DEPTH, exclude=eval_queries.excluded)
        return found

    def _report_progress(self) -> None:
        total = max(1, round(self.deadline - self.began)) if self.deadline < float("inf") else 1
        done = min(total - 1, round(monotonic() - self.began))
        self.report(f"tuning {self.name}", done, total)

    def _in_time(self, what: str, done: int, total: int) -> None:
        """Progress callback of a fit: raises when the time is over. The default setting may always finish."""
        if monotonic() > self.deadline and self.scores:
            raise _OutOfTimeError


def _key(config: Config) -> str:
    return config.model_dump_json()


def _pruner(trial: Trial, validation_monitor: ValidationMonitor) -> Callable[[Any], float]:
    """For models trained in epochs: a trial that falls behind the median of the others is pruned."""
    from optuna import TrialPruned

    steps = iter(range(1_000_000))

    def monitor(model: Any) -> float:
        score = validation_monitor(model)
        trial.report(score, next(steps))
        if trial.should_prune():
            raise TrialPruned
        return score

    return monitor


def _study(name: str, split: Split, space: Space, run: Run) -> Study:
    """The Optuna study, in memory or in the folder of the run, where the same data, split and space resume it."""
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    storage = None
    key = repr((name, split.data.fingerprint, query_fingerprint(split.validation), sorted(space.items()), run.seed))
    called = f"{name}-{sha256(key.encode()).hexdigest()[:12]}"
    if run.folder is not None:
        folder = Path(run.folder, "tuning")
        folder.mkdir(parents=True, exist_ok=True)
        storage = JournalStorage(JournalFileBackend(str(folder / f"{called}.jsonl")))
    study = optuna.create_study(
        study_name=called,
        storage=storage,
        load_if_exists=True,
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=run.seed),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=1),
    )
    if trials := len(study.get_trials(deepcopy=False)):
        study.sampler = optuna.samplers.TPESampler(seed=run.seed + trials)  # otherwise the same proposals again
    return study


def _completed(study: Study) -> list[tuple[dict[str, Any], float]]:
    """Settings and score of the completed trials; pruned ones have only a partial score."""
    from optuna.trial import TrialState

    trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return [(trial.params, trial.value) for trial in trials if trial.value is not None]


def _distributions(space: Space) -> dict[str, BaseDistribution]:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    def of(part: Any) -> BaseDistribution:
        if not isinstance(part, Range):
            return CategoricalDistribution(part)
        if part.whole:
            return IntDistribution(int(part.low), int(part.high), log=part.log)
        return FloatDistribution(part.low, part.high, log=part.log)

    return {name: of(part) for name, part in space.items()}
