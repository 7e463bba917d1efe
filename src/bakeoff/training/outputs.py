"""What a run leaves behind: its four files at the end, and before that what `bakeoff status` shows."""

import os
import platform
import subprocess
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version

import numpy as np
import safetensors.torch
import torch

import bakeoff
from bakeoff.data.content import content_name
from bakeoff.files import describe_file, write_atomically
from bakeoff.jobs.plans import read_plan
from bakeoff.jobs.progress import update
from bakeoff.models.image_shape import image_shape
from bakeoff.results.predictions import write_predictions
from bakeoff.results.result import Cost, FileDescription, Provenance, Result, write_history, write_result
from bakeoff.results.weights_file import metadata_of
from bakeoff.training.assembly import network_input
from bakeoff.training.attempt import Attempt
from bakeoff.training.devices import device_name, gpu_uuid
from bakeoff.training.evaluation import Outcome
from bakeoff.training.optimizers import way_of_steps
from bakeoff.training.state import Progress


def write_files(attempt: Attempt, progress: Progress, outcome: Outcome, micro_batch: int | None) -> None:
    """Into the run's state folder, from where they are published. result.json comes last: where it stands, the run is
    whole."""
    specification, paths = attempt.specification, attempt.paths.finished
    paths.result.unlink(missing_ok=True)
    write_history(paths.history, progress.history)
    write_predictions(paths.predictions, outcome.logits.numpy(), outcome.labels.numpy(), outcome.influence)
    weights = {name: value.cpu().contiguous() for name, value in progress.best_weights.items()}
    taken = network_input(specification.recipe, specification.architecture, attempt.data.card) if weights else None
    with write_atomically(paths.model) as temporary:
        # save_file would say of a full disk something else than an OSError
        temporary.write_bytes(safetensors.torch.save(weights, metadata_of(taken) if taken else None))
    result = Result(
        run=specification.run,
        spec=specification.content,
        status=progress.status,
        message=progress.message,
        metrics=outcome.metrics,
        cost=_cost(attempt, progress, micro_batch),
        provenance=_provenance(attempt),
        data=content_name(attempt.data.card),
        files={path.name: FileDescription(**describe_file(path)) for path in paths.files if path != paths.result},
    )
    write_result(paths.result, result)
    print(f"{progress.status}: {attempt.paths.result}", flush=True)


def _cost(attempt: Attempt, progress: Progress, micro_batch: int | None) -> Cost:
    """Images in one forward pass, how many of these make a step, and what the run used."""
    recipe, epochs = attempt.specification.recipe, len(progress.history)
    seen = len(attempt.data.splits["train"][1]) * epochs
    at_a_time = micro_batch or recipe.batch_size
    parameters, macs = _size(attempt)
    return Cost(
        parameters=parameters,
        macs=macs,
        batch_size=at_a_time,
        accumulate=recipe.accumulate * -(-recipe.batch_size // at_a_time),
        training_seconds=progress.seconds,
        seconds_per_epoch=progress.seconds / epochs if epochs else None,
        images_per_second=seen / progress.seconds if progress.seconds else None,
        **asdict(progress.spent + attempt.spent()),
    )


def _size(attempt: Attempt) -> tuple[int, int]:
    """Parameters and MACs: as the plan step counted them, or counted now (which costs a second of imports)."""
    specification = attempt.specification
    plan = attempt.place.plan or attempt.place.layout.plan(specification.experiment_hash)
    if found := read_plan(plan):
        return found["parameters"], found["macs"]
    from bakeoff.models.description import describe

    described = describe(specification.architecture, image_shape(attempt.data.card))
    return described.parameters, described.macs


def _provenance(attempt: Attempt) -> Provenance:
    commit, lease = _git("rev-parse", "HEAD"), attempt.place.lease
    return Provenance(
        device=device_name(attempt.device),
        threads=attempt.place.threads,
        **software(),
        optimizer_steps=way_of_steps(attempt.specification.optimizer),
        bakeoff=bakeoff.__version__,
        git_commit=commit,
        git_dirty=bool(_git("status", "--porcelain", "--untracked-files=no")) if commit else None,
        started=attempt.started.isoformat(timespec="seconds"),
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        device_wanted=attempt.place.device,
        gpu=lease.device if lease else None,
        gpu_slot=lease.slot if lease else None,
        gpu_used=gpu_uuid(attempt.device),
        node=os.environ.get("SLURMD_NODENAME") or platform.node(),
        plugins=attempt.specification.plugins,
    )


@cache
def software() -> dict[str, str]:
    """What a run is trained with. To find it out takes 6 ms: once, before forks."""
    return {
        "platform": platform.platform(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": version("torchvision"),  # which need not be imported
        "timm": version("timm"),
        "numpy": np.__version__,
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
    specification, row = attempt.specification, progress.history[-1]
    metric, lease = specification.metric.name, attempt.place.lease
    content = {
        "epoch": progress.epoch,
        "epochs": specification.epochs,
        "metric": metric,
        "value": row[f"validation_{metric}"],
        "seconds": progress.seconds,
        "images_per_second": len(attempt.data.splits["train"][1]) / row["seconds"],
        "device": device_name(attempt.device),
        "gpu": lease.device if lease else None,
        "node": os.environ.get("SLURMD_NODENAME"),
        "spent": asdict(progress.spent + attempt.spent()),
    }
    update(attempt.paths, content)
