"""Numbers that nobody can mean, which are refused, and numbers that hardly anyone means, which get a warning."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from bakeoff.errors import BakeoffError, Keys
from bakeoff.study.cuts import cuts_of
from bakeoff.study.entries import Normalize, Optimizer, Recipe
from bakeoff.study.metrics import METRICS, Metric
from bakeoff.study.race_rules import FEWEST_SEEDS
from bakeoff.study.study import Study

FEW_MEGABYTES = 500  # less than a process with PyTorch takes
MOST_INDIFFERENCE = 0.2  # of a fraction: 20 points
GROWING = ("steplr", "multisteplr", "exponentiallr")  # schedules that multiply the learning rate by gamma


def _adaptive(name: str) -> bool:
    """Whether each step of an optimizer is about as long as its learning rate, however long the gradient is."""
    return "adam" in name or any(word in name for word in ("lamb", "lion", "adan", "adabelief", "rmsprop", "laprop"))


def _trust_ratio(name: str) -> bool:
    """Whether an optimizer scales its learning rate for each layer, so that 10 may be meant (LARS)."""
    return "lars" in name or "larc" in name


@dataclass(frozen=True)
class Rule:
    """What a number of an entry should be: `holds(number)`, or what it `says`.

    `of` tells by its name in lower case whether the rule is about an optimizer.
    """

    key: str
    holds: Callable[[float], bool]
    says: str
    of: Callable[[str], bool] = lambda name: True


REFUSED = (
    Rule("lr", lambda lr: lr >= 0, "a learning rate is not negative"),
    Rule("momentum", lambda momentum: momentum >= 0, "a momentum is not negative"),
    Rule("weight_decay", lambda decay: decay >= 0, "a weight decay is not negative"),
    Rule("betas", lambda beta: 0 <= beta < 1, "each is at least 0 and below 1"),
)
QUESTIONED = (
    Rule("lr", lambda lr: lr != 0, "nothing is learned at a learning rate of 0"),
    Rule("lr", lambda lr: lr < 1, "every step is about as long as lr with this optimizer; 0.001 is usual", _adaptive),
    Rule("lr", lambda lr: lr < 10, "0.1 is usual", lambda name: not (_adaptive(name) or _trust_ratio(name))),
    Rule("momentum", lambda momentum: momentum < 1, "gradients never fade at 1 and above; 0.9 is usual"),
    Rule("weight_decay", lambda decay: decay < 1, "0.0001 to 0.1 is usual", lambda name: "lion" not in name),
)
PROBABILITIES = ("dropout", "drop_rate", "drop_path_rate")  # of Bakeoff's own models and of timm's


def impossible(study: Study) -> Iterator[BakeoffError]:
    """What is wrong with the numbers of a study, whatever its data are."""
    for name, entry in study.optimizers.items():
        yield from _texts(entry, ["optimizers", name])
        yield from _broken(REFUSED, entry, ["optimizers", name])
    own = {item.name for item in study.declarations if item.kind == "model"}
    for name, architecture in study.architectures.items():
        if architecture.model not in own:
            yield from _no_probabilities(architecture.arguments, PROBABILITIES, ["architectures", name])
    for name, dataset in study.datasets.items():
        if dataset.source in ("folder", "csv", "torchvision"):
            yield from _no_share(dataset.arguments.get("test"), ["datasets", name, "test"])
    for name, recipe in study.recipes.items():
        for index, transform in enumerate(recipe.augment):
            yield from _no_probabilities(transform.arguments, ("p",), ["recipes", name, "augment", index])
        least = recipe.early_stopping.min_delta if recipe.early_stopping else 0
        if study.leading_metric.percent and least >= 1:
            message = f"{study.metric} is a fraction and cannot improve by {least:g}{as_fraction(least)}"
            yield BakeoffError(message, ["recipes", name, "early_stopping", "min_delta"])
    if study.target is not None:
        yield from _no_score(study.target, study.leading_metric, ["target"])
    least = study.rounds.indifference if study.rounds else 0
    if study.leading_metric.percent and least > MOST_INDIFFERENCE:
        message = f"found {least:g}; {study.metric} is a fraction: write {least / 100:.10g} for {least:.10g} points"
        yield BakeoffError(message, ["seeds", "indifference"])
    for index, block in enumerate(study.experiments):
        for at, number in enumerate(block.published):
            metric = study.metrics.get(number.metric or study.metric, study.leading_metric)
            yield from _no_score(number.value, metric, ["experiments", index, "published", at, "value"])


def questionable(study: Study) -> Iterator[BakeoffError]:
    """What a study may say and hardly means: warnings, which stop nothing."""
    if study.tuning is not None and not study.spaces:
        yield BakeoffError("no entry has a space, as in {lr: {log_uniform: [1e-3, 1]}}: nothing is tuned", ["tuning"])
    for name, dataset in study.datasets.items():
        for cut in cuts_of(name, dataset)[:1]:
            if len(study.possible_seeds) < FEWEST_SEEDS:
                advice = f"write seeds: {FEWEST_SEEDS} or more"
                message = f"a verdict takes {FEWEST_SEEDS} seeds, however many {cut.key} there are; {advice}"
                yield BakeoffError(message, ["datasets", name, cut.key])
    for name, entry in study.optimizers.items():
        yield from _broken(QUESTIONED, entry, ["optimizers", name])
    for name, recipe in study.recipes.items():
        yield from (BakeoffError(message, ["recipes", name, *keys]) for keys, message in _doubts(recipe))
    for axis in ("architectures", "recipes"):
        for name, part in getattr(study, axis).items():
            if part.resources.mem_mb is not None and part.resources.mem_mb < FEW_MEGABYTES:
                message = f"{part.resources.mem_mb} MB are less than PyTorch takes; 16 GB are mem_mb: 16000"
                yield BakeoffError(message, [axis, name, "resources", "mem_mb"])


def _doubts(recipe: Recipe) -> Iterator[tuple[Keys, str]]:
    schedule, epochs = recipe.schedule, recipe.epochs
    if schedule is not None:
        if schedule.warmup > epochs:
            message = f"the warm-up of {schedule.warmup:g} epochs is longer than the training of {epochs}"
            yield ["schedule", "warmup"], f"{message}: the learning rate never reaches lr"
        gamma = schedule.arguments.get("gamma")
        if (schedule.name or "").lower() in GROWING and _is_number(gamma) and gamma > 1:
            yield ["schedule", "gamma"], f"{gamma:g} makes the learning rate grow; 0.1 is usual"
    if recipe.early_stopping and recipe.early_stopping.patience >= epochs:
        message = f"training has {epochs} epochs and cannot stop after {recipe.early_stopping.patience} without a gain"
        yield ["early_stopping", "patience"], message
    if recipe.label_smoothing > 0.5:
        yield (
            ["label_smoothing"],
            f"{recipe.label_smoothing:g} gives most of each target to other classes; 0.1 is usual",
        )
    if isinstance(recipe.normalize, Normalize) and max(map(abs, recipe.normalize.mean), default=0) > 1:
        largest = max(recipe.normalize.mean, key=abs)
        message = f"{largest:g} is no mean of pixels, which are scaled to 0..1; of 255 it is {largest / 255:.3g}"
        yield ["normalize", "mean"], message


def _broken(rules: Iterable[Rule], entry: Optimizer, keys: Keys) -> Iterator[BakeoffError]:
    """The rules about an optimizer's arguments that do not hold."""
    for rule in rules:
        written = entry.arguments.get(rule.key)
        for number in written if isinstance(written, list) else [written]:
            if _is_number(number) and rule.of(entry.name.lower()) and not rule.holds(number):
                yield BakeoffError(f"found {number:g}; {rule.says}", [*keys, rule.key])


def _texts(entry: Optimizer, keys: Keys) -> Iterator[BakeoffError]:
    """Arguments that are text where optimizers take numbers: `0,001`, `(0.9, 0.99)`."""
    for key in dict.fromkeys(rule.key for rule in REFUSED):
        if isinstance(written := entry.arguments.get(key), str):
            example = "a list, as [0.9, 0.99]" if key == "betas" else "a number, as 0.001 or 1e-3"
            yield BakeoffError(f"found the text {written!r}; allowed: {example}", [*keys, key])


def _no_probabilities(arguments: Mapping[str, Any], names: Iterable[str], keys: Keys) -> Iterator[BakeoffError]:
    for name in names:
        value = arguments.get(name)
        if _is_number(value) and not 0 <= value <= 1:
            yield BakeoffError(
                f"found {value:g}; allowed: a probability from 0 to 1{as_fraction(value)}", [*keys, name]
            )


def _no_share(value: Any, keys: Keys) -> Iterator[BakeoffError]:
    if _is_number(value) and not 0 < value < 1:
        yield BakeoffError(f"found {value:g}; allowed: a share between 0 and 1, such as 0.2{as_fraction(value)}", keys)


def _no_score(value: float, metric: Metric, keys: Keys) -> Iterator[BakeoffError]:
    """A score that no model can have: a fraction above 1, or one of Bakeoff's own metrics below 0."""
    if metric.percent and value > 1:
        yield BakeoffError(f"found {value:g}; {metric.name} is a fraction from 0 to 1{as_fraction(value)}", keys)
    elif metric.name in METRICS and value < 0:
        yield BakeoffError(f"found {value:g}; {metric.name} is never below 0", keys)


def as_fraction(value: float) -> str:
    """What was meant by a percentage: "; write 0.9215 for 92.15 %"."""
    return f"; write {value / 100:.10g} for {value:.10g} %" if 1 < value <= 100 else ""


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
