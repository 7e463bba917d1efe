"""What goes wrong: classes, confusions, the hardest images, and whether probabilities are what they say."""

from bakeoff.analysis.mistakes import MOST_CLASSES
from bakeoff.analysis.ranking import best_on
from bakeoff.report.document import Block, Cell, Column, Paragraph, Section, Table
from bakeoff.report.material import Material, Row, cell_of, of_cell
from bakeoff.report.numbers import amount_text, is_known, metric_text, whole_text
from bakeoff.study.matrix import Experiment

HARDEST_CLASSES = 20  # that are listed of very many


def errors(material: Material) -> Section | None:
    """Of the best experiment on each dataset; None without a complete run."""
    say = material.language.say
    parts: list[Block] = []
    for name in material.datasets:
        best = best_on(name, material.rows, material.metric)
        if best is not None:
            parts.append(Section(name, f"errors-{name}", _dataset(material, name, best)))
    return Section(say("Error analysis"), "errors", parts) if parts else None


def _dataset(material: Material, dataset: str, best: Experiment) -> list[Block]:
    say, label = material.language.say, material.labels_on_dataset[best]
    introduction = say(
        "Of {experiment}, the experiment with the best mean on {dataset}; means over its runs.",
        experiment=label,
        dataset=dataset,
    )
    blocks: list[Block] = [Paragraph(introduction), _classes(material, dataset, best)]
    blocks += material.figure(
        f"confusion_{dataset}",
        say("{experiment}: the share [%] of each true class that is taken for each class.", experiment=label),
    )
    blocks += material.figure(
        f"precision_recall_{dataset}",
        say("{experiment}: precision against recall of each label, over all thresholds.", experiment=label),
    )
    pairs = of_cell(material.statistic("confused_pairs"), best)
    blocks += [_confused(material, dataset, pairs)] if pairs else []
    blocks += material.figure(
        f"confused_pairs_{dataset}", say("{experiment}: test images of the most confused pairs.", experiment=label)
    )
    blocks += material.figure(
        f"hardest_images_{dataset}",
        say(
            "The hardest test images of {dataset}: those with the highest mean loss over all experiments.",
            dataset=dataset,
        ),
    )
    blocks.append(_calibration(material, dataset))
    blocks += material.figure(
        f"reliability_{dataset}",
        say("{experiment}: how often predictions of a probability are true.", experiment=label),
    )
    return blocks


def _classes(material: Material, dataset: str, best: Experiment) -> Table:
    """The scores of each class; of very many, those that the experiment is worst at."""
    say, language = material.language.say, material.language
    rows = of_cell(material.statistic("classes"), best)
    caption = say(
        "Classes of {dataset}: scores of {experiment}.", dataset=dataset, experiment=material.labels_on_dataset[best]
    )
    if len(rows) > MOST_CLASSES:
        judged = sorted((row for row in rows if is_known(row["f1"])), key=lambda row: row["f1"])[:HARDEST_CLASSES]
        caption = say(
            "The {some} of {all} classes of {dataset} on which {experiment} has the lowest F1; classes.csv has all.",
            some=language.whole(len(judged)),
            all=language.whole(len(rows)),
            dataset=dataset,
            experiment=material.labels_on_dataset[best],
        )
        rows = judged
    thresholds = {row["class"]: row["threshold"] for row in of_cell(material.statistic("thresholds"), best)}
    titles = {
        "precision": say("Precision [%]"),
        "recall": say("Recall [%]"),
        "f1": say("F1 [%]"),
        "average_precision": say("Average precision [%]"),
    }
    if thresholds:  # chosen on validation, and not what these scores are at
        titles |= {
            "precision": say("Precision at 0.5 [%]"),
            "recall": say("Recall at 0.5 [%]"),
            "f1": say("F1 at 0.5 [%]"),
        }
    shown = [name for name in titles if any(is_known(row[name]) for row in rows)]
    columns = [Column(say("Class"), False), Column(say("Test images")), *(Column(titles[name]) for name in shown)]
    columns += [Column(say("Threshold chosen on validation"))] if thresholds else []
    body = []
    for row in rows:
        cells = [Cell(row["class"]), Cell(whole_text(row["images"], language), value=row["images"])]
        cells += [
            Cell(amount_text(100 * row[name] if is_known(row[name]) else None, language, 2), value=row[name])
            for name in shown
        ]
        if thresholds:
            chosen = thresholds.get(row["class"])
            cells.append(Cell(amount_text(chosen, language, 3), value=chosen))
        body.append(cells)
    return Table(f"class_scores_{dataset}", caption, columns, body)


def _confused(material: Material, dataset: str, pairs: list[Row]) -> Table:
    say, language = material.language.say, material.language
    columns = [
        Column(say("True class"), False),
        Column(say("Taken for"), False),
        Column(say("Images per run")),
        Column(say("Of its class [%]")),
    ]
    body = [
        [
            Cell(row["true"]),
            Cell(row["predicted"]),
            Cell(amount_text(row["images"], language), value=row["images"]),
            Cell(amount_text(100 * row["share"], language), value=row["share"]),
        ]
        for row in pairs
    ]
    return Table(f"confused_pairs_{dataset}", say("Most confused pairs on {dataset}.", dataset=dataset), columns, body)


def _calibration(material: Material, dataset: str) -> Table:
    say, language = material.language.say, material.language
    columns = [
        Column(say("Experiment"), False),
        Column(say("Expected calibration error [%]")),
        Column(say("Overconfidence [points]")),
    ]
    loss = material.study.metrics["loss"]
    columns.append(Column(say("Test {metric}", metric=material.name_of(loss))))
    body = []
    for row in material.statistic("calibration"):
        cell = cell_of(row)
        if cell.dataset != dataset:
            continue
        error, over = row["expected_calibration_error"], row["overconfidence"]
        test_loss = material.rows[cell].get("test_loss_mean")
        body.append([
            material.link_on_dataset(cell),
            Cell(amount_text(100 * error, language, 2), value=error),
            Cell(amount_text(100 * over, language, 2), value=over),
            Cell(metric_text(test_loss, loss, language), value=test_loss),
        ])  # fmt: skip
    caption = say(
        "Calibration on {dataset}: how far probabilities are from the shares that are true; overconfident ones "
        "are too high.",
        dataset=dataset,
    )
    return Table(f"calibration_{dataset}", caption, columns, body)
