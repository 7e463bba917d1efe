"""Run folders as training leaves them, written in milliseconds."""

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from bakeoff.analysis.statistics import write_statistics
from bakeoff.results.summary import summarize
from bakeoff.study.matrix import Run
from bakeoff.study.paths import Layout
from bakeoff.study.reading import parse_study
from bakeoff.study.specification import data_folder, plan_file, specify
from bakeoff.study.study import Study, experiments, runs

METRICS = ("loss", "accuracy", "top5_accuracy", "macro_f1")


def study_of(**changes: Any) -> Study:
    """Two architectures, two optimizers, three seeds; `changes` replace top-level keys."""
    config = {
        "study": "synthetic",
        "title": "Two by two",
        "datasets": {"digits": {"source": "digits"}},
        "architectures": {"linear": {"model": "mlp", "hidden": []}, "deep": {"model": "mlp", "hidden": [64]}},
        "optimizers": {"sgd": {"name": "SGD", "lr": 0.1}, "adam": {"name": "Adam", "lr": 0.002}},
        "recipes": {"plain": {"epochs": 4, "batch_size": 32}},
        "seeds": 3,
    }
    return parse_study(config | changes)


def layout_in(folder: Path, study: Study) -> Layout:
    return Layout(study.study, folder / "results", folder / "report")


def scores(accuracy: float) -> dict[str, float]:
    return {"loss": 1 - accuracy, "accuracy": accuracy, "top5_accuracy": 1.0, "macro_f1": accuracy - 0.01}


def result_of(
    study: Study, run: Run, accuracy: float = 0.9, status: str = "completed", **metrics: Any
) -> dict[str, Any]:
    """A result.json; the scores of a run that did not complete are those of its training split alone."""
    splits = ("train", "validation", "test", "test_last") if status == "completed" else ("train",)
    return {
        "run": {
            "dataset": run.dataset,
            "architecture": run.architecture,
            "optimizer": run.optimizer,
            "recipe": run.recipe,
            "seed": run.seed,
        },
        "spec": specify(study, run).content,
        "status": status,
        "message": "" if status == "completed" else "the loss was nan in epoch 2",
        "metrics": {
            "best_epoch": 3 if status == "completed" else None,
            "epochs": 4,
            **{split: scores(accuracy) for split in splits},
            **metrics,
        },
        "cost": {
            "parameters": 650 if run.architecture == "linear" else 4810,
            "macs": 640,
            "training_seconds": 2.5,
            "seconds_per_epoch": 0.5,
            "images_per_second": 2600.0,
            "batch_size": 32,
            "accumulate": 1,
            "cpu_seconds": 5.0,
            "gpu_seconds": 0.0,
            "energy_kwh": None,
            "peak_host_memory_bytes": 2**28,
            "peak_device_memory_bytes": None,
        },
        "provenance": {
            "bakeoff": "0.1.0",
            "python": "3.12.1",
            "torch": "2.9.0",
            "numpy": "2.3.0",
            "platform": "Linux",
            "device": "cpu",
            "threads": 1,
            "git_commit": "c0ffee",
            "git_dirty": False,
            "started": "2030-01-01T00:00:00Z",
            "finished": "2030-01-01T00:01:00Z",
        },
    }


def history_of(epochs: int = 4, test: bool = False) -> str:
    splits = ("train", "validation", "test") if test else ("train", "validation")
    header = ["epoch", "learning_rate", *(f"{split}_{metric}" for split in splits for metric in METRICS), "seconds"]
    lines = [",".join(header)]
    for epoch in range(1, epochs + 1):
        values = list(scores(0.9 - 0.5 / epoch).values()) * len(splits)
        lines.append(",".join(map(str, [epoch, 0.1, *values, 0.5])))
    return "\n".join(lines) + "\n"


def write_run(layout: Layout, run: Run, result: dict[str, Any], history: str | None = None) -> None:
    paths = layout.run(run)
    paths.folder.mkdir(parents=True, exist_ok=True)
    paths.result.write_text(json.dumps(result))
    paths.history.write_text(history_of() if history is None else history)
    if result["status"] == "completed":
        write_predictions(layout, run, images=20, classes=10)


def write_runs(study: Study, layout: Layout) -> None:
    """Every run complete; the deep architecture is better by five points, seeds differ by one."""
    for run in runs(study):
        accuracy = 0.9 + 0.05 * (run.architecture == "deep") + 0.01 * run.seed
        write_run(layout, run, result_of(study, run, accuracy))


def write_plan(study: Study, layout: Layout) -> None:
    layers = [
        {"name": "0", "type": "Flatten", "output_shape": [64], "parameters": 0},
        {"name": "1", "type": "Linear", "output_shape": [10], "parameters": 650},
    ]
    entry = {"parameters": 650, "macs": 640, "layers": layers, "input_shape": [1, 8, 8], "classes": 10}
    for cell in experiments(study):
        path = plan_file(study, layout, cell)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(entry))


def write_card(study: Study, dataset: str, classes: list[str]) -> None:
    """The card of a prepared dataset, below the present folder."""
    counts = {"train": 80, "validation": 9, "test": 20}
    card = {
        "name": dataset,
        "source": "digits",
        "entry": {},
        "split_seed": 0,
        "task": "multi-class",
        "shape": [1, 8, 8],
        "classes": classes,
        "counts": counts,
        "class_counts": {
            split: [count // len(classes) + (index < count % len(classes)) for index in range(len(classes))]
            for split, count in counts.items()
        },
        "mean": [0.3],
        "std": [0.37],
        "files": {},
        "skipped": ["broken.png"],
    }
    folder = data_folder(study, dataset)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "card.json").write_text(json.dumps(card))


def write_predictions(layout: Layout, run: Run, images: int = 30, classes: int = 3, accuracy: float = 0.8) -> None:
    """Logits of a run that is right about so often; the labels are the same for all runs."""
    labels = np.arange(images) % classes
    draw = np.random.default_rng(zlib.crc32(run.key.encode()))
    logits = draw.normal(size=(images, classes)) + 2 * np.eye(classes)[labels]
    if accuracy != 0.8:
        answers = np.where(draw.random(images) < accuracy, labels, (labels + 1) % classes)
        logits = draw.normal(size=(images, classes)) + 9 * np.eye(classes)[answers]
    np.savez(layout.run(run).predictions, logits=logits.astype(np.float32), labels=labels)


def analyse(study: Study, layout: Layout) -> None:
    """The tables that figures and reports are made from."""
    summarize(study, layout)
    write_statistics(study, layout)
