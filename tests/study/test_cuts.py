"""A dataset that is split repeatedly: what the study means, and what is said of one that cannot be."""

import pytest
import yaml

from bakeoff.study.reading import parse_study, warnings
from bakeoff.study.specification import specification_hash, specify, specify_dataset
from bakeoff.study.study import Study, StudyError, experiments, runs

STUDY = """\
study: small
datasets:
  digits: {source: digits, splits: 3}
  other: {source: folder, root: pictures, test: 0.2}
architectures:
  a: {model: mlp, hidden: [8]}
  b: {model: mlp}
optimizers: {sgd: {name: SGD, lr: 1e-3}}
recipes:
  plain: {epochs: 2}
seeds: 2
"""


def study_of(**changes: object) -> Study:
    return parse_study({**yaml.safe_load(STUDY), **changes})


def repeated(**entry: object) -> dict[str, object]:
    return {"digits": {"source": "digits", **entry}}


def test_each_cut_is_a_dataset_of_its_own_with_a_folder_of_its_own() -> None:
    study = study_of()
    assert list(study.datasets) == ["digits-split1", "digits-split2", "digits-split3", "other"]
    assert [run.key for run in runs(study)][:3] == [
        "digits-split1/a/sgd/plain/seed0",
        "digits-split1/a/sgd/plain/seed1",
        "digits-split1/b/sgd/plain/seed0",
    ]
    folders = {specify_dataset(study, name).folder for name in study.datasets}
    assert len(folders) == 4
    assert list(study_of(datasets=repeated(folds=2)).datasets) == ["digits-fold1", "digits-fold2"]


def test_people_read_of_the_dataset_that_they_wrote() -> None:
    written = study_of().as_written
    assert list(written.datasets) == ["digits", "other"]
    assert [cell.key for cell in experiments(written)][:2] == ["digits/a/sgd/plain", "digits/b/sgd/plain"]
    once = study_of(datasets=repeated())
    assert once.as_written is once and not once.cuts


def test_blocks_that_name_a_dataset_mean_all_of_its_cuts() -> None:
    blocks = [{"datasets": "digits", "architectures": "a"}, {"datasets": "other", "architectures": "b"}]
    study = study_of(experiments=blocks, exclude={"datasets": ["other"]})
    assert [cell.key for cell in experiments(study)] == [f"digits-split{k}/a/sgd/plain" for k in (1, 2, 3)]


def test_more_splits_retrain_nothing_and_other_folds_everything() -> None:
    def hashes(**entry: object) -> dict[str, str]:
        study = study_of(datasets=repeated(**entry))
        return {run.key: specification_hash(study, run) for run in runs(study)}

    three, four = hashes(splits=3), hashes(splits=4)
    assert three.items() < four.items()
    assert not set(hashes(folds=3).values()) & set(hashes(folds=4).values())


def test_a_dataset_that_is_split_once_has_the_specification_it_always_had() -> None:
    study = study_of(datasets=repeated())
    content = specify(study, runs(study)[0]).content["dataset"]
    assert set(content) == {"entry", "split_seed"}
    assert not {"splits", "folds"} & set(content["entry"])


def test_a_smoke_run_has_two_cuts() -> None:
    assert list(study_of(smoke=True, datasets=repeated(folds=10)).datasets) == ["digits-fold1", "digits-fold2"]


def test_runs_start_from_runs_on_their_own_cut() -> None:
    recipes = {"plain": {"epochs": 2}, "next": {"epochs": 1, "init_from": {"recipe": "plain"}}}
    study = study_of(recipes=recipes)
    for run in runs(study):
        origin = specify(study, run).origin
        assert origin is None or origin.dataset == run.dataset


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"datasets": repeated(splits=1)}, "datasets.digits.splits: Input should be greater than or equal to 2"),
        ({"datasets": repeated(folds="five")}, "datasets.digits.folds: Input should be a valid integer"),
        ({"datasets": repeated(splits=3, folds=5)}, "datasets.digits: found splits: 3 and folds: 5; give one"),
        (
            {"datasets": {**repeated(splits=2), "digits-split2": {"source": "digits"}}},
            "datasets.digits-split2: is also what a cut of 'digits' is called",
        ),
        ({"seeds": {"until": "decided"}}, "datasets.digits.splits: cannot stand beside `seeds: {until: decided}`"),
        (
            {
                "optimizers": {"sgd": {"name": "SGD", "lr": {"log_uniform": [1e-3, 1]}}},
                "tuning": {"trials": 2, "seeds": [9]},
            },
            "datasets.digits.splits: cannot stand beside `tuning`",
        ),
        (
            {"recipes": {"plain": {"epochs": 2, "init_from": {"recipe": "plain", "dataset": "digits"}}}},
            "recipes.plain.init_from.dataset: 'digits' is split repeatedly; leave dataset out",
        ),
        ({"exclude": [{"datasets": "digits-split1"}]}, "exclude.0.datasets: 'digits-split1' is no entry of datasets"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_in_one_line(changes: dict[str, object], message: str) -> None:
    with pytest.raises(StudyError) as raised:
        study_of(**changes)
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)


def test_who_has_too_few_seeds_for_a_verdict_is_told_so() -> None:
    (doubt,) = warnings(study_of())
    assert doubt.startswith("datasets.digits.splits: a verdict takes 3 seeds, however many splits there are")
    assert not warnings(study_of(seeds=3)) and not warnings(study_of(datasets=repeated()))
