"""What `bakeoff status` is told of runs whose epochs are shorter than it is told of them."""

import math
import os
import signal
from pathlib import Path

import pytest

from bakeoff.errors import Stopped
from bakeoff.jobs.progress import read_progress
from bakeoff.study.matrix import Run
from bakeoff.study.paths import Layout
from bakeoff.study.reading import load_study
from bakeoff.study.specification import specify
from bakeoff.training import run as room
from bakeoff.training.attempt import Attempt, Place
from bakeoff.training.scoring import MetricValues
from bakeoff.training.state import EpochPart, Progress
from bakeoff.training.trainer import Trainer
from terminal import STUDIES
from trained_runs import train_run

RUN = Run("digits", "cnn", "sgd", "first", 3)
STUDY = load_study(STUDIES / "stages.yaml")


@pytest.fixture
def reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The epochs after which progress.json was written, where no two reports may follow each other in time."""
    monkeypatch.chdir(tmp_path)
    epochs, write = [], room.write_progress

    def noted(attempt: Attempt, progress: Progress) -> None:
        write(attempt, progress)
        epochs.append(read_progress(attempt.paths)["epoch"])

    monkeypatch.setattr(room, "write_progress", noted)
    monkeypatch.setattr(room, "SECONDS_BETWEEN_REPORTS", math.inf)
    return epochs


def test_the_first_epoch_and_the_last_are_reported(reported: list[int]) -> None:
    train_run(specify(STUDY, RUN), Place(Layout(STUDY.study)))
    assert reported == [1, 12]


def test_the_last_epoch_is_the_one_that_ends_the_training(reported: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    trained = Trainer._pass_over_training_split

    def not_finite(trainer: Trainer, epoch: int, part: EpochPart) -> MetricValues:
        return trained(trainer, epoch, part) | ({"loss": math.nan} if epoch == 5 else {})

    monkeypatch.setattr(Trainer, "_pass_over_training_split", not_finite)
    train_run(specify(STUDY, RUN), Place(Layout(STUDY.study)))
    assert reported == [1, 5]


def test_what_is_stopped_says_how_far_it_came(reported: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    trained = Trainer._pass_over_training_split

    def asked_to_stop(trainer: Trainer, epoch: int, part: EpochPart) -> MetricValues:
        if epoch == 7:
            os.kill(os.getpid(), signal.SIGTERM)
        return trained(trainer, epoch, part)

    monkeypatch.setattr(Trainer, "_pass_over_training_split", asked_to_stop)
    with pytest.raises(Stopped, match="epoch 7"):
        train_run(specify(STUDY, RUN), Place(Layout(STUDY.study)))
    assert reported == [1, 6]
    rows = Layout(STUDY.study).run(RUN).epochs.read_text().split("\n")
    assert len(list(filter(None, rows))) == 6
