"""One run, from its specification to its four files."""

import json
import math
import time
from dataclasses import asdict
from datetime import UTC, datetime

import torch

from bakeoff.data.content import content_name
from bakeoff.data.prepare import prepare_if_needed
from bakeoff.data.prepared import PreparedData, load_prepared
from bakeoff.errors import BakeoffError, Stopped, first_line
from bakeoff.files import explain, is_explained, remove_leftovers, write_json
from bakeoff.jobs.progress import append_epoch, read_progress, write_failure
from bakeoff.models.compiler import leave_compiler_unloaded
from bakeoff.results.result import Metrics, read_result
from bakeoff.study import plugin_files
from bakeoff.study.specification import Specification
from bakeoff.training.assembly import Assembly, assemble
from bakeoff.training.attempt import Attempt, Place, signals_ask_to_stop
from bakeoff.training.checkpoints import on_the_way_to
from bakeoff.training.costs import Spent, metered
from bakeoff.training.devices import choose_device, device_name, free_memory, is_out_of_memory, make_deterministic
from bakeoff.training.evaluation import Outcome, final_evaluation, scores_of_epochs
from bakeoff.training.losses import build_losses
from bakeoff.training.micro_batches import halved, least_part
from bakeoff.training.outputs import write_files, write_progress
from bakeoff.training.scoring import Scoring
from bakeoff.training.state import Progress, Settings
from bakeoff.training.trainer import Checkpoint, Trainer

SECONDS_BETWEEN_REPORTS = 0.1  # a report takes 2 ms, which of epochs of 20 ms is a tenth


def compute_features_of(specification: Specification, place: Place) -> None:
    """Write the features that a run trains on, unless they are there."""
    device, data = _get_ready(specification, place, f"features for {specification.run.experiment.key}")
    leave_compiler_unloaded()
    assemble(specification, place.layout, data, device)


def train_locked(specification: Specification, place: Place) -> None:
    """Train a run whose lock this process holds, and write its files into the state folder. Training goes on from the
    checkpoint of an earlier attempt.

    SIGTERM, SIGUSR1 and SIGINT end it with a checkpoint after the step: it raises Stopped.
    Raises BakeoffError when something that the run needs is missing.
    """
    started = datetime.now(UTC)
    try:
        device, data = _get_ready(specification, place, specification.run.key)
        if place.lease and device.type == "cpu":
            gpu = place.lease.device
            print(f"warning: GPU {gpu} is there, but PyTorch cannot use it: see bakeoff doctor", flush=True)
        with signals_ask_to_stop() as stop, metered(device, place.lease, place.measure_energy) as spent:
            _train_until_it_fits(Attempt(specification, place, data, device, started, stop, spent))
    except Exception as error:  # not an interrupt: that is no failure, the next attempt goes on
        write_failure(place.layout.run(specification.run), _reason(error))
        raise


def _reason(error: Exception) -> str:
    """Why an attempt failed, in a line."""
    if isinstance(error, BakeoffError):
        return first_line(error)
    if isinstance(error, OSError) and is_explained(error):
        return explain(error)
    return plugin_files.reason(error)


def _get_ready(specification: Specification, place: Place, what: str) -> tuple[torch.device, PreparedData]:
    """The device, made deterministic, and the prepared arrays; damaged ones are made again."""
    device = choose_device(place.device)
    make_deterministic(device, place.threads)
    prepare_if_needed(specification.dataset, place.threads)
    data = load_prepared(specification.dataset.folder)
    print(f"{what} on {device_name(device)}, {place.threads} threads", flush=True)
    return device, data


def _train_until_it_fits(attempt: Attempt) -> None:
    """Train and write the files.

    Where memory runs out and the recipe wants it, training starts anew with half of the images in a forward pass: what
    comes out does not depend on when memory ran out.
    """
    remove_leftovers(attempt.checkpoint, *attempt.paths.finished.files)
    if without_weights := _end_without_weights(attempt):
        print(without_weights.message, flush=True)
        write_files(attempt, without_weights, _nothing(attempt, Metrics()), None)
        return
    compiles = attempt.specification.recipe.compile
    if not compiles:
        leave_compiler_unloaded()
    progress, micro_batch = _begin(attempt)
    while smaller := _train_and_evaluate(attempt, progress, micro_batch):
        print(f"{progress.message}; from the start in parts of {smaller}", flush=True)
        # The checkpoint goes first: an attempt after a kill between the two begins as if memory had not run out.
        attempt.checkpoint.unlink(missing_ok=True)
        spent = asdict(progress.spent + attempt.spent())
        write_json(attempt.halving, {"micro_batch": smaller, "spent": spent})
        progress, micro_batch = Progress(spent=progress.spent), smaller
        if compiles:
            torch.compiler.reset()  # it may hold the network
        free_memory(attempt.device)


def _train_and_evaluate(attempt: Attempt, progress: Progress, micro_batch: int | None) -> int | None:
    """Bring `progress` to the end of the run, evaluate and write the files. Divergence and a full memory end it with
    that status.

    Returns how many images to try at a time instead, where memory ran out and fewer may fit.
    Raises BakeoffError where memory is full before training could go on from a checkpoint.
    """
    specification = attempt.specification
    recipe, metric = specification.recipe, specification.metric.name
    reported = -math.inf

    def after_epoch() -> None:
        nonlocal reported
        append_epoch(attempt.paths, progress.history[-1])
        if trainer.finished or time.monotonic() - reported >= SECONDS_BETWEEN_REPORTS:
            write_progress(attempt, progress)
            reported = time.monotonic()
        print(_epoch_line(progress, specification.epochs, metric), flush=True)

    assembly, trained = None, False
    try:
        with on_the_way_to(attempt.checkpoint):
            assembly = assemble(specification, attempt.place.layout, attempt.data, attempt.device)
        settings = _settings(attempt, assembly, micro_batch)
        trained_on = f"{device_name(attempt.device)}, {attempt.place.threads} threads"
        data = content_name(attempt.data.card)
        checkpoint = Checkpoint(attempt.checkpoint, attempt.place.checkpoint_seconds, trained_on, data)
        network, splits = assembly.trained, assembly.splits
        trainer = Trainer(network, splits, settings, checkpoint, attempt.device, progress, attempt.stop, attempt.spent)
        trainer.train(after_epoch)
        trained = True
        outcome = final_evaluation(trainer, specification.metrics, attempt.data.card["classes"])
        progress.best_weights = assembly.whole_weights(progress.best_weights)
        if micro_batch and progress.status == "completed":
            progress.message = f"memory did not hold {recipe.batch_size} images: trained in parts of {micro_batch}"
    except Stopped:
        if progress.history:
            write_progress(attempt, progress)
        raise
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        progress.status = "out_of_memory"
        during = "in the final evaluation" if trained else f"at epoch {progress.epoch + 1}"
        progress.message = f"{during if assembly else 'before the first epoch'}: {first_line(error)}"
        if recipe.on_out_of_memory == "halve_batch" and assembly is not None:
            smaller = halved(micro_batch or recipe.batch_size, least_part(assembly.trained))
            if smaller is not None:
                return smaller
        print(progress.message, flush=True)
        if assembly is not None and progress.best_weights:
            progress.best_weights = assembly.whole_weights(progress.best_weights)
        outcome = _nothing(attempt, scores_of_epochs(progress))
    write_files(attempt, progress, outcome, micro_batch)
    return None


def _settings(attempt: Attempt, assembly: Assembly, micro_batch: int | None) -> Settings:
    specification, task = attempt.specification, attempt.data.card["task"]
    labels = torch.as_tensor(attempt.data.splits["train"][1])
    own = {name: plugin.build for name, plugin in plugin_files.metrics_of(task, specification.metrics).items()}
    return Settings(
        recipe=specification.recipe,
        optimizer=specification.optimizer,
        metric=specification.metric,
        losses=build_losses(specification.recipe, task, labels, attempt.data.card["classes"]),
        scoring=Scoring(task, specification.beta, own),
        seed=specification.run.seed,
        freeze=specification.recipe.freeze if assembly.path is None else None,
        micro_batch=micro_batch,
        until=specification.until,
    )


def _begin(attempt: Attempt) -> tuple[Progress, int | None]:
    """With what earlier attempts used to find out how many images memory holds in one forward pass (None: a batch), and
    with what the last one had used when it was killed."""
    spent = Spent(**read_progress(attempt.paths).get("spent", {}))
    try:
        known = json.loads(attempt.halving.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Progress(spent=spent), None
    return Progress(spent=Spent(**known["spent"]).at_least(spent)), known["micro_batch"]


def _nothing(attempt: Attempt, metrics: Metrics) -> Outcome:
    """No predictions, and the metrics of what epochs there were."""
    classes = len(attempt.data.card["classes"])
    return Outcome(metrics, torch.empty(0, classes), torch.empty(0, dtype=torch.int64))


def _end_without_weights(attempt: Attempt) -> Progress | None:
    """How a run ends whose origin left no weights to start from; None where there are some, or none are needed."""
    run, origin = attempt.specification.run, attempt.specification.origin
    if origin is None:
        return None
    path = attempt.place.layout.run(origin).result
    result = read_result(path)
    if result is None:
        raise BakeoffError(f"{run.key} starts from {origin.key}, which has not been trained: {path} is missing")
    if result.metrics.best_epoch is not None:
        return None
    message = f"starts from {origin.key}, which has no weights to start from: {result.message}"
    return Progress(status=result.status, message=message)


def _epoch_line(progress: Progress, epochs: int, metric: str) -> str:
    row = progress.history[-1]
    best = " *" if progress.best_epoch == progress.epoch else ""
    return (
        f"{time.strftime('%H:%M:%S')} epoch {progress.epoch}/{epochs}"
        f"  train loss {row['train_loss']:.4f}  validation loss {row['validation_loss']:.4f}"
        f"  validation {metric} {row[f'validation_{metric}']:.4f}"
        f"  learning rate {row['learning_rate']:.3g}  {row['seconds']:.2f} s{best}"
    )
