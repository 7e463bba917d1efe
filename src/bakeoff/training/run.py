"""One run, from its specification to its four files."""

import json
import time
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import torch

from bakeoff.data.prepare import prepare_if_needed
from bakeoff.data.prepared import PreparedData, load_prepared
from bakeoff.errors import BakeoffError, first_line
from bakeoff.files import explain, is_explained, remove_leftovers, write_json
from bakeoff.jobs.handover import finish
from bakeoff.jobs.leases import Lease
from bakeoff.jobs.progress import write_failure
from bakeoff.study import plugins
from bakeoff.study.entries import Recipe
from bakeoff.study.matrix import Run
from bakeoff.study.metrics import Task
from bakeoff.study.paths import Layout
from bakeoff.study.specification import specification_hash, specify_dataset
from bakeoff.study.study import Study, parent
from bakeoff.training.assembly import Assembly, assemble
from bakeoff.training.attempt import Attempt
from bakeoff.training.checkpoints import on_the_way_to
from bakeoff.training.costs import Spent, metered
from bakeoff.training.devices import choose_device, device_name, free_memory, is_out_of_memory, make_deterministic
from bakeoff.training.evaluation import Outcome, final_evaluation, of_epochs
from bakeoff.training.interruption import signals_ask_to_stop
from bakeoff.training.loop import Plan, Progress, train
from bakeoff.training.losses import build_losses
from bakeoff.training.micro_batches import halved, least_part
from bakeoff.training.optimizers import leave_compiler_unloaded
from bakeoff.training.outputs import write_files, write_progress
from bakeoff.training.scoring import Scoring

SECONDS_BETWEEN_CHECKPOINTS = 10.0


@dataclass(frozen=True)
class Halving:
    """How many images are in one forward pass, where a whole batch did not fit, and what was used to find out."""

    micro_batch: int | None = None
    spent: Spent = field(default_factory=Spent)


def train_run(
    study: Study,
    run: Run,
    layout: Layout,
    threads: int = 1,
    checkpoint_seconds: float = SECONDS_BETWEEN_CHECKPOINTS,
    lease: Lease | None = None,
) -> None:
    """Train a run to the end and write its four outputs, unless they are there; raises what `train_locked` does."""
    finish(study, run, layout, lambda: train_locked(study, run, layout, threads, checkpoint_seconds, lease))


def compute_features(study: Study, run: Run, layout: Layout, threads: int = 1) -> None:
    """Write the features that a run trains on, unless they are there."""
    device = choose_device(study.device)
    make_deterministic(device, threads)
    data = _load_data(study, run.dataset, threads)
    print(f"features for {run.experiment.key} on {device_name(device)}, {threads} threads", flush=True)
    leave_compiler_unloaded()
    assemble(study, run, layout, data, device)


def train_locked(
    study: Study, run: Run, layout: Layout, threads: int, checkpoint_seconds: float, lease: Lease | None
) -> None:
    """Train a run whose lock this process holds, and write its files into the state folder; go on from a checkpoint of
    an earlier attempt.

    SIGTERM, SIGUSR1 and SIGINT end it with a checkpoint after the step: it raises Stopped.
    Raises BakeoffError when something that the run needs is missing. `lease` is the GPU that the process holds.
    """
    started, paths = datetime.now(UTC), layout.run(run)
    try:
        device = choose_device(study.device)
        make_deterministic(device, threads)
        data = _load_data(study, run.dataset, threads)
        print(f"{run.key} on {device_name(device)}, {threads} threads", flush=True)
        if lease and device.type == "cpu":
            print(f"warning: GPU {lease.device} is there, but PyTorch cannot use it: see bakeoff doctor", flush=True)
        with signals_ask_to_stop() as stop, metered(device, lease, study.measure_energy) as spent:
            attempt = Attempt(
                study, run, layout, data, device, lease, threads, checkpoint_seconds, started, stop, spent
            )
            _train_until_it_fits(attempt)
    except Exception as error:  # not an interrupt: that is no failure, the next attempt goes on
        write_failure(paths, _reason(error))
        raise


def _reason(error: Exception) -> str:
    """Why an attempt failed, in a line."""
    if isinstance(error, BakeoffError):
        return first_line(error)
    if isinstance(error, OSError) and is_explained(error):
        return explain(error)
    return plugins.reason(error)


def _load_data(study: Study, dataset: str, threads: int) -> PreparedData:
    """The prepared arrays; damaged ones are made again."""
    specification = specify_dataset(study, dataset)
    prepare_if_needed(specification, threads)
    return load_prepared(specification.folder)


def _train_until_it_fits(attempt: Attempt) -> None:
    """Train and write the files. Where memory runs out and the recipe wants it, from the start with half of the images
    in a forward pass: what comes out does not depend on when memory ran out."""
    remove_leftovers(_checkpoint(attempt), *attempt.paths.finished.files)
    status, message = _state_of_parent(attempt.study, attempt.run, attempt.layout)
    if status != "completed":
        print(message, flush=True)
        write_files(attempt, Progress(status=status, message=message), _nothing(attempt), None)
        return
    if not attempt.recipe.compile:
        leave_compiler_unloaded()
    halving = _read_halving(attempt)
    progress, micro_batch = Progress(spent=halving.spent), halving.micro_batch
    while (smaller := _train_and_evaluate(attempt, progress, micro_batch)) is not None:
        print(f"{progress.message}; from the start in parts of {smaller}", flush=True)
        _write_halving(attempt, Halving(smaller, progress.spent + attempt.spent()))
        progress, micro_batch = Progress(spent=progress.spent), smaller
        if attempt.recipe.compile:
            torch.compiler.reset()  # it may hold the network
        free_memory(attempt.device)


def _train_and_evaluate(attempt: Attempt, progress: Progress, micro_batch: int | None) -> int | None:
    """Bring `progress` to the end of the run, evaluate and write the files. Divergence and a full memory end it with
    that status. How many images to try at a time instead, where memory ran out and fewer may fit.

    Raises BakeoffError where memory is full before training could go on from a checkpoint.
    """
    study, run, data, recipe = attempt.study, attempt.run, attempt.data, attempt.recipe

    def after_epoch() -> None:
        write_progress(attempt, progress)
        print(_epoch_line(progress, recipe, study.metric), flush=True)

    assembly, trained = None, False
    try:
        with on_the_way_to(_checkpoint(attempt)):
            assembly = assemble(study, run, attempt.layout, data, attempt.device)
        plan = Plan(
            recipe,
            study.optimizers[run.optimizer],
            study.leading_metric,
            build_losses(recipe, data.card["task"], torch.as_tensor(data.splits["train"][1])),
            _scoring(study, data.card["task"]),
            recipe.freeze if assembly.path is None else None,
            run.seed,
            _checkpoint(attempt),
            attempt.checkpoint_seconds,
            attempt.stop,
            attempt.spent,
            micro_batch,
            attempt.place,
        )
        train(assembly.trained, assembly.splits, plan, attempt.device, progress, after_epoch)
        trained = True
        outcome = final_evaluation(
            assembly.trained, assembly.splits, plan, progress, study.metrics, data.card["classes"]
        )
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
        outcome = replace(_nothing(attempt), metrics=of_epochs(progress))
    write_files(attempt, progress, outcome, micro_batch)
    return None


def _smaller(recipe: Recipe, assembly: Assembly | None, micro_batch: int | None) -> int | None:
    """Half of the images of a forward pass, where the recipe wants that and training can do with so few."""
    if recipe.on_out_of_memory != "halve_batch" or assembly is None:
        return None
    return halved(micro_batch or recipe.batch_size, least_part(assembly.trained))


def _checkpoint(attempt: Attempt) -> Path:
    return attempt.paths.checkpoint(specification_hash(attempt.study, attempt.run))


def _halving_file(attempt: Attempt) -> Path:
    return _checkpoint(attempt).with_name("halving.json")


def _read_halving(attempt: Attempt) -> Halving:
    """What earlier attempts found out about the memory."""
    try:
        content = json.loads(_halving_file(attempt).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Halving()
    return Halving(content["micro_batch"], Spent(**content["spent"]))


def _write_halving(attempt: Attempt, halving: Halving) -> None:
    """The checkpoint goes first: an attempt after a kill between the two begins as if memory had not run out."""
    _checkpoint(attempt).unlink(missing_ok=True)
    write_json(_halving_file(attempt), asdict(halving))


def _nothing(attempt: Attempt) -> Outcome:
    classes = len(attempt.data.card["classes"])
    return Outcome({}, torch.empty(0, classes), torch.empty(0, dtype=torch.int64))


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


def _epoch_line(state: Progress, recipe: Recipe, metric: str) -> str:
    row = state.history[-1]
    best = " *" if state.best_epoch == state.epoch else ""
    return (
        f"{time.strftime('%H:%M:%S')} epoch {state.epoch}/{recipe.epochs}"
        f"  train loss {row['train_loss']:.4f}  validation loss {row['validation_loss']:.4f}"
        f"  validation {metric} {row[f'validation_{metric}']:.4f}"
        f"  learning rate {row['learning_rate']:.3g}  {row['seconds']:.2f} s{best}"
    )
