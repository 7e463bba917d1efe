"""Effects of choices: against an additive truth, matched settings only, and intervals that cover what they promise."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from bakeoff.analysis.effects import effects_table
from bakeoff.analysis.score_matrices import ScoreMatrix
from bakeoff.analysis.test_set_error import RunInfluences

SEEDS = [0, 1, 2, 3, 4]
ARCHITECTURE = {"a": 0.03, "b": -0.01, "c": -0.02}
OPTIMIZER = {"sgd": 0.005, "adam": -0.005}


def matrix(noise: float, draw: np.random.Generator, without: str = "") -> ScoreMatrix:
    """Scores that are sums of effects, of six experiments on one dataset."""
    names = [f"data/{one}/{other}/plain" for one, other in product(ARCHITECTURE, OPTIMIZER)]
    scores = np.array(
        [[0.9 + ARCHITECTURE[one] + OPTIMIZER[other]] * len(SEEDS) for one, other in product(ARCHITECTURE, OPTIMIZER)]
    )
    scores += noise * draw.normal(size=scores.shape)
    kept = [index for index, name in enumerate(names) if name != without]
    return ScoreMatrix("data", [names[index] for index in kept], SEEDS, scores[kept])


def test_effects_are_those_that_scores_were_made_of() -> None:
    table = effects_table([matrix(0.0, np.random.default_rng(0))], {}).set_index(["axis", "level"])
    assert table["effect"].to_dict() == pytest.approx(
        {("architecture", name): value for name, value in ARCHITECTURE.items()}
        | {("optimizer", name): value for name, value in OPTIMIZER.items()}
    )
    assert set(table.loc["architecture", "settings"]) == {2} and set(table.loc["optimizer", "settings"]) == {3}
    assert table["overall_low"].isna().all()  # of other images nothing is known here


def test_settings_without_every_level_are_left_out() -> None:
    """Or an architecture that was only trained with the better optimizer would look better than it is."""
    lone = matrix(0.0, np.random.default_rng(0), without="data/a/adam/plain")
    table = effects_table([lone], {}).set_index(["axis", "level"])
    assert table.loc["architecture", "effect"].to_dict() == pytest.approx(ARCHITECTURE)
    assert set(table.loc["architecture", "settings"]) == {1} and set(table.loc["optimizer", "settings"]) == {2}
    ladder = ScoreMatrix("data", ["data/a/sgd/plain", "data/b/adam/plain"], SEEDS, np.full((2, 5), 0.9))
    assert effects_table([ladder], {}).empty


def test_a_seed_that_one_experiment_lacks_does_not_count() -> None:
    made = matrix(0.01, np.random.default_rng(1))
    made.scores[0, 2] = np.nan
    table = effects_table([made], {})
    assert set(table["seeds"]) == {4} and {len(text.split()) for text in table["by_seed"]} == {4}
    first = table.iloc[0]
    assert np.mean([float(value) for value in first["by_seed"].split()]) == pytest.approx(first["effect"], abs=1e-6)


def test_effects_over_datasets_are_their_mean_and_so_is_the_error_of_their_images() -> None:
    """The variance over images of a mean of two datasets is a quarter of the sum: half as wide where both are alike."""
    draw = np.random.default_rng(2)
    one = matrix(0.0, draw)
    other = ScoreMatrix("more", [name.replace("data", "more") for name in one.names], SEEDS, one.scores)
    images = 0.01 * draw.normal(size=(len(one.names), 1, 400)) / 20 + np.zeros((1, len(SEEDS), 1))
    known = {
        name: RunInfluences(tuple(SEEDS), values)
        for names in (one.names, other.names)
        for name, values in zip(names, images, strict=True)
    }
    alone, both = effects_table([one], known), effects_table([one, other], known)
    assert both["effect"].to_numpy() == pytest.approx(alone["effect"].to_numpy())
    width = (both["overall_high"] - both["overall_low"]) / (alone["overall_high"] - alone["overall_low"])
    assert width.to_numpy() == pytest.approx(2**-0.5, rel=0.02)


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    draw, found = np.random.default_rng(3), []
    for _ in range(400):
        table = effects_table([matrix(0.02, draw)], {})
        truth = table["level"].map(ARCHITECTURE | OPTIMIZER)
        found.append((table["low"] <= truth) & (truth <= table["high"]))
    assert pd.concat(found).mean() == pytest.approx(0.95, abs=0.02)
