"""One training: epochs, a validation that chooses, checkpoints between epochs and within long ones."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from bakeoff.data.batches import steps_per_epoch
from bakeoff.errors import Stopped
from bakeoff.models.freezing import train_mode
from bakeoff.study.metrics import IGNORED, Task
from bakeoff.training import optimizers
from bakeoff.training.checkpoints import DamagedCheckpoint, load_checkpoint, on_the_way_to, save_checkpoint
from bakeoff.training.costs import Spent
from bakeoff.training.devices import precision, synchronize
from bakeoff.training.micro_batches import least_part, parts
from bakeoff.training.randomness import generator, seed_global
from bakeoff.training.schedules import LearningRate
from bakeoff.training.scoring import MetricValues, is_better
from bakeoff.training.state import EpochPart, EpochRow, Progress, Settings, Splits, weights_of

SECONDS_WITHIN_AN_EPOCH = 300.0  # a checkpoint so often in epochs that last longer

Group = list[tuple[Tensor, Tensor]]  # images and targets of the forward passes whose gradients make one step


@dataclass(frozen=True)
class Checkpoint:
    """Where a training saves its state, and the least time between two savings at the ends of epochs.

    `place` names the device and the threads: on others a resumed run differs in its last digits. `data` names the
    prepared data: on others a run starts anew.
    """

    path: Path
    seconds: float = math.inf
    place: str = ""
    data: str | None = None


@dataclass(eq=False)
class Trainer:
    """Owns a network with its optimizer, schedule and progress, and brings them forward together.

    `stop` is asked after each step, and before each batch of an evaluation, whether to leave. `spent` says what this
    attempt has used so far; checkpoints add it up.
    """

    network: nn.Module
    splits: Splits
    settings: Settings
    checkpoint: Checkpoint
    device: torch.device
    progress: Progress
    stop: Callable[[], bool] = lambda: False
    spent: Callable[[], Spent] = Spent

    def __post_init__(self) -> None:
        recipe, metric = self.settings.recipe, self.settings.metric.name
        self.optimizer = optimizers.build_optimizer(self.settings.optimizer, self.network.parameters())
        batches = self.splits["train"]
        steps = steps_per_epoch(len(batches), batches.batch_size, recipe.accumulate)
        self.schedule = LearningRate(recipe.schedule, self.optimizer, recipe.epochs, steps, metric)
        self.take_step = optimizers.bare_step(self.optimizer)
        self.zero_grad = optimizers.bare_zero_grad(self.optimizer)
        self.forward: Callable[[Tensor], Tensor] = self.network
        self.part: EpochPart | None = None  # of the epoch at work
        self.started = self.saved = time.monotonic()

    def train(self, after_epoch: Callable[[], None] = lambda: None) -> None:
        """Train until the recipe ends, from the checkpoint where there is one; `after_epoch` is called at each end.

        A loss that is not finite ends the training with status `diverged`. The end leaves a checkpoint, too.
        Raises Stopped, with a checkpoint written, soon after `stop` says so.
        """
        with on_the_way_to(self.checkpoint.path):
            self.restore()
        if self.settings.recipe.compile:
            self.forward = torch.compile(self.network)
        self.saved = time.monotonic()
        while not self.finished:
            self.epoch()
            stopped = self.stop()
            if stopped or self.finished or time.monotonic() - self.saved >= self.checkpoint.seconds:
                self.save()
            after_epoch()
            if stopped:
                raise Stopped(f"stopped after epoch {self.progress.epoch}; start again to go on")

    @property
    def finished(self) -> bool:
        """Whether training has ended: by its length, by a failure, or early."""
        recipe, metric, progress = self.settings.recipe, self.settings.metric, self.progress
        if progress.status != "completed" or progress.epoch >= (self.settings.until or recipe.epochs):
            return True
        if recipe.early_stopping is None:
            return False
        values = [row[f"validation_{metric.name}"] for row in progress.history]
        waited = epochs_without_improvement(values, metric.higher_is_better, recipe.early_stopping.min_delta)
        return waited >= recipe.early_stopping.patience

    def epoch(self) -> None:
        """Train on the training split once, or on what is left of it, and evaluate. Progress is one epoch further."""
        progress, metric = self.progress, self.settings.metric
        part = self.part = self.part or EpochPart(self.schedule.current)
        self.started = time.monotonic() - part.seconds
        number = progress.epoch + 1
        row: EpochRow = {"epoch": number, "learning_rate": part.learning_rate}
        try:
            trained = self._pass_over_training_split(number, part)
            validation = self.settings.score(*self.predict("validation"))
            synchronize(self.device)
            seconds, ended = time.monotonic() - self.started, round(time.time(), 3)
            row |= _prefixed("train", trained) | _prefixed("validation", validation)
            if self.settings.recipe.track_test:
                row |= _prefixed("test", self.settings.score(*self.predict("test")))
        except Stopped:
            self.save()
            raise Stopped(f"stopped after step {part.steps} of epoch {number}; start again to go on") from None
        self.part = None
        if math.isfinite(trained["loss"]) and math.isfinite(validation["loss"]):
            self.schedule.end_epoch(validation)
            value = validation[metric.name]
            if is_better(value, progress.best_value, metric.higher_is_better):
                progress.best_epoch, progress.best_value = number, value
                progress.best_weights = weights_of(self.network)
        else:
            progress.status, progress.message = "diverged", f"the loss was not finite at epoch {number}"
        progress.epoch = number
        progress.seconds += seconds
        progress.history.append(row | {"seconds": seconds, "ended": ended})

    def step(self, group: Group, part: EpochPart) -> None:
        """One step of the optimizer, by the gradients of all batches of a group: as if they were one batch."""
        with self.schedule.step():
            if isinstance(self.optimizer, torch.optim.LBFGS):  # evaluates the loss several times a step
                self.take_step(lambda: self._gradients(group))
                self._gradients(group, part)
            else:
                self._gradients(group, part)
                self.take_step()
        part.steps += 1

    @torch.no_grad()
    def predict(self, split: str) -> tuple[Tensor, Tensor]:
        """Logits [N, classes] in float32 and labels of a split, in its order, on the device.

        Raises Stopped when `stop` says so.
        """
        self.network.eval()
        logits, labels = [], []
        for images, targets in self.splits[split].ordered(self.settings.micro_batch):
            if self.stop():
                raise Stopped("stopped after the last epoch; start again to go on")
            with precision(self.settings.recipe, images.device):
                logits.append(self.network(images).float())
            labels.append(targets)
        return torch.cat(logits), torch.cat(labels)

    def save(self) -> None:
        """Write a checkpoint: between epochs, or with the part of the epoch that is done."""
        if self.part is not None:
            self.part.seconds = time.monotonic() - self.started
            gpus = torch.cuda.get_rng_state_all() if self.device.type == "cuda" else []
            self.part.dropout_states = [torch.get_rng_state(), *gpus]
        state = {
            "network": self.network.state_dict(),
            "optimizer": optimizers.state_of(self.optimizer),
            "schedule": self.schedule.state_dict(),
            "progress": vars(self.progress) | {"spent": asdict(self.progress.spent + self.spent())},
            "part": vars(self.part) if self.part else None,
            "place": self.checkpoint.place,
            "data": self.checkpoint.data,
        }
        save_checkpoint(self.checkpoint.path, state)
        self.saved = time.monotonic()

    def restore(self) -> None:
        """Bring everything to where the checkpoint is. Without one, or with a damaged one, training starts anew."""
        try:
            state = load_checkpoint(self.checkpoint.path)
        except DamagedCheckpoint as error:
            print(f"damaged checkpoint, training from the start: {error}", flush=True)
            return
        if state is None:
            return
        if state.get("data") not in (None, self.checkpoint.data):
            print("the data have changed since the checkpoint: training from the start", flush=True)
            return
        self.network.load_state_dict(state["network"])
        optimizers.restore_state(self.optimizer, state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        here = self.checkpoint.place
        if state.get("place", here) != here:
            print(
                f"warning: the checkpoint is of {state['place']}; a run that goes on on {here} is not bit for bit what "
                "it would have been",
                flush=True,
            )
        spent = Spent(**state["progress"].get("spent", {})).at_least(self.progress.spent)
        vars(self.progress).update(state["progress"] | {"spent": spent})
        if state.get("part") is None:
            print(f"resuming after epoch {self.progress.epoch}", flush=True)
            return
        self.part = EpochPart(**state["part"])
        self.part.logits = [value.to(self.device) for value in self.part.logits]
        self.part.labels = [value.to(self.device) for value in self.part.labels]
        print(f"resuming after step {self.part.steps} of epoch {self.progress.epoch + 1}", flush=True)

    def _pass_over_training_split(self, epoch: int, part: EpochPart) -> MetricValues:
        """The scores of the batches as they were trained on. `part` is brought forward at each step."""
        train_mode(self.network, self.settings.freeze)
        seed_global(self.settings.seed, "dropout", epoch)
        if part.steps == 0:
            optimizers.seed_optimizer(self.optimizer, self.settings.seed, epoch)
        if part.dropout_states:
            cpu, *gpus = part.dropout_states
            torch.set_rng_state(cpu)
            if gpus:
                torch.cuda.set_rng_state_all(gpus)
        done = part.steps
        for number, group in enumerate(self._groups(epoch), start=1):
            if number <= done:
                continue
            self.step(group, part)
            if self.stop():
                raise Stopped
            if time.monotonic() - self.saved >= SECONDS_WITHIN_AN_EPOCH:
                self.save()
        return self.settings.score(torch.cat(part.logits).float(), torch.cat(part.labels))

    def _groups(self, epoch: int) -> Iterator[Group]:
        """The batches of an epoch, or parts of them, whose gradients make one step."""
        settings, least = self.settings, least_part(self.network)
        order, augmentation = (generator(settings.seed, stream, epoch) for stream in ("order", "augmentation"))
        group: Group = []
        for number, (images, targets, _) in enumerate(self.splits["train"].epoch(order, augmentation), start=1):
            group += parts(images, targets, settings.micro_batch, least)
            if number % settings.recipe.accumulate == 0:
                yield group
                group = []
        if group:
            yield group

    def _gradients(self, group: Group, part: EpochPart | None = None) -> Tensor:
        """The loss of a group, its gradients added up; `part` keeps the outputs for the epoch's scores."""
        settings = self.settings
        self.zero_grad()
        losses = []
        shares = settings.losses.shares([targets for _, targets in group])
        for (images, targets), share in zip(group, shares, strict=True):
            with precision(settings.recipe, images.device):
                output = self.forward(images)
                loss = settings.losses.training(output, targets)
            if len(group) > 1:
                loss = loss * share
            loss.backward(create_graph=optimizers.is_second_order(self.optimizer))  # type: ignore[no-untyped-call]
            losses.append(loss.detach())
            if part is not None:
                part.logits.append(output.detach())
                part.labels.append(hard_labels(targets, settings.scoring.task))
        if settings.recipe.clip_grad_norm is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), settings.recipe.clip_grad_norm)
        return losses[0] if len(losses) == 1 else torch.stack(losses).sum()


def hard_labels(targets: Tensor, task: Task) -> Tensor:
    """Labels for the metrics. Of mixed images: the class that weighs most, or the labels that weigh at least half."""
    if not targets.is_floating_point():
        return targets
    if task == "multi-class":
        return targets.argmax(1)
    return (targets >= 0.5).to(torch.uint8).masked_fill_(targets == IGNORED, IGNORED)


def epochs_without_improvement(values: list[float], higher: bool, min_delta: float) -> int:
    """How many epochs ago the best value was reached; a value counts as better by more than `min_delta`."""
    best: float | None = None
    best_epoch = 0
    for epoch, value in enumerate(values, start=1):
        if is_better(value, best, higher, min_delta):
            best, best_epoch = value, epoch
    return len(values) - best_epoch


def _prefixed(split: str, scores: MetricValues) -> EpochRow:
    return {f"{split}_{name}": value for name, value in scores.items()}
