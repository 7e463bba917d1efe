"""The training loop: epochs, validation that chooses, checkpoints between epochs and within long ones."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bakeoff.data.batches import Batches
from bakeoff.data.feature_batches import FeatureBatches
from bakeoff.errors import Stopped
from bakeoff.models.freezing import Freeze, train_mode
from bakeoff.study.entries import Optimizer, Recipe
from bakeoff.study.metrics import IGNORED, Metric, Task
from bakeoff.training.checkpoints import DamagedCheckpoint, load_checkpoint, on_the_way_to, save_checkpoint
from bakeoff.training.costs import Spent
from bakeoff.training.devices import synchronize
from bakeoff.training.losses import Losses
from bakeoff.training.micro_batches import least_part, parts
from bakeoff.training.optimizers import (
    bare_step,
    build_optimizer,
    is_second_order,
    restore_state,
    seed_optimizer,
    state_of,
)
from bakeoff.training.randomness import generator, seed_global
from bakeoff.training.schedules import LearningRate
from bakeoff.training.scoring import Metrics, Scoring, is_better

SECONDS_WITHIN_AN_EPOCH = 300.0  # a checkpoint so often in epochs that last longer

Weights = dict[str, Tensor]
Row = dict[str, float]


@dataclass(frozen=True)
class Splits:
    """The batches of the three splits, on the device."""

    train: Batches | FeatureBatches
    validation: Batches | FeatureBatches
    test: Batches | FeatureBatches


def never() -> bool:
    """Nobody asks to stop."""
    return False


@dataclass(frozen=True)
class Plan:
    """What the loop is to do.

    `stop` is asked after each step, and before each batch of an evaluation, whether to leave. `spent` says what this
    attempt has used so far: checkpoints add it up. `micro_batch`: how many images are in one forward pass, where a
    batch is too many. `place` names the device and the threads, as `Attempt.place` does.
    """

    recipe: Recipe
    optimizer: Optimizer
    metric: Metric
    losses: Losses
    scoring: Scoring
    freeze: Freeze
    seed: int
    checkpoint: Path
    checkpoint_seconds: float
    stop: Callable[[], bool] = never
    spent: Callable[[], Spent] = Spent
    micro_batch: int | None = None
    place: str = ""


@dataclass
class EpochPart:
    """How far an epoch has come: the rest of its state is in network, optimizer and schedule.

    The order of the data and their augmentation need no state: they are drawn again from their names, and what was
    trained on is passed over.
    """

    learning_rate: float
    steps: int = 0
    seconds: float = 0.0
    logits: list[Tensor] = field(default_factory=list)
    labels: list[Tensor] = field(default_factory=list)
    dropout_states: list[Tensor] = field(default_factory=list)  # of torch's generators: CPU, then each GPU


@dataclass
class Progress:
    """All that an epoch changes besides network, optimizer and schedule. It is what a checkpoint holds."""

    epoch: int = 0
    history: list[Row] = field(default_factory=list)
    best_epoch: int | None = None
    best_value: float | None = None
    best_weights: Weights = field(default_factory=dict)
    seconds: float = 0.0
    status: str = "completed"
    message: str = ""
    spent: Spent = field(default_factory=Spent)  # by earlier attempts


def train(
    network: nn.Module,
    splits: Splits,
    plan: Plan,
    device: torch.device,
    progress: Progress,
    after_epoch: Callable[[], None] = lambda: None,
) -> None:
    """Train `network` in place until the recipe ends, from the last checkpoint when there is one.

    `progress`, new when it is given, is brought forward at the end of every epoch, and `after_epoch` called then.
    A loss that is not finite ends the training with status `diverged`. Raises Stopped, with a checkpoint written,
    soon after `plan.stop` says so. The end of the training leaves a checkpoint, too.
    """
    optimizer = build_optimizer(plan.optimizer, network.parameters())
    recipe = plan.recipe
    steps_per_epoch = math.ceil(splits.train.batches_per_epoch / recipe.accumulate)
    schedule = LearningRate(recipe.schedule, optimizer, recipe.epochs, steps_per_epoch, plan.metric.name)
    with on_the_way_to(plan.checkpoint):
        part = _restore(progress, network, optimizer, schedule, plan, device)
    forward = torch.compile(network) if recipe.compile else network
    saved = time.monotonic()

    def save(part: EpochPart | None = None) -> None:
        nonlocal saved
        _save(network, optimizer, schedule, progress, plan, part)
        saved = time.monotonic()

    while not _finished(progress, recipe, plan.metric):
        part = part or EpochPart(schedule.current)
        started = time.monotonic() - part.seconds
        epoch = progress.epoch + 1

        def save_part(part: EpochPart = part, started: float = started) -> None:
            part.seconds = time.monotonic() - started
            part.dropout_states = _dropout_states(device)
            save(part)

        def after_step(save_part: Callable[[], None] = save_part) -> None:
            if plan.stop():
                raise Stopped
            if time.monotonic() - saved >= SECONDS_WITHIN_AN_EPOCH:
                save_part()

        row: Row = {"epoch": epoch, "learning_rate": part.learning_rate}
        try:
            train_metrics = _train_epoch(
                forward, network, splits.train, optimizer, schedule, plan, epoch, part, after_step
            )
            validation = evaluate(network, splits.validation, plan)
            synchronize(device)
            seconds = time.monotonic() - started
            row |= _prefixed("train", train_metrics) | _prefixed("validation", validation)
            if recipe.track_test:
                row |= _prefixed("test", evaluate(network, splits.test, plan))
        except Stopped:
            save_part()
            raise Stopped(f"stopped after step {part.steps} of epoch {epoch}; start again to go on") from None
        part = None
        diverged = not (math.isfinite(train_metrics["loss"]) and math.isfinite(validation["loss"]))
        if diverged:
            progress.status = "diverged"
            progress.message = f"the loss was not finite at epoch {epoch}"
        else:
            schedule.end_epoch(validation)
            value = validation[plan.metric.name]
            if is_better(value, progress.best_value, plan.metric.higher_is_better):
                progress.best_epoch, progress.best_value = epoch, value
                progress.best_weights = weights_of(network)
        progress.epoch = epoch
        progress.seconds += seconds
        progress.history.append(row | {"seconds": seconds})
        stopped = plan.stop()
        if stopped or _finished(progress, recipe, plan.metric) or time.monotonic() - saved >= plan.checkpoint_seconds:
            save()
        after_epoch()
        if stopped:
            raise Stopped(f"stopped after epoch {progress.epoch}; start again to go on")


def evaluate(network: nn.Module, batches: Batches | FeatureBatches, plan: Plan) -> Metrics:
    """The metrics of a split."""
    return score(*predict(network, batches, plan), plan)


def score(logits: Tensor, labels: Tensor, plan: Plan) -> Metrics:
    """The metrics of logits [N, classes] against labels, with the loss as it is without smoothing and weights."""
    return plan.scoring(logits, labels, plan.losses.plain(logits, labels).item())


@torch.no_grad()
def predict(network: nn.Module, batches: Batches | FeatureBatches, plan: Plan) -> tuple[Tensor, Tensor]:
    """Logits [N, classes] in float32 and labels of a split, in its order, on the device. Raises Stopped."""
    network.eval()
    logits, labels = [], []
    for images, targets in batches.ordered(plan.micro_batch):
        if plan.stop():
            raise Stopped("stopped after the last epoch; start again to go on")
        with precision(plan.recipe, images.device):
            logits.append(network(images).float())
        labels.append(targets)
    return torch.cat(logits), torch.cat(labels)


def weights_of(network: nn.Module) -> Weights:
    """A copy of parameters and buffers, on their device."""
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


def _train_epoch(
    forward: Callable[[Tensor], Tensor],
    network: nn.Module,
    batches: Batches | FeatureBatches,
    optimizer: torch.optim.Optimizer,
    schedule: LearningRate,
    plan: Plan,
    epoch: int,
    part: EpochPart,
    after_step: Callable[[], None],
) -> Metrics:
    """One pass over the training split, or what is left of it. Its metrics are those of the batches as they were
    trained on. `part` is brought forward at each step, and `after_step` called then."""
    recipe = plan.recipe
    train_mode(network, plan.freeze)
    seed_global(plan.seed, "dropout", epoch)
    step = bare_step(optimizer)
    second_order = is_second_order(optimizer)
    if part.steps == 0:
        seed_optimizer(optimizer, plan.seed, epoch)
    _set_dropout_states(part.dropout_states)
    least = least_part(network)
    for number, group in enumerate(_groups(batches, plan, epoch, least), start=1):
        if number <= part.steps:
            continue

        def gradients(group: list[tuple[Tensor, Tensor]] = group, keep: bool = False) -> Tensor:
            """The group's loss, its gradients added up: as if it were one batch."""
            optimizer.zero_grad()
            losses = []
            shares = plan.losses.shares([targets for _, targets in group])
            for (images, targets), share in zip(group, shares, strict=True):
                with precision(recipe, images.device):
                    output = forward(images)
                    loss = plan.losses.training(output, targets)
                if len(group) > 1:
                    loss = loss * share
                loss.backward(create_graph=second_order)  # type: ignore[no-untyped-call]
                losses.append(loss.detach())
                if keep:
                    part.logits.append(output.detach())
                    part.labels.append(_hard(targets, plan.scoring.task))
            if recipe.clip_grad_norm is not None:
                nn.utils.clip_grad_norm_(network.parameters(), recipe.clip_grad_norm)
            return losses[0] if len(losses) == 1 else torch.stack(losses).sum()

        with schedule.step():
            if isinstance(optimizer, torch.optim.LBFGS):  # evaluates the loss several times a step
                step(gradients)
                gradients(keep=True)
            else:
                gradients(keep=True)
                step()
        part.steps = number
        after_step()
    return score(torch.cat(part.logits).float(), torch.cat(part.labels), plan)


def _dropout_states(device: torch.device) -> list[Tensor]:
    return [torch.get_rng_state(), *(torch.cuda.get_rng_state_all() if device.type == "cuda" else ())]


def _set_dropout_states(states: list[Tensor]) -> None:
    if states:
        torch.set_rng_state(states[0])
    if states[1:]:
        torch.cuda.set_rng_state_all(states[1:])


def _hard(targets: Tensor, task: Task) -> Tensor:
    """Labels for the metrics; of mixed images, the class that weighs most, or the labels that weigh at least half."""
    if not targets.is_floating_point():
        return targets
    if task == "multi-class":
        return targets.argmax(1)
    return (targets >= 0.5).to(torch.uint8).masked_fill_(targets == IGNORED, IGNORED)


def _groups(
    batches: Batches | FeatureBatches, plan: Plan, epoch: int, least: int
) -> Iterator[list[tuple[Tensor, Tensor]]]:
    """The batches, or parts of them, whose gradients make one step."""
    group: list[tuple[Tensor, Tensor]] = []
    order, augmentation = generator(plan.seed, "order", epoch), generator(plan.seed, "augmentation", epoch)
    for number, (images, targets, _) in enumerate(batches.epoch(order, augmentation), start=1):
        group += parts(images, targets, plan.micro_batch, least)
        if number % plan.recipe.accumulate == 0:
            yield group
            group = []
    if group:
        yield group


def precision(recipe: Recipe, device: torch.device) -> AbstractContextManager[Any]:
    """The arithmetic of a forward pass."""
    if recipe.precision == "float32":
        return nullcontext()  # autocast costs microseconds at each step even when it is switched off
    return torch.autocast(device.type, dtype=torch.bfloat16)


def _finished(progress: Progress, recipe: Recipe, metric: Metric) -> bool:
    if progress.status != "completed" or progress.epoch >= recipe.epochs:
        return True
    return (
        recipe.early_stopping is not None
        and _epochs_without_improvement(
            [row[f"validation_{metric.name}"] for row in progress.history],
            metric.higher_is_better,
            recipe.early_stopping.min_delta,
        )
        >= recipe.early_stopping.patience
    )


def _epochs_without_improvement(values: list[float], higher: bool, min_delta: float) -> int:
    best: float | None = None
    waited = 0
    for value in values:
        if is_better(value, best, higher, min_delta):
            best, waited = value, 0
        else:
            waited += 1
    return waited


def _prefixed(split: str, metrics: Metrics) -> Row:
    return {f"{split}_{name}": value for name, value in metrics.items()}


def _save(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    schedule: LearningRate,
    progress: Progress,
    plan: Plan,
    part: EpochPart | None = None,
) -> None:
    state = {
        "network": network.state_dict(),
        "optimizer": state_of(optimizer),
        "schedule": schedule.state_dict(),
        "progress": vars(progress) | {"spent": asdict(progress.spent + plan.spent())},
        "part": vars(part) if part else None,
        "place": plan.place,
    }
    save_checkpoint(plan.checkpoint, state)


def _restore(
    progress: Progress,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    schedule: LearningRate,
    plan: Plan,
    device: torch.device,
) -> EpochPart | None:
    """Bring all to where the checkpoint is; the part of an epoch that it holds."""
    try:
        state = load_checkpoint(plan.checkpoint)
    except DamagedCheckpoint as error:
        print(f"damaged checkpoint, training from the start: {error}", flush=True)
        return None
    if state is None:
        return None
    network.load_state_dict(state["network"])
    restore_state(optimizer, state["optimizer"])
    schedule.load_state_dict(state["schedule"])
    if state.get("place", plan.place) != plan.place:
        print(
            f"warning: the checkpoint is of {state['place']}; a run that goes on on {plan.place} is not bit for bit "
            "what it would have been",
            flush=True,
        )
    vars(progress).update(state["progress"] | {"spent": Spent(**state["progress"].get("spent", {}))})
    if state.get("part") is None:
        print(f"resuming after epoch {progress.epoch}", flush=True)
        return None
    part = EpochPart(**state["part"])
    part.logits, part.labels = ([value.to(device) for value in values] for values in (part.logits, part.labels))
    print(f"resuming after step {part.steps} of epoch {progress.epoch + 1}", flush=True)
    return part
