"""Verdicts in words: sentences that follow from the numbers of a comparison."""

from collections.abc import Sequence

from bakeoff.analysis.paired import Verdict
from bakeoff.language import Language
from bakeoff.report.material import Material, Row
from bakeoff.report.numbers import difference_text, is_known, metric_text, p_phrase


def sentence(material: Material, row: Row) -> str:
    """The result of a row of the table of comparisons, as a sentence that names the better one first."""
    verdict, language = Verdict(row["verdict"]), material.language
    sign = -1 if verdict is Verdict.WORSE else 1
    first, second = (material.label_of(row["dataset"], row[side]) for side in ("ab" if sign > 0 else "ba"))
    if not row["seeds"]:
        return _nothing_in_common(material, row, first, second)
    measured = {
        "difference": _points(material, sign * row["difference"]),
        "interval": _interval(material, row["low"], row["high"], sign),
        "p": p_phrase(row["p_holm"], language),
    }
    if verdict in (Verdict.BETTER, Verdict.WORSE):
        found = language.say(
            "{first} is better than {second}: {difference}, 95 % interval {interval}, {p} after Holm correction.",
            first=first,
            second=second,
            **measured,
        )
        return found + _other_images(material, row, sign) + _left_out(material, row)
    if verdict is Verdict.NOT_DISTINGUISHABLE:
        found = language.count(
            "{first} and {second} are not distinguishable with {n} seed: {difference}, 95 % interval {interval}, "
            "{p} after Holm correction.",
            "{first} and {second} are not distinguishable with {n} seeds: {difference}, 95 % interval {interval}, "
            "{p} after Holm correction.",
            int(row["seeds"]),
            first=first,
            second=second,
            **measured,
        )
        if is_known(row["seeds_needed"]):
            found += language.count(
                " Detecting such a difference would take about {n} seed.",
                " Detecting such a difference would take about {n} seeds.",
                int(row["seeds_needed"]),
            )
        return found + _left_out(material, row)
    if verdict is Verdict.TOO_FEW_SEEDS:
        return language.count(
            "{first} and {second} share {n} seed: too few to tell them apart.",
            "{first} and {second} share {n} seeds: too few to tell them apart.",
            int(row["seeds"]),
            first=first,
            second=second,
        )
    if verdict is Verdict.IDENTICAL:
        return language.say("{first} and {second} score the same with every seed.", first=first, second=second)
    return language.say(
        "{first} differs from {second} by {difference} with every seed: there is no spread to judge by.",
        first=first,
        second=second,
        difference=measured["difference"],
    )


def short_verdict(material: Material, row: Row) -> str:
    """The verdict on the first of a pair, in a word or two."""
    say = material.language.say
    if not row["seeds"]:
        return say("nothing in common")
    return {
        Verdict.BETTER: say("better"),
        Verdict.WORSE: say("worse"),
        Verdict.NOT_DISTINGUISHABLE: say("not distinguishable"),
        Verdict.TOO_FEW_SEEDS: say("too few seeds"),
        Verdict.IDENTICAL: say("the same"),
        Verdict.CONSTANT_DIFFERENCE: say("no spread"),
    }[Verdict(row["verdict"])]


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


def _nothing_in_common(material: Material, row: Row, first: str, second: str) -> str:
    if not row["dataset"] and len(material.datasets) > 1:
        return material.language.say(
            "{first} and {second} have no seed with complete runs on every dataset: there is nothing to compare.",
            first=first,
            second=second,
        )
    return material.language.say(
        "{first} and {second} have no completed seed in common: there is nothing to compare.",
        first=first,
        second=second,
    )


def _points(material: Material, value: float) -> str:
    """A difference with its unit; of percentages, in points."""
    text = difference_text(value, material.metric, material.language)
    return material.language.say("{value} points", value=text) if material.metric.percent else text


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
    least, greatest = (_signed(material, value) for value in ((low, high) if sign > 0 else (-high, -low)))
    return material.language.say("{low} to {high}", low=least, high=greatest)


def _signed(material: Material, value: float) -> str:
    text = metric_text(abs(value), material.metric, material.language)
    return f"−{text}" if value < 0 else text
