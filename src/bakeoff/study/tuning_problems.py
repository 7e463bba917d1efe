"""What can be wrong with the tuning of a study, and can be said before anything trains."""

from collections.abc import Iterator

from bakeoff.errors import BakeoffError
from bakeoff.study.matrix import Experiment
from bakeoff.study.plausibility import impossible
from bakeoff.study.specification import features_folder
from bakeoff.study.study import Study, parent
from bakeoff.study.trials import corners, is_tuned, spaces_of, trials, tried

EXAMPLE = "tuning: {trials: 16, seeds: [1000], epochs: 10}"


def tuning_problems(study: Study) -> Iterator[BakeoffError]:
    """Each problem with its keys. Raises pydantic's ValidationError where an end of a space is refused by its entry."""
    if study.spaces and study.tuning is None:
        first = study.spaces[0]
        yield BakeoffError(f"has a space, and the study no budget for tuning; add {EXAMPLE}", first.keys)
        return
    if study.tuning is None:
        return
    if both := sorted({*study.possible_seeds} & {*study.tuning.seeds}):
        message = f"{', '.join(map(str, both))} is a seed of the study, too, which would evaluate what it chose"
        yield BakeoffError(f"{message}; take others, as [1000]", ["tuning", "seeds"])
    yield from _too_few_to_halve(study)
    for corner in corners(study):
        for problem in impossible(corner):
            yield BakeoffError(f"{problem.message} (at an end of its space)", problem.keys)
            return
    for cell in study.cells:
        yield from _unsupported(study, cell)


def _too_few_to_halve(study: Study) -> Iterator[BakeoffError]:
    tuning = study.tuning
    if tuning is None or (factor := tuning.halving) is None:
        return
    if tuning.trials < factor:
        message = f"{factor} leaves none of {tuning.trials} trials; allowed: no more than there are trials"
        yield BakeoffError(message, ["tuning", "halving"])
    for cell in study.cells:
        epochs = tuning.epochs or study.recipes[cell.recipe].epochs
        if is_tuned(study, cell) and epochs < factor:
            counted = f"{epochs} epoch{'s' * (epochs > 1)} of a trial are too few to stop some earlier"
            keys = ["tuning", "epochs"] if tuning.epochs else ["recipes", cell.recipe, "epochs"]
            yield BakeoffError(f"{counted}; halving by {factor} needs at least {factor}, {factor**2} are better", keys)
            return


def _unsupported(study: Study, cell: Experiment) -> Iterator[BakeoffError]:
    """What tuning does not do yet: chains of runs, and features that depend on what is tuned."""
    origin = parent(study, cell.run(study.seeds_of(cell)[0]))
    if origin is not None and (is_tuned(study, cell) or is_tuned(study, origin.experiment)):
        tuned = cell if is_tuned(study, cell) else origin.experiment
        message = f"{cell.key} starts from another run, and {tuned.key} is tuned, which cannot be both"
        yield BakeoffError(
            f"{message}; tune the first stage in a study of its own and start from its model.safetensors by pretrained",
            ["recipes", cell.recipe, "init_from"],
        )
    elif is_tuned(study, cell) and (folder := features_folder(study, cell)):
        others = {features_folder(tried(study, trial), cell) for trial in trials(study).values()}
        if others != {folder}:
            named = ", ".join(item.name for item in spaces_of(study, cell))
            message = f"{cell.key} trains on kept features of a frozen backbone, which a space changes ({named})"
            yield BakeoffError(f"{message}; give the values of the backbone", ["recipes", cell.recipe, "freeze"])
