"""What is kept of predictions: the truth is scipy and scikit-learn on the logits."""

from pathlib import Path

import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn.metrics import top_k_accuracy_score

from bakeoff.errors import BakeoffError
from bakeoff.results.predictions import IMAGES_AT_ONCE, LabelPredictions, read_predictions
from bakeoff.study.paths import Layout
from made_predictions import CELL, class_logits, class_predictions, label_logits, label_predictions, saved


def test_multi_class_logits_become_what_they_say() -> None:
    logits, labels = class_logits(2, IMAGES_AT_ONCE + 30, 12, seed=0)
    found = class_predictions(2, IMAGES_AT_ONCE + 30, 12, seed=0)
    chances = log_softmax(logits.astype(float), axis=2)
    assert found.classes == 12 and found.seeds == (0, 1)
    assert (found.predicted == logits.argmax(axis=2)).all()
    assert found.confidence == pytest.approx(np.exp(chances.max(axis=2)), rel=1e-5)
    assert found.loss == pytest.approx(-chances[:, np.arange(len(labels)), labels], rel=1e-4, abs=1e-6)
    for run in range(2):
        assert found.in_top5[run].mean() == top_k_accuracy_score(labels, logits[run], k=5)


def test_logits_of_any_size_overflow_nothing() -> None:
    found = saved(np.array([[[1e4, -1e4], [-3e4, 2e4]]], np.float32), np.array([0, 0]))
    assert found.loss[0] == pytest.approx([0, 5e4]) and found.confidence[0] == pytest.approx([1, 1])


def test_multi_label_predictions_have_their_thresholds() -> None:
    logits, labels = label_logits(3, 40, 4, seed=0)
    found = label_predictions(3, 40, 4, seed=0)
    assert (found.logits == logits).all() and (found.labels == labels).all()
    assert (found.threshold == 0.4).all()
    assert found.thresholds == pytest.approx(np.tile([0.1, 0.2, 0.3, 0.4], (3, 1)))
    assert found.average_precision[2] == pytest.approx([0.5, 0.6, 0.7, 0.8])
    bare = saved(logits, labels)
    assert isinstance(bare, LabelPredictions)
    assert np.isnan(bare.thresholds).all() and np.isnan(bare.threshold).all()
    assert bare.average_precision.shape == bare.thresholds.shape == (3, 4)
    with pytest.raises(BakeoffError, match=r"result\.json.*of 4 labels"):
        saved(logits, labels, test_average_precision={"only": 1.0})


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "No such file"),
        (b"PK half a file", "predictions.npz"),
        ({"logits": np.zeros((3, 2))}, "labels"),
        ({"logits": np.zeros((3, 2)), "labels": np.zeros(4, int)}, r"logits \(3, 2\) do not fit labels \(4,\)"),
        ({"logits": np.zeros((0, 2)), "labels": np.zeros(0, int)}, "do not fit"),
    ],
)
def test_damaged_predictions_are_an_error_that_names_the_file(
    tmp_path: Path, content: bytes | dict[str, np.ndarray] | None, problem: str
) -> None:
    layout = Layout("made", tmp_path)
    path = layout.run(CELL.run(0)).predictions
    path.parent.mkdir(parents=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        np.savez(path, **content)
    with pytest.raises(BakeoffError, match=problem) as error:
        read_predictions({0: layout.run(CELL.run(0))})
    assert str(path) in str(error.value) and "trains it again" in str(error.value)


def test_runs_on_other_test_images_are_not_mixed(tmp_path: Path) -> None:
    layout = Layout("made", tmp_path)
    for seed in range(2):
        path = layout.run(CELL.run(seed)).predictions
        path.parent.mkdir(parents=True)
        np.savez(path, logits=np.zeros((3, 2), np.float32), labels=np.array([0, 1, seed]))
    with pytest.raises(BakeoffError, match="its test images are not those of seed 0"):
        read_predictions({seed: layout.run(CELL.run(seed)) for seed in range(2)})
