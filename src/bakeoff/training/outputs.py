"""What a run leaves behind: its four files at the end, and before that what `bakeoff status` shows."""

import csv
import json
import os
import platform
import subprocess
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch

import bakeoff
from bakeoff.data.card import Card
from bakeoff.files import write_atomically, write_json
from bakeoff.jobs.progress import update
from bakeoff.models.image_shape import image_shape
from bakeoff.study.matrix import Run
from bakeoff.study.needs import plan_file
from bakeoff.study.paths import Layout
from bakeoff.study.specification import specify
from bakeoff.study.study import Study
from bakeoff.training.attempt import Attempt
from bakeoff.training.devices import device_name, gpu_uuid
from bakeoff.training.evaluation import Outcome
from bakeoff.training.loop import Progress, Weights


def write_files(attempt: Attempt, progress: Progress, outcome: Outcome, micro_batch: int | None) -> None:
    """Into the run's state folder, from where they are published. result.json comes last: where it stands, the run is
    whole."""
    study, run, paths = attempt.study, attempt.run, attempt.paths.finished
    paths.result.unlink(missing_ok=True)
    _write_history(paths.history, progress)
    with write_atomically(paths.predictions) as temporary, temporary.open("wb") as file:
        np.savez(file, logits=outcome.logits.numpy(), labels=outcome.labels.numpy())
    with write_atomically(paths.model) as temporary:
        # save_file would say of a full disk something else than an OSError
        temporary.write_bytes(safetensors.torch.save(_contiguous(progress.best_weights)))
    result = {
        "run": vars(run),
        "spec": specify(study, run).content,
        "status": progress.status,
        "message": progress.message,
        "metrics": {"best_epoch": progress.best_epoch, "epochs": progress.epoch} | outcome.metrics,
        "cost": _cost(attempt, progress, micro_batch),
        "provenance": _provenance(attempt) | {"plugins": study.plugin_checksums},
    }
    write_json(paths.result, result)
    print(f"{progress.status}: {attempt.paths.result}", flush=True)


def _contiguous(weights: Weights) -> Weights:
    return {name: value.cpu().contiguous() for name, value in weights.items()}


def _write_history(path: Path, progress: Progress) -> None:
    columns = list(progress.history[0]) if progress.history else ["epoch", "learning_rate", "seconds"]
    with write_atomically(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(progress.history)


def _cost(attempt: Attempt, progress: Progress, micro_batch: int | None) -> dict[str, Any]:
    """Images in one forward pass, how many of these make a step, and what the run used."""
    recipe, epochs = attempt.recipe, len(progress.history)
    seen = len(attempt.data.splits["train"][1]) * epochs
    at_a_time = micro_batch or recipe.batch_size
    return _size(attempt.study, attempt.run, attempt.layout, attempt.data.card) | {
        "batch_size": at_a_time,
        "accumulate": recipe.accumulate * -(-recipe.batch_size // at_a_time),
        "training_seconds": progress.seconds,
        "seconds_per_epoch": progress.seconds / epochs if epochs else None,
        "images_per_second": seen / progress.seconds if progress.seconds else None,
        **asdict(progress.spent + attempt.spent()),
    }


def _size(study: Study, run: Run, layout: Layout, card: Card) -> dict[str, int]:
    """Parameters and MACs: as the plan step counted them, or counted now (which costs a second of imports)."""
    plan = plan_file(study, layout, run.experiment)
    if plan.exists():
        found = json.loads(plan.read_text(encoding="utf-8"))
    else:
        from bakeoff.models.description import describe

        found = describe(study.architectures[run.architecture], image_shape(card)).as_dict()
    return {"parameters": found["parameters"], "macs": found["macs"]}


def _provenance(attempt: Attempt) -> dict[str, Any]:
    """`gpu` is the one that was leased, `gpu_used` the one that PyTorch says it trained on."""
    commit = _git("rev-parse", "HEAD")
    return {
        "bakeoff": bakeoff.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": version("torchvision"),
        "timm": version("timm"),
        "numpy": np.__version__,
        "platform": platform.platform(),
        "device_wanted": attempt.study.device,
        "device": device_name(attempt.device),
        "gpu": attempt.lease.device if attempt.lease else None,
        "gpu_slot": attempt.lease.slot if attempt.lease else None,
        "gpu_used": gpu_uuid(attempt.device),
        "node": os.environ.get("SLURMD_NODENAME") or platform.node(),
        "threads": attempt.threads,
        "git_commit": commit,
        "git_dirty": bool(_git("status", "--porcelain", "--untracked-files=no")) if commit else None,
        "started": attempt.started.isoformat(timespec="seconds"),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _git(*arguments: str) -> str | None:
    """What git says of the folder that the study runs in; None outside a repository or without git."""
    try:
        answer = subprocess.run(["git", *arguments], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


def write_progress(attempt: Attempt, progress: Progress) -> None:
    """What `bakeoff status` shows of a run that is not finished."""
    metric, row = attempt.study.metric, progress.history[-1]
    content = {
        "epoch": progress.epoch,
        "epochs": attempt.recipe.epochs,
        "metric": metric,
        "value": row[f"validation_{metric}"],
        "seconds": progress.seconds,
        "images_per_second": len(attempt.data.splits["train"][1]) / row["seconds"],
        "device": device_name(attempt.device),
        "gpu": attempt.lease.device if attempt.lease else None,
        "node": os.environ.get("SLURMD_NODENAME"),
    }
    update(attempt.paths, content)
