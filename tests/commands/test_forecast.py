"""How long a study still takes."""

from bakeoff.commands.forecast import Trained, seconds_left
from bakeoff.study.matrix import Run


def run(architecture: str = "mlp", optimizer: str = "sgd", seed: int = 0, dataset: str = "digits") -> Run:
    return Run(dataset, architecture, optimizer, "plain", seed)


def test_a_run_goes_on_at_its_own_pace_and_others_as_those_most_like_them() -> None:
    trained = [
        Trained(run(seed=0), 10, 10, 20.0, ended=True),  # 2 s an epoch
        Trained(run(seed=1), 5, 10, 20.0),  # 4 s
        Trained(run(seed=2), 0, 10, 0.0),  # so, 3 s
        Trained(run(optimizer="adam"), 0, 10, 0.0),  # the same data and architecture: 3 s
        Trained(run(architecture="cnn"), 0, 10, 0.0),
        Trained(run(dataset="other"), 0, 10, 0.0),
    ]
    assert seconds_left(trained) == [0.0, 20.0, 30.0, 30.0, None, None]


def test_a_run_that_ended_early_has_nothing_left() -> None:
    assert seconds_left([Trained(run(), 3, 10, 6.0, ended=True)]) == [0.0]
