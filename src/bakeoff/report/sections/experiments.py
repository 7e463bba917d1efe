"""The experiments one by one: their runs and curves, in the study's order."""

from bakeoff.analysis.labels import SCORES
from bakeoff.language import Language, mark
from bakeoff.report.columns import number_column, seconds_column
from bakeoff.report.document import Block, Cell, Column, Details, Items, Paragraph, Section, Table, paragraphs, tabulate
from bakeoff.report.entry_text import arguments_text, effective
from bakeoff.report.material import Material, Row, anchor_of
from bakeoff.report.numbers import NONE, is_known, metric_style, metric_text, whole_text
from bakeoff.report.published import comparisons
from bakeoff.study.matrix import Experiment
from bakeoff.study.trainings import chosen
from bakeoff.study.trials import evaluated, is_tuned

STATUSES = {
    "completed": mark("completed"),
    "diverged": mark("diverged"),
    "out_of_memory": mark("out of memory"),
    "metric_undefined": mark("metric undefined"),
    "missing": mark("missing"),
}


def experiments(material: Material) -> Section:
    """A folded part for each experiment, which is about what it alone has: What was compared says its entries."""
    parts = [_experiment(material, cell) for cell in material.rows]
    return Section(material.language.say("Experiments one by one"), "experiments", parts)


def _experiment(material: Material, cell: Experiment) -> Details:
    say, row, study = material.language.say, material.rows[cell], material.study
    label = material.labels[cell]
    blocks: list[Block] = [text for rungs in study.rungs_of(cell) for text in paragraphs(rungs.notes)]
    blocks += [Paragraph(text) for text in _tuned(material, cell)]
    said = [comparison.sentence for comparison in comparisons(material, cell)]
    blocks += [Items(said)] if said else []
    if not row["completed"]:
        blocks.append(Paragraph(say("No run of this experiment is complete.")))
    blocks.append(_seeds(material, cell))
    if row["completed"]:
        over_seeds = mark(
            "{experiment}: the mean over completed seeds, with a band from the lowest to the highest; circles mark "
            "the epoch chosen for each seed."
        )
        over_runs = mark(
            "{experiment}: the mean over completed runs, with a band from the lowest to the highest; circles mark "
            "the epoch chosen for each run."
        )
        caption = say(over_runs if material.cut_of(cell.dataset) else over_seeds, experiment=label)
        blocks += material.figures({f"curves/{cell.key.replace('/', '__')}": caption})
    return Details(label, anchor_of(cell), blocks)


def _tuned(material: Material, cell: Experiment) -> list[str]:
    """The entries that tuning has changed, with the values that it chose."""
    say, study = material.language.say, material.study
    trial = chosen(study, material.layout, cell) if is_tuned(study, cell) else None
    if trial is None:
        return []
    trained, texts = evaluated(study, trial), []
    for title, axis, name in (
        (mark("Architecture"), "architectures", cell.architecture),
        (mark("Optimizer"), "optimizers", cell.optimizer),
        (mark("Recipe"), "recipes", cell.recipe),
    ):
        entry = getattr(trained, axis)[name]
        if entry != getattr(study, axis)[name]:
            said = arguments_text(effective(entry))
            texts.append(say("{axis} {name}, as tuned: {entry}.", axis=say(title), name=name, entry=said))
    return texts


def status_text(run: Row, language: Language) -> str:
    """How a run ended, in a word or two."""
    words = STATUSES[run["status"]]
    return language.say(words)


def _seeds(material: Material, cell: Experiment) -> Table:
    """The table of an experiment's runs."""
    language, metric, runs = material.language, material.metric, material.runs[cell]
    say, cut = language.say, material.cut_of(cell.dataset)
    title = "" if cut is None else say("Fold") if cut.kind == "fold" else say("Split")
    columns = [
        *([Column(title, lambda run: Cell(str(run["split"]), value=run["split"]))] if title else []),
        Column(say("Seed"), lambda run: Cell(str(run["seed"]), value=run["seed"], files=material.files_of(run))),
        Column(say("Status"), lambda run: Cell(status_text(run, language)), numeric=False),
        *(
            _score_column(material, score)
            for score in SCORES
            if score != "test_max" or any(is_known(run[f"test_max_{metric.name}"]) for run in runs)
        ),
        *(
            number_column(
                material,
                material.score_title("test", other),
                f"test_{other.name}",
                metric_style(other, (run[f"test_{other.name}"] for run in runs)),
            )
            for other in material.other_metrics(runs, "test_{}")
        ),
        Column(say("Best epoch"), lambda run: Cell(_best_epoch(run, language), value=run["best_epoch"])),
        seconds_column(material, say("Seconds"), "training_seconds", runs),
    ]
    caption = say("Runs of {experiment}.", experiment=material.labels[cell])
    return tabulate(f"runs_{cell.key.replace('/', '__')}", caption, columns, runs)


def _score_column(material: Material, score: str) -> Column[Row]:
    """A score of each run. A run that did not complete has no test score: its weights may not be numbers."""

    def cell(run: Row) -> Cell:
        told = run["status"] == "completed" or not score.startswith("test")
        value = run[f"{score}_{material.metric.name}"] if told else None
        return Cell(metric_text(value, material.metric, material.language), value=value)

    return Column(material.score_title(score), cell)


def _best_epoch(run: Row, language: Language) -> str:
    if not is_known(run["epochs"]):
        return NONE
    best, epochs = (whole_text(run[name], language) for name in ("best_epoch", "epochs"))
    return language.say("{some} of {all}", some=best, all=epochs)
