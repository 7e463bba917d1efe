"""The matrix of a study: its experiments, which runs are done, and what the others cost in epochs and images."""

import math
from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Column

from bakeoff.commands.race_state import round_lines
from bakeoff.commands.run_states import failed_steps, run_state, training_state
from bakeoff.commands.status import axes_of, narrow_table
from bakeoff.data.card import DamagedData, read_card
from bakeoff.data.missing import missing_files
from bakeoff.jobs.plans import read_plan
from bakeoff.jobs.replaced import runs_to_replace
from bakeoff.results.result import FINISHED
from bakeoff.study.halving import epochs_of_trials, rungs_of
from bakeoff.study.matrix import Experiment
from bakeoff.study.paths import Layout
from bakeoff.study.specification import data_folder, plan_file
from bakeoff.study.study import Study
from bakeoff.study.trainings import default_trainings, trial_trainings
from bakeoff.study.trials import is_tuned


def plan_table(study: Study, layout: Layout) -> RenderableType:
    """The matrix: experiments, their runs and which are done, what is left in epochs and images; then how recipes
    augment. An axis with one name alone stands above the table."""
    axes, alone = axes_of(study)
    numbers = ("runs\ndone", "epochs\nleft", "images\nleft")
    table = narrow_table(
        *(Column(axis, overflow="fold") for axis in axes),
        *(Column(name, justify="right", no_wrap=True) for name in numbers),
    )
    counts = {name: _training_images(study, name) for name in study.datasets}
    rows = []
    for cell in study.cells:
        states = [run_state(study, cell.run(seed), layout).state for seed in study.seeds_of(cell)]
        done = sum(state in FINISHED for state in states)
        epochs = (len(states) - done) * study.recipes[cell.recipe].epochs
        rows.append((done, len(states), epochs, epochs * counts[cell.dataset]))
        table.add_row(*(escape(getattr(cell, axis)) for axis in axes), *_numbers(*rows[-1]))
    total = [sum(column) for column in zip(*rows, strict=True)]
    if axes:
        table.add_section()
        table.add_row("all", *[""] * (len(axes) - 1), *_numbers(*total), style="bold")
    title = f"[bold]{escape(study.title or study.study)}[/]: {total[1]} runs{escape(alone)}"
    unknown = [name for name, count in counts.items() if math.isnan(count)]
    notes = [f"images are counted once a dataset is prepared; not yet: {', '.join(unknown)}"] if unknown else []
    notes += [escape(f"cannot be prepared: {problem}") for problem in missing_files(study)]
    unchecked = sum(read_plan(plan_file(study, layout, cell)) is None for cell in study.cells)
    if unchecked:
        notes.append(f"models, optimizers and transforms of {unchecked} experiments are checked in the first jobs")
    notes += [escape(line) for line in runs_to_replace(study, layout)]
    notes = [*map(escape, round_lines(study, layout)), *notes]
    return Group(
        title,
        table,
        *_tuning_table(study, layout, counts),
        *notes,
        *_augmentation_notes(study, layout),
        *failed_steps(study, layout),
    )


def _tuning_table(study: Study, layout: Layout, images: Mapping[str, float]) -> list[RenderableType]:
    """The trials of each experiment and the runs with its default values, with what is left of them; nothing without
    tuning. `images` are those of each dataset's training split."""
    tuning = study.tuning
    if tuning is None:
        return []
    numbers = ("trials\ndone", "defaults\ndone", "epochs\nleft", "images\nleft")
    table = narrow_table(
        Column("tuned experiment", overflow="fold"), *(Column(name, justify="right", no_wrap=True) for name in numbers)
    )
    rows = {cell: _left_to_try(study, layout, cell) for cell in study.cells if is_tuned(study, cell)}
    for cell, (tries, defaults, epochs) in rows.items():
        table.add_row(escape(cell.key), tries, defaults, *_amounts(epochs, epochs * images[cell.dataset]))
    total = sum(epochs for *_, epochs in rows.values())
    cost = sum(epochs * images[cell.dataset] for cell, (*_, epochs) in rows.items())
    table.add_section()
    table.add_row("all", "", "", *_amounts(total, cost), style="bold")
    seeds = f"{len(tuning.seeds)} tuning seed{'s' * (len(tuning.seeds) > 1)}"
    epochs_of_a_trial = f"{tuning.epochs} epochs" if tuning.epochs else "the recipe's epochs"
    times = f", {tuning.studies} times" if tuning.studies > 1 else ""
    title = f"[bold]tuning[/]: {tuning.trials} trials{times}, {seeds}, {epochs_of_a_trial}; then the runs above"
    title += "".join(_rungs_in_words(study, cell) for cell in list(rows)[:1])
    without = [cell.key for cell in study.cells if cell not in rows]
    notes = [escape(f"no space, so no trials: {', '.join(without)}")] if without else []
    return ["", title, table, *notes]


def _rungs_in_words(study: Study, cell: Experiment) -> str:
    """How many of its trials train how long, where they are halved, and what that is of their whole length."""
    rungs = rungs_of(study, cell)
    if len(rungs) == 1:
        return ""
    counted = ", ".join(f"{rung.trials} to epoch {rung.epochs}" for rung in rungs)
    spent, whole = epochs_of_trials(rungs), rungs[0].trials * rungs[-1].epochs
    return f"\nhalved: {counted}; {spent} of {whole} epochs for each experiment, tuning seed and study"


def _left_to_try(study: Study, layout: Layout, cell: Experiment) -> tuple[str, str, int]:
    """How many trials and runs with default values of an experiment are done, and the epochs that are left of both."""
    counted, epochs = [], 0.0
    for found in (trial_trainings, default_trainings):
        states = [training_state(training) for training in found(study, layout, cell)]
        left = [state for state in states if state.state not in FINISHED]
        counted.append(f"{len(states) - len(left)}/{len(states)}")
        rungs = (rung for training in found(study, layout, cell) for rung in training.rungs)
        epochs += sum(training_state(rung).epochs_left for rung in rungs)
    return counted[0], counted[1], round(epochs)


def _augmentation_notes(study: Study, layout: Layout) -> list[str]:
    """Which transforms run on batches, as the plan step found; recipes of which the same is known share a line."""
    ways: dict[str, str] = {}
    for cell in study.cells:
        if study.recipes[cell.recipe].augment:
            plan = read_plan(plan_file(study, layout, cell)) or {}
            found = _ways(plan["augmentation"]) if "augmentation" in plan else "known after `bakeoff check`"
            ways.setdefault(cell.recipe, found)
    recipes = {found: [name for name, other in ways.items() if other == found] for found in ways.values()}
    return [escape(f"augment: {', '.join(names)} – {found}") for found, names in recipes.items()]


def _ways(augmentation: dict[str, list[str]]) -> str:
    ways = {"batched": "batched", "image_by_image": "image by image"}
    return "; ".join(f"{', '.join(augmentation[key])} {words}" for key, words in ways.items() if augmentation[key])


def _training_images(study: Study, dataset: str) -> float:
    """Not a number before the dataset is prepared, nor where its card is damaged: it is prepared again."""
    try:
        return read_card(data_folder(study, dataset))["counts"]["train"]
    except DamagedData:
        return math.nan


def _numbers(done: int, runs: int, epochs: int, images: float) -> tuple[str, str, str]:
    return f"{done}/{runs}", *_amounts(epochs, images)


def _amounts(epochs: int, images: float) -> tuple[str, str]:
    return f"{epochs:,}", "?" if math.isnan(images) else f"{images:,}"
