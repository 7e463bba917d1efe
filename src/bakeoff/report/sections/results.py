"""The results on each dataset: the ranked figure, a short table, the rest on demand, and published numbers."""

from collections.abc import Mapping
from dataclasses import replace

from bakeoff.analysis.against_best import verdicts_of
from bakeoff.analysis.paired import IS_WORSE, Verdict
from bakeoff.analysis.ranking import best_on, ranking
from bakeoff.language import mark
from bakeoff.report.baseline_sentences import baseline_cells
from bakeoff.report.columns import experiment_column, metric_column, number_column
from bakeoff.report.document import Block, Cell, Column, Details, Figure, Paragraph, Section, Table, Tone, tabulate
from bakeoff.report.material import Material, Row, cell_of
from bakeoff.report.numbers import NONE, amount_text, metric_style, score_text
from bakeoff.report.published import published_table
from bakeoff.report.repeated_splits import cuts_and_seeds
from bakeoff.report.sections.averaged_seeds import ensembles
from bakeoff.report.sections.until_decided import left_behind
from bakeoff.study.matrix import Experiment

BEST = mark("best")
ON_THESE_IMAGES, ON_THESE_CUTS = mark("worse on these images"), mark("worse on these cuts")
CONTRARY: tuple[str, Tone] = (mark("better"), "better")
LEFT: tuple[str, Tone] = (mark("left the race"), "maybe_worse")
# The verdict on the best → what it says of the other.
AGAINST_THE_BEST: dict[Verdict, tuple[str, Tone]] = {
    Verdict.BETTER: (mark("worse"), "worse"),
    Verdict.BETTER_ON_THESE_IMAGES: (ON_THESE_IMAGES, "maybe_worse"),
    Verdict.NOT_DISTINGUISHABLE: (mark("tied"), "open"),
    Verdict.IDENTICAL: (mark("the same"), "open"),
    Verdict.TOO_FEW_SEEDS: (mark("too few seeds"), ""),
    Verdict.CONSTANT_DIFFERENCE: (mark("no spread"), ""),
    **dict.fromkeys(IS_WORSE, CONTRARY),
}


def results(material: Material) -> Section | None:
    """A part for each dataset; None for one alone, whose results stand with the answer."""
    if len(material.datasets) == 1:
        return None
    parts = [Section(name, f"results-{name}", of_dataset(material, name)) for name in material.datasets]
    return Section(material.language.say("Results"), "results", parts)


def published(material: Material) -> Section | None:
    """Published numbers; None where the study has none."""
    say, table = material.language.say, published_table(material)
    if table is None:
        return None
    introduction = say(
        "Published numbers beside ours for the same measure: the mean over seeds ± its standard deviation."
    )
    return Section(say("Published numbers"), "published", [Paragraph(introduction), table])


def of_dataset(material: Material, dataset: str) -> list[Block]:
    """The ranked figure of a dataset, its table, and what else was measured."""
    more = [*_more(material, dataset), *ensembles(material, dataset)]
    return [*_ranked(material, dataset), main_table(material, dataset), *more]


def main_table(material: Material, dataset: str) -> Table:
    """The experiments on a dataset, the best first, and the baseline."""
    language, metric, score = material.language, material.metric, material.score
    say, rows = language.say, material.of_dataset(dataset)
    ranks, verdicts = ranking(rows, metric), _against_the_best(material, dataset)
    product = cuts_and_seeds(material, dataset)

    def is_best(row: Row) -> bool:
        return ranks.get(cell_of(row)) == 1

    def rank(row: Row) -> Cell:
        place = ranks.get(cell_of(row))
        return Cell(str(place or NONE), value=place)

    def value(row: Row) -> Cell:
        return Cell(score_text(row, score, metric, language), is_best(row), row[f"{score}_mean"])

    columns = [
        Column(say("Rank"), rank),
        experiment_column(material, material.labels_on_dataset, is_best),
        Column(material.score_title("test", rest=say(", 95 % interval")), value),
        Column(say("Against the best"), lambda row: verdicts.get(cell_of(row), Cell(NONE)), numeric=False),
        Column(
            say("Runs"),
            lambda row: Cell(
                say("{some} of {all}", some=row["completed"], all=row["planned"]) + product, value=row["completed"]
            ),
        ),
    ]
    order = sorted(rows, key=lambda cell: ranks.get(cell, len(rows) + 1))
    caption = say("Results on {dataset}, the best first.", dataset=dataset)
    table = tabulate(f"results_{dataset}", caption, columns, [rows[cell] for cell in order])
    shown = [(metric, metric_style(metric)), *[None] * (len(columns) - 3)]
    baseline = [[Cell(NONE), *cells] for cells in baseline_cells(material, dataset, shown)]
    return replace(table, rows=[*table.rows, *baseline])


def _against_the_best(material: Material, dataset: str) -> Mapping[Experiment, Cell]:
    """The verdict on each experiment of a dataset against the one with the best mean."""
    say, best = material.language.say, best_on(dataset, material.rows, material.metric)
    if best is None:
        return {}
    ranks = ranking(material.of_dataset(dataset), material.metric)
    behind, cells = left_behind(material), {cell.key: cell for cell in material.rows}
    found = {cell: Cell(say(BEST), bold=True) for cell, rank in ranks.items() if rank == 1}
    for key, verdict in verdicts_of(best, material.statistic("comparisons")):
        other = cells[key]
        if other not in ranks or other in found:
            continue
        words, tone = AGAINST_THE_BEST[verdict]
        if other in behind and tone == "open":
            words, tone = LEFT
        if words == ON_THESE_IMAGES and material.cut_of(dataset):
            words = ON_THESE_CUTS
        found[other] = Cell(say(words), tone=tone)
    return found


def _more(material: Material, dataset: str) -> list[Block]:
    """What else was measured, in a table that is folded."""
    say, metric, rows = material.language.say, material.metric, material.of_dataset(dataset)
    completed = [row for row in rows.values() if row["completed"]]
    if not completed:
        return []
    others = {
        other: metric_style(other, (row[f"test_{other.name}_mean"] for row in completed))
        for other in material.other_metrics(completed, "test_{}_mean")
    }
    chosen = [number_column(material, say("Best epoch"), "best_epoch", amount_text)]
    if material.tracks_test:
        title = material.score_title("test_max")
        chosen.insert(0, metric_column(material, title, f"test_max_{metric.name}_mean"))
    columns = [
        experiment_column(material, material.labels_on_dataset),
        metric_column(material, material.score_title("validation"), f"validation_{metric.name}_mean"),
        metric_column(material, material.score_title("test_last"), f"test_last_{metric.name}_mean"),
        *(
            number_column(material, material.score_title("test", other), f"test_{other.name}_mean", style)
            for other, style in others.items()
        ),
        *chosen,
    ]
    caption = say("Means over the seeds on {dataset}.", dataset=dataset)
    table = tabulate(f"measures_{dataset}", caption, columns, completed)
    baseline = baseline_cells(material, dataset, [None, None, *others.items(), *[None] * len(chosen)])
    table = replace(table, rows=[*table.rows, *baseline])
    return [Details(say("Other measures"), f"measures-{dataset}", [table])]


def _ranked(material: Material, dataset: str) -> list[Figure]:
    dot_per_seed = mark(
        "Test {metric} on {dataset}, the best on top: a dot per seed, a diamond for the mean and its 95 % interval."
    )
    dot_per_run = mark(
        "Test {metric} on {dataset}, the best on top: a dot per cut and seed, a diamond for the mean and its 95 % "
        "interval."
    )
    caption = material.language.say(
        dot_per_run if material.cut_of(dataset) else dot_per_seed,
        metric=material.name_of(material.metric),
        dataset=dataset,
    )
    return material.figures({f"comparison_{dataset}": caption})
