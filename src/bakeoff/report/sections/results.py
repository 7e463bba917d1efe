"""The main table of each dataset, its figures, and published numbers."""

from dataclasses import replace

from bakeoff.analysis.curves import completed_history, mean_curves
from bakeoff.analysis.ranking import best_on, ranking
from bakeoff.language import mark
from bakeoff.report.baseline_sentences import baseline_cells, baseline_meaning
from bakeoff.report.columns import experiment_column, metric_column, number_column, range_column
from bakeoff.report.document import Block, Cell, Column, Curve, Curves, Figure, Paragraph, Section, Table, tabulate
from bakeoff.report.material import Material, Row, cell_of
from bakeoff.report.numbers import NONE, amount_text, mean_range_text, seconds_text, spread_text, whole_text
from bakeoff.report.published import published_table
from bakeoff.report.repeated_splits import cuts_and_seeds
from bakeoff.report.sections.ensembles import ensembles
from bakeoff.report.sections.until_decided import left_behind

TICKED = 5  # the best experiments, whose learning curves are shown at first
MARKS = {
    " †": ("not_distinguishable", "identical"),
    " §": ("better_on_these_images", "worse_on_these_images"),
    " ‡": ("too_few_seeds", "constant_difference"),
}
BEHIND = mark("§: behind the best on these test images; on other images of the kind that is open.")
BEHIND_ON_CUTS = mark("§: behind the best on these cuts of the data; on other cuts that is open.")


def results(material: Material) -> Section:
    say = material.language.say
    parts: list[Block] = [
        Section(
            name,
            f"results-{name}",
            [
                *_ranked(material, name),
                main_table(material, name),
                *ensembles(material, name),
                *_learning(material, name),
                *_curves(material, name),
            ],
        )
        for name in material.datasets
    ]
    published = published_table(material)
    if published is not None:
        introduction = say(
            "Published numbers beside ours for the same measure: the mean over seeds ± its standard deviation."
        )
        parts.append(Section(say("Published numbers"), "published", [Paragraph(introduction), published]))
    return Section(say("Results"), "results", parts)


def main_table(material: Material, dataset: str) -> Table:
    """The experiments on a dataset, in the study's order; the best mean in bold."""
    language, metric, score = material.language, material.metric, material.score
    say, rows = language.say, material.of_dataset(dataset)
    ranks, marks = ranking(rows, metric), _marks(material, dataset)

    def is_best(row: Row) -> bool:
        return ranks.get(cell_of(row)) == 1

    def rank(row: Row) -> Cell:
        place = ranks.get(cell_of(row))
        return Cell(str(place or NONE), value=place)

    def mean(row: Row) -> Cell:
        text = spread_text(row, score, metric, language) + marks.get(cell_of(row).key, "")
        return Cell(text, is_best(row), row[f"{score}_mean"])

    product = cuts_and_seeds(material, dataset)
    others = material.other_metrics(rows.values(), "test_{}_mean")
    columns = [
        experiment_column(material, material.labels_on_dataset, is_best),
        Column(say("Rank"), rank),
        Column(material.score_title("test", rest=say(" ± sd")), mean),
        range_column(material, say("95 % interval"), f"{score}_low", f"{score}_high", mean_range_text),
        metric_column(material, material.score_title("validation"), f"validation_{metric.name}_mean"),
        *(
            metric_column(material, material.score_title("test", other), f"test_{other.name}_mean", other)
            for other in others
        ),
    ]
    if material.tracks_test:
        columns.append(metric_column(material, material.score_title("test_max"), f"test_max_{metric.name}_mean"))
    columns += [
        number_column(material, say("Best epoch"), "best_epoch", amount_text),
        number_column(material, say("Parameters"), "parameters", whole_text),
        number_column(material, say("Seconds per run"), "training_seconds", seconds_text),
        Column(
            say("Runs"),
            lambda row: Cell(
                say("{some} of {all}", some=row["completed"], all=row["planned"]) + product, value=row["completed"]
            ),
        ),
    ]
    over_seeds = mark("Results on {dataset}: means over seeds, the best in bold.")
    over_cuts = mark("Results on {dataset}: means over cuts and seeds, the best in bold.")
    caption = say(over_cuts if product else over_seeds, dataset=dataset)
    keys = {
        " †": say("†: not distinguishable from the best (see Comparison)."),
        " §": say(BEHIND_ON_CUTS if product else BEHIND),
        " ‡": say("‡: not judged: there are too few seeds, or no spread between them."),
    }
    key = " ".join(
        [*(text for mark, text in keys.items() if mark in marks.values()), *baseline_meaning(material, dataset)]
    )
    table = tabulate(f"results_{dataset}", caption, columns, rows.values(), key)
    shown = [None, metric, None, None, *others]  # the metrics of the columns after the first
    shown += [None] * (len(columns) - 1 - len(shown))
    return replace(table, rows=[*table.rows, *baseline_cells(material, dataset, shown)])


def _marks(material: Material, dataset: str) -> dict[str, str]:
    """Experiment's key → its mark, where the comparison with the dataset's best finds no difference."""
    best = best_on(dataset, material.rows, material.metric)
    if best is None:
        return {}
    found, behind = {}, {cell.key for cell in left_behind(material)}
    completed = {cell.key for cell, row in material.rows.items() if row["completed"]}
    for row in material.statistic("comparisons"):
        pair = {row["a"], row["b"]}
        if row["dataset"] == dataset and best.key in pair and pair <= completed:
            (other,) = pair - {best.key}
            if other in behind and row["verdict"] == "not_distinguishable":
                continue
            found[other] = next((mark for mark, verdicts in MARKS.items() if row["verdict"] in verdicts), "")
    return found


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


def _learning(material: Material, dataset: str) -> list[Figure]:
    over_seeds = mark(
        "Validation {metric} on {dataset} by epoch: the mean over seeds, with a band from the lowest to the "
        "highest, for the epochs that every seed reached. Grey lines, in several panels: all experiments."
    )
    over_runs = mark(
        "Validation {metric} on {dataset} by epoch: the mean over cuts and seeds, with a band from the lowest to the "
        "highest, for the epochs that every run reached. Grey lines, in several panels: all experiments."
    )
    caption = material.language.say(
        over_runs if material.cut_of(dataset) else over_seeds,
        metric=material.name_of(material.metric),
        dataset=dataset,
    )
    return material.figures({f"learning_curves_{dataset}": caption})


def _curves(material: Material, dataset: str) -> list[Block]:
    """The learning curves of a dataset's experiments, for a page with check boxes."""
    say, runs = material.language.say, material.tables.runs
    completed = runs[(runs["status"] == "completed") & (runs["dataset"] == dataset)]
    if completed.empty:
        return []
    bands = mean_curves(material.study, completed_history(material.study, material.layout, completed))
    ranks = ranking(material.of_dataset(dataset), material.metric)
    curves = [
        Curve(
            material.labels_on_dataset[cell],
            ranks.get(cell, TICKED + 1) <= TICKED,
            *map(list, (found.index, found["mean"], found["min"], found["max"])),
        )
        for cell, found in bands.items()
        if len(found)
    ]
    title = say("Learning curves on {dataset}", dataset=dataset)
    return [Curves(title, material.score_title("validation"), material.metric.percent, curves)] if curves else []
