"""How long a study still takes."""

from pathlib import Path

from bakeoff.commands.run_states import RunState, seconds_left
from bakeoff.study.matrix import Run


def run(architecture: str = "mlp", optimizer: str = "sgd", seed: int = 0, dataset: str = "digits") -> Run:
    return Run(dataset, architecture, optimizer, "plain", seed)


def trained(run: Run, epoch: int, seconds: float, state: str = "running") -> RunState:
    """Of 10 epochs."""
    return RunState(run, 10, Path("log"), state, {"epoch": epoch, "seconds": seconds})


def test_a_run_goes_on_at_its_own_pace_and_others_as_those_most_like_them() -> None:
    states = [
        trained(run(seed=0), 10, 20.0, "completed"),  # 2 s an epoch
        trained(run(seed=1), 5, 20.0),  # 4 s
        trained(run(seed=2), 0, 0.0),  # so, 3 s
        RunState(run(optimizer="adam"), 10, Path("log"), "waiting", {}),  # the same data and architecture: 3 s
        trained(run(architecture="cnn"), 0, 0.0),
        trained(run(dataset="other"), 0, 0.0),
    ]
    assert seconds_left(states) == [0.0, 20.0, 30.0, 30.0, None, None]


def test_a_run_that_ended_early_has_nothing_left() -> None:
    assert seconds_left([trained(run(), 3, 6.0, "diverged")]) == [0.0]
