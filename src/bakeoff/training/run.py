"""One run, from its specification to its four files."""

import csv
import json
import math
import os
import platform
import subprocess
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import filelock
import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn

import bakeoff
from bakeoff import plugins
from bakeoff.data.batches import Batches
from bakeoff.data.feature_batches import FeatureBatches
from bakeoff.data.prepare import Card, PreparedData, load_prepared, prepare_if_needed
from bakeoff.errors import BakeoffError
from bakeoff.files import write_atomically, write_json
from bakeoff.layout import Layout, RunPaths, data_folder
from bakeoff.metrics import Metric, Task
from bakeoff.models.registry import images_of
from bakeoff.specification import specification, specification_hash
from bakeoff.study import Recipe, Run, Study, parent
from bakeoff.training.assembly import assemble
from bakeoff.training.checkpoints import remove_state
from bakeoff.training.devices import (
    choose_device,
    device_name,
    is_out_of_memory,
    make_deterministic,
    peak_memory_bytes,
)
from bakeoff.training.interruption import signals_ask_to_stop
from bakeoff.training.loop import Plan, Progress, Splits, Weights, evaluate, predict, score, train, weights_of
from bakeoff.training.losses import build_losses
from bakeoff.training.metrics import Metrics, Scoring, average_precision, choose_thresholds, is_better, tuned_metrics
from bakeoff.training.optimizers import leave_compiler_unloaded

SECONDS_BETWEEN_CHECKPOINTS = 10.0


@dataclass(frozen=True)
class Outcome:
    """What the final evaluation gives: metrics per split, and the test split's logits [N, classes] and labels."""

    metrics: dict[str, Any]
    logits: Tensor
    labels: Tensor


def train_run(
    study: Study,
    run: Run,
    layout: Layout,
    threads: int = 1,
    checkpoint_seconds: float = SECONDS_BETWEEN_CHECKPOINTS,
) -> None:
    """Train a run to the end and write its files, going on from a checkpoint of an earlier attempt.

    Waits for another process that has the run: an orphan of a killed Snakemake. What that one finishes is taken.
    SIGTERM, SIGUSR1 and SIGINT end it with a checkpoint after the step: it raises Stopped.
    Raises BakeoffError when something that the run needs is missing.
    """
    paths = layout.run(run)
    paths.state.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(paths.lock)
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout:
        print(f"{run.key}: waiting for {_holder(paths)}, which trains this run already", flush=True)
        lock.acquire()
    try:
        if _is_finished(study, run, paths):
            print(f"{run.key} is finished already", flush=True)
        else:
            _train_locked(study, run, layout, paths, threads, checkpoint_seconds)
        remove_state(paths.state, keep=paths.lock)
    finally:
        lock.release()


def _holder(paths: RunPaths) -> str:
    """The process that said last that it trains a run."""
    try:
        return f"process {json.loads(paths.progress.read_text(encoding='utf-8'))['process']}"
    except (OSError, ValueError, KeyError):
        return "another process"


def compute_features(study: Study, run: Run, layout: Layout, threads: int = 1) -> None:
    """Write the features that a run trains on, unless they are there."""
    device = choose_device(study.device)
    make_deterministic(device, threads)
    data = _load_data(study, run.dataset, threads)
    print(f"features for {run.experiment.key} on {device_name(device)}, {threads} threads", flush=True)
    leave_compiler_unloaded()
    assemble(study, run, layout, data, device)


def _is_finished(study: Study, run: Run, paths: RunPaths) -> bool:
    """Whether an orphan of an earlier attempt has written this very run while we waited for its lock."""
    if not all(path.exists() for path in (paths.result, paths.history, paths.predictions, paths.model)):
        return False
    return json.loads(paths.result.read_text(encoding="utf-8"))["spec"] == specification(study, run)


def _train_locked(
    study: Study, run: Run, layout: Layout, paths: RunPaths, threads: int, checkpoint_seconds: float
) -> None:
    started = datetime.now(UTC)
    progress = Progress()
    try:
        device = choose_device(study.device)
        make_deterministic(device, threads)
        data = _load_data(study, run.dataset, threads)
        print(f"{run.key} on {device_name(device)}, {threads} threads", flush=True)
        with signals_ask_to_stop() as stop:
            outcome = _train_and_evaluate(study, run, layout, data, device, checkpoint_seconds, progress, stop)
            _write_files(study, run, layout, data, progress, outcome, device, threads, started)
    except Exception as error:  # not an interrupt: that is no failure, the next attempt goes on
        traceback.print_exc()
        reason = str(error).strip().splitlines()
        _write_progress(paths, study, run, progress, reason[0] if reason else type(error).__name__)
        raise


def _load_data(study: Study, dataset: str, threads: int) -> PreparedData:
    """The prepared arrays; damaged ones are made again."""
    folder = data_folder(study, dataset)
    prepare_if_needed(study, dataset, folder, threads)
    return load_prepared(folder)


def _train_and_evaluate(
    study: Study,
    run: Run,
    layout: Layout,
    data: PreparedData,
    device: torch.device,
    checkpoint_seconds: float,
    progress: Progress,
    stop: Callable[[], bool],
) -> Outcome:
    """Bring `progress` to the end of the run and evaluate. Divergence and a full memory end it with that status."""
    recipe, paths = study.recipes[run.recipe], layout.run(run)
    nothing = Outcome({}, torch.empty(0, len(data.card["classes"])), torch.empty(0, dtype=torch.int64))

    def after_epoch() -> None:
        _write_progress(paths, study, run, progress, None)
        print(_epoch_line(progress, recipe, study.metric), flush=True)

    progress.status, progress.message = _state_of_parent(study, run, layout)
    if progress.status != "completed":
        print(progress.message, flush=True)
        return nothing

    if not recipe.compile:
        leave_compiler_unloaded()
    assembly = None
    try:
        assembly = assemble(study, run, layout, data, device)
        plan = Plan(
            recipe,
            study.optimizers[run.optimizer],
            study.leading_metric,
            build_losses(recipe, data.card["task"], torch.as_tensor(data.splits["train"][1])),
            _scoring(study, data.card["task"]),
            recipe.freeze if assembly.path is None else None,
            run.seed,
            paths.checkpoint(specification_hash(study, run)),
            checkpoint_seconds,
            stop,
        )
        train(assembly.trained, assembly.splits, plan, device, progress, after_epoch)
        outcome = _final_evaluation(
            assembly.trained, assembly.splits, plan, progress, study.metrics, data.card["classes"]
        )
        progress.best_weights = assembly.whole_weights(progress.best_weights)
        return outcome
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        progress.status, progress.message = (
            "out_of_memory",
            f"at epoch {progress.epoch + 1}: {str(error).splitlines()[0]}",
        )
        print(progress.message, flush=True)
        if assembly is not None and progress.best_weights:
            progress.best_weights = assembly.whole_weights(progress.best_weights)
        return Outcome(_of_epochs(progress), nothing.logits, nothing.labels)


def _state_of_parent(study: Study, run: Run, layout: Layout) -> tuple[str, str]:
    """`completed`, or the status and message of a run whose parent has no weights to start from."""
    origin = parent(study, run)
    if origin is None:
        return "completed", ""
    path = layout.run(origin).result
    if not path.exists():
        raise BakeoffError(f"{run.key} starts from {origin.key}, which has not been trained: {path} is missing")
    result = json.loads(path.read_text(encoding="utf-8"))
    if result["metrics"]["best_epoch"] is not None:
        return "completed", ""
    return result["status"], f"starts from {origin.key}, which has no weights to start from: {result['message']}"


def _scoring(study: Study, task: Task) -> Scoring:
    own = {name: plugin.build for name, plugin in plugins.METRICS.items() if task in study.metrics[name].tasks}
    return Scoring(task, study.beta, own)


def _final_evaluation(
    network: nn.Module,
    splits: Splits,
    plan: Plan,
    progress: Progress,
    records: dict[str, Metric],
    classes: list[str],
) -> Outcome:
    """The test split for the last epoch and for the chosen one; leaves the chosen weights in the network."""
    metrics: dict[str, Any] = _of_epochs(progress) | {"test_last": evaluate(network, splits.test, plan)}
    if progress.best_epoch is not None:
        network.load_state_dict(progress.best_weights)
    else:
        progress.best_weights = weights_of(network)
    logits, labels = predict(network, splits.test, plan.recipe)
    if progress.best_epoch is not None:
        metrics |= {"test": score(logits, labels, plan)}
        if plan.scoring.task == "multi-label":
            metrics |= _with_thresholds(network, splits.validation, plan, metrics, logits, labels, classes)
    if progress.status == "completed" and not all(
        math.isfinite(metrics[name]["loss"]) for name in ("test", "test_last")
    ):
        progress.status, progress.message = "diverged", "the loss on the test split was not finite"
    if plan.recipe.track_test:
        metrics["test_max"] = _best_over_epochs([_split_of(row, "test") for row in progress.history], records)
    return Outcome(metrics, logits.cpu(), labels.cpu())


def _with_thresholds(
    network: nn.Module,
    validation: Batches | FeatureBatches,
    plan: Plan,
    metrics: dict[str, Any],
    logits: Tensor,
    labels: Tensor,
    classes: list[str],
) -> dict[str, Any]:
    """Multi-label: F-beta of validation and test at the thresholds that validation chooses, and AP per label."""
    beta = plan.scoring.beta
    chosen_on = predict(network, validation, plan.recipe)
    thresholds = choose_thresholds(*chosen_on, beta)
    precisions = average_precision(logits, labels).tolist()
    return {
        "validation": metrics["validation"] | tuned_metrics(*chosen_on, beta, thresholds),
        "test": metrics["test"] | tuned_metrics(logits, labels, beta, thresholds),
        "thresholds": {
            "global": thresholds.for_all,
            "labels": dict(zip(classes, thresholds.per_label, strict=True)),
        },
        "test_average_precision": dict(zip(classes, precisions, strict=True)),
    }


def _of_epochs(progress: Progress) -> dict[str, Any]:
    """The metrics of training and validation at the chosen epoch, where there is one, and at the last."""
    found: dict[str, Any] = {}
    for split in ("train", "validation"):
        if progress.best_epoch is not None:
            found[split] = _split_of(progress.history[progress.best_epoch - 1], split)
        if progress.history:
            found[f"{split}_last"] = _split_of(progress.history[-1], split)
    return found


def _split_of(row: dict[str, float], split: str) -> Metrics:
    prefix = f"{split}_"
    return {name.removeprefix(prefix): value for name, value in row.items() if name.startswith(prefix)}


def _best_over_epochs(rows: list[Metrics], records: dict[str, Metric]) -> Metrics:
    best = dict(rows[0])
    for row in rows[1:]:
        better = {
            name
            for name in row
            if math.isnan(best[name]) or is_better(row[name], best[name], records[name].higher_is_better)
        }
        best |= {name: row[name] for name in better}
    return best


def _write_files(
    study: Study,
    run: Run,
    layout: Layout,
    data: PreparedData,
    progress: Progress,
    outcome: Outcome,
    device: torch.device,
    threads: int,
    started: datetime,
) -> None:
    """result.json comes last: where it stands, the run is whole."""
    paths = layout.run(run)
    _write_history(paths.history, progress)
    with write_atomically(paths.predictions) as temporary, temporary.open("wb") as file:
        np.savez(file, logits=outcome.logits.numpy(), labels=outcome.labels.numpy())
    with write_atomically(paths.model) as temporary:
        safetensors.torch.save_file(_contiguous(progress.best_weights), temporary)
    result = {
        "run": vars(run),
        "spec": specification(study, run),
        "status": progress.status,
        "message": progress.message,
        "metrics": {"best_epoch": progress.best_epoch, "epochs": progress.epoch} | outcome.metrics,
        "cost": _cost(study, run, layout, data, progress, device),
        "provenance": _provenance(device, threads, started) | {"plugins": study.plugin_checksums},
    }
    write_json(paths.result, result)
    print(f"{progress.status}: {paths.result}", flush=True)


def _contiguous(weights: Weights) -> Weights:
    return {name: value.cpu().contiguous() for name, value in weights.items()}


def _write_history(path: Path, progress: Progress) -> None:
    columns = list(progress.history[0]) if progress.history else ["epoch", "learning_rate", "seconds"]
    with write_atomically(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(progress.history)


def _cost(
    study: Study, run: Run, layout: Layout, data: PreparedData, progress: Progress, device: torch.device
) -> dict[str, Any]:
    seen = len(data.splits["train"][1]) * len(progress.history)
    return _size(study, run, layout, data.card) | {
        "training_seconds": progress.seconds,
        "seconds_per_epoch": progress.seconds / len(progress.history) if progress.history else None,
        "images_per_second": seen / progress.seconds if progress.seconds else None,
        "peak_memory_bytes": peak_memory_bytes(device),
    }


def _size(study: Study, run: Run, layout: Layout, card: Card) -> dict[str, int]:
    """Parameters and MACs: as the plan step counted them, or counted now (which costs a second of imports)."""
    plan = layout.plan(study, run.experiment)
    if plan.exists():
        found = json.loads(plan.read_text(encoding="utf-8"))
    else:
        from bakeoff.models.description import describe

        found = describe(study.architectures[run.architecture], images_of(card)).as_dict()
    return {"parameters": found["parameters"], "macs": found["macs"]}


def _provenance(device: torch.device, threads: int, started: datetime) -> dict[str, Any]:
    commit = _git("rev-parse", "HEAD")
    return {
        "bakeoff": bakeoff.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "platform": platform.platform(),
        "device": device_name(device),
        "gpu": os.environ.get("CUDA_VISIBLE_DEVICES") or None,
        "node": os.environ.get("SLURMD_NODENAME") or platform.node(),
        "threads": threads,
        "git_commit": commit,
        "git_dirty": bool(_git("status", "--porcelain", "--untracked-files=no")) if commit else None,
        "started": started.isoformat(timespec="seconds"),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _git(*arguments: str) -> str | None:
    """What git says of the folder that the study runs in; None outside a repository or without git."""
    try:
        answer = subprocess.run(["git", *arguments], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


def _write_progress(paths: RunPaths, study: Study, run: Run, state: Progress, failed: str | None) -> None:
    """What `bakeoff status` shows of a run that is not finished."""
    row = state.history[-1] if state.history else {}
    content = {
        "epoch": state.epoch,
        "epochs": study.recipes[run.recipe].epochs,
        "metric": study.metric,
        "value": row.get(f"validation_{study.metric}"),
        "seconds": state.seconds,
        "updated": datetime.now(UTC).isoformat(timespec="seconds"),
        "process": os.getpid(),
        "failed": failed,
    }
    write_json(paths.progress, content, durable=False)


def _epoch_line(state: Progress, recipe: Recipe, metric: str) -> str:
    row = state.history[-1]
    best = " *" if state.best_epoch == state.epoch else ""
    return (
        f"{time.strftime('%H:%M:%S')} epoch {state.epoch}/{recipe.epochs}"
        f"  train loss {row['train_loss']:.4f}  validation loss {row['validation_loss']:.4f}"
        f"  validation {metric} {row[f'validation_{metric}']:.4f}"
        f"  learning rate {row['learning_rate']:.3g}  {row['seconds']:.2f} s{best}"
    )
