"""Which differences are real: pairs of experiments, several datasets, and the choices that matter."""

import math

from bakeoff.analysis.labels import term_name
from bakeoff.analysis.paired import LEVEL
from bakeoff.analysis.variance import SHARED
from bakeoff.report.document import Block, Cell, Column, Details, Items, Paragraph, Section, Table
from bakeoff.report.material import Material, Row
from bakeoff.report.numbers import NONE, amount_text, is_known, metric_text, range_text, whole_text
from bakeoff.report.sections.names import listed
from bakeoff.report.sections.uncertainty import uncertainty
from bakeoff.report.sections.verdicts import name_of, p_phrase, p_text, pair_names, sentence, short_verdict


def comparison(material: Material) -> Section:
    say = material.language.say
    compared = material.statistic("comparisons")
    comparable = any(row["seeds"] for row in compared)
    nothing = say("No two experiments have a completed seed in common: there is nothing to compare.")
    if len(material.rows) == 1:
        nothing = say("There is one experiment: there is nothing to compare it with.")
    parts: list[Block] = [_rule(material) if comparable else Paragraph(nothing)]
    for name in [*material.datasets, *([""] if len(material.datasets) > 1 else [])]:
        rows = [row for row in compared if row["dataset"] == name]
        pairs = _pairs(material, name, rows) if any(row["seeds"] for row in rows) else []
        blocks = [*pairs, *uncertainty(material, name)]
        if blocks:
            title = name or say("All datasets")
            anchor = f"comparison-{name}" if name else "comparison-all"
            parts.append(Section(title, anchor, blocks))
    parts += _ranks(material)
    parts += _variance(material)
    return Section(say("Comparison"), "comparison", parts)


def _rule(material: Material) -> Paragraph:
    return Paragraph(
        material.language.say(
            "Experiments are compared seed by seed, on these test images. One is called better when the paired t-test, "
            "corrected by Holm for all pairs of the study, and the sign-flip test agree; with five seeds or fewer, "
            "which cannot reach 5 % by sign flips, every seed has to say the same. In a study whose scores differ by "
            "chance over seeds alone, about normally, the chance of even one such verdict is at most 5 %. Differences "
            "are the first minus the second; their intervals are of each pair alone, so that one may leave zero out "
            "and the verdict still be open: over seeds on these images, and over other images of the kind with these "
            "seeds."
        ),
        "note",
    )


def _pairs(material: Material, dataset: str, rows: list[Row]) -> list[Block]:
    say, language, metric = material.language.say, material.language, material.metric
    unit = say(" [points]") if metric.percent else ""
    columns = [
        Column(say("First"), False),
        Column(say("Second"), False),
        Column(say("Seeds")),
        Column(say("Difference") + unit),
        Column(say("95 % interval over seeds")),
        Column(say("95 % interval over test images")),
        Column(say("p, corrected")),
        Column(say("First is"), False),
    ]
    body = []
    for row in rows:
        first, second = pair_names(material, row)
        clear = row["verdict"] in ("better", "worse")
        body.append([
            Cell(first),
            Cell(second),
            Cell(str(row["seeds"]), value=row["seeds"]),
            Cell(_signed(metric_text(row["difference"], metric, language)), clear, row["difference"]),
            Cell(range_text(row["low"], row["high"], metric, language), value=row["low"]),
            Cell(range_text(row["images_low"], row["images_high"], metric, language), value=row["images_low"]),
            Cell(p_text(material, row["p_holm"]), value=row["p_holm"]),
            Cell(short_verdict(material, row), clear),
        ])  # fmt: skip
    total = int(rows[0]["comparisons"])
    name = dataset or say("all datasets")
    caption = language.count(
        "Pairs on {name}; corrected for {n} comparison.",
        "Pairs on {name}; corrected for {n} comparisons.",
        total,
        name=name,
    )
    table = Table(f"comparisons_{dataset or 'all'}", caption, columns, body)
    sentences = Details(say("In sentences"), [Items([sentence(material, row) for row in rows])])
    return [table, sentences, *_sizes(material, dataset, rows)]


def _sizes(material: Material, dataset: str, rows: list[Row]) -> list[Block]:
    """How often one of a pair beats the other, and by how many deviations."""
    say, language = material.language.say, material.language
    judged = [row for row in rows if row["verdict"] != "too_few_seeds"]
    if not judged:
        return []
    columns = [
        Column(say("First"), False),
        Column(say("Second"), False),
        Column(say("P(first beats second)")),
        Column(say("95 % bootstrap interval")),
        Column(say("Effect size")),
    ]
    body = []
    for row in judged:
        first, second = pair_names(material, row)
        low, high = row["probability_low"], row["probability_high"]
        interval = NONE if low == high else " – ".join(language.number(end, 2) for end in (low, high))
        body.append([
            Cell(first),
            Cell(second),
            Cell(amount_text(row["probability"], language, 2), value=row["probability"]),
            Cell(interval, value=low),
            Cell(amount_text(row["effect_size"], language, 2), value=row["effect_size"]),
        ])  # fmt: skip
    text = say(
        "P is the probability that a random seed of the first beats that of the second, ties counted half. The "
        "bootstrap has no interval where every seed says the same: it cannot know of what it never saw. The effect "
        "size is Hedges' g: the mean of the paired differences in units of their standard deviation."
    )
    name = dataset or say("all datasets")
    table = Table(f"sizes_{dataset or 'all'}", say("Sizes of the differences on {name}.", name=name), columns, body)
    return [Details(say("How often, and by how much"), [Paragraph(text, "note"), table])]


def _signed(text: str) -> str:
    return text if text.startswith(("−", "–")) else f"+{text}"


def _ranks(material: Material) -> list[Block]:
    """Configurations over several datasets, where there are any."""
    say, language = material.language.say, material.language
    tested, left_out = material.statistic("rank_test"), _without_ranks(material)
    if not tested:
        if len(material.datasets) < 2 or not left_out:
            return []
        why = say(
            "Fewer than two configurations have a complete run on every dataset: there are no ranks over datasets."
        )
        return [Section(say("Over datasets"), "ranks", [Paragraph(why)])]
    test = tested[0]
    statistics = {"χ²": test["statistic"], "F": test["f_statistic"]}
    if not math.isfinite(test["f_statistic"]):  # the same order on every dataset
        del statistics["F"]
    averages = [row for row in material.statistic("ranks") if row["dataset"] == ""]
    columns = [Column(say("Configuration"), False), Column(say("Average rank"))]
    body = [
        [
            Cell(name_of(material, "", row["configuration"])),
            Cell(language.number(row["rank"], 2), value=row["rank"]),
        ]
        for row in sorted(averages, key=lambda row: row["rank"])
    ]
    blocks: list[Block] = [
        Paragraph(
            say(
                "Over {datasets} datasets the Friedman test of {configurations} configurations gives {statistics} and, "
                "by shuffling ranks, {p}. Average ranks differ when they are {distance} apart (Nemenyi).",
                datasets=whole_text(test["datasets"], language),
                configurations=whole_text(test["configurations"], language),
                statistics=", ".join(f"{sign} = {language.number(value, 2)}" for sign, value in statistics.items()),
                p=p_phrase(material, test["p_value"]),
                distance=language.number(test["critical_difference"], 2),
            )
        )
    ]
    if left_out:
        text = say("Left out, as they have no complete run on every dataset{which}.", which=listed(left_out, language))
        blocks.append(Paragraph(text, "warning"))
    if test["p_value"] > LEVEL:
        blocks.append(Paragraph(say("The test finds no difference: the distances below say nothing by themselves.")))
    if test["warning"] == "no_power":
        needed = (
            say(" It would take at least {number}.", number=whole_text(test["datasets_needed"], language))
            if is_known(test["datasets_needed"])
            else ""
        )
        warning = say("So few datasets cannot tell configurations apart, whatever their ranks.")
        blocks.append(Paragraph(warning + needed, "warning"))
    elif test["warning"] == "few_datasets":
        warning = say("With ten datasets or fewer Nemenyi's distance is approximate.")
        blocks.append(Paragraph(warning, "warning"))
    caption = say("Average ranks over the datasets, 1 is best.")
    blocks.append(Table("ranks", caption, columns, body))
    blocks += material.figure(
        "critical_difference",
        say("Average ranks; a bar joins configurations that the datasets do not distinguish (Nemenyi, 5 %)."),
    )
    blocks += material.figure(
        "performance_profiles", say("Share of datasets on which a configuration comes within a factor of the best.")
    )
    return [Section(say("Over datasets"), "ranks", blocks)]


def _without_ranks(material: Material) -> list[str]:
    """The configurations that lack a complete run on some dataset, and so take no part."""
    complete = {row["configuration"] for row in material.statistic("ranks")}
    every = dict.fromkeys(cell.key.partition("/")[2] for cell in material.rows)
    return [name_of(material, "", key) for key in every if key not in complete]


def _variance(material: Material) -> list[Block]:
    say, language = material.language.say, material.language
    found = [row for row in material.statistic("variance") if row["term"] != "total" and is_known(row["share"])]
    saturated = any(row["term"] == "residual" and not row["degrees_of_freedom"] for row in found)
    rows = [row for row in found if row["degrees_of_freedom"] or row["term"] == SHARED]
    if len(rows) < 2 or len(material.rows) < 2:
        return []
    columns = [Column(say("Source"), False), Column(say("Share of variance [%]")), Column(say("Degrees of freedom"))]
    body = [
        [
            Cell(term_name(row["term"], language)),
            Cell(language.number(100 * row["share"], 1), value=row["share"]),
            Cell(whole_text(row["degrees_of_freedom"], language), value=row["degrees_of_freedom"]),
        ]
        for row in rows
    ]
    introduction = say(
        "How much of the variance of test {metric} over all complete runs each choice explains, by a linear "
        "model with all "
        "choices and their pairs (sums of squares of type II).",
        metric=material.name_of(material.metric),
    )
    blocks: list[Block] = [Paragraph(introduction)]
    if not rows[0]["balanced"]:
        unbalanced = say(
            "Not every combination of the choices has a complete run: the matrix is unbalanced, and what several "
            "choices "
            "could explain is attributed to none (negative where they explain the same twice)."
        )
        blocks.append(Paragraph(unbalanced, "warning"))
    if saturated:
        text = say("The choices and their pairs explain every run exactly, which leaves chance nothing: read no share.")
        blocks.append(Paragraph(text, "warning"))
    blocks += material.figure("variance_shares", say("Share of the variance that each choice explains."))
    blocks.append(Table("variance", say("Sources of variance."), columns, body))
    return [Section(say("Which choice matters"), "variance", blocks)]
