"""How long the runs of a study will still take, estimated from the epochs trained so far."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from bakeoff.study.matrix import Run


@dataclass(frozen=True)
class Trained:
    """How far a run is: it has trained `epoch` of `epochs` epochs in `seconds`."""

    run: Run
    epoch: int
    epochs: int
    seconds: float
    ended: bool = False


def seconds_left(trained: Sequence[Trained]) -> list[float | None]:
    """For each run the seconds of training that are left; None where no similar run has trained an epoch.

    A run that has trained continues at its own pace. Others are estimated at the mean pace of the runs of the same
    experiment, or else of those with the same dataset and architecture.
    """
    paces: dict[Hashable, list[float]] = defaultdict(list)
    for one in trained:
        if one.epoch:
            for key in _alike(one.run):
                paces[key].append(one.seconds / one.epoch)
    return [_left(one, [paces[key] for key in _alike(one.run)]) for one in trained]


def _alike(run: Run) -> tuple[Hashable, Hashable]:
    return run.experiment, (run.dataset, run.architecture)


def _left(one: Trained, paces: Iterable[list[float]]) -> float | None:
    if one.ended:
        return 0.0
    if one.epoch:
        return one.seconds / one.epoch * (one.epochs - one.epoch)
    return next((fmean(known) * one.epochs for known in paces if known), None)
