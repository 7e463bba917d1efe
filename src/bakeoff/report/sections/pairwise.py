"""Which differences are real: pairs of experiments, seed by seed."""

from collections.abc import Sequence
from functools import partial

from bakeoff.analysis.comparisons import MORE_SEEDS_MAY_TELL
from bakeoff.analysis.paired import Verdict
from bakeoff.analysis.variance_of_means import FEWEST_EXPERIMENTS
from bakeoff.language import mark
from bakeoff.report.columns import number_column, pair_columns
from bakeoff.report.document import Block, Cell, Column, Details, Items, Paragraph, Section, Table, tabulate
from bakeoff.report.material import Material, Row
from bakeoff.report.numbers import amount_text, bracketed, difference_text, p_text, range_text
from bakeoff.report.sections.choices import ranks
from bakeoff.report.sections.pair_matrix import pair_matrix
from bakeoff.report.sections.uncertainty import uncertainty
from bakeoff.report.verdicts import corrected_p, quoted_ends, sentence, short_verdict

RULE = mark(
    "Experiments are compared seed by seed. “Better” means: on other test images of this kind and with other seeds, "
    "too. “Better on these images” means: with other seeds, but only on the test images of this study; which of them "
    "are hard for whom may be all there is to it. “Not distinguishable” means that the difference may be chance. Both "
    "claims rest on a t-test of the difference, Holm-corrected over all pairs in the study. If all experiments were "
    "equally good, the probability of even one such verdict in the study would be about 5 %. Differences are the first "
    "minus the second. Each interval is for its pair alone, so it may exclude zero while the verdict is still open."
)
UNLIKE = mark(
    "With two or three experiments on a dataset, and if their scores are spread very differently (one tight, one "
    "skewed), the probability is higher: up to about 12 %."
)
RACE_RULE = mark(
    "Experiments are compared seed by seed, at the looks of the race. “Better” means: on other test images of this "
    "kind and with other seeds, too. “Better on these images” means: with other seeds, but only on the test images of "
    "this study. “Not distinguishable” means that the difference may be chance. A verdict stays. P-values are "
    "corrected for all pairs and all looks: the probability of even one wrong verdict in the study is at most about "
    "5 %. An experiment may have left the race because it is not the best, and yet have no verdict against each of the "
    "others. Differences are the first minus the second. Each interval is for its pair alone, and is not corrected for "
    "looks."
)
ON_CUTS = mark(
    "On a dataset that is split repeatedly, each score is a mean over its cuts, seed by seed. “Better” then holds on "
    "other cuts of the data, too, which have other training and test images. “Better on these cuts” means: with other "
    "seeds, but only on the cuts of this study."
)
LOOKED_BEFORE = mark(
    "Verdicts were read with {lists} before the seeds became what they are now. So the 5 % do not hold any more: "
    "whoever looks after every seed, from 3 to 20, errs in 21 to 29 % of studies. A study with "
    "`seeds: {{until: decided}}` may look again."
)
LOOKING_AGAIN = mark(
    "Do not add seeds until a verdict appears: whoever looks again after each seed errs in a quarter of studies."
)


def comparison(material: Material) -> Section:
    say = material.language.say
    compared = material.statistic("comparisons")
    comparable = any(row["seeds"] for row in compared)
    nothing = say("No two experiments have a completed seed in common: there is nothing to compare.")
    if len(material.rows) == 1:
        nothing = say("There is one experiment: there is nothing to compare it with.")
    names = [*material.datasets, *([""] if len(material.datasets) > 1 else [])]
    parts = {name: _of_dataset(material, name, compared) for name in names}
    blocks = material.by_dataset("comparison", parts)
    rule = [_rule(material, compared)] if comparable else [Paragraph(nothing)]
    return Section(say("Comparison"), "comparison", [*blocks, *rule, *ranks(material)])


def _of_dataset(material: Material, dataset: str, compared: Sequence[Row]) -> list[Block]:
    rows = [row for row in compared if row["dataset"] == dataset]
    pairs = _pairs(material, dataset, rows) if any(row["seeds"] for row in rows) else []
    return [*pairs, *uncertainty(material, dataset)]


def _rule(material: Material, compared: Sequence[Row]) -> Details:
    """What verdicts promise, and what may break it in this study."""
    few = any(len(material.of_dataset(name)) < FEWEST_EXPERIMENTS for name in material.datasets)
    open_ = any(row["verdict"] in MORE_SEEDS_MAY_TELL for row in compared)
    on_cuts = [ON_CUTS] if material.carried_out.cuts else []
    said = [RULE, *on_cuts, *([UNLIKE] if few else []), *([LOOKING_AGAIN] if open_ else [])]
    if material.study.rounds:
        said = [RACE_RULE, *([UNLIKE] if few else [])]
    say = material.language.say
    return Details(say("What the verdicts promise"), "verdicts", [Paragraph(" ".join(map(say, said)))])


def looked_before(material: Material) -> list[Block]:
    """A warning where seeds were added, or taken away, after verdicts had been read."""
    counts = [int(row["count"]) for row in material.statistic("seed_lists")]
    if not counts:
        return []
    language = material.language
    lists = language.enumeration([language.count("{n} seed", "{n} seeds", count) for count in dict.fromkeys(counts)])
    return [Paragraph(language.say(LOOKED_BEFORE, lists=lists), "warning")]


def _pairs(material: Material, dataset: str, rows: list[Row]) -> list[Block]:
    """The pairs as a triangle, or in a list where there are too many for all to be compared; then in words."""
    places = material.places(dataset)
    keys = dict.fromkeys(key for row in rows for key in (row["b"], row["a"]))
    order = sorted(keys, key=lambda key: places.get(key, len(keys) + 1))
    is_complete = len(rows) == len(order) * (len(order) - 1) // 2
    table = pair_matrix(material, dataset, order, rows) if is_complete else _list(material, dataset, rows)
    sentences = Items([sentence(material, row) for row in rows])
    name = dataset or "all"
    words = Details(material.language.say("The pairs in words"), f"words-{name}", [sentences], on_hover=is_complete)
    return [table, words, *_sizes(material, dataset, rows)]


def _list(material: Material, dataset: str, rows: list[Row]) -> Table:
    say, language, metric = material.language.say, material.language, material.metric
    columns = [
        *pair_columns(material, dataset),
        Column(
            say("Difference") + material.unit_of_differences,
            lambda row: Cell(difference_text(row["difference"], metric, language), _is_clear(row), row["difference"]),
        ),
        Column(
            say("95 % interval"),
            lambda row: Cell(range_text(*quoted_ends(row), metric, language), value=quoted_ends(row)[0]),
        ),
        Column(say("p, corrected"), lambda row: Cell(p_text(corrected_p(row), language), value=corrected_p(row))),
        Column(say("First is"), lambda row: Cell(short_verdict(material, row), _is_clear(row)), numeric=False),
    ]
    caption = language.count(
        "Pairs on {name}, Holm-corrected over {n} comparison.",
        "Pairs on {name}, Holm-corrected over {n} comparisons.",
        int(rows[0]["comparisons"]),
        name=dataset or say("all datasets"),
    )
    return tabulate(f"pairs_{dataset or 'all'}", caption, columns, rows)


def _is_clear(row: Row) -> bool:
    return row["verdict"] in (Verdict.BETTER, Verdict.WORSE)


def _sizes(material: Material, dataset: str, rows: list[Row]) -> list[Block]:
    """How often one of a pair beats the other, and by how many standard deviations."""
    say, language = material.language.say, material.language
    judged = [row for row in rows if row["verdict"] != "too_few_seeds"]
    if not judged:
        return []
    two_digits = partial(amount_text, digits=2)

    def interval(row: Row) -> Cell:
        low, high = row["probability_low"], row["probability_high"]
        return Cell(bracketed(language.number(low, 2), language.number(high, 2), language), value=low)

    columns = [
        *pair_columns(material, dataset),
        number_column(material, say("P(first beats second)"), "probability", two_digits),
        Column(say("95 % interval"), interval),
        number_column(material, say("Effect size"), "effect_size", two_digits),
    ]
    text = say(
        "P is the probability that a random seed of the first beats that of the second, with ties counted as half. "
        "The effect size is Hedges' g: the mean of the paired differences in units of their standard deviation."
    )
    caption = say("Sizes of the differences on {name}.", name=dataset or say("all datasets"))
    table = tabulate(f"sizes_{dataset or 'all'}", caption, columns, judged)
    name = dataset or "all"
    return [Details(say("How often, and by how much"), f"sizes-{name}", [Paragraph(text, "note"), table])]
