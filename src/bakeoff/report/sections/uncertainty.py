"""How far each score can be trusted: over seeds, over test images, and what a single run of each could have said."""

from bakeoff.report.document import Block, Cell, Column, Details, Paragraph, Table
from bakeoff.report.material import Material, cell_of
from bakeoff.report.numbers import difference_text, is_known, mean_range_text, metric_text, range_text, whole_text
from bakeoff.report.sections.verdicts import p_text, pair_names


def uncertainty(material: Material, dataset: str) -> list[Block]:
    """The intervals of a dataset's experiments, and McNemar's test of their first seeds."""
    return [*_intervals(material, dataset), *_single_runs(material, dataset)]


def _intervals(material: Material, dataset: str) -> list[Block]:
    say, language, metric = material.language.say, material.language, material.metric
    rows = [
        row
        for row in material.statistic("intervals")
        if row["dataset"] == dataset and row["metric"] == metric.name and row["completed"]
    ]
    if not rows:
        return []
    unit = " [%]" if metric.percent else ""
    columns = [
        Column(say("Experiment"), False),
        Column(say("Seeds")),
        Column(say("Mean") + unit),
        Column(say("Median") + unit),
        Column(say("Standard deviation over seeds") + (say(" [points]") if metric.percent else "")),
        Column(say("t-interval") + unit),
        Column(say("Bootstrap interval (BCa)") + unit),
        Column(say("Standard error of a finite test set") + (say(" [points]") if metric.percent else "")),
    ]
    body = [
        [
            material.link_on_dataset(cell_of(row)),
            Cell(whole_text(row["completed"], language), value=row["completed"]),
            *(
                Cell(metric_text(row[name], metric, language), value=row[name])
                for name in ("mean", "median", "std")
            ),
            Cell(mean_range_text(row["low"], row["high"], metric, language), value=row["low"]),
            Cell(range_text(row["bca_low"], row["bca_high"], metric, language), value=row["bca_low"]),
            Cell(metric_text(row["test_set_error"], metric, language), value=row["test_set_error"]),
        ]
        for row in rows
    ]  # fmt: skip
    text = say(
        "On one split of the data, two things make a score uncertain: the seeds, over which the 95 % intervals are, "
        "and the finite test set, which all seeds share; its standard error is that of one run. The t-interval is the "
        "one to quote; the bootstrap interval takes no shape for granted and is too narrow for few seeds."
    )
    caption = say("How far scores on {dataset} can be trusted.", dataset=dataset)
    table = Table(f"intervals_{dataset}", caption, columns, body)
    return [Details(say("Intervals over seeds, and the error of the test set"), [Paragraph(text, "note"), table])]


def _single_runs(material: Material, dataset: str) -> list[Block]:
    """McNemar's test needs images that are right or wrong: of multi-label data there is the interval alone."""
    say, language, metric = material.language.say, material.language, material.metric
    rows = [
        {**row, "dataset": dataset}
        for row in material.statistic("single_runs")
        if str(row["a"]).split("/")[0] == dataset
    ]
    if not rows:
        return []
    columns = [
        Column(say("First"), False),
        Column(say("Second"), False),
        Column(say("Difference") + (say(" [points]") if metric.percent else "")),
        Column(say("95 % interval over test images")),
    ]
    right_or_wrong = all(is_known(row["only_a"]) for row in rows)
    if right_or_wrong:
        columns += [
            Column(say("Only the first is right")),
            Column(say("Only the second is right")),
            Column(say("p, corrected")),
        ]
    body = []
    for row in rows:
        first, second = pair_names(material, row)
        body.append([
            Cell(first),
            Cell(second),
            Cell(difference_text(row["difference"], metric, language), value=row["difference"]),
            Cell(range_text(row["low"], row["high"], metric, language), value=row["low"]),
        ])  # fmt: skip
        if right_or_wrong:
            body[-1] += [
                Cell(whole_text(row["only_a"], language), value=row["only_a"]),
                Cell(whole_text(row["only_b"], language), value=row["only_b"]),
                Cell(p_text(material, row["p_holm"]), value=row["p_holm"]),
            ]
    seed = whole_text(rows[0]["seed"], language)
    text = say(
        "The runs of seed {seed} alone, image by image. This is about two sets of weights; another seed may say "
        "another thing, and no verdict rests on it.",
        seed=seed,
    )
    if right_or_wrong:
        text += say(
            " McNemar's exact test counts the test images that only one of two classifies rightly; p is after Holm's "
            "correction for all such pairs of the study."
        )
    caption = say("Single runs on {dataset}, seed {seed}.", dataset=dataset, seed=seed)
    table = Table(f"single_runs_{dataset}", caption, columns, body)
    return [Details(say("Two single runs, image by image"), [Paragraph(text, "note"), table])]
