"""The matrix of a study: its experiments, which runs are done, and what the others cost in epochs and images."""

import json
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape

from bakeoff.commands.status import axes_of, failed_steps, narrow_table, run_state
from bakeoff.errors import BakeoffError
from bakeoff.results.result import FINISHED
from bakeoff.study.paths import Layout
from bakeoff.study.specification import data_folder, plan_file
from bakeoff.study.study import Study


def plan_table(study: Study, layout: Layout) -> RenderableType:
    """The matrix: experiments, their runs and which are done, what is left in epochs and images; then how recipes
    augment. An axis with one name alone stands above the table."""
    axes, alone = axes_of(study)
    table = narrow_table()
    for column in axes:
        table.add_column(column, overflow="fold")
    for column in ("runs\ndone", "epochs\nleft", "images\nleft"):
        table.add_column(column, justify="right", no_wrap=True)
    counts = {name: _training_images(study, name) for name in study.datasets}
    total_runs = total_done = total_epochs = 0
    total_images: int | None = 0
    for cell in study.cells:
        states = [run_state(study, cell.run(seed), layout).state for seed in study.seeds]
        done = sum(state in FINISHED for state in states)
        epochs = (len(states) - done) * study.recipes[cell.recipe].epochs
        count = counts[cell.dataset]
        images = None if count is None else count * epochs
        names = [escape(getattr(cell, axis)) for axis in axes]
        table.add_row(*names, f"{done}/{len(states)}", f"{epochs:,}", _number(images))
        total_runs, total_done, total_epochs = total_runs + len(states), total_done + done, total_epochs + epochs
        total_images = None if images is None or total_images is None else total_images + images
    if axes:
        table.add_section()
        blanks = [""] * (len(axes) - 1)
        done_of_all = f"{total_done}/{total_runs}"
        table.add_row("all", *blanks, done_of_all, f"{total_epochs:,}", _number(total_images), style="bold")
    title = f"[bold]{escape(study.title or study.study)}[/]: {total_runs} runs{escape(alone)}"
    unknown = [name for name, count in counts.items() if count is None]
    notes = [f"images are counted once a dataset is prepared; not yet: {', '.join(unknown)}"] if unknown else []
    unchecked = sum(not plan_file(study, layout, cell).exists() for cell in study.cells)
    if unchecked:
        notes.append(f"models, optimizers and transforms of {unchecked} experiments are checked in the first jobs")
    return Group(title, table, *notes, *_augmentation_notes(study, layout), *failed_steps(study, layout))


def _augmentation_notes(study: Study, layout: Layout) -> list[str]:
    """Which transforms run on batches, as the plan step found; recipes of which the same is known share a line."""
    ways: dict[str, str] = {}
    for cell in study.cells:
        if study.recipes[cell.recipe].augment:
            plan = _read(plan_file(study, layout, cell)) or {}
            found = _ways(plan["augmentation"]) if "augmentation" in plan else "known after `bakeoff check`"
            ways.setdefault(cell.recipe, found)
    recipes = {found: [name for name, other in ways.items() if other == found] for found in ways.values()}
    return [escape(f"augment: {', '.join(names)} – {found}") for found, names in recipes.items()]


def _ways(augmentation: dict[str, list[str]]) -> str:
    ways = {"batched": "batched", "image_by_image": "image by image"}
    return "; ".join(f"{', '.join(augmentation[key])} {words}" for key, words in ways.items() if augmentation[key])


def _training_images(study: Study, dataset: str) -> int | None:
    card = _read(data_folder(study, dataset) / "card.json")
    return card["counts"]["train"] if card else None


def _number(value: int | None) -> str:
    return "?" if value is None else f"{value:,}"


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return content
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise BakeoffError(f"{path}: is damaged ({error}); delete it, and the run is made again") from error
