"""The races of a study, one on each dataset: followed look by look from finished results, as tables, and as decisions.

Nothing is remembered: the same results give the same decisions, and rounds.json is compared with them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bakeoff.analysis.paired import LEVEL, Verdict
from bakeoff.analysis.race import COMPLETED, MISSING, Rule, Runs, Standing, race
from bakeoff.analysis.score_matrices import ALL_DATASETS, ScoreMatrix
from bakeoff.analysis.test_set_error import RunInfluences, aligned
from bakeoff.errors import BakeoffError
from bakeoff.jobs.rounds import Decision, Look
from bakeoff.study.matrix import FACETS
from bakeoff.study.metrics import Metric
from bakeoff.study.race_rules import Rounds
from bakeoff.study.study import Study

NEEDED = ("seeds_needed", "seeds_needed_low", "seeds_needed_high")
NOT_JUDGED = (Verdict.TOO_FEW_SEEDS, Verdict.IDENTICAL, Verdict.CONSTANT_DIFFERENCE)


@dataclass(frozen=True)
class StudyRace:
    """A race on a dataset: its rule, the keys of its experiments, and how it stands after each look."""

    rule: Rule
    names: list[str]
    standings: list[Standing]


def races_of(
    study: Study, runs: pd.DataFrame, matrices: Sequence[ScoreMatrix], influences: Mapping[str, RunInfluences]
) -> dict[str, StudyRace]:
    """The race on each dataset; none where seeds are fixed. `runs` is the summary's table.

    Raises BakeoffError where the claim is about other images, and the test images say nothing of them.
    """
    if study.rounds is None:
        return {}
    own = [matrix for matrix in matrices if matrix.dataset != ALL_DATASETS]
    rule = _rule(study.rounds, len(own))
    found = {}
    for matrix in own:
        if rule.on_other_images:
            _check_images(matrix, influences, study.metric)
        known = aligned(matrix.names, matrix.seeds, influences) if rule.on_other_images else None
        sign = 1.0 if study.leading_metric.higher_is_better else -1.0
        finished = Runs(sign * matrix.scores, _status(runs, matrix), known)
        found[matrix.dataset] = StudyRace(rule, matrix.names, list(race(rule, finished)))
    return found


def _rule(rounds: Rounds, datasets: int) -> Rule:
    """All races of a study share the 5 %."""
    on_other_images = rounds.claim == "other_images"
    return Rule(rounds.looks, rounds.weights, rounds.indifference, on_other_images, LEVEL / datasets)


def _check_images(matrix: ScoreMatrix, influences: Mapping[str, RunInfluences], metric: str) -> None:
    remedy = "write claim: these_images under seeds in the study"
    for name, scores in zip(matrix.names, matrix.scores, strict=True):
        if name not in influences and not np.isnan(scores).all():
            raise BakeoffError(f"{name}: there is no formula for what other images would do to {metric}; {remedy}")
    if any(influences[name].values.shape[1] < 2 for name in matrix.names if name in influences):
        raise BakeoffError(f"{matrix.dataset}: one test image says nothing of other images; {remedy}")


def _status(runs: pd.DataFrame, matrix: ScoreMatrix) -> np.ndarray[tuple[int, ...], np.dtype[np.object_]]:
    """The status of each run [E, S]; what is not planned is missing."""
    found = np.full(matrix.scores.shape, MISSING, dtype=object)
    here = runs[runs["dataset"] == matrix.dataset]
    rows = {name: row for row, name in enumerate(matrix.names)}
    for *facets, seed, status in here[[*FACETS, "seed", "status"]].itertuples(index=False):
        found[rows["/".join(facets)], matrix.seeds.index(int(seed))] = status
    # A completed run whose score cannot be read back is no score.
    return np.where((found == COMPLETED) & np.isnan(matrix.scores), "metric_undefined", found)


def looks_of(races: Mapping[str, StudyRace]) -> list[Look]:
    """The decisions that the results allow, look by look, for rounds.json."""
    looks: list[Look] = []
    while True:
        going = {name: each for name, each in races.items() if not _ended_before(each, len(looks))}
        if not going or any(len(each.standings) <= len(looks) for each in going.values()):
            return looks
        seeds = next(iter(going.values())).rule.looks[len(looks)]
        looks.append(Look(seeds, {name: _decision(each, len(looks)) for name, each in going.items()}))


def _ended_before(each: StudyRace, number: int) -> bool:
    return any(standing.end for standing in each.standings[:number])


def _decision(each: StudyRace, number: int) -> Decision:
    names, standing, before = each.names, each.standings[number], _before(each, number)
    new = [place for place, why in enumerate(standing.left) if why and not before[0][place]]
    a, b = np.triu_indices(len(names), 1)
    pairs = np.flatnonzero((standing.verdicts != 0) & (before[1] == 0))
    return Decision(
        leader=names[standing.leader] if standing.leader >= 0 else "",
        left={names[place]: standing.left[place] for place in new},
        beaten_by={names[place]: names[standing.beaten_by[place]] for place in new if standing.beaten_by[place] >= 0},
        better=[
            [names[a[pair]], names[b[pair]]] if standing.verdicts[pair] > 0 else [names[b[pair]], names[a[pair]]]
            for pair in pairs
        ],
        stop=standing.end,
    )


def _before(each: StudyRace, number: int) -> tuple[tuple[str, ...], np.ndarray[tuple[int, ...], np.dtype[np.int64]]]:
    """Who had left and which verdicts there were before a look."""
    if number == 0:
        count = len(each.names)
        return ("",) * count, np.zeros(count * (count - 1) // 2, np.int64)
    return each.standings[number - 1].left, each.standings[number - 1].verdicts


def race_table(races: Mapping[str, StudyRace], metric: Metric, begun_before: int) -> pd.DataFrame:
    """One row for each look and experiment that was in the race until then."""
    rows = [row for each in races.values() for row in _rows(each, metric)]
    return pd.DataFrame(rows).assign(begun_before=begun_before) if rows else pd.DataFrame()


def _rows(each: StudyRace, metric: Metric) -> Iterator[dict[str, object]]:
    sign = 1.0 if metric.higher_is_better else -1.0
    for number, standing in enumerate(each.standings):
        left_before, _ = _before(each, number)
        for place, name in enumerate(each.names):
            if left_before[place]:
                continue
            beaten_by = standing.beaten_by[place]
            over = bool(standing.end or standing.left[place])
            yield {
                **dict(zip(FACETS, name.split("/"), strict=True)),
                "look": number + 1,
                "looks": len(each.rule.looks),
                "seeds": standing.seeds[place],
                "mean": sign * standing.mean[place],
                "ahead_low": standing.low[place],
                "ahead_high": standing.high[place],
                "leader": place == standing.leader,
                "left": standing.left[place],
                "beaten_by": each.names[beaten_by] if beaten_by >= 0 else "",
                "saved": each.rule.looks[-1] - standing.seeds[place] if over else np.nan,
                "end": standing.end,
            }


def with_race_verdicts(comparisons: pd.DataFrame, races: Mapping[str, StudyRace]) -> pd.DataFrame:
    """The table of comparisons with the verdicts and corrected p-values of races: those of fixed seeds would err more
    often with each look. More seeds are no advice here."""
    if not races or not len(comparisons):
        return comparisons
    rows = list(comparisons[["dataset", "a", "b", "verdict"]].itertuples(index=False))
    found = [_of_pair(races[dataset], a, b) for dataset, a, b, _ in rows]
    wide = [races[dataset].rule.on_other_images for dataset, *_ in rows]
    p_values = np.array([p_value for _, p_value in found])
    judged = zip(found, rows, wide, strict=True)
    return comparisons.assign(
        verdict=[
            verdict if not sign and verdict in NOT_JUDGED else _verdict(sign, on_other_images)
            for (sign, _), (*_, verdict), on_other_images in judged
        ],
        p_holm=p_values,
        p_overall_holm=np.where(wide, p_values, np.nan),
        comparisons=[len(races[dataset].names) * (len(races[dataset].names) - 1) // 2 for dataset, *_ in rows],
        **{column: pd.array([pd.NA] * len(rows), dtype="Int64") for column in NEEDED},
    )


def _of_pair(each: StudyRace, a: str, b: str) -> tuple[int, float]:
    """Whether `a` is better than `b` (1), worse (-1) or neither (0), and the corrected p-value."""
    first, second = each.names.index(a), each.names.index(b)
    earlier, later = np.triu_indices(len(each.names), 1)
    pair = int(np.flatnonzero((earlier == min(first, second)) & (later == max(first, second)))[0])
    if not each.standings:
        return 0, np.nan
    standing = each.standings[-1]
    return int(standing.verdicts[pair]) * (1 if first < second else -1), float(standing.p_values[pair])


def _verdict(found: int, on_other_images: bool) -> str:
    if not found:
        return str(Verdict.NOT_DISTINGUISHABLE)
    wide, narrow = (
        (Verdict.BETTER, Verdict.BETTER_ON_THESE_IMAGES)
        if found > 0
        else (Verdict.WORSE, Verdict.WORSE_ON_THESE_IMAGES)
    )
    return str(wide if on_other_images else narrow)
