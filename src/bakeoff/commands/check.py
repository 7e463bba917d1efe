"""The plan step: build everything that a study names once, so that what cannot work fails in seconds."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

from bakeoff.data.augmentation import Augmentation, build_augmentation
from bakeoff.data.card import Card, read_card
from bakeoff.data.examples import write_examples
from bakeoff.data.loading import check_dataset
from bakeoff.errors import BakeoffError
from bakeoff.files import write_json
from bakeoff.models.classifier import check_classifier
from bakeoff.models.description import ModelDescription, describe
from bakeoff.models.freezing import freeze
from bakeoff.models.image_shape import ImageShape, image_shape
from bakeoff.models.registry import build_model
from bakeoff.models.weights import check_pretrained, fit_weights, pretrained_normalization
from bakeoff.study import plugins
from bakeoff.study.entries import Architecture, Normalize, Recipe
from bakeoff.study.matrix import Experiment
from bakeoff.study.metrics import METRICS, Task
from bakeoff.study.needs import plan_file
from bakeoff.study.paths import Layout
from bakeoff.study.reading import place
from bakeoff.study.specification import data_folder, specify_dataset
from bakeoff.study.study import Study, experiments, parent
from bakeoff.training.losses import check_loss
from bakeoff.training.optimizers import build_optimizer, check_optimizer
from bakeoff.training.schedules import check_schedule


def check_study(study: Study, layout: Layout, path: Path | None = None) -> None:
    """Build each architecture (at its dataset's shape), optimizer, schedule and augmentation of a study once.

    Writes a file for each experiment that has none yet: the model's layers, parameters and MACs, and which transforms
    run on batches. Raises BakeoffError with every problem, before it writes any; `path` is the study file, read to say
    their lines.
    """
    cells = [cell for cell in experiments(study) if not plan_file(study, layout, cell).exists()]
    problems: list[str] = []

    def attempt(keys: list[str | int], action: Callable[[], Any]) -> Any:
        try:
            return action()
        except BakeoffError as error:
            said = str(error).removeprefix(f"{'.'.join(map(str, keys))}: ").removeprefix(f"{keys[-1]}: ")
            problems.append(place(path, keys) + said)
            return None

    for name in dict.fromkeys(cell.dataset for cell in cells):
        attempt(["datasets", name], partial(check_dataset, specify_dataset(study, name)))
    for name in dict.fromkeys(cell.optimizer for cell in cells):
        attempt(["optimizers", name], partial(check_optimizer, study.optimizers[name]))
    if problems:  # what follows is built on data and optimizers
        raise BakeoffError("\n".join(problems))

    cards = {name: read_card(data_folder(study, name)) for name in dict.fromkeys(cell.dataset for cell in cells)}
    for name, card in cards.items():
        attempt(["metric"], partial(_check_metric, study, name, card["task"]))
        attempt(["plugins"], partial(_check_own_metrics, study, card))
    augmentations: dict[tuple[str, str], Augmentation] = {}
    for name in dict.fromkeys(cell.recipe for cell in cells):
        used = [cell for cell in cells if cell.recipe == name]
        attempt(["recipes", name, "schedule"], partial(_check_schedule, study, study.recipes[name], used, cards))
        for dataset in dict.fromkeys(cell.dataset for cell in used):
            card = cards[dataset]
            built = attempt(["recipes", name, "augment"], partial(_check_augmentation, study.recipes[name], card))
            if built is not None:
                augmentations[dataset, name] = built
            attempt(
                ["recipes", name, "loss"], partial(check_loss, study.recipes[name], card["task"], len(card["classes"]))
            )
            attempt(["recipes", name, "normalize"], partial(_check_normalize, study.recipes[name], card))
    descriptions: dict[tuple[str, str], ModelDescription] = {}
    for dataset, name, single in dict.fromkeys(
        (cell.dataset, cell.architecture, study.recipes[cell.recipe].batch_size == 1) for cell in cells
    ):
        images = image_shape(cards[dataset])
        found = attempt(
            ["architectures", name], partial(describe, study.architectures[name], images, 1 if single else 2)
        )
        if found is not None:
            descriptions[dataset, name] = found
    for dataset, name in descriptions:
        architecture, images = study.architectures[name], image_shape(cards[dataset])
        attempt(["architectures", name, "pretrained"], partial(check_pretrained, architecture, images))
        if architecture.head or ("/" in architecture.model and "dropout" in architecture.arguments):
            attempt(["architectures", name], partial(_check_new_classifier, architecture, images))
    for cell in cells if not problems else []:
        attempt(["recipes", cell.recipe, "init_from"], partial(_check_starting_weights, study, cell, cards))
        if study.recipes[cell.recipe].freeze:
            attempt(["recipes", cell.recipe, "freeze"], partial(_check_freeze, study, cell, cards[cell.dataset]))
        if study.recipes[cell.recipe].normalize == "pretrained":
            architecture, channels = study.architectures[cell.architecture], cards[cell.dataset]["shape"][0]
            attempt(["recipes", cell.recipe, "normalize"], partial(pretrained_normalization, architecture, channels))
    if problems:
        raise BakeoffError("\n".join(dict.fromkeys(problems)))
    for (dataset, name), augmentation in augmentations.items():
        if study.recipes[name].augment:
            write_examples(augmentation, cards[dataset], data_folder(study, dataset), layout.examples(dataset, name))
    for cell in cells:
        augmentation = augmentations[cell.dataset, cell.recipe]
        ways = {"batched": augmentation.batched, "image_by_image": augmentation.image_by_image}
        model = descriptions[cell.dataset, cell.architecture].as_dict()
        write_json(plan_file(study, layout, cell), model | {"augmentation": ways})


def _check_starting_weights(study: Study, cell: Experiment, cards: dict[str, Card]) -> None:
    """The weights of the run that an experiment starts from must fit it, but for the classifier."""
    origin = parent(study, cell.run(study.seeds[0]))
    if origin is None or (origin.dataset, origin.architecture) == (cell.dataset, cell.architecture):
        return
    card = cards.get(origin.dataset) or read_card(data_folder(study, origin.dataset))
    with torch.device("meta"):
        given = build_model(study.architectures[origin.architecture], image_shape(card)).state_dict()
        network = build_model(study.architectures[cell.architecture], image_shape(cards[cell.dataset]))
    fit_weights(network, given, f"the weights of {origin.experiment.key} do not fit {cell.key}")


def _check_freeze(study: Study, cell: Experiment, card: Card) -> None:
    with torch.device("meta"):
        network = build_model(study.architectures[cell.architecture], image_shape(card))
        image = torch.empty(1, *card["shape"])
    freeze(network, study.recipes[cell.recipe].freeze)
    if study.recipes[cell.recipe].freeze == "backbone":
        check_classifier(network, image)


def _check_new_classifier(architecture: Architecture, images: ImageShape) -> None:
    """A head or dropout must stand where the logits come from."""
    with torch.device("meta"):
        network = build_model(architecture, images)
        image = torch.empty(1, images.channels, images.height, images.width)
    check_classifier(network, image)


def _check_metric(study: Study, dataset: str, task: Task) -> None:
    if task not in study.leading_metric.tasks:
        fitting = [name for name, metric in study.metrics.items() if task in metric.tasks and metric.every_epoch]
        raise BakeoffError(f"{study.metric} is no metric of {task} data ({dataset}); allowed: {', '.join(fitting)}")


def _check_own_metrics(study: Study, card: Card) -> None:
    """Each metric of a plugin, on made-up predictions that hold every class."""
    classes = len(card["classes"])
    logits = torch.randn(2 * classes, classes, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(2 * classes) % classes
    if card["task"] == "multi-label":
        labels = torch.nn.functional.one_hot(labels, classes).to(torch.uint8)
    for name, metric in plugins.registered("metric", METRICS).items():
        if name not in study.metrics or card["task"] not in study.metrics[name].tasks:
            continue
        try:
            float(metric.build(logits, labels))
        except Exception as error:  # a user's function raises whatever it likes
            raise BakeoffError(f"metric {name} (a plugin) fails: {plugins.reason(error)}") from error


def _check_schedule(study: Study, recipe: Recipe, cells: list[Experiment], cards: dict[str, Card]) -> None:
    if recipe.schedule is None:
        return
    for dataset, name in dict.fromkeys((cell.dataset, cell.optimizer) for cell in cells):
        steps = max(1, cards[dataset]["counts"]["train"] // (recipe.batch_size * recipe.accumulate))
        optimizer = build_optimizer(study.optimizers[name], [torch.nn.Parameter(torch.zeros(2, 2))])
        check_schedule(recipe.schedule, optimizer, recipe.epochs, steps)


def _check_augmentation(recipe: Recipe, card: Card) -> Augmentation:
    augmentation = build_augmentation([(item.name, item.arguments) for item in recipe.augment], tuple(card["shape"]))
    if augmentation.shape != tuple(card["shape"]):
        raise BakeoffError(
            f"leaves images of shape {augmentation.shape}, but validation and test images have {tuple(card['shape'])}; "
            "crop to the images' own size, or resize the dataset"
        )
    return augmentation


def _check_normalize(recipe: Recipe, card: Card) -> None:
    normalize, channels = recipe.normalize, card["shape"][0]
    if isinstance(normalize, Normalize) and not len(normalize.mean) == len(normalize.std) == channels:
        raise BakeoffError(
            f"mean and std need one number for each of the {channels} channels of {card['name']!r}; "
            f"found {len(normalize.mean)} and {len(normalize.std)}"
        )
