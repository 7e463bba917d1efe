"""Looks at a race, against the formulas written out."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from bakeoff.analysis.race import BEHIND, COMPLETED, MISSING, End, Rule, Runs, Standing, race

LOOKS, WEIGHTS = (5, 8, 12, 20), (0.1, 0.2, 0.3, 0.4)
RULE = Rule(LOOKS, WEIGHTS, on_other_images=False)


def runs(scores: NDArray[np.float64], status: dict[tuple[int, int], str] | None = None) -> Runs:
    """Runs that all completed but for these."""
    found = np.full(scores.shape, COMPLETED, dtype=object)
    for place, why in (status or {}).items():
        found[place] = why
    return Runs(np.where(found == COMPLETED, scores, np.nan), found)


def drawn(seed: int, truth: list[float]) -> NDArray[np.float64]:
    return np.array(truth)[:, None] + np.random.default_rng(seed).normal(size=(len(truth), 20))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("truth", [[0, 0.7, 1.4, 3], [0, 2.5], [0] * 6, [0, 0, 2, 2]])
def test_every_look_is_as_the_formulas_say(seed: int, truth: list[float]) -> None:
    scores, k = drawn(seed, truth), len(truth)
    found = list(race(RULE, runs(scores)))
    seeds, active, decided = np.zeros(k, int), set(range(k)), {}
    for number, standing in enumerate(found):
        n, level = LOOKS[number], 0.05 * WEIGHTS[number]
        seeds[sorted(active)] = n
        pairs = [(a, b) for a in range(k) for b in range(a + 1, k)]
        both = {(a, b): (scores[a] - scores[b])[: min(seeds[a], seeds[b])] for a, b in pairs}
        mean_square = np.mean([each.var(ddof=1) for each in both.values()])
        prior = 4 if k >= 4 else 0
        error, mean = {}, {}
        for pair in pairs:
            square = both[pair].var(ddof=1)
            pulled = max(square, (prior * mean_square + (n - 1) * square) / (prior + n - 1))
            error[pair], mean[pair] = np.sqrt(pulled / n), both[pair].mean()
        on = [pair for pair in pairs if set(pair) <= active]
        p_values = {pair: 2 * stats.t.sf(abs(mean[pair]) / error[pair], n - 1 + prior) for pair in on}
        for pair in sorted(on, key=lambda pair: p_values[pair]):
            if pair in decided:
                continue
            if p_values[pair] > level / (len(pairs) - len(decided)):
                break
            decided[pair] = np.sign(mean[pair])
        assert standing.verdicts.tolist() == [decided.get(pair, 0) for pair in pairs]
        critical = stats.t.isf(level / (k - 1), n - 1 + prior)
        lead = {pair: mean[pair] for pair in on} | {(b, a): -mean[a, b] for a, b in on}
        wide = {pair: critical * error[pair] for pair in on} | {(b, a): critical * error[a, b] for a, b in on}
        out = {b for (a, b), value in lead.items() if value > wide[a, b]}
        for place in active:
            assert standing.high[place] == pytest.approx(
                max(0, min(lead[place, other] + wide[place, other] for other in active - {place}))
            )
            assert standing.low[place] == pytest.approx(
                min(0, min(lead[place, other] - wide[place, other] for other in active - out - {place}))
                if active - out - {place}
                else 0
            )
        active -= out
        assert {place for place, why in enumerate(standing.left) if not why} == active
        assert standing.seeds.tolist() == seeds.tolist()
        assert standing.leader == max(active, key=lambda place: scores[place, :n].mean())
        expected = End.BEST if len(active) == 1 else End.OPEN if number == 3 else ""
        assert standing.end == expected
    assert found[-1].end


def test_a_verdict_stays() -> None:
    scores = drawn(0, [0, 0, 0, 8])
    scores[:3, 5:] = drawn(1, [8, 8, 8])[:, 5:]  # they catch up after the first look
    first, *later = race(RULE, runs(scores))
    assert (first.verdicts[[2, 4, 5]] == -1).all()
    assert all((standing.verdicts[[2, 4, 5]] == -1).all() for standing in later)


def test_within_what_does_not_matter_is_an_end() -> None:
    scores = np.array([0.0, 0.0, -9.0, -9.0])[:, None] + 0.01 * drawn(2, [0, 0, 0, 0])
    rule = Rule(LOOKS, WEIGHTS, indifference=0.1, on_other_images=False)
    (standing,) = race(rule, runs(scores))
    assert standing.end == End.WITHIN_INDIFFERENCE
    assert standing.left == ("", "", BEHIND, BEHIND)
    assert 0 <= -standing.low[standing.leader] <= 0.1


def test_images_that_cannot_tell_end_a_race_that_seeds_would_not_decide() -> None:
    """Every seed says the same of 40 images, on half of which each is right: nothing else would be learned."""
    draw = np.random.default_rng(3)
    correct = np.repeat(draw.random((3, 1, 40)) < 0.5, 20, axis=1) ^ (draw.random((3, 20, 40)) < 0.01)
    scores = correct.mean(axis=2)
    influences = ((correct - scores[:, :, None]) / 40).astype(np.float32)
    known = Runs(scores, np.full(scores.shape, COMPLETED, dtype=object), influences)
    (standing,) = race(Rule(LOOKS, WEIGHTS), known)
    assert standing.end == End.MORE_IMAGES and standing.seeds.tolist() == [5, 5, 5]
    here = list(race(RULE, known))
    assert len(here) > 1 or here[0].end == End.BEST, "on these images, seeds do tell"


def test_what_is_not_known_of_other_images_decides_nothing() -> None:
    found = list(race(Rule(LOOKS, WEIGHTS), runs(drawn(4, [0, 9]))))
    assert [standing.end for standing in found] == ["", "", "", End.OPEN]


@pytest.mark.parametrize("why", ["diverged", "out_of_memory", "metric_undefined"])
def test_a_run_without_a_score_ends_an_experiment_with_that_reason(why: str) -> None:
    scores = drawn(5, [0, 0, 0, 0])
    first, second, *_ = race(RULE, runs(scores, {(2, 6): why}))
    assert first.left == ("", "", "", "")
    assert second.left[2] == why and second.seeds[2] == 8 and np.isnan(second.low[2])


def test_who_is_left_alone_because_the_others_failed_is_not_called_the_best() -> None:
    (standing,) = race(RULE, runs(drawn(6, [0, 0]), {(0, 1): "diverged"}))
    assert (standing.end, standing.leader) == (End.ALONE, 1)
    (standing,) = race(RULE, runs(drawn(6, [0, 0]), {(0, 1): "diverged", (1, 0): "out_of_memory"}))
    assert (standing.end, standing.leader) == (End.NONE, -1)
    (standing,) = race(RULE, runs(drawn(6, [0])))
    assert standing.end == End.ALONE


def test_a_look_waits_for_every_run_in_the_race() -> None:
    scores = drawn(7, [0, 0, 0, 0])
    assert list(race(RULE, runs(scores, {(0, 4): MISSING}))) == []
    assert len(list(race(RULE, runs(scores, {(0, 5): MISSING})))) == 1
    assert len(list(race(RULE, runs(scores[:, :11])))) == 2


def test_runs_of_who_has_left_are_not_waited_for_and_not_looked_at() -> None:
    scores = drawn(8, [0, 0.3, 0, -20])
    missing = {(3, seed): MISSING for seed in range(5, 20)}
    with_, without = list(race(RULE, runs(scores))), list(race(RULE, runs(scores, missing)))
    assert with_[0].left[3] == BEHIND
    assert [standing.verdicts.tolist() for standing in with_] == [standing.verdicts.tolist() for standing in without]


def test_equal_scores_are_no_evidence() -> None:
    """Two of the same experiment, and a constant difference: there is no spread to judge by."""
    scores = np.repeat([[0.9], [0.9], [0.8]], 20, axis=1)
    last: Standing = list(race(Rule(LOOKS, WEIGHTS, 0.01, on_other_images=False), runs(scores)))[-1]
    assert last.end == End.OPEN and not last.verdicts.any() and last.left == ("", "", "")


def test_corrected_p_values_say_what_verdicts_say() -> None:
    for seed in range(5):
        for standing in race(RULE, runs(drawn(seed, [0, 1, 2, 3]))):
            known = ~np.isnan(standing.p_values)
            assert ((standing.p_values[known] <= 0.05) == (standing.verdicts[known] != 0)).all()
