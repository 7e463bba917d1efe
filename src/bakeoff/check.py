"""The plan step: build everything that a study names once, so that what cannot work fails in seconds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from bakeoff.data.augmentation import build_augmentation
from bakeoff.data.prepare import check_dataset, read_card
from bakeoff.errors import BakeoffError
from bakeoff.files import write_json
from bakeoff.layout import Layout, data_folder
from bakeoff.models.description import ModelDescription, describe
from bakeoff.models.registry import Images
from bakeoff.study import Study, experiments, place
from bakeoff.training.devices import choose_device
from bakeoff.training.optimizers import build_optimizer, check_optimizer
from bakeoff.training.schedules import check_schedule


def check_study(study: Study, layout: Layout, path: Path | None = None) -> None:
    """Build every architecture (at its dataset's shape), optimizer, schedule and augmentation of a study.

    Writes plan.json: layers, parameters and MACs of each experiment. Raises BakeoffError with every problem;
    `path` is the study file, read to say their lines.
    """
    cards = {name: read_card(data_folder(study, name)) for name in study.datasets}
    descriptions: dict[tuple[str, str], ModelDescription] = {}
    problems: list[str] = []

    def attempt(keys: list[str | int], action: Callable[[], Any]) -> Any:
        try:
            return action()
        except BakeoffError as error:
            problems.append(place(path, keys) + str(error))
            return None

    for name in study.datasets:
        attempt(["datasets", name], lambda name=name: check_dataset(study, name))
    attempt(["device"], lambda: choose_device(study.device))
    for name, optimizer in study.optimizers.items():
        attempt(["optimizers", name], lambda optimizer=optimizer: check_optimizer(optimizer))
    if not problems:
        for name in study.recipes:
            attempt(["recipes", name, "schedule"], lambda name=name: _check_schedules(study, name, cards))
            attempt(["recipes", name, "augment"], lambda name=name: _check_augmentation(study, name, cards))
            attempt(["recipes", name, "normalize"], lambda name=name: _check_normalize(study, name, cards))
    pairs = dict.fromkeys((cell.dataset, cell.architecture) for cell in experiments(study))
    for dataset, architecture in pairs:
        found = attempt(
            ["architectures", architecture],
            lambda dataset=dataset, architecture=architecture: describe(
                study.architectures[architecture], _images(cards[dataset])
            ),
        )
        if found is not None:
            descriptions[dataset, architecture] = found
    if problems:
        raise BakeoffError("\n".join(dict.fromkeys(problems)))
    plan = {
        cell.key: descriptions[cell.dataset, cell.architecture].as_dict()
        | {"architecture": study.entries["architectures"][cell.architecture]}
        for cell in experiments(study)
    }
    write_json(layout.plan, {"study": study.study, "experiments": plan})


def _images(card: dict[str, Any]) -> Images:
    channels, height, width = card["shape"]
    return Images(channels, height, width, len(card["classes"]))


def _check_schedules(study: Study, recipe_name: str, cards: dict[str, dict[str, Any]]) -> None:
    recipe = study.recipes[recipe_name]
    if recipe.schedule is None:
        return
    import torch

    used = [cell for cell in experiments(study) if cell.recipe == recipe_name]
    for dataset, optimizer_name in dict.fromkeys((cell.dataset, cell.optimizer) for cell in used):
        images = cards[dataset]["counts"]["train"]
        steps = max(1, images // (recipe.batch_size * recipe.accumulate))
        optimizer = build_optimizer(study.optimizers[optimizer_name], [torch.nn.Parameter(torch.zeros(2, 2))])
        check_schedule(recipe.schedule, optimizer, recipe.epochs, steps)


def _check_augmentation(study: Study, recipe_name: str, cards: dict[str, dict[str, Any]]) -> None:
    transforms = [(item.name, item.arguments) for item in study.recipes[recipe_name].augment]
    for dataset in dict.fromkeys(cell.dataset for cell in experiments(study) if cell.recipe == recipe_name):
        build_augmentation(transforms, tuple(cards[dataset]["shape"]))


def _check_normalize(study: Study, recipe_name: str, cards: dict[str, dict[str, Any]]) -> None:
    normalize = study.recipes[recipe_name].normalize
    if normalize is None or normalize == "dataset":
        return
    for dataset in dict.fromkeys(cell.dataset for cell in experiments(study) if cell.recipe == recipe_name):
        channels = cards[dataset]["shape"][0]
        if len(normalize.mean) != channels or len(normalize.std) != channels:
            raise BakeoffError(
                f"mean and std need one number for each of the {channels} channels of {dataset!r}; "
                f"found {len(normalize.mean)} and {len(normalize.std)}"
            )
