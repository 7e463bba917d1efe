"""One run, from its specification to its four files."""

import json
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

import torch

from bakeoff.data.prepare import prepare_if_needed
from bakeoff.data.prepared import PreparedData, load_prepared
from bakeoff.errors import BakeoffError, first_line
from bakeoff.files import explain, is_explained, remove_leftovers, write_json
from bakeoff.jobs.handover import finish
from bakeoff.jobs.progress import write_failure
from bakeoff.results.result import Metrics, Status, read_result
from bakeoff.study import plugins
from bakeoff.study.entries import Recipe
from bakeoff.study.metrics import Task
from bakeoff.study.specification import DatasetSpecification, Specification
from bakeoff.training.assembly import Assembly, assemble
from bakeoff.training.attempt import Attempt, Place
from bakeoff.training.checkpoints import on_the_way_to
from bakeoff.training.costs import Spent, metered
from bakeoff.training.devices import choose_device, device_name, free_memory, is_out_of_memory, make_deterministic
from bakeoff.training.evaluation import Outcome, final_evaluation, scores_of_epochs
from bakeoff.training.interruption import signals_ask_to_stop
from bakeoff.training.losses import build_losses
from bakeoff.training.micro_batches import halved, least_part
from bakeoff.training.optimizers import leave_compiler_unloaded
from bakeoff.training.outputs import write_files, write_progress
from bakeoff.training.scoring import Scoring
from bakeoff.training.settings import Settings
from bakeoff.training.state import Progress
from bakeoff.training.trainer import Checkpoint, Trainer


@dataclass(frozen=True)
class Halving:
    """How many images are in one forward pass, where a whole batch did not fit, and what was used to find out."""

    micro_batch: int | None = None
    spent: Spent = field(default_factory=Spent)


def train_run(specification: Specification, place: Place) -> None:
    """Train a run to the end and write its four outputs, unless they are there; raises what `train_locked` does."""
    finish(specification, place.layout.run(specification.run), lambda: train_locked(specification, place))


def compute_features(specification: Specification, place: Place) -> None:
    """Write the features that a run trains on, unless they are there."""
    device = choose_device(place.device)
    make_deterministic(device, place.threads)
    data = _load_data(specification.dataset, place.threads)
    where = f"{device_name(device)}, {place.threads} threads"
    print(f"features for {specification.run.experiment.key} on {where}", flush=True)
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
        device = choose_device(place.device)
        make_deterministic(device, place.threads)
        data = _load_data(specification.dataset, place.threads)
        print(f"{specification.run.key} on {device_name(device)}, {place.threads} threads", flush=True)
        if place.lease and device.type == "cpu":
            print(
                f"warning: GPU {place.lease.device} is there, but PyTorch cannot use it: see bakeoff doctor", flush=True
            )
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
    return plugins.reason(error)


def _load_data(dataset: DatasetSpecification, threads: int) -> PreparedData:
    """The prepared arrays; damaged ones are made again."""
    prepare_if_needed(dataset, threads)
    return load_prepared(dataset.folder)


def _train_until_it_fits(attempt: Attempt) -> None:
    """Train and write the files.

    Where memory runs out and the recipe wants it, training starts anew with half of the images in a forward pass: what
    comes out does not depend on when memory ran out.
    """
    remove_leftovers(attempt.checkpoint, *attempt.paths.finished.files)
    status, message = _state_of_origin(attempt)
    if status != "completed":
        print(message, flush=True)
        write_files(attempt, Progress(status=status, message=message), _nothing(attempt), None)
        return
    compiles = attempt.specification.recipe.compile
    if not compiles:
        leave_compiler_unloaded()
    halving = _read_halving(attempt)
    progress, micro_batch = Progress(spent=halving.spent), halving.micro_batch
    while (smaller := _train_and_evaluate(attempt, progress, micro_batch)) is not None:
        print(f"{progress.message}; from the start in parts of {smaller}", flush=True)
        _write_halving(attempt, Halving(smaller, progress.spent + attempt.spent()))
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

    def after_epoch() -> None:
        write_progress(attempt, progress)
        print(_epoch_line(progress, recipe, metric), flush=True)

    assembly, trained = None, False
    try:
        with on_the_way_to(attempt.checkpoint):
            assembly = assemble(specification, attempt.place.layout, attempt.data, attempt.device)
        settings = _settings(attempt, assembly, micro_batch)
        checkpoint = Checkpoint(attempt.checkpoint, attempt.place.checkpoint_seconds, attempt.place_name)
        trainer = Trainer(
            assembly.trained,
            assembly.splits,
            settings,
            checkpoint,
            attempt.device,
            progress,
            attempt.stop,
            attempt.spent,
        )
        trainer.train(after_epoch)
        trained = True
        outcome = final_evaluation(trainer, specification.metrics, attempt.data.card["classes"])
        progress.best_weights = assembly.whole_weights(progress.best_weights)
        if micro_batch and progress.status == "completed":
            progress.message = f"memory did not hold {recipe.batch_size} images: trained in parts of {micro_batch}"
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        progress.status = "out_of_memory"
        during = "in the final evaluation" if trained else f"at epoch {progress.epoch + 1}"
        progress.message = f"{during if assembly else 'before the first epoch'}: {first_line(error)}"
        smaller = _smaller(recipe, assembly, micro_batch)
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
    return Settings(
        recipe=specification.recipe,
        optimizer=specification.optimizer,
        metric=specification.metric,
        losses=build_losses(specification.recipe, task, torch.as_tensor(attempt.data.splits["train"][1])),
        scoring=_scoring(specification, task),
        seed=specification.run.seed,
        freeze=specification.recipe.freeze if assembly.path is None else None,
        micro_batch=micro_batch,
    )


def _smaller(recipe: Recipe, assembly: Assembly | None, micro_batch: int | None) -> int | None:
    """Half of the images of a forward pass, where the recipe wants that and training can do with so few."""
    if recipe.on_out_of_memory != "halve_batch" or assembly is None:
        return None
    return halved(micro_batch or recipe.batch_size, least_part(assembly.trained))


def _read_halving(attempt: Attempt) -> Halving:
    """What earlier attempts found out about the memory."""
    try:
        content = json.loads(attempt.halving.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Halving()
    return Halving(content["micro_batch"], Spent(**content["spent"]))


def _write_halving(attempt: Attempt, halving: Halving) -> None:
    """The checkpoint goes first: an attempt after a kill between the two begins as if memory had not run out."""
    attempt.checkpoint.unlink(missing_ok=True)
    write_json(attempt.halving, asdict(halving))


def _nothing(attempt: Attempt, metrics: Metrics | None = None) -> Outcome:
    """No predictions, and the metrics of what epochs there were."""
    classes = len(attempt.data.card["classes"])
    return Outcome(metrics or Metrics(), torch.empty(0, classes), torch.empty(0, dtype=torch.int64))


def _state_of_origin(attempt: Attempt) -> tuple[Status, str]:
    """`completed`, or the status and message of a run that has no weights to start from."""
    run, origin = attempt.specification.run, attempt.specification.origin
    if origin is None:
        return "completed", ""
    path = attempt.place.layout.run(origin).result
    result = read_result(path)
    if result is None:
        raise BakeoffError(f"{run.key} starts from {origin.key}, which has not been trained: {path} is missing")
    if result.metrics.best_epoch is not None:
        return "completed", ""
    return result.status, f"starts from {origin.key}, which has no weights to start from: {result.message}"


def _scoring(specification: Specification, task: Task) -> Scoring:
    plugin = plugins.REGISTRIES["metric"]
    own = {name: plugin[name].build for name in plugin if task in specification.metrics[name].tasks}
    return Scoring(task, specification.beta, own)


def _epoch_line(state: Progress, recipe: Recipe, metric: str) -> str:
    row = state.history[-1]
    best = " *" if state.best_epoch == state.epoch else ""
    return (
        f"{time.strftime('%H:%M:%S')} epoch {state.epoch}/{recipe.epochs}"
        f"  train loss {row['train_loss']:.4f}  validation loss {row['validation_loss']:.4f}"
        f"  validation {metric} {row[f'validation_{metric}']:.4f}"
        f"  learning rate {row['learning_rate']:.3g}  {row['seconds']:.2f} s{best}"
    )
