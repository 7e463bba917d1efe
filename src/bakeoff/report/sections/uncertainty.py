"""How far each score can be trusted: over seeds, over test images, and from a single run."""

from bakeoff.language import mark
from bakeoff.report.columns import experiment_column, metric_column, number_column, pair_columns, range_column
from bakeoff.report.document import Block, Details, Paragraph, tabulate
from bakeoff.report.material import Material
from bakeoff.report.numbers import difference_text, is_known, mean_range_text, p_text, whole_text
from bakeoff.report.repeated_splits import of_the_first_cut


def uncertainty(material: Material, dataset: str) -> list[Block]:
    """The intervals of a dataset's experiments, and McNemar's test of single runs."""
    return [*_intervals(material, dataset), *_single_runs(material, dataset)]


def _intervals(material: Material, dataset: str) -> list[Block]:
    say, unit, points = material.language.say, material.unit, material.unit_of_differences
    on_cuts = material.cut_of(dataset) is not None
    rows = [
        row
        for row in material.statistic("intervals")
        if row["dataset"] == dataset and row["metric"] == material.metric.name and row["completed"]
    ]
    if not rows:
        return []
    bootstrap = []
    if any(is_known(row["bootstrap_low"]) for row in rows):
        title = say("Bootstrap-t interval over seeds") + unit
        bootstrap.append(range_column(material, title, "bootstrap_low", "bootstrap_high", mean_range_text))
    columns = [
        experiment_column(material, material.labels_on_dataset),
        number_column(material, say("Runs") if on_cuts else say("Seeds"), "completed", whole_text),
        metric_column(material, say("Mean") + unit, "mean"),
        metric_column(material, say("Median") + unit, "median"),
        metric_column(
            material,
            (say("Standard deviation over runs") if on_cuts else say("Standard deviation over seeds")) + points,
            "std",
        ),
        range_column(material, say("95 % interval") + unit, "overall_low", "overall_high", mean_range_text),
        range_column(material, say("t-interval over seeds") + unit, text=mean_range_text),
        *bootstrap,
        metric_column(material, say("Standard error of a finite test set") + points, "test_set_error"),
    ]
    one_split = mark(
        "On one split of the data, a score is uncertain for two reasons: the seeds, and the finite test set, which all "
        "seeds share and whose standard error is that of a single run. The 95 % interval to quote holds both: it is "
        "about other images of the kind and other seeds. The t-interval is over seeds alone, on these images."
    )
    cuts = mark(
        "A score is uncertain for two reasons: the seeds, and the images, which are cut into training and test images "
        "in a few ways of many. The 95 % interval to quote holds both: it is about other images of the kind, cut "
        "otherwise, and other seeds. Cuts of the same images are alike, so the spread over them is corrected upwards "
        "(Nadeau and Bengio). The t-interval is over seeds alone, on these cuts."
    )
    text = say(cuts if on_cuts else one_split)
    caption = say("How far scores on {dataset} can be trusted.", dataset=dataset)
    table = tabulate(f"intervals_{dataset}", caption, columns, rows)
    title = say("Intervals over seeds, and the error of the test set")
    return [Details(title, f"intervals-{dataset}", [Paragraph(text, "note"), table])]


def _single_runs(material: Material, dataset: str) -> list[Block]:
    """Pairs of runs with one seed. McNemar's test needs images that are right or wrong, so not multi-label ones."""
    say, language = material.language.say, material.language
    rows = [row for row in material.statistic("single_runs") if str(row["a"]).split("/")[0] == dataset]
    if not rows:
        return []
    seed = whole_text(rows[0]["seed"], language)
    columns = [
        *pair_columns(material, dataset),
        metric_column(material, say("Difference") + material.unit_of_differences, "difference", text=difference_text),
        range_column(material, say("95 % interval over test images")),
    ]
    text = say(
        "The runs with seed {seed} alone, compared image by image. This is about two sets of weights: another seed may "
        "give another answer, and no verdict rests on it.",
        seed=seed,
    )
    if all(is_known(row["only_a"]) for row in rows):
        columns += [
            number_column(material, say("Only the first is right"), "only_a", whole_text),
            number_column(material, say("Only the second is right"), "only_b", whole_text),
            number_column(material, say("p, corrected"), "p_holm", p_text),
        ]
        text += say(
            " McNemar's exact test counts the test images that only one of the two classifies correctly; p is "
            "Holm-corrected over all such pairs in the study."
        )
    caption = say("Single runs on {dataset}, seed {seed}.", dataset=dataset, seed=seed)
    table = tabulate(f"single_runs_{dataset}", caption, columns, rows)
    blocks = [*of_the_first_cut(material, dataset), Paragraph(text, "note"), table]
    return [Details(say("Two single runs, image by image"), f"single-runs-{dataset}", blocks)]
