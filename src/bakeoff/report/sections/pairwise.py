"""Which differences are real: pairs of experiments, seed by seed."""

from functools import partial

from bakeoff.language import mark
from bakeoff.report.columns import number_column, pair_columns, range_column
from bakeoff.report.document import Block, Cell, Column, Details, Items, Paragraph, Section, tabulate
from bakeoff.report.material import Material, Row
from bakeoff.report.numbers import NONE, amount_text, difference_text, p_text
from bakeoff.report.sections.choices import ranks, variance
from bakeoff.report.sections.uncertainty import uncertainty
from bakeoff.report.verdicts import sentence, short_verdict

RULE = mark(
    "Experiments are compared seed by seed, on these test images. One is called better when two tests agree: "
    "the paired t-test, Holm-corrected over all pairs in the study, and the sign-flip test. With five seeds "
    "or fewer the sign-flip test cannot reach 5 %, so every seed has to favour the same one. If scores differ "
    "only by chance between seeds, and roughly normally, the probability of even one such verdict in the "
    "study is at most 5 %. Differences are the first minus the second. Their intervals are over seeds on "
    "these images, and over other images of the same kind with these seeds. Each interval is for its pair "
    "alone, so it may exclude zero while the verdict is still open."
)


def comparison(material: Material) -> Section:
    say = material.language.say
    compared = material.statistic("comparisons")
    comparable = any(row["seeds"] for row in compared)
    nothing = say("No two experiments have a completed seed in common: there is nothing to compare.")
    if len(material.rows) == 1:
        nothing = say("There is one experiment: there is nothing to compare it with.")
    parts: list[Block] = [Paragraph(say(RULE), "note") if comparable else Paragraph(nothing)]
    for name in [*material.datasets, *([""] if len(material.datasets) > 1 else [])]:
        rows = [row for row in compared if row["dataset"] == name]
        pairs = _pairs(material, name, rows) if any(row["seeds"] for row in rows) else []
        blocks = [*pairs, *uncertainty(material, name)]
        if blocks:
            title = name or say("All datasets")
            anchor = f"comparison-{name}" if name else "comparison-all"
            parts.append(Section(title, anchor, blocks))
    return Section(say("Comparison"), "comparison", [*parts, *ranks(material), *variance(material)])


def _pairs(material: Material, dataset: str, rows: list[Row]) -> list[Block]:
    say, language, metric = material.language.say, material.language, material.metric
    columns = [
        *pair_columns(material, dataset),
        Column(say("Seeds"), lambda row: Cell(str(row["seeds"]), value=row["seeds"])),
        Column(
            say("Difference") + material.unit_of_differences,
            lambda row: Cell(difference_text(row["difference"], metric, language), _is_clear(row), row["difference"]),
        ),
        range_column(material, say("95 % interval over seeds")),
        range_column(material, say("95 % interval over test images"), "images_low", "images_high"),
        number_column(material, say("p, corrected"), "p_holm", p_text),
        Column(say("First is"), lambda row: Cell(short_verdict(material, row), _is_clear(row)), numeric=False),
    ]
    caption = language.count(
        "Pairs on {name}, Holm-corrected over {n} comparison.",
        "Pairs on {name}, Holm-corrected over {n} comparisons.",
        int(rows[0]["comparisons"]),
        name=dataset or say("all datasets"),
    )
    table = tabulate(f"comparisons_{dataset or 'all'}", caption, columns, rows)
    sentences = Details(say("In words"), [Items([sentence(material, row) for row in rows])])
    return [table, sentences, *_sizes(material, dataset, rows)]


def _is_clear(row: Row) -> bool:
    return row["verdict"] in ("better", "worse")


def _sizes(material: Material, dataset: str, rows: list[Row]) -> list[Block]:
    """How often one of a pair beats the other, and by how many standard deviations."""
    say, language = material.language.say, material.language
    judged = [row for row in rows if row["verdict"] != "too_few_seeds"]
    if not judged:
        return []
    two_digits = partial(amount_text, digits=2)

    def interval(row: Row) -> Cell:
        low, high = row["probability_low"], row["probability_high"]
        text = NONE if low == high else " – ".join(language.number(end, 2) for end in (low, high))
        return Cell(text, value=low)

    columns = [
        *pair_columns(material, dataset),
        number_column(material, say("P(first beats second)"), "probability", two_digits),
        Column(say("95 % bootstrap interval"), interval),
        number_column(material, say("Effect size"), "effect_size", two_digits),
    ]
    text = say(
        "P is the probability that a random seed of the first beats that of the second, with ties counted as half. "
        "The bootstrap gives no interval where every seed agrees: it cannot vary what it never saw. The effect size "
        "is Hedges' g: the mean of the paired differences in units of their standard deviation."
    )
    caption = say("Sizes of the differences on {name}.", name=dataset or say("all datasets"))
    table = tabulate(f"sizes_{dataset or 'all'}", caption, columns, judged)
    return [Details(say("How often, and by how much"), [Paragraph(text, "note"), table])]
