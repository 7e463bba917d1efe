"""What goes wrong: classes, confusions, the hardest images, and how well probabilities are calibrated."""

from collections import defaultdict
from functools import partial

from bakeoff.analysis.mistakes import MOST_CLASSES
from bakeoff.analysis.ranking import best_on
from bakeoff.report.columns import experiment_column, number_column, text_column
from bakeoff.report.document import Block, Confusion, Confusions, Details, Figure, Paragraph, Section, Table, tabulate
from bakeoff.report.material import Material, Row, cell_of, of_cell
from bakeoff.report.numbers import amount_text, is_known, metric_style, percent_text, whole_text
from bakeoff.report.repeated_splits import of_the_first_cut
from bakeoff.study.matrix import Experiment

HARDEST_CLASSES = 20  # to list when there are very many


def errors(material: Material) -> Section | None:
    """The mistakes of the best experiment on each dataset; None without a complete run."""
    best = {name: best_on(name, material.rows, material.metric) for name in material.datasets}
    parts = {name: _dataset(material, name, cell) for name, cell in best.items() if cell is not None}
    return Section(material.language.say("Errors"), "errors", material.by_dataset("errors", parts)) if parts else None


def _dataset(material: Material, dataset: str, best: Experiment) -> list[Block]:
    say, label = material.language.say, material.labels_on_dataset[best]
    words = {"experiment": label, "dataset": dataset}
    introduction = say(
        "Shown for {experiment}, the experiment with the best mean on {dataset}; scores are means over its runs.",
        **words,
    )
    captions = {
        "confusion": say("{experiment}: the share [%] of each true class that is predicted as each class.", **words),
        "precision_recall": say("{experiment}: precision against recall for each label, over all thresholds.", **words),
        "class_scores": say(
            "Scores of every experiment on the classes of {dataset} [%], the best experiment on the left. Classes on "
            "which experiments differ most are on top.",
            **words,
        ),
        "confused_pairs": say("{experiment}: test images of the most confused pairs.", **words),
        "heat_maps": say(
            "{experiment}, its first seed: what speaks for the class that an image is taken for, and for its own, at "
            "the last convolution (Grad-CAM; each map goes from 0 to its largest value).",
            **words,
        ),
        "hardest_images": say(
            "The hardest test images of {dataset}: those with the highest mean loss over all experiments.", **words
        ),
        "reliability": say(
            "{experiment}: how often predictions with a given probability are true, with 95 % intervals, and how many "
            "there are.",
            **words,
        ),
    }

    def drawn(*names: str) -> list[Figure]:
        return material.figures({f"{name}_{dataset}": captions[name] for name in names})

    pairs = of_cell(material.statistic("confused_pairs"), best)
    tables: list[Block] = [
        _classes(material, dataset, best),
        *([_confused(material, dataset, pairs)] if pairs else []),
    ]
    hard = drawn("hardest_images")
    hardest = [Details(say("The hardest images"), f"hardest-{dataset}", hard)] if hard else []
    calibrated = say("How well probabilities are calibrated")
    return [
        Paragraph(introduction),
        *of_the_first_cut(material, dataset),
        *drawn("class_scores"),
        *_confusions(material, dataset, best, drawn("confusion")),
        *drawn("precision_recall", "confused_pairs", "heat_maps"),
        Details(calibrated, f"calibration-{dataset}", [*drawn("reliability"), _calibration(material, dataset)]),
        *hardest,
        Details(say("Classes and confused pairs in numbers"), f"errors-in-numbers-{dataset}", tables),
    ]


def _confusions(material: Material, dataset: str, best: Experiment, drawn: list[Figure]) -> list[Block]:
    """The confusion matrix of the best experiment, from which a page goes on to those of the others."""
    cells = [row for row in material.statistic("confusion") if row["dataset"] == dataset]
    if not drawn or not cells:
        return [*drawn]
    classes = list(dict.fromkeys(material.cards[dataset]["classes"])) if dataset in material.cards else []
    found: dict[Experiment, list[tuple[int, int, float]]] = defaultdict(list)
    for row in cells:
        if row["true"] in classes and row["predicted"] in classes:
            found[cell_of(row)].append((classes.index(row["true"]), classes.index(row["predicted"]), row["share"]))
    labels = material.labels_on_dataset
    matrices = [Confusion(labels[cell], found[cell]) for cell in material.of_dataset(dataset) if cell in found]
    if len(matrices) < 2:
        return [*drawn]
    return [Confusions(material.language.say("Confusion matrix of"), drawn[0], labels[best], classes, matrices)]


def _classes(material: Material, dataset: str, best: Experiment) -> Table:
    """The scores of each class; of very many, only those with the lowest F1."""
    say, language, label = material.language.say, material.language, material.labels_on_dataset[best]
    rows = of_cell(material.statistic("classes"), best)
    caption = say("Scores of {experiment} on the classes of {dataset}.", experiment=label, dataset=dataset)
    if len(rows) > MOST_CLASSES:
        judged = sorted((row for row in rows if is_known(row["f1"])), key=lambda row: row["f1"])[:HARDEST_CLASSES]
        caption = say(
            "The {some} of {all} classes of {dataset} on which {experiment} has the lowest F1; classes.csv lists all.",
            some=language.whole(len(judged)),
            all=language.whole(len(rows)),
            dataset=dataset,
            experiment=label,
        )
        rows = judged
    columns = [text_column(say("Class"), "class"), number_column(material, say("Test images"), "images", whole_text)]
    thresholds = {row["class"]: row["threshold"] for row in of_cell(material.statistic("thresholds"), best)}
    titles = {
        # The scores are at 0.5 even where a threshold was chosen.
        "precision": say("Precision at 0.5 [%]") if thresholds else say("Precision [%]"),
        "recall": say("Recall at 0.5 [%]") if thresholds else say("Recall [%]"),
        "f1": say("F1 at 0.5 [%]") if thresholds else say("F1 [%]"),
        "average_precision": say("Average precision [%]"),
    }
    columns += [
        number_column(material, title, name, partial(percent_text, digits=2))
        for name, title in titles.items()
        if any(is_known(row[name]) for row in rows)
    ]
    if thresholds:
        rows = [{**row, "threshold": thresholds.get(row["class"])} for row in rows]
        title = say("Threshold chosen on validation")
        columns.append(number_column(material, title, "threshold", partial(amount_text, digits=3)))
    return tabulate(f"class_scores_{dataset}", caption, columns, rows)


def _confused(material: Material, dataset: str, pairs: list[Row]) -> Table:
    say = material.language.say
    columns = [
        text_column(say("True class"), "true"),
        text_column(say("Taken for"), "predicted"),
        number_column(material, say("Images per run"), "images", amount_text),
        number_column(material, say("Share of its class [%]"), "share", percent_text),
    ]
    caption = say("Most confused pairs on {dataset}.", dataset=dataset)
    return tabulate(f"confused_pairs_{dataset}", caption, columns, pairs)


def _calibration(material: Material, dataset: str) -> Table:
    say, loss = material.language.say, material.study.metrics["loss"]
    rows = [
        {**row, "test_loss": material.rows[cell_of(row)].get("test_loss_mean")}
        for row in material.statistic("calibration")
        if row["dataset"] == dataset
    ]
    percent = partial(percent_text, digits=2)
    columns = [
        experiment_column(material, material.labels_on_dataset),
        number_column(material, say("Expected calibration error [%]"), "expected_calibration_error", percent),
        number_column(material, say("A calibrated model would show [%]"), "calibrated_error", percent),
        number_column(material, say("Brier score"), "brier", partial(amount_text, digits=3)),
        number_column(material, say("Overconfidence [points]"), "overconfidence", percent),
        number_column(
            material,
            material.score_title("test", loss),
            "test_loss",
            metric_style(loss, (row["test_loss"] for row in rows)),
        ),
    ]
    caption = say(
        "Calibration on {dataset}: how far predicted probabilities are from observed frequencies; overconfident "
        "ones are too high.",
        dataset=dataset,
    )
    return tabulate(f"calibration_{dataset}", caption, columns, rows)
