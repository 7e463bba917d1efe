"""`bakeoff summarize` on 10,000 finished runs of 50 epochs: its time and its memory. It has no peer."""

import json
import resource
import tempfile
from pathlib import Path

from bakeoff.study.matrix import Run
from bakeoff.study.paths import Layout
from bakeoff.study.reading import parse_study
from bakeoff.study.specification import specify
from bakeoff.study.study import Study, runs
from planning import large_study
from table import Row
from timing import BAKEOFF, seconds_of_command

METRICS = ("loss", "accuracy", "top5_accuracy", "macro_f1")


def measure() -> list[Row]:
    """One measurement: it takes long to write the runs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "large.yaml").write_text(json.dumps(large_study()))
        write_runs(parse_study(large_study()), folder / "results")
        before = largest_child()
        seconds = seconds_of_command([BAKEOFF, "summarize", "large.yaml"], folder)
        memory = largest_child()
    note = "" if memory > before else " at most"
    what = "summarising 10,000 runs of 50 epochs"
    return [Row(what, f"{seconds:.0f} s,{note} {memory / 2**20:.1f} GiB", "", "", "< 60 s, 2 GiB")]


def largest_child() -> int:
    """The most memory, in KiB, that any command run so far has held at once."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss


def write_runs(study: Study, results: Path) -> None:
    """The two files of each run that a summary reads."""
    layout, history = Layout("large", results=results), history_of()
    for run in runs(study):
        paths = layout.run(run)
        paths.folder.mkdir(parents=True)
        paths.result.write_text(json.dumps(result_of(study, run), indent=2))
        paths.history.write_text(history)


def history_of() -> str:
    """50 epochs."""
    scores = [f"{split}_{metric}" for split in ("train", "validation") for metric in METRICS]
    lines = [",".join(["epoch", "learning_rate", *scores, "seconds"])]
    lines += [f"{epoch},0.1{',0.9123456789' * len(scores)},0.5" for epoch in range(1, 51)]
    return "\n".join(lines) + "\n"


def result_of(study: Study, run: Run) -> dict[str, object]:
    """The content of result.json of a run that has completed."""
    cost = (
        *("parameters", "macs", "batch_size", "accumulate", "training_seconds", "seconds_per_epoch"),
        *("images_per_second", "cpu_seconds", "gpu_seconds", "energy_kwh", "peak_host_memory_bytes"),
        "peak_device_memory_bytes",
    )
    splits = ("train", "validation", "test", "test_last")
    return {
        "run": vars(run),
        "spec": specify(study, run).content,
        "status": "completed",
        "message": "",
        "metrics": {"best_epoch": 7, "epochs": 50} | dict.fromkeys(splits, dict.fromkeys(METRICS, 0.9)),
        "cost": dict.fromkeys(cost, 1),
        "provenance": {"device": "cpu", "threads": 1},
    }
