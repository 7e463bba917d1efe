"""Which trial of an experiment is the best: chosen on validation alone, and written down with what it was chosen from.

No test score is read here: `validation_score` is all that is taken from a result.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bakeoff.errors import BakeoffError
from bakeoff.files import write_json
from bakeoff.results.result import DamagedResult, Result, check_files, read_result
from bakeoff.study.matrix import Experiment
from bakeoff.study.paths import Layout
from bakeoff.study.study import Study
from bakeoff.study.trainings import Training, trial_trainings
from bakeoff.study.trials import Trial, spaces_of, trials, trials_of

RULE = "the best mean validation score over the tuning seeds; of equal ones the first; without a score ranks last"


@dataclass(frozen=True)
class Tried:
    """A trial that was trained up to an epoch: how its runs ended and their validation scores, seed by seed."""

    trial: Trial
    until: int
    statuses: tuple[str, ...]
    scores: tuple[float | None, ...]

    @property
    def score(self) -> float | None:
        """The mean over seeds; None unless every seed has one."""
        known = [score for score in self.scores if score is not None]
        return sum(known) / len(known) if known and len(known) == len(self.scores) else None


def select(study: Study, layout: Layout, cell: Experiment) -> Path:
    """Choose a trial of an experiment from their results, and write selection.json. Returns its path.

    Raises BakeoffError when the first tuning study has no trial with a score, DamagedResult for a missing result.
    """
    assert study.tuning is not None
    found = tried_trials(study, layout, cell)
    higher = study.leading_metric.higher_is_better
    winners = [_best(_of_study(study, found, number + 1), higher) for number in range(study.tuning.studies)]
    best = winners[0]
    if best is None:
        raise BakeoffError(_why_none(study, cell, _of_study(study, found, 1)), spaces_of(study, cell)[0].keys)
    path = layout.selection(cell)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "experiment": cell.key,
        "trial": best.trial.name,
        "values": best.trial.of(spaces_of(study, cell)),
        "metric": study.metric,
        "score": best.score,
        "rule": RULE,
        "tuning_studies": [{"trial": won.trial.name, "score": won.score} if won else None for won in winners],
        "trials": [row_of(study, cell, tried) for tried in found],
    }
    write_json(path, content)
    return path


def tried_trials(study: Study, layout: Layout, cell: Experiment, until: int | None = None) -> list[Tried]:
    """Every trial of an experiment with what selection may know of it, at its end or on the rung that ends after epoch
    `until`. Raises DamagedResult for a missing result."""
    results: dict[str, list[Result]] = {}
    for training in trial_trainings(study, layout, cell):
        rung = next(rung for rung in training.rungs if rung.until == until)
        results.setdefault(training.layout.place, []).append(finished_result(rung))
    return [
        Tried(
            trial,
            min(trained_until(result) for result in results[name]),
            tuple(result.status for result in results[name]),
            tuple(validation_score(result, study.metric) for result in results[name]),
        )
        for name, trial in trials(study).items()
    ]


def ranked(found: Iterable[Tried], higher_is_better: bool) -> list[Tried]:
    """The best first. Equal scores stay in the order of trials. Trials that were left behind come after those that were
    not, those without a score last."""
    sign = -1 if higher_is_better else 1
    return sorted(found, key=lambda tried: (tried.score is None, -tried.until, sign * (tried.score or 0)))


def validation_score(result: Result, metric: str) -> float | None:
    """The score of the chosen epoch on validation; None for a run that did not complete."""
    return result.metrics.split("validation").get(metric) if result.status == "completed" else None


def trained_until(result: Result) -> int:
    """The epoch up to which a run was to be trained, where it did not end early: fewer than its recipe's for a trial
    that was left behind."""
    return int(result.spec.get("until") or result.spec["recipe"]["epochs"])


def finished_result(training: Training) -> Result:
    """The result of a training. Raises DamagedResult where it is missing, damaged, or of other values."""
    result = read_result(training.paths.result)
    if result is None or not training.made(result.spec):
        problem = "belongs to other values" if result else "is missing"
        raise DamagedResult(f"{training.paths.result}: {problem}; start snakemake, which trains {training.key}")
    check_files(training.paths, result, sizes_only=True)
    return result


def _best(found: Sequence[Tried], higher_is_better: bool) -> Tried | None:
    first = ranked(found, higher_is_better)[0]
    return first if first.score is not None else None


def _of_study(study: Study, found: Sequence[Tried], number: int) -> list[Tried]:
    names = [trial.name for trial in trials_of(study, number)]
    return [tried for tried in found if tried.trial.name in names]


def row_of(study: Study, cell: Experiment, tried: Tried) -> dict[str, Any]:
    """What is written down of a trial."""
    values = tried.trial.of(spaces_of(study, cell))
    ended = {"statuses": list(tried.statuses), "scores": list(tried.scores), "score": tried.score}
    until = {"until": tried.until} if study.tuning and study.tuning.halving else {}
    return {"trial": tried.trial.name, "values": values, **until, **ended}


def _why_none(study: Study, cell: Experiment, found: Sequence[Tried]) -> str:
    ended = Counter(status for tried in found for status in tried.statuses)
    told = ", ".join(f"{count} {status}" for status, count in ended.items())
    spaces = ", ".join(f"{item.name} ({item.space.text()})" for item in spaces_of(study, cell))
    return f"no trial of {cell.key} has a score to choose by ({told}); move the space of {spaces}, or give its default"
