"""Baselines: scikit-learn's DummyClassifier and its metrics are the truth."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics
from sklearn.dummy import DummyClassifier

from bakeoff.analysis.answers import answers_table
from bakeoff.analysis.baselines import baseline, label_frequencies, majority_class
from bakeoff.analysis.data_card import read_data_card
from bakeoff.analysis.statistics import read_statistics, write_statistics
from bakeoff.errors import BakeoffError
from bakeoff.results.summary import summarize
from bakeoff.study.specification import data_folder
from made_predictions import saved
from synthetic_runs import layout_in, study_of, write_card, write_runs

COUNTS = np.array([3, 20, 9, 31, 1, 14, 7])  # training images of each class; no two alike, or top 5 were ambiguous


def dummy(strategy: str, labels: np.ndarray) -> DummyClassifier:
    return DummyClassifier(strategy=strategy).fit(np.zeros((len(labels), 1)), labels)


def test_the_majority_class_scores_as_a_dummy_classifier() -> None:
    training = np.repeat(np.arange(len(COUNTS)), COUNTS)
    test = np.random.default_rng(0).choice(np.delete(np.arange(len(COUNTS)), 2), size=150)  # class 2 does not occur
    nothing = np.zeros((len(test), 1))
    predicted, shares = (
        dummy("most_frequent", training).predict(nothing),
        dummy("prior", training).predict_proba(nothing),
    )
    classes = np.arange(len(COUNTS))
    assert majority_class(COUNTS, test) == pytest.approx({
        "loss": metrics.log_loss(test, shares, labels=classes),
        "accuracy": metrics.accuracy_score(test, predicted),
        "top5_accuracy": metrics.top_k_accuracy_score(test, shares, k=5, labels=classes),
        "macro_f1": metrics.f1_score(test, predicted, average="macro", zero_division=0),
    })  # fmt: skip


def test_a_majority_that_no_test_image_has_scores_nothing_and_equal_classes_go_by_their_order() -> None:
    labels = np.array([0, 0, 2])
    found = majority_class(np.array([1, 5, 0]), labels)
    predicted = np.ones(3)
    assert (found["accuracy"], found["macro_f1"]) == (0, metrics.f1_score(labels, predicted, average="macro"))
    assert found["loss"] == pytest.approx(-np.log([1 / 6, 1 / 6, 0.5 / 6]).mean())  # half an image, not an infinity
    assert majority_class(np.array([2, 2, 2]), labels)["accuracy"] == pytest.approx(2 / 3)


@pytest.mark.parametrize("ignored", [0.0, 0.2])
def test_label_frequencies_score_as_dummy_classifiers(ignored: float) -> None:
    draw, beta = np.random.default_rng(1), 2.0
    shares = np.array([0.8, 0.6, 0.3, 0.1])
    training, test = ((draw.random((size, 4)) < shares).astype(np.uint8) for size in (201, 90))
    for labels in (training, test):
        labels[draw.random(labels.shape) < ignored] = 255
    test[test[:, 3] == 1, 3] = 0  # the last label has no positive test image
    known, truth = test != 255, test == 1
    priors, answers = [], []
    for label in range(4):
        column = training[training[:, label] != 255, label]
        nothing = np.zeros((len(test), 1))
        priors.append(dummy("prior", column).predict_proba(nothing)[:, 1])
        answers.append(dummy("most_frequent", column).predict(nothing) == 1)
    probability, guessed = np.stack(priors, axis=1), np.stack(answers, axis=1) & known
    found = label_frequencies((training == 1).sum(axis=0), (training != 255).sum(axis=0), test, beta)
    precisions = [
        metrics.average_precision_score(truth[known[:, label], label], probability[known[:, label], label])
        for label in range(3)
    ]
    fbetas = {
        f"fbeta_{average}": metrics.fbeta_score(truth, guessed, beta=beta, average=average, zero_division=0)
        for average in ("micro", "macro", "samples")
    }
    loss = metrics.log_loss(truth[known], probability[known])
    assert found == pytest.approx({"loss": loss, "mean_average_precision": np.mean(precisions), **fbetas})


def test_labels_without_and_with_every_training_image_have_a_finite_loss() -> None:
    test = np.array([[1, 0, 1], [1, 0, 255]], np.uint8)
    found = label_frequencies(np.array([0, 10, 0]), np.array([10, 10, 0]), test, 1.0)
    # Half an image of ten for the first two; nothing is known of the third, so it is as likely as not.
    assert found["loss"] == pytest.approx(-np.log([0.05, 0.05, 0.05, 0.05, 0.5]).mean())
    assert found["fbeta_micro"] == 0


def test_the_table_has_every_dataset_whose_data_are_prepared(tmp_path: Path) -> None:
    study = study_of(datasets={name: {"source": "digits", "limit": size} for name, size in (("one", 90), ("two", 99))})
    layout = layout_in(tmp_path, study)
    write_runs(study, layout)
    write_card(study, "two", [f"digit {number}" for number in range(10)])
    summarize(study, layout)
    write_statistics(study, layout)
    table = read_statistics(layout, "baselines").set_index("metric")
    assert set(table["dataset"]) == {"two"} and set(table["answer"]) == {"digit 0"}
    assert set(table["baseline"]) == {"majority_class"}
    assert table["score"]["accuracy"] == 0.1 and table["score"]["top5_accuracy"] == 0.5  # two test images of each class


def test_a_multi_label_card_leaves_out_what_is_ignored_and_a_summed_loss_is_no_mean(tmp_path: Path) -> None:
    recipes = {"plain": {"epochs": 1}}
    study = study_of(recipes=recipes)
    write_card(study, "digits", ["cat", "dog"])
    path = data_folder(study, "digits") / "card.json"
    card = json.loads(path.read_text())
    card |= {"counts": {"train": 10}, "class_counts": {"train": [5, 4]}, "ignored_counts": {"train": [0, 3]}}
    path.write_text(json.dumps(card))
    found = read_data_card(study, "digits")
    assert found is not None
    test = np.array([[1, 0], [0, 1]], np.uint8)
    made = baseline(study, found, test)
    assert (made.kind, made.answer) == ("label_frequencies", "cat; dog")  # 5 of 10, 4 of the 7 that are known
    assert "loss" in made.scores
    summed = study_of(recipes={"plain": {"epochs": 1, "loss": {"name": "BCEWithLogitsLoss", "reduction": "sum"}}})
    assert "loss" not in baseline(summed, found, test).scores
    path.write_text(json.dumps({key: value for key, value in card.items() if key != "class_counts"}))
    with pytest.raises(BakeoffError, match=r"card.json.*class_counts.*prepare the data again"):
        read_data_card(study, "digits")


@pytest.mark.parametrize("labels", [np.array([0, 1, 2]), np.array([[1, 0, 0], [0, 1, 0], [0, 0, 255]], np.uint8)])
def test_a_run_that_answers_the_same_for_every_image_is_found(labels: np.ndarray) -> None:
    same = np.tile(np.array([-1.0, 2.0, -3.0], np.float32), (3, 1))
    other = 3 * np.eye(3, dtype=np.float32) - 1
    thresholds = {"thresholds": {"global": 0.5, "labels": dict.fromkeys("abc", 0.5)}} if labels.ndim == 2 else {}
    table = answers_table(saved(np.stack([same, other]), labels, **thresholds), ["a", "b", "c"])
    assert table["answers"].to_list() == [1, 3]
    assert (table["answer"][0], table["share"][0]) == ("b", 1.0)
