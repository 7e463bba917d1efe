"""Per-class scores, mistakes, calibration and precision-recall curves: scikit-learn is the truth."""

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn import metrics

from bakeoff.analysis.calibration import calibration_table, reliability_table
from bakeoff.analysis.classes import classes_table
from bakeoff.analysis.mistakes import (
    confused_pairs_table,
    confusion_table,
    hardest_images_table,
    image_loss,
    image_wrong,
)
from bakeoff.analysis.precision_recall import precision_at, precision_recall_table, thresholds_table
from bakeoff.results.predictions import ClassPredictions
from made_predictions import class_predictions, label_predictions, saved

NAMES = ["cat", "dog, brown", "Кот", "a&b", "5"]
CLASSES = class_predictions(runs=3, images=200, classes=5, seed=1)
LABELS = label_predictions(runs=3, images=150, labels=4, seed=2)


def test_scores_of_classes_are_scikit_learns_mean_over_runs() -> None:
    table = classes_table(CLASSES, NAMES)
    runs = [
        metrics.precision_recall_fscore_support(CLASSES.labels, run, labels=range(5), zero_division=0)
        for run in CLASSES.predicted
    ]
    for position, name in enumerate(("precision", "recall", "f1")):
        values = np.array([run[position] for run in runs])
        assert table[name].to_numpy() == pytest.approx(values.mean(axis=0))
        assert table[f"{name}_std"].to_numpy() == pytest.approx(values.std(axis=0, ddof=1))
    assert list(table["images"]) == list(runs[0][3]) and list(table["class"]) == NAMES
    assert table["average_precision"].isna().all()


def test_scores_of_labels_leave_out_what_is_ignored() -> None:
    table = classes_table(LABELS, NAMES[:4])
    for label, row in table.iterrows():
        known = LABELS.known[:, label]
        truth, logits = LABELS.labels[known, label], LABELS.logits[:, known, label]
        f1 = [metrics.f1_score(truth, run >= 0) for run in logits]
        assert (row["f1"], row["f1_std"]) == pytest.approx((np.mean(f1), np.std(f1, ddof=1)))
        assert row["average_precision"] == pytest.approx(0.5 + 0.1 * label)  # as the results say
        assert row["images"] == truth.sum()


def test_a_class_without_test_images_has_no_scores() -> None:
    logits = np.zeros((1, 4, 3), np.float32)
    logits[0, :, 2] = [1, 1, -1, -1]
    table = classes_table(saved(logits, np.array([0, 0, 0, 1])), ["a", "b", "none"])
    assert table.loc[2, ["precision", "recall", "f1"]].isna().all()
    assert list(table.loc[1, ["precision", "recall", "f1"]]) == [0, 0, 0]


def test_confusion_is_scikit_learns() -> None:
    table = confusion_table(CLASSES, NAMES).set_index(["true", "predicted"])
    expected = sum(metrics.confusion_matrix(CLASSES.labels, run, labels=range(5)) for run in CLASSES.predicted) / 3
    for true, predicted in np.ndindex(5, 5):
        if expected[true, predicted]:
            row = table.loc[(NAMES[true], NAMES[predicted])]
            assert row["images"] == pytest.approx(expected[true, predicted])
            assert row["share"] == pytest.approx(expected[true, predicted] / (CLASSES.labels == true).sum())
    assert len(table) == (expected > 0).sum()


def test_confused_pairs_show_images_that_were_confused() -> None:
    table = confused_pairs_table(CLASSES, NAMES)
    assert list(table["images"]) == sorted(table["images"], reverse=True) and len(table) == 20
    for _, row in table.iterrows():
        examples = [int(index) for index in row["examples"].split()]
        assert 1 <= len(examples) <= 5
        wrong = [(CLASSES.predicted[:, index] == NAMES.index(row["predicted"])).sum() for index in examples]
        assert wrong == sorted(wrong, reverse=True) and wrong[-1] >= 1
        assert (CLASSES.labels[examples] == NAMES.index(row["true"])).all()


def test_many_classes_have_confused_pairs_and_no_matrix() -> None:
    many = class_predictions(runs=2, images=2_000, classes=1_000, seed=0)
    names = [str(index) for index in range(1_000)]
    assert len(confusion_table(many, names)) == 0
    assert len(confused_pairs_table(many, names)) == 20


def test_the_hardest_images_have_the_highest_loss() -> None:
    table = hardest_images_table(CLASSES, NAMES, image_loss(CLASSES), image_wrong(CLASSES))
    loss = CLASSES.loss.mean(axis=0)
    assert list(table["image"]) == list(np.argsort(-loss)[:20])
    assert table["loss"].to_numpy() == pytest.approx(np.sort(loss)[::-1][:20], rel=1e-5)
    first = table.iloc[0]
    assert first["label"] == NAMES[CLASSES.labels[first["image"]]]
    assert first["wrong"] == (CLASSES.predicted[:, first["image"]] != CLASSES.labels[first["image"]]).mean()


def test_the_hardest_multi_label_images_name_their_labels() -> None:
    table = hardest_images_table(LABELS, ["a", "b", "c", "d"], image_loss(LABELS), image_wrong(LABELS))
    image = table["image"][0]
    known = LABELS.known[image]
    truth, logits = LABELS.labels[image][known], LABELS.logits[:, image][:, known]
    chance = 1 / (1 + np.exp(-logits.astype(float)))
    loss = np.mean([metrics.log_loss(truth, run, labels=[0, 1]) for run in chance])
    assert table["loss"][0] == pytest.approx(loss)
    assert table["label"][0] == "; ".join("abcd"[index] for index in np.flatnonzero(LABELS.labels[image] == 1))
    assert table["wrong"][0] == ((logits >= 0) != truth).any(axis=1).mean()


def test_calibration_is_that_of_its_definition() -> None:
    errors = []
    for run in range(3):
        confidence, correct = CLASSES.confidence[run], CLASSES.correct[run]
        error = 0.0
        for low in range(15):
            members = (confidence > low / 15) & (confidence <= (low + 1) / 15)
            if members.any():
                error += members.mean() * abs(confidence[members].mean() - correct[members].mean())
        errors.append(error)
    row = calibration_table(CLASSES).iloc[0]
    assert row["expected_calibration_error"] == pytest.approx(np.mean(errors), rel=1e-5)
    assert row["expected_calibration_error_std"] == pytest.approx(np.std(errors, ddof=1), rel=1e-4)
    assert row["overconfidence"] == pytest.approx((CLASSES.confidence.mean() - CLASSES.correct.mean()), rel=1e-5)
    assert reliability_table(CLASSES)["predictions"].sum() == pytest.approx(200)


def test_bins_of_few_predictions_are_joined_and_say_how_sure_they_are() -> None:
    """30 predictions of 95 %, 12 of 65 % in three bins, 2 below: no bin has fewer than 10, and none is lost."""
    sure = np.repeat([0.95, 0.60, 0.65, 0.72, 0.55], [30, 4, 4, 4, 2])
    logits = np.stack([np.log(sure / (1 - sure)), np.zeros(len(sure))], axis=-1)[None].astype(np.float32)
    table = reliability_table(saved(logits, (np.arange(len(sure)) % 5 == 0).astype(int)))
    assert table["predictions"].min() >= 10 and table["predictions"].sum() == len(sure)
    assert (table["low"][1:].to_numpy() == table["high"][:-1].to_numpy()).all()
    for _, row in table.iterrows():
        count = round(row["predictions"])
        low, high = binomtest(round(row["observed"] * count), count).proportion_ci(method="wilson")
        assert (row["observed_low"], row["observed_high"]) == pytest.approx((low, high))


def test_a_hard_image_says_what_most_runs_take_it_for_and_how_sure_those_are() -> None:
    table = hardest_images_table(CLASSES, NAMES, image_loss(CLASSES), image_wrong(CLASSES))
    for _, row in table.iterrows():
        answers, confidence = CLASSES.predicted[:, row["image"]], CLASSES.confidence[:, row["image"]]
        answer = NAMES.index(row["predicted"])
        assert (answers == answer).sum() == np.bincount(answers).max()
        assert row["sure"] == pytest.approx(confidence[answers == answer].mean())


def test_a_calibrated_multi_label_model_has_next_to_no_error() -> None:
    draw = np.random.default_rng(0)
    logits = draw.normal(size=(1, 40_000, 2)).astype(np.float32)
    labels = (draw.random((40_000, 2)) < 1 / (1 + np.exp(-logits[0]))).astype(np.uint8)
    labels[:100] = 255
    honest, sure = saved(logits, labels), saved(3 * logits, labels)
    assert calibration_table(honest)["expected_calibration_error"][0] < 0.01
    assert calibration_table(sure)["expected_calibration_error"][0] > 0.1
    table = reliability_table(honest)
    assert table["observed"].to_numpy() == pytest.approx(table["probability"].to_numpy(), abs=0.03)
    assert table["predictions"].sum() == 2 * 39_900


def test_curves_are_scikit_learns() -> None:
    known = LABELS.known[:, 0]
    truth, scores = LABELS.labels[known, 0], LABELS.logits[0, known, 0]
    precision, recall, _ = metrics.precision_recall_curve(truth, scores)
    for level, found in zip((0.2, 0.5, 1.0), precision_at(scores, truth, np.array([0.2, 0.5, 1.0])), strict=True):
        highest_threshold = np.flatnonzero(recall >= level)[-1]
        assert found == pytest.approx(precision[highest_threshold])
    table = precision_recall_table(LABELS, ["a", "b", "c", "d"])
    assert table.groupby("class").size().to_dict() == dict.fromkeys(["", "a", "b", "c", "d"], 101)
    positives = (LABELS.labels == 1).sum() / LABELS.known.sum()
    assert table[(table["class"] == "") & (table["recall"] == 1)]["precision"].item() >= positives


def test_thresholds_are_those_of_the_results() -> None:
    table = thresholds_table(LABELS, ["a", "b", "c", "d"])
    assert list(table["class"]) == ["", "a", "b", "c", "d"]
    assert list(table["threshold"]) == pytest.approx([0.4, 0.1, 0.2, 0.3, 0.4])


def test_one_run_has_no_deviation() -> None:
    one = class_predictions(runs=1, images=50, classes=5, seed=0)
    assert isinstance(one, ClassPredictions)
    assert classes_table(one, NAMES)["f1_std"].isna().all()
    assert np.isnan(calibration_table(one)["expected_calibration_error_std"][0])
