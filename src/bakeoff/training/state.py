"""What a trainer is given and brings forward: settings, batches, and the progress that a checkpoint holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor, nn

from bakeoff.data.batches import Batches, FeatureBatches
from bakeoff.models.freezing import Freeze
from bakeoff.results.result import Status
from bakeoff.study.entries import Optimizer, Recipe
from bakeoff.study.metrics import Metric
from bakeoff.training.costs import Spent
from bakeoff.training.losses import Losses
from bakeoff.training.scoring import MetricValues, Scoring

Splits = Mapping[str, Batches | FeatureBatches]  # by name, on the device
Weights = dict[str, Tensor]
EpochRow = dict[str, float]  # a row of history.csv


@dataclass(frozen=True, kw_only=True)
class Settings:
    """`metric` chooses the best epoch. `freeze` says which layers of the trained network stay as they are.

    `micro_batch` is the number of images in one forward pass, where memory does not hold a whole batch. `until` is the
    epoch after which training stops, where that is not the recipe's last.
    """

    recipe: Recipe
    optimizer: Optimizer
    metric: Metric
    losses: Losses
    scoring: Scoring
    seed: int
    freeze: Freeze = None
    micro_batch: int | None = None
    until: int | None = None

    def score(self, logits: Tensor, labels: Tensor) -> MetricValues:
        """The metrics of logits [N, classes], with the loss as it is without label smoothing and weights."""
        return self.scoring(logits, labels, self.losses.plain(logits, labels).item())


@dataclass
class EpochPart:
    """How far an epoch has come.

    The order of the data and their augmentation need no state: they are drawn again from their names, and the batches
    that were trained on are skipped.
    """

    learning_rate: float
    steps: int = 0
    seconds: float = 0.0
    logits: list[Tensor] = field(default_factory=list)
    labels: list[Tensor] = field(default_factory=list)
    dropout_states: list[Tensor] = field(default_factory=list)  # of torch's generators: CPU, then each GPU


@dataclass
class Progress:
    """How far a run has come, and how it ended."""

    epoch: int = 0
    history: list[EpochRow] = field(default_factory=list)
    best_epoch: int | None = None
    best_value: float | None = None
    best_weights: Weights = field(default_factory=dict)
    seconds: float = 0.0
    status: Status = "completed"
    message: str = ""
    spent: Spent = field(default_factory=Spent)  # by earlier attempts


def weights_of(network: nn.Module) -> Weights:
    """A copy of parameters and buffers, on their device."""
    return {name: value.detach().clone() for name, value in network.state_dict().items()}
