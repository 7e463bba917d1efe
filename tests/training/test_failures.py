"""Methods that fail are results, with what was reached before."""

import json
from pathlib import Path

import pytest
import torch

from bakeoff.layout import Layout
from bakeoff.study import Run
from bakeoff.study_file import load_study
from bakeoff.training import loop
from bakeoff.training.run import train_run
from commands import STUDIES

STUDY = load_study(STUDIES / "stages.yaml")
RUN = Run("digits", "cnn", "sgd", "first", 3)
CHILD = Run("digits", "cnn", "sgd", "second", 3)


@pytest.mark.parametrize("resume", [False, True])
def test_memory_that_runs_out_keeps_what_was_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, resume: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    train_epoch = loop._train_epoch

    def killed(*arguments: object) -> loop.Metrics:
        if arguments[6] == 3:
            raise KeyboardInterrupt
        return train_epoch(*arguments)  # type: ignore[arg-type]

    def full(*arguments: object) -> loop.Metrics:
        if arguments[6] == 3:
            raise torch.OutOfMemoryError("no memory is left")
        return train_epoch(*arguments)  # type: ignore[arg-type]

    layout = Layout(STUDY.study)
    if resume:
        monkeypatch.setattr(loop, "_train_epoch", killed)
        with pytest.raises(KeyboardInterrupt):
            train_run(STUDY, RUN, layout, checkpoint_seconds=0)
    monkeypatch.setattr(loop, "_train_epoch", full)
    train_run(STUDY, RUN, layout)
    result = json.loads(layout.run(RUN).result.read_text())
    assert result["status"] == "out_of_memory"
    assert result["message"].startswith("at epoch 3")
    assert result["metrics"]["epochs"] == 2
    assert result["metrics"]["best_epoch"] in (1, 2)
    assert "validation" in result["metrics"]
    assert layout.run(RUN).history.read_text().count("\n") == 3


def test_a_run_whose_parent_has_no_weights_is_a_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def full(*arguments: object) -> loop.Metrics:
        raise torch.OutOfMemoryError("no memory is left")

    layout = Layout(STUDY.study)
    with monkeypatch.context() as patch:
        patch.setattr(loop, "_train_epoch", full)
        train_run(STUDY, RUN, layout)
    train_run(STUDY, CHILD, layout)
    result = json.loads(layout.run(CHILD).result.read_text())
    assert result["status"] == "out_of_memory"
    assert RUN.key in result["message"]
