"""What jobs and a study take besides training: a job of each of our own models, a hundred runs of a second, and whether
the last of a thousand runs cost more than the first."""

import json
import os
import statistics
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

from table import Row
from timing import BAKEOFF, REPEATS, ROOT, SNAKEMAKE, THREADS, seconds_of_command

MODELS: dict[str, dict[str, object]] = {
    "mlp": {"model": "mlp", "hidden": [64]},
    "convnet": {"model": "convnet", "layers": [{"conv": 16, "kernel": 3}, "relu", {"pool": 2}], "hidden": [64]},
    "vgg_small": {"model": "vgg_small"},
    "inception_small": {"model": "inception_small"},
    "resnet_small": {"model": "resnet_small"},
    "basic_block_net": {"model": "basic_block_net"},
}


def measure() -> list[Row]:
    """A row of single jobs, one of a study, and one of a long study."""
    load = os.getloadavg()[0]
    busy = f" (the machine was busy before: load {load:.1f})" if load > 1 else ""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        return [row_of_jobs(folder, busy), row_of_study(folder, busy), row_of_growth(folder, busy)]


def row_of_jobs(folder: Path, busy: str) -> Row:
    """For each model the median of a job's wall time less its training seconds."""
    study = {
        "study": "jobs",
        "datasets": {"digits": {"source": "digits", "mode": "RGB", "resize": 32, "limit": 64}},
        "architectures": MODELS,
        "optimizers": {"sgd": {"name": "SGD", "lr": 0.01}},
        "recipes": {"one": {"epochs": 1}},
        "seeds": REPEATS,
    }
    (folder / "jobs.yaml").write_text(json.dumps(study))
    seconds_of_command([BAKEOFF, "prepare", "jobs.yaml", "digits"], folder)
    seconds_of_command([BAKEOFF, "check", "jobs.yaml"], folder)

    beside = {
        model: statistics.median(
            beside_training(BAKEOFF, "jobs.yaml", f"digits/{model}/sgd/one/seed{seed}", folder / "results/jobs/runs")
            for seed in range(REPEATS)
        )
        for model in MODELS
    }
    slowest = max(beside, key=lambda model: beside[model])
    what = f"a training job beside its training, the slowest of our {len(beside)} models{busy}"
    return Row(what, f"{beside[slowest]:.2f} s ({slowest})", f"fastest {min(beside.values()):.2f} s", "", "≤ 3.5 s")


def beside_training(bakeoff: str, study_file: str, run: str, runs: Path) -> float:
    """Wall time of the job that trains a run, anew, less its training seconds. `runs` is where its study has them."""
    (runs / run / "result.json").unlink(missing_ok=True)
    seconds = seconds_of_command([bakeoff, "train", study_file, run], runs.parents[2])
    return seconds - float(result_in(runs / run)["cost"]["training_seconds"])


def row_of_study(folder: Path, busy: str) -> Row:
    """Where the time of a study of short runs goes, in shares of its cores' seconds."""
    wall = seconds_of_hundred_runs(folder)
    results = [result_in(path.parent) for path in folder.glob("results/hundred/runs/**/result.json")]
    cores = THREADS * wall
    training = sum(result["cost"]["training_seconds"] for result in results)
    processes = sum(result["cost"]["cpu_seconds"] for result in results) - training
    begun = min(datetime.fromisoformat(result["provenance"]["started"]) for result in results)
    ended = max(datetime.fromisoformat(result["provenance"]["finished"]) for result in results)
    around = THREADS * (wall - (ended - begun).total_seconds())
    rest = {
        "starting processes, evaluation and files": processes,
        "preparing before and reporting after": around,
        "Snakemake between jobs, and waiting": cores - training - processes - around,
    }
    return Row(
        f"a study of {len(results)} runs of {training / len(results):.2f} s on {THREADS} cores{busy}",
        f"{wall:.0f} s, {training / cores:.0%} of it training",
        ", ".join(f"{what} {seconds / cores:.0%}" for what, seconds in rest.items()),
        "",
        "≥ 80%",
    )


def seconds_of_hundred_runs(folder: Path) -> float:
    """From start to report: a study of 100 seeds, each of which trains for about a second."""

    run = "digits/mlp/sgd/plain/seed0"
    write_study(folder, "probe", epochs=100, seeds=1)
    seconds_of_command([BAKEOFF, "train", "probe.yaml", run], folder)
    epoch = result_in(folder / "results/probe/runs" / run)["cost"]["seconds_per_epoch"]
    write_study(folder, "hundred", epochs=max(1, round(1 / epoch)), seeds=100)
    return seconds_of_study(folder, folder / "hundred.yaml")


def row_of_growth(folder: Path, busy: str) -> Row:
    """A thousand runs of one epoch."""
    write_study(folder, "thousand", epochs=1, seeds=1000, model={"model": "mlp"}, limit=200)
    seconds_of_study(folder, folder / "thousand.yaml", "--until", "train")
    first, last = seconds_at_the_ends(folder / "results/thousand/runs")
    what = f"200 runs of one epoch at the end of 1,000{busy}"
    return Row(what, f"{last:.0f} s", f"the second 200 {first:.0f} s", f"{last / first:.2f}×", "≤ 1.1×")


def seconds_at_the_ends(runs: Path) -> tuple[float, float]:
    """Between the 200th and the 400th result, when all has settled, and between the last but 200 and the last."""
    times = sorted(path.stat().st_mtime for path in runs.glob("**/result.json"))
    return times[399] - times[199], times[-1] - times[-201]


def write_study(
    folder: Path,
    name: str,
    epochs: int,
    seeds: int,
    model: dict[str, object] = MODELS["mlp"],
    limit: int | None = None,
) -> None:
    """A study of one experiment on digits; `limit` is the number of images, left out: all."""
    study = {
        "study": name,
        "datasets": {"digits": {"source": "digits", "limit": limit}},
        "architectures": {"mlp": model},
        "optimizers": {"sgd": {"name": "SGD", "lr": 0.05}},
        "recipes": {"plain": {"epochs": epochs}},
        "seeds": seeds,
    }
    (folder / f"{name}.yaml").write_text(json.dumps(study))


def seconds_of_study(folder: Path, study_file: Path, *options: str) -> float:
    """Of Snakemake, from its start to its end, with all cores."""
    command = [SNAKEMAKE, "--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder), *options]
    return seconds_of_command([*command, "--cores", str(THREADS), "--configfile", str(study_file)], folder)


def result_in(folder: Path) -> dict[str, Any]:
    """The result of the run whose folder this is."""
    return dict(json.loads((folder / "result.json").read_text()))
