"""Small studies around one dataset entry."""

from typing import Any

from bakeoff.study.reading import parse_study
from bakeoff.study.study import Study


def study_of(split_seed: int = 0, data_root: str = "data", **entry: Any) -> Study:
    """A study whose one dataset, `data`, is `entry`."""
    return parse_study(
        {
            "study": "test",
            "split_seed": split_seed,
            "data_root": data_root,
            "datasets": {"data": entry},
            "architectures": {"mlp": {"model": "mlp"}},
            "optimizers": {"sgd": {"name": "SGD", "lr": 0.1}},
            "recipes": {"plain": {"epochs": 1}},
        }
    )
