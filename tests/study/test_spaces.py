"""Spaces of hyper-parameters, and the points that trials take from them."""

import math
from typing import Any

import pytest
from scipy.stats import _qmc

from bakeoff.errors import BakeoffError
from bakeoff.study.spaces import BITS, Space, _hashed, sequence
from bakeoff.study.study import StudyError
from bakeoff.study.trials import trials, trials_of
from tuned_study import ADAM, SGD, tuned_study


@pytest.mark.parametrize("count", [1, 2, 3, 8, 16, 32])
def test_a_sequence_has_the_numbers_of_scipys_scrambled_halton_sequence(count: int) -> None:
    name = "optimizers.sgd.lr"
    flips = [_hashed(f"{name}/digits") >> (255 - place) & 1 for place in range(BITS)]
    permutations = [[flip, 1 - flip] for flip in flips]
    scipys = _qmc.van_der_corput(32, 2, scramble=True, permutations=permutations)
    ours = sequence(name, count)
    assert set(ours) <= {float(value) for value in scipys}
    if math.log2(count).is_integer():
        assert sorted(ours) == sorted(float(value) for value in scipys[:count])
        assert sorted(int(value * count) for value in ours) == list(range(count))  # one in each part of the range


def test_sixteen_trials_are_bit_for_bit_the_first_of_thirty_two() -> None:
    few, many = ([trial for trial in trials(tuned_study(tuning={"trials": count})).values()] for count in (16, 32))
    assert (len(few), len(many)) == (16, 32)
    assert many[:16] == few


def test_a_new_hyperparameter_moves_no_other() -> None:
    before = trials(tuned_study())
    more = {"name": "SGD", "weight_decay": {"uniform": [0, 0.1]}, **{key: SGD[key] for key in ("momentum", "lr")}}
    after = trials(tuned_study(optimizers={"new": ADAM, "sgd": more, "adam": ADAM}))
    for name, trial in before.items():
        assert {key: after[name].values[key] for key in trial.values} == trial.values


def test_the_first_trial_has_the_default_values() -> None:
    first = trials(tuned_study())["trial00"]
    assert first.values == {"optimizers.sgd.lr": 0.03162, "optimizers.sgd.momentum": 0, "optimizers.adam.lr": 1e-3}
    without = trials(tuned_study(tuning={"trials": 4, "include_default": False}))
    assert [*without] == ["trial00", "trial01", "trial02", "trial03"]
    assert without["trial00"].values != first.values


def test_tuning_studies_share_no_point_but_the_default_values() -> None:
    study = tuned_study(tuning={"trials": 16, "studies": 3})
    rates = [{trial.values["optimizers.sgd.lr"] for trial in trials_of(study, number)} for number in (1, 2, 3)]
    assert [len(found) for found in rates] == [16, 16, 16]
    assert set.intersection(*rates) == rates[0] & rates[1] == {0.03162}
    assert len(trials(study)) == 1 + 3 * 15


@pytest.mark.parametrize(
    ("said", "ends"),
    [
        ({"log_uniform": ["1e-5", "1e-1"]}, (1e-5, 1e-1)),
        ({"uniform": [0, 0.2]}, (0, 0.2)),
        ({"integers": [1, 4]}, (1, 4)),
    ],
)
def test_values_lie_within_their_range(said: dict[str, Any], ends: tuple[float, float]) -> None:
    space = Space.model_validate(said)
    found = [space.at(share) for share in (0.0, 0.3, 0.5, 1 - 2**-BITS)]
    assert found[0] == ends[0] and found[-1] == pytest.approx(ends[1], rel=1e-3)
    assert found == sorted(found) and all(ends[0] <= value <= ends[1] for value in found)
    assert (space.edge(ends[0]), space.edge(ends[1]), space.edge(space.middle)) == (
        "low" if ends[0] else "",
        "high",
        "",
    )


@pytest.mark.parametrize(
    ("space", "edges"),
    [
        (Space(choices=(0.1, 0.9, 0.99)), {0.1: "low", 0.9: "", 0.99: "high"}),
        (Space(choices=(64, 256, 16)), {16: "low", 64: "", 256: "high"}),  # in any order
        (Space(choices=(0, 0.9, 0.99)), {0: "", 0.99: "high"}),  # there is no less than none
        (Space(choices=(0.1, 0.9)), {0.1: "", 0.9: ""}),  # nothing but ends
        (Space(choices=("a", "b", "c")), {"a": "", "c": ""}),
        (Space(choices=(True, False, 1.5)), {True: "", 1.5: ""}),
        (Space(integers=(1, 4)), {1: "low", 2: "", 4: "high"}),
        (Space(integers=(0, 4)), {0: "", 4: "high"}),
        (Space(uniform=(0, 0.2)), {0.001: "", 0.199: "high"}),
    ],
)  # fmt: skip
def test_a_value_at_the_edge_may_have_better_ones_beyond(space: Space, edges: dict[Any, str]) -> None:
    assert {value: space.edge(value) for value in edges} == edges


def test_a_whole_number_and_a_choice_are_equally_likely() -> None:
    whole, choice = Space(integers=(1, 4)), Space(choices=("a", "b", "c", "d"))
    shares = sequence("any", 16)
    assert sorted(whole.at(share) for share in shares) == [1] * 4 + [2] * 4 + [3] * 4 + [4] * 4
    assert sorted(choice.at(share) for share in shares) == ["a"] * 4 + ["b"] * 4 + ["c"] * 4 + ["d"] * 4


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"lr": {"log_uniform": [1, 1]}}, "optimizers.sgd.lr: the range [1, 1] is empty; write [LOW, HIGH]"),
        ({"lr": {"log_uniform": [1, 1e-3]}}, "optimizers.sgd.lr: the range [1, 0.001] is reversed; write [LOW, HIGH]"),
        (
            {"lr": {"log_uniform": [0, 1]}},
            "optimizers.sgd.lr: there is no logarithm of 0; begin above 0, as [1e-5, 1], or say uniform",
        ),
        ({"lr": {"uniform": [0, 1], "default": 3}}, "optimizers.sgd.lr: the default 3 is outside of it"),
        ({"lr": {"uniform": [0, 1], "chocies": 3}}, "optimizers.sgd.lr: unknown key 'chocies' of a space"),
        ({"lr": {"uniform": [0, 1], "choices": [1, 2]}}, "allowed: exactly one of log_uniform, uniform, integers"),
        ({"lr": {"choices": [0.1]}}, "optimizers.sgd.lr: choices [0.1] leave nothing to choose; give at least two"),
        ({"lr": {"uniform": 3}}, "optimizers.sgd.lr: Input should be a valid tuple; found 3; a range is [LOW, HIGH]"),
        ({"name": {"choices": ["SGD", "Adam"]}}, "optimizers.sgd.name: name cannot be tuned"),
        ({"lr": {"uniform": [-1, 1]}}, "optimizers.sgd.lr: found -1; a learning rate is not negative"),
    ],
)
def test_a_bad_space_is_refused_in_one_line(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(StudyError) as error:
        tuned_study(optimizers={"sgd": {"name": "SGD", **changes}})
    assert says in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"tuning": None},
            "optimizers.sgd.lr: has a space, and the study no budget for tuning; add tuning: {trials: 16",
        ),
        ({"tuning": {"trials": 1}}, "tuning.trials: 1 trial leaves nothing to choose; allowed: 2 or more"),
        ({"tuning": {"trials": 4, "seeds": [0, 1000]}}, "tuning.seeds: 0 is a seed of the study, too"),
        ({"tuning": {"trials": 4, "seeds": []}}, "tuning.seeds: found []; allowed: a list of different seeds"),
        (
            {"tuning": {"trials": 4, "epochs": {"integers": [1, 9]}}},
            "tuning.epochs: a space cannot stand here; it can in entries of architectures, optimizers, recipes",
        ),
        ({"tuning": {"trials": 4, "halving": 1}}, "tuning.halving: 1 leaves no trial behind; allowed: a whole number"),
        ({"tuning": {"trials": 4, "halving": -3}}, "tuning.halving: -3 leaves no trial behind"),
        ({"tuning": {"trials": 4, "halving": 2.5}}, "tuning.halving: Input should be a valid integer"),
        (
            {"tuning": {"trials": 4, "epochs": 9, "halving": 5}},
            "tuning.halving: 5 leaves none of 4 trials; allowed: no more than there are trials",
        ),
        (
            {"tuning": {"trials": 4, "epochs": 2, "halving": 3}},
            "tuning.epochs: 2 epochs of a trial are too few to stop some earlier; halving by 3 needs at least 3, 9 are",
        ),
        (
            {"tuning": {"trials": 8, "halving": 5}},
            "recipes.plain.epochs: 4 epochs of a trial are too few to stop some earlier",
        ),
        ({"tuning": {"trials": 4, "epoch": 3}}, "tuning.epoch: unknown key; did you mean 'epochs'?"),
        ({"recipes": {"plain": {"epochs": {"integers": [1, 9]}}}}, "recipes.plain.epochs: epochs cannot be tuned"),
        (
            {"recipes": {"plain": {"epochs": 2, "label_smoothing": {"uniform": [0, 1.5]}}}},
            "recipes.plain.label_smoothing: Input should be less than 1; found 1.5",
        ),
        (
            {"optimizers": {"sgd": {"choices": [SGD, ADAM]}}},
            "optimizers.sgd: a space stands for a value within an entry",
        ),
        (
            {"recipes": {"plain": {"epochs": 2}, "next": {"epochs": 2, "init_from": {"recipe": "plain"}}}},
            "recipes.next.init_from: digits/linear/sgd/next starts from another run, and ",
        ),
    ],
)
def test_what_cannot_be_tuned_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(StudyError) as error:
        tuned_study(**changes)
    assert says in str(error.value).splitlines()[0]


def test_a_space_in_a_transform_is_filled_in() -> None:
    augment = ["RandomHorizontalFlip", {"RandomErasing": {"p": {"uniform": [0.1, 0.9]}}}]
    study = tuned_study(recipes={"plain": {"epochs": 2, "augment": augment}})
    assert [item.name for item in study.spaces][-1] == "recipes.plain.augment.1.RandomErasing.p"
    assert study.recipes["plain"].augment[1].arguments == {"p": 0.5}


def test_a_space_elsewhere_is_refused() -> None:
    with pytest.raises(StudyError, match="seeds: a space cannot stand here"):
        tuned_study(seeds={"choices": [1, 2]})
    assert issubclass(StudyError, BakeoffError)
