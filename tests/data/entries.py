"""Small studies around one dataset entry, and what is prepared from it."""

from typing import Any

from bakeoff.data.prepare import prepare
from bakeoff.data.prepared import PreparedData, load_prepared
from bakeoff.study.reading import parse_study
from bakeoff.study.specification import DatasetSpecification, specify_dataset
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
            "metric": "loss",  # which every task has
        }
    )


def dataset_of(split_seed: int = 0, data_root: str = "data", **entry: Any) -> DatasetSpecification:
    """The dataset `entry` of such a study."""
    return specify_dataset(study_of(split_seed, data_root, **entry), "data")


def prepare_entry(threads: int = 1, **entry: Any) -> PreparedData:
    """Prepare the dataset `entry` below the present folder, and load it."""
    dataset = dataset_of(**entry)
    prepare(dataset, threads)
    return load_prepared(dataset.folder)
