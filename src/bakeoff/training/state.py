"""What a training brings forward: all that a checkpoint holds beside network, optimizer and schedule."""

from dataclasses import dataclass, field

from torch import Tensor, nn

from bakeoff.data.batches import Batches, FeatureBatches
from bakeoff.results.result import Status
from bakeoff.training.costs import Spent

Weights = dict[str, Tensor]
EpochRow = dict[str, float]  # a row of history.csv


@dataclass(frozen=True)
class Splits:
    """The batches of the three splits, on the device."""

    train: Batches | FeatureBatches
    validation: Batches | FeatureBatches
    test: Batches | FeatureBatches


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
