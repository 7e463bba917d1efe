"""One subsection for each experiment, in the study's order."""

from bakeoff.analysis.labels import SCORES, score_name
from bakeoff.language import Language, mark
from bakeoff.report.columns import metric_column, number_column
from bakeoff.report.document import Block, Cell, Column, Facts, Items, Paragraph, Section, Table, paragraphs, tabulate
from bakeoff.report.entry_text import arguments_text, effective
from bakeoff.report.material import Material, Row, anchor_of
from bakeoff.report.numbers import NONE, interval_text, is_known, metric_text, seconds_text, spread_text, whole_text
from bakeoff.report.published import comparisons
from bakeoff.report.verdicts import sentence
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
    parts = [_experiment(material, cell) for cell in material.rows]
    return Section(material.language.say("Experiments"), "experiments", parts)


def _experiment(material: Material, cell: Experiment) -> Section:
    say, row, study = material.language.say, material.rows[cell], material.study
    label = material.labels[cell]
    blocks: list[Block] = [text for rungs in study.rungs_of(cell) for text in paragraphs(rungs.notes)]
    blocks.append(Facts(_facts(material, cell, row)))
    said = [
        sentence(material, row)
        for row in material.statistic("comparisons")
        if row["a"] == cell.key and row["neighbours"] in (True, "True")
    ]
    said += [comparison.sentence for comparison in comparisons(material, cell)]
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
    return Section(label, anchor_of(cell), blocks)


def _facts(material: Material, cell: Experiment, row: Row) -> list[tuple[str, str]]:
    language, study, score = material.language, material.study, material.score
    say, plan = language.say, material.plans.get(cell, {})
    trial = chosen(study, material.layout, cell) if is_tuned(study, cell) else None
    trained = evaluated(study, trial) if trial else study
    entries = {
        mark("Dataset"): (cell.dataset, trained.datasets[cell.dataset]),
        mark("Architecture"): (cell.architecture, trained.architectures[cell.architecture]),
        mark("Optimizer"): (cell.optimizer, trained.optimizers[cell.optimizer]),
        mark("Recipe"): (cell.recipe, trained.recipes[cell.recipe]),
    }
    facts = [(say(title), f"{name} ({arguments_text(effective(entry))})") for title, (name, entry) in entries.items()]
    for title, name in ((mark("Parameters"), "parameters"), (mark("MACs per image"), "macs")):
        facts.append((say(title), whole_text(row[name] if is_known(row[name]) else plan.get(name), language)))
    if is_known(row[f"{score}_mean"]):
        value = spread_text(row, score, material.metric, language, unit=True)
        interval = interval_text(row, score, material.metric, language, unit=True)
        if interval != NONE:
            value = say("{value}, 95 % interval {interval}", value=value, interval=interval)
        facts.append((score_name("test", material.metric, study, language), value))
    return facts


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
        Column(say("Seed"), lambda run: Cell(str(run["seed"]), value=run["seed"])),
        Column(say("Status"), lambda run: Cell(status_text(run, language)), numeric=False),
        *(
            _score_column(material, score)
            for score in SCORES
            if score != "test_max" or any(is_known(run[f"test_max_{metric.name}"]) for run in runs)
        ),
        *(
            metric_column(material, material.score_title("test", other), f"test_{other.name}", other)
            for other in material.other_metrics(runs, "test_{}")
        ),
        Column(say("Best epoch"), lambda run: Cell(_best_epoch(run, language), value=run["best_epoch"])),
        number_column(material, say("Seconds"), "training_seconds", seconds_text),
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
