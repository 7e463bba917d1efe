"""Verdicts in words: sentences that follow from the numbers of a comparison."""

from collections.abc import Sequence

from bakeoff.analysis.paired import Verdict
from bakeoff.language import Language, mark
from bakeoff.report.material import Material, Row
from bakeoff.report.numbers import difference_text, is_known, metric_text, p_phrase

SHORT = {
    Verdict.BETTER: mark("better"),
    Verdict.WORSE: mark("worse"),
    Verdict.NOT_DISTINGUISHABLE: mark("not distinguishable"),
    Verdict.TOO_FEW_SEEDS: mark("too few seeds"),
    Verdict.IDENTICAL: mark("the same"),
    Verdict.CONSTANT_DIFFERENCE: mark("no spread"),
}


def sentence(material: Material, row: Row) -> str:
    """The result of a row of the table of comparisons, as a sentence that names the better one first."""
    say, count = material.language.say, material.language.count
    verdict, seeds = Verdict(row["verdict"]), int(row["seeds"])
    sign = -1 if verdict is Verdict.WORSE else 1
    first, second = (material.label_of(row["dataset"], row[side]) for side in ("ab" if sign > 0 else "ba"))
    difference = difference_text(sign * row["difference"], material.metric, material.language)
    words = {
        "first": first,
        "second": second,
        "difference": say("{value} points", value=difference) if material.metric.percent else difference,
        "interval": _interval(material, row["low"], row["high"], sign),
        "p": p_phrase(row["p_holm"], material.language),
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
            found = say(
                "{first} is better than {second}: {difference}, 95 % interval {interval}, {p} after Holm correction.",
                **words,
            )
            return found + _other_images(material, row, sign) + _left_out(material, row)
        case Verdict.NOT_DISTINGUISHABLE:
            found = count(
                "{first} and {second} are not distinguishable with {n} seed: {difference}, 95 % interval {interval}, "
                "{p} after Holm correction.",
                "{first} and {second} are not distinguishable with {n} seeds: {difference}, 95 % interval {interval}, "
                "{p} after Holm correction.",
                seeds,
                **words,
            )
            if is_known(row["seeds_needed"]):
                found += count(
                    " Detecting such a difference would take about {n} seed.",
                    " Detecting such a difference would take about {n} seeds.",
                    int(row["seeds_needed"]),
                )
            return found + _left_out(material, row)
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
    words = SHORT[Verdict(row["verdict"])] if row["seeds"] else mark("nothing in common")
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


def _other_images(material: Material, row: Row, sign: int) -> str:
    """A warning when the difference might change its sign on other test images."""
    low, high = row["images_low"], row["images_high"]
    if not is_known(low) or low > 0 or high < 0:
        return ""
    return material.language.say(
        " On other test images of the same kind the sign is open (95 % interval {interval}).",
        interval=_interval(material, low, high, sign),
    )


def _left_out(material: Material, row: Row) -> str:
    if not row["unpaired"]:
        return ""
    return material.language.count(
        " {n} seed is left out: not both experiments completed it.",
        " {n} seeds are left out: not both experiments completed them.",
        int(row["unpaired"]),
    )


def _interval(material: Material, low: float, high: float, sign: int) -> str:
    """An interval of differences; with `sign` -1, of the second minus the first."""
    ends = (low, high) if sign > 0 else (0 - high, 0 - low)  # not -0.0
    least, greatest = (metric_text(value, material.metric, material.language) for value in ends)
    return material.language.say("{low} to {high}", low=least, high=greatest)
