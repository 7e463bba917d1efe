"""Verdicts in words: sentences that follow from the numbers of a comparison."""

from collections.abc import Sequence

from bakeoff.analysis.paired import IS_WORSE, Verdict
from bakeoff.language import Language, mark
from bakeoff.report.material import Material, Row
from bakeoff.report.numbers import difference_text, is_known, p_phrase, range_text

SHORT = {
    Verdict.BETTER: mark("better"),
    Verdict.WORSE: mark("worse"),
    Verdict.BETTER_ON_THESE_IMAGES: mark("better on these images"),
    Verdict.WORSE_ON_THESE_IMAGES: mark("worse on these images"),
    Verdict.NOT_DISTINGUISHABLE: mark("not distinguishable"),
    Verdict.TOO_FEW_SEEDS: mark("too few seeds"),
    Verdict.IDENTICAL: mark("the same"),
    Verdict.CONSTANT_DIFFERENCE: mark("no spread"),
}


ON_CUTS = {
    Verdict.BETTER_ON_THESE_IMAGES: mark("better on these cuts"),
    Verdict.WORSE_ON_THESE_IMAGES: mark("worse on these cuts"),
}


def sentence(material: Material, row: Row) -> str:
    """The result of a row of the table of comparisons, as a sentence that names the better one first."""
    say, count = material.language.say, material.language.count
    verdict, seeds = Verdict(row["verdict"]), int(row["seeds"])
    sign = -1 if verdict in IS_WORSE else 1
    first, second = (material.label_of(row["dataset"], row[side]) for side in ("ab" if sign > 0 else "ba"))
    difference = difference_text(sign * row["difference"], material.metric, material.language)
    words = {
        "first": first,
        "second": second,
        "difference": say("{value} points", value=difference) if material.metric.percent else difference,
        "interval": quoted_interval(material, row, sign),
        "p": p_phrase(corrected_p(row), material.language),
    }
    if not seeds and not row["dataset"] and len(material.datasets) > 1:
        return say(
            "{first} and {second} have no seed with complete runs on every dataset: there is nothing to compare.",
            **words,
        )
    if not seeds:
        return say("{first} and {second} have no completed seed in common: there is nothing to compare.", **words)
    match verdict:
        case Verdict.BETTER | Verdict.WORSE:
            everywhere = mark(
                "{first} is better than {second}, on other images of the kind, too: {difference}, 95 % interval "
                "{interval}, {p} after Holm correction."
            )
            on_cuts = mark(
                "{first} is better than {second}, on other images of the kind and other cuts of the data, too: "
                "{difference}, 95 % interval {interval}, {p} after Holm correction."
            )
            found = say(on_cuts if material.cut_of(row["dataset"]) else everywhere, **words)
            return found + _left_out(material, row)
        case Verdict.BETTER_ON_THESE_IMAGES | Verdict.WORSE_ON_THESE_IMAGES:
            here = {
                "interval": _interval(material, row["low"], row["high"], sign),
                "p": p_phrase(row["p_holm"], material.language),
            }
            these_images = mark(
                "{first} is better than {second} on these test images: {difference}, 95 % interval over seeds "
                "{interval}, {p} after Holm correction."
            )
            these_cuts = mark(
                "{first} is better than {second} on these cuts of the data: {difference}, 95 % interval over seeds "
                "{interval}, {p} after Holm correction."
            )
            found = say(these_cuts if material.cut_of(row["dataset"]) else these_images, **words | here)
            return found + _other_images(material, row, sign) + _needed(material, row) + _left_out(material, row)
        case Verdict.NOT_DISTINGUISHABLE:
            found = count(
                "{first} and {second} are not distinguishable with {n} seed: {difference}, 95 % interval {interval}.",
                "{first} and {second} are not distinguishable with {n} seeds: {difference}, 95 % interval {interval}.",
                seeds,
                **words,
            )
            return found + _needed(material, row) + _left_out(material, row)
        case Verdict.TOO_FEW_SEEDS:
            return count(
                "{first} and {second} share {n} seed: too few to tell them apart.",
                "{first} and {second} share {n} seeds: too few to tell them apart.",
                seeds,
                **words,
            )
        case Verdict.IDENTICAL:
            return say("{first} and {second} score the same with every seed.", **words)
        case Verdict.CONSTANT_DIFFERENCE:
            return say(
                "{first} differs from {second} by {difference} with every seed: there is no spread to judge by.",
                **words,
            )


def short_verdict(material: Material, row: Row) -> str:
    """The verdict on the first of a pair, in a word or two."""
    known = SHORT | ON_CUTS if material.cut_of(row["dataset"]) else SHORT
    words = known[Verdict(row["verdict"])] if row["seeds"] else mark("nothing in common")
    return material.language.say(words)


def in_brackets(names: Sequence[str], language: Language, most: int = 4) -> str:
    """Names in brackets, to follow their number; only the first few when there are many."""
    if len(names) > most:
        shown = ", ".join(names[:most])
        return language.say(" ({names} and {number} more)", names=shown, number=language.whole(len(names) - most))
    return f" ({', '.join(names)})"


def listed(one: str, many: str, names: Sequence[str], language: Language, most: int = 4) -> list[str]:
    """A sentence that says how many there are and which; no sentence without names."""
    which = in_brackets(names, language, most)
    return [language.count(one, many, len(names), which=which)] if names else []


def quoted_interval(material: Material, row: Row, sign: int = 1) -> str:
    """The interval of a difference on other images and with other seeds; over seeds where images are not known."""
    return _interval(material, *quoted_ends(row), sign)


def quoted_ends(row: Row) -> tuple[float, float]:
    """The ends of that interval."""
    low, high = ("overall_low", "overall_high") if is_known(row["overall_low"]) else ("low", "high")
    return row[low], row[high]


def corrected_p(row: Row) -> float:
    """The p-value of the verdict after Holm's correction: of "better" that of both of its tests, which must agree; over
    seeds where a verdict is about these images, or others are not known."""
    if "on_these_images" in row["verdict"] or not is_known(row["p_overall_holm"]):
        return row["p_holm"]
    return max(row["p_holm"], row["p_overall_holm"])


def _other_images(material: Material, row: Row, sign: int) -> str:
    """What is known of other images where a verdict is about these alone."""
    if not is_known(row["overall_low"]):
        return material.language.say(" What other images would show is not known for this metric.")
    other_images = mark(" On other images of the kind it is not settled (95 % interval {interval}).")
    other_cuts = mark(" On other cuts of the data it is not settled (95 % interval {interval}).")
    said = other_cuts if material.cut_of(row["dataset"]) else other_images
    return material.language.say(said, interval=quoted_interval(material, row, sign))


def _needed(material: Material, row: Row) -> str:
    """How many seeds would tell, and how rough that advice is; or that more seeds would not. A race finds out."""
    if material.study.rounds:
        return ""
    language, least, most = material.language, row["seeds_needed_low"], row["seeds_needed_high"]
    if not is_known(row["seeds_needed"]):
        if not is_known(row["overall_low"]):
            return ""
        if material.cut_of(row["dataset"]):
            return language.say(" More seeds alone would hardly settle it; more cuts or more images might.")
        return language.say(" More seeds alone would hardly settle it; more test images might.")
    if is_known(least) and is_known(most):
        rough = language.say(" ({low} to {high})", low=language.whole(int(least)), high=language.whole(int(most)))
    elif is_known(least):
        rough = language.say(" (at least {low})", low=language.whole(int(least)))
    else:
        rough = ""
    return language.count(
        " Detecting such a difference would take about {n} seed{rough}.",
        " Detecting such a difference would take about {n} seeds{rough}.",
        int(row["seeds_needed"]),
        rough=rough,
    )


def _left_out(material: Material, row: Row) -> str:
    if not row["unpaired"] or material.study.rounds:  # in a race, who has left has fewer
        return ""
    return material.language.count(
        " {n} seed is left out: not both experiments completed it.",
        " {n} seeds are left out: not both experiments completed them.",
        int(row["unpaired"]),
    )


def _interval(material: Material, low: float, high: float, sign: int) -> str:
    """An interval of differences; with `sign` -1, of the second minus the first."""
    ends = (low, high) if sign > 0 else (0 - high, 0 - low)  # not -0.0
    return range_text(*ends, material.metric, material.language)
