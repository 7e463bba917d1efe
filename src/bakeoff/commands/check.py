"""The plan step: build everything that a study names once, so that what cannot work fails in seconds."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from bakeoff.counting import counted
from bakeoff.data.augmentation import Augmentation, build_augmentation
from bakeoff.data.batches import steps_per_epoch
from bakeoff.data.card import Card, read_card
from bakeoff.data.content import content_name
from bakeoff.data.examples import write_examples
from bakeoff.data.loading import check_dataset
from bakeoff.errors import BakeoffError, under
from bakeoff.jobs.plans import ToCheck, unchecked, without_examples, write_plan
from bakeoff.models.classifier import check_classifier
from bakeoff.models.compiler import leave_compiler_unloaded
from bakeoff.models.description import ModelDescription, describe
from bakeoff.models.freezing import freeze, train_mode
from bakeoff.models.image_shape import ImageShape, image_shape
from bakeoff.models.registry import build_model
from bakeoff.models.weights import check_pretrained, fit_weights, pretrained_normalization
from bakeoff.study import plugin_files
from bakeoff.study.entries import Architecture, Normalize, Recipe
from bakeoff.study.matrix import Experiment
from bakeoff.study.paths import Layout
from bakeoff.study.specification import data_folder, examples_file, specify_dataset
from bakeoff.study.study import Study, parent
from bakeoff.study.tasks import check_metric
from bakeoff.study.trials import Trial
from bakeoff.study.yaml_file import located
from bakeoff.training.losses import check_loss
from bakeoff.training.optimizers import build_optimizer, check_optimizer
from bakeoff.training.schedules import check_schedule

Cells = Sequence[Experiment]
Cards = dict[str, Card]  # by dataset
Augmentations = dict[tuple[str, str], Augmentation]  # by dataset and recipe
Descriptions = dict[tuple[str, str], ModelDescription]  # by dataset and architecture
Known = dict[str, ModelDescription]  # by the content of an architecture and its dataset: trials share most networks


@dataclass(frozen=True)
class Problems:
    """What is wrong with a study, in the order in which it was found. `path` is the study file, `trial` the trial whose
    values are built."""

    path: Path | None
    found: list[str] = field(default_factory=list)
    trial: Trial | None = None

    def of(self, trial: Trial | None) -> "Problems":
        """The same list, for what is wrong with the values of a trial."""
        return replace(self, trial=trial)

    @contextmanager
    def under(self, *keys: str) -> Iterator[None]:
        """What is wrong in this block is noted as a problem of these keys of the study, and ends the block."""
        try:
            with under(*keys):
                yield
        except BakeoffError as error:
            self.found.append(located(error, self.path) + self._values(keys))

    def _values(self, keys: Sequence[str]) -> str:
        """` (trial07: lr 0.5, momentum 0.99)`: the values of the trial in an entry."""
        if self.trial is None:
            return ""
        values = (f"{name.rpartition('.')[2]} {value}" for name, value in self.trial.values.items() if _in(name, keys))
        return f" ({self.trial.name}: {', '.join(values)})"

    def raise_any(self) -> None:
        """Raise BakeoffError with every problem, each once."""
        if self.found:
            raise BakeoffError("\n".join(dict.fromkeys(self.found)))


def check_study(study: Study, layout: Layout, path: Path | None = None) -> None:
    """Build each architecture (at its dataset's shape), optimizer, schedule and augmentation of a study once.

    Writes a file for each experiment that has none yet, or one of other data: the model's layers, parameters and MACs,
    and which transforms run on batches. Of each recipe that augments, a few images are written before and after.
    Raises BakeoffError with every problem before it writes anything; `path` is the study file, which is read for their
    lines.
    """
    leave_compiler_unloaded()
    problems = Problems(path)
    cards: Cards = {}
    found = unchecked(study, layout, also=without_examples(study, layout))
    for name in dict.fromkeys(cell.dataset for part in found for cell in part.plans):
        with problems.under():  # the check itself says under which keys
            check_dataset(specify_dataset(study, name))
            cards[name] = read_card(data_folder(study, name))
    _check_metrics(study, cards, problems)
    known: Known = {}
    checked = [(part, _check_part(part, cards, problems.of(part.trial), known)) for part in found]
    problems.raise_any()
    for part, (augmentations, descriptions) in checked:
        _write(part, cards, augmentations, descriptions)


def _check_part(part: ToCheck, cards: Cards, problems: Problems, known: Known) -> tuple[Augmentations, Descriptions]:
    """Build what the study, or a trial of it, names. What is wrong with data and optimizers hides only what is built on
    them."""
    study, cells, before = part.study, list(part.plans), len(problems.found)
    optimizers = set()
    for name in dict.fromkeys(cell.optimizer for cell in cells):
        with problems.under("optimizers", name):
            check_optimizer(study.optimizers[name])
            optimizers.add(name)
    on_data = [cell for cell in cells if cell.dataset in cards]
    augmentations = _check_recipes(study, [cell for cell in on_data if cell.optimizer in optimizers], cards, problems)
    descriptions = _check_architectures(study, on_data, cards, problems, known)
    if len(problems.found) == before:  # what follows is built of these
        _check_experiments(study, on_data, cards, problems)
    return augmentations, descriptions


def _write(part: ToCheck, cards: Cards, augmentations: Augmentations, descriptions: Descriptions) -> None:
    study = part.study
    if part.trial is None:
        for (name, recipe), augmentation in augmentations.items():
            if path := examples_file(study, part.layout, name, recipe):
                write_examples(augmentation, cards[name], data_folder(study, name), path)
    for cell, path in part.plans.items():
        model, augmentation = descriptions[cell.dataset, cell.architecture], augmentations[cell.dataset, cell.recipe]
        ways = {"batched": augmentation.batched, "image_by_image": augmentation.image_by_image}
        write_plan(path, asdict(model) | {"augmentation": ways}, content_name(cards[cell.dataset]))


def _in(name: str, keys: Sequence[str]) -> bool:
    """Whether a hyper-parameter stands in the entry that the first two keys name."""
    return f"{name}.".startswith(".".join(keys[:2]) + ".")


def _check_metrics(study: Study, cards: Cards, problems: Problems) -> None:
    for name, card in cards.items():
        with problems.under():
            check_metric(study.leading_metric, study.metrics, card["task"], name)
        with problems.under("plugins"):
            _check_own_metrics(study, card)


def _check_recipes(study: Study, cells: Cells, cards: Cards, problems: Problems) -> Augmentations:
    """The parts of each recipe that need no network, on every dataset that it trains on."""
    augmentations: Augmentations = {}
    for name in dict.fromkeys(cell.recipe for cell in cells):
        recipe, used = study.recipes[name], [cell for cell in cells if cell.recipe == name]
        with problems.under("recipes", name, "schedule"):
            _check_schedule(study, recipe, used, cards)
        for dataset in dict.fromkeys(cell.dataset for cell in used):
            card = cards[dataset]
            with problems.under("recipes", name, "augment"):
                augmentations[dataset, name] = _build_augmentation(recipe, card)
            with problems.under("recipes", name, "loss"):
                check_loss(recipe, card["task"], card["classes"])
            with problems.under("recipes", name, "normalize"):
                _check_normalize(recipe, card)
    return augmentations


def _check_architectures(study: Study, cells: Cells, cards: Cards, problems: Problems, known: Known) -> Descriptions:
    """Each network at the shape of its images, then what is put into it: weights and another classifier."""
    descriptions: Descriptions = {}
    built = list(dict.fromkeys((cell.dataset, cell.architecture) for cell in cells))
    for dataset, name in counted(built, "networks"):
        content = json.dumps([dataset, study.entries["architectures"][name]], sort_keys=True)
        if content not in known:
            with problems.under("architectures", name):
                known[content] = describe(study.architectures[name], image_shape(cards[dataset]))
        if content in known:
            descriptions[dataset, name] = known[content]
    for dataset, name in descriptions:
        architecture, images = study.architectures[name], image_shape(cards[dataset])
        with problems.under("architectures", name):
            check_pretrained(architecture, images)
        with problems.under("architectures", name):
            if architecture.head or ("/" in architecture.model and "dropout" in architecture.arguments):
                check_classifier(*_on_meta(architecture, images))  # there must be one to replace
    return descriptions


def _check_experiments(study: Study, cells: Cells, cards: Cards, problems: Problems) -> None:
    """What a recipe does with a network: the weights that it starts from, what it freezes, how images come in."""
    for cell in cells:
        recipe, architecture = study.recipes[cell.recipe], study.architectures[cell.architecture]
        images = image_shape(cards[cell.dataset])
        with problems.under("recipes", cell.recipe, "init_from"):
            _check_starting_weights(study, cell, cards)
        with problems.under("recipes", cell.recipe):
            if recipe.freeze is not None or recipe.batch_size == 1:
                _check_trained_layers(cell, recipe, *_on_meta(architecture, images))
        with problems.under("recipes", cell.recipe):
            if recipe.normalize == "pretrained":
                pretrained_normalization(architecture, images.channels)


def _check_trained_layers(cell: Experiment, recipe: Recipe, network: nn.Module, image: Tensor) -> None:
    """What a recipe freezes, and whether what is left trains on single images where it asks for them. That a network
    trains on two is known; batch-norm that is frozen takes one, too."""
    with under("freeze"):
        freeze(network, recipe.freeze)
        if recipe.freeze == "backbone":
            check_classifier(network, image)
    if recipe.batch_size > 1:
        return
    train_mode(network, recipe.freeze)
    try:
        with torch.no_grad():
            network(image)
    except Exception as error:  # networks may raise anything
        raise BakeoffError(
            f"{cell.architecture} cannot train on one image at a time, as batch-norm cannot; set batch_size to 2 or "
            f"more ({plugin_files.reason(error)})",
            ["batch_size"],
        ) from error


def _check_own_metrics(study: Study, card: Card) -> None:
    """Call each metric of a plugin on made-up predictions that hold every class."""
    task, classes = card["task"], len(card["classes"])
    if not (own := plugin_files.metrics_of(task, study.metrics)):
        return
    logits = torch.randn(2 * classes, classes, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(2 * classes) % classes
    if task == "multi-label":
        labels = nn.functional.one_hot(labels, classes).to(torch.uint8)
    for name, metric in own.items():
        try:
            float(metric.build(logits, labels))
        except Exception as error:  # a user's function raises whatever it likes
            raise BakeoffError(f"metric {name} (a plugin) fails: {plugin_files.reason(error)}") from error


def _check_schedule(study: Study, recipe: Recipe, cells: Cells, cards: Cards) -> None:
    """The recipe's schedule with each optimizer, over as many steps as each dataset gives."""
    if recipe.schedule is None:
        return
    for dataset, name in dict.fromkeys((cell.dataset, cell.optimizer) for cell in cells):
        steps = steps_per_epoch(cards[dataset]["counts"]["train"], recipe.batch_size, recipe.accumulate)
        optimizer = build_optimizer(study.optimizers[name], [nn.Parameter(torch.zeros(2, 2))])
        check_schedule(recipe.schedule, optimizer, recipe.epochs, steps)


def _build_augmentation(recipe: Recipe, card: Card) -> Augmentation:
    shape = tuple(card["shape"])
    augmentation = build_augmentation([(item.name, item.arguments) for item in recipe.augment], shape)
    if augmentation.shape != shape:
        found = f"leaves images of shape {augmentation.shape}, but validation and test images have {shape}"
        raise BakeoffError(f"{found}; crop to the images' own size, or resize the dataset")
    return augmentation


def _check_normalize(recipe: Recipe, card: Card) -> None:
    normalize, channels = recipe.normalize, card["shape"][0]
    if isinstance(normalize, Normalize) and not len(normalize.mean) == len(normalize.std) == channels:
        allowed = f"one number for each of the {channels} channels of {card['name']!r}"
        raise BakeoffError(f"mean and std need {allowed}; found {len(normalize.mean)} and {len(normalize.std)}")


def _check_starting_weights(study: Study, cell: Experiment, cards: Cards) -> None:
    """The weights of the run that an experiment starts from must fit its network, but for the classifier."""
    origin = parent(study, cell.run(study.seeds_of(cell)[0]))
    if origin is None or (origin.dataset, origin.architecture) == (cell.dataset, cell.architecture):
        return
    card = cards.get(origin.dataset) or read_card(data_folder(study, origin.dataset))
    given, _ = _on_meta(study.architectures[origin.architecture], image_shape(card))
    network, _ = _on_meta(study.architectures[cell.architecture], image_shape(cards[cell.dataset]))
    fit_weights(network, given.state_dict(), f"the weights of {origin.experiment.key} do not fit {cell.key}")


def _on_meta(architecture: Architecture, images: ImageShape) -> tuple[nn.Module, Tensor]:
    """A network and one image on the meta device, so without memory."""
    with torch.device("meta"):
        return build_model(architecture, images), torch.empty(1, images.channels, images.height, images.width)
