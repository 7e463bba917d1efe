"""Comparisons of two experiments as sentences: their words follow from the numbers."""

from bakeoff.analysis.paired import Verdict
from bakeoff.report.material import Material, Row
from bakeoff.report.numbers import difference_text, is_known, metric_text, whole_text
from bakeoff.study.matrix import FACETS, Experiment


def sentence(material: Material, row: Row) -> str:
    """What the seeds say of a pair of the table of comparisons."""
    verdict = Verdict(row["verdict"])
    language = material.language
    first, second = pair_names(material, row)
    if verdict in (Verdict.BETTER, Verdict.WORSE):
        if verdict is Verdict.WORSE:
            first, second = second, first
        sign = 1 if verdict is Verdict.BETTER else -1
        found = language.say(
            "{first} is better than {second}: {difference}, 95 % interval {interval}, {p} after Holm's correction.",
            first=first,
            second=second,
            difference=points(material, sign * row["difference"]),
            interval=_interval(material, row["low"], row["high"], sign),
            p=p_phrase(material, row["p_holm"]),
        )
        return found + _other_images(material, row, sign) + _left_out(material, row)
    if verdict is Verdict.NOT_DISTINGUISHABLE:
        found = language.count(
            "{first} and {second} are not distinguishable with {n} seed: {difference}, 95 % interval {interval}, "
            "{p} after Holm's correction.",
            "{first} and {second} are not distinguishable with {n} seeds: {difference}, 95 % interval {interval}, "
            "{p} after Holm's correction.",
            int(row["seeds"]),
            first=first,
            second=second,
            difference=points(material, row["difference"]),
            interval=_interval(material, row["low"], row["high"]),
            p=p_phrase(material, row["p_holm"]),
        )
        if is_known(row["seeds_needed"]):
            found += language.count(
                " To tell such a difference would need about {n} seed.",
                " To tell such a difference would need about {n} seeds.",
                int(row["seeds_needed"]),
            )
        return found + _left_out(material, row)
    if not row["seeds"] and not row["dataset"] and len(material.datasets) > 1:
        return language.say(
            "{first} and {second} have no seed with complete runs on every dataset: there is nothing to compare.",
            first=first,
            second=second,
        )
    if not row["seeds"]:
        return language.say(
            "{first} and {second} have no completed seed in common: there is nothing to compare.",
            first=first,
            second=second,
        )
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
        "{first} differs from {second} by {difference} with every seed alike: there is no spread to judge it by.",
        first=first,
        second=second,
        difference=points(material, row["difference"]),
    )


def short_verdict(material: Material, row: Row) -> str:
    """The verdict in a word or two, of the first of a pair."""
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


def pair_names(material: Material, row: Row) -> tuple[str, str]:
    """The labels of a pair: experiments', or of configurations over all datasets their names."""
    first, second = (name_of(material, row["dataset"], row[side]) for side in "ab")
    return first, second


def name_of(material: Material, dataset: str, key: str) -> str:
    """The label of an experiment's key, or of a configuration's, which has no dataset."""
    if not dataset:
        return material.configurations[key]
    cell = Experiment(**dict(zip(FACETS, key.split("/"), strict=True)))
    return material.labels_on_dataset[cell]


def points(material: Material, value: float) -> str:
    """A difference with its unit: of percentages, points."""
    text = difference_text(value, material.metric, material.language)
    return material.language.say("{value} points", value=text) if material.metric.percent else text


def p_text(material: Material, value: float) -> str:
    """A p-value with two digits; tiny ones as a bound."""
    if not is_known(value):
        return whole_text(None, material.language)
    smallest = 0.0001
    if value < smallest:
        return "< " + material.language.number(smallest, 4)
    return material.language.significant(value, 2, padded=True)


def p_phrase(material: Material, value: float) -> str:
    """`p = 0.037`, or `p < 0.0001`."""
    text = p_text(material, value)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def _other_images(material: Material, row: Row, sign: int) -> str:
    """What keeps a difference on these test images from being one on others: nothing, mostly."""
    low, high = row["images_low"], row["images_high"]
    if not is_known(low) or low > 0 or high < 0:
        return ""
    return material.language.say(
        " On other test images of the kind its sign is open (95 % interval {interval}).",
        interval=_interval(material, low, high, sign),
    )


def _left_out(material: Material, row: Row) -> str:
    if not row["unpaired"]:
        return ""
    return material.language.count(
        " {n} seed is left out, as not both completed it.",
        " {n} seeds are left out, as not both completed them.",
        int(row["unpaired"]),
    )


def _interval(material: Material, low: float, high: float, sign: int = 1) -> str:
    """From the least to the greatest difference; of the second from the first with `sign` -1."""
    if sign < 0:
        low, high = -high, -low
    ends = (_signed(material, value) for value in (low, high))
    return material.language.say("{low} to {high}", **dict(zip(("low", "high"), ends, strict=True)))


def _signed(material: Material, value: float) -> str:
    text = metric_text(abs(value), material.metric, material.language)
    return f"−{text}" if value < 0 else text
