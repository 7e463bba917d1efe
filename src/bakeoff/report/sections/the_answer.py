"""The answer in two or three sentences: which experiment is best, how surely, and by how much."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from bakeoff.analysis.against_best import verdicts_of
from bakeoff.analysis.paired import IS_BETTER, IS_WORSE, Verdict
from bakeoff.analysis.ranking import ranking
from bakeoff.language import mark
from bakeoff.report.baseline_sentences import what_the_baseline_gives
from bakeoff.report.material import Material
from bakeoff.report.numbers import NONE, difference_text, interval_text, is_known, metric_text
from bakeoff.report.sections.until_decided import left_behind
from bakeoff.report.verdicts import listed, quoted_interval
from bakeoff.study.matrix import Experiment

BEST = mark("{leader} is best: test {metric} {value}.")
AHEAD = mark("{leader} leads, but none is clearly best: test {metric} {value}.")
UNJUDGED = mark("{leader} leads: test {metric} {value}.")
ALONE = mark("{leader}: test {metric} {value}.")
ON_THESE_CUTS = mark("is better than {beaten_here} of {all} on these cuts of the data only")
ON_THESE_CUTS_MORE = mark("is better than {beaten_here} more on these cuts of the data only")
EQUAL = mark("{leader} share the best mean: test {metric} {value}.")


def answers(material: Material) -> list[str]:
    """The answer of each dataset, called by its name where there are several."""
    texts = {name: leader(material, name) for name in material.datasets}
    if len(texts) == 1:
        return list(texts.values())
    say = material.language.say
    return [say("{dataset} – {answer}", dataset=name, answer=text) for name, text in texts.items()]


def leader(material: Material, dataset: str) -> str:
    """The best mean on a dataset with its interval, and how it compares with the others and with the baseline."""
    language, metric, score = material.language, material.metric, material.score
    rows = material.of_dataset(dataset)
    here = {cell: row for cell, row in rows.items() if is_known(row[f"{score}_mean"])}
    if not here:
        return language.say("No run on {dataset} is complete yet.", dataset=dataset)
    labels = {cell: material.labels_on_dataset[cell] for cell in rows}
    ranks = ranking(here, metric)
    order = sorted(here, key=lambda cell: ranks[cell])
    leaders = [cell for cell in order if ranks[cell] == 1]
    best, verdicts = here[order[0]], _verdicts(material, order[0], labels)
    value = metric_text(best[f"{score}_mean"], metric, language, unit=True)
    if len(leaders) == 1:
        value = f"{value} {_certainty(material, best)}"
    first = language.say(
        _message(len(leaders), len(here), verdicts),
        leader=language.enumeration([labels[cell] for cell in leaders]),
        metric=material.name_of(metric),
        value=value,
    )
    if len(leaders) > 1:
        return " ".join([first, *what_the_baseline_gives(material, dataset)])
    return " ".join([
        first,
        *_against_the_others(material, dataset, verdicts, len(here) - 1),
        *_ahead_of_the_second(material, order, labels),
        *_exceptions(material, rows, verdicts, labels),
        *what_the_baseline_gives(material, dataset),
    ])  # fmt: skip


def _message(leaders: int, experiments: int, verdicts: Mapping[str, Sequence[str]]) -> str:
    """What the first sentence may claim."""
    if leaders > 1:
        return EQUAL
    if experiments == 1:
        return ALONE
    if verdicts.get("beaten") or verdicts.get("behind"):
        return BEST
    return AHEAD if any(verdicts.get(kind) for kind in ("tied", "beaten_here", "contrary")) else UNJUDGED


def _certainty(material: Material, best: Mapping[str, object]) -> str:
    """The interval of a mean, or why there is none."""
    language = material.language
    if is_known(best[f"{material.score}_low"]):
        return interval_text(best, material.score, material.metric, language)
    completed = int(str(best["completed"]))
    if completed == 1:
        return language.say("(one run, so no interval)")
    return language.count(
        "(the same in {n} run, so no interval)", "(the same in all {n} runs, so no interval)", completed
    )


def _verdicts(material: Material, best: Experiment, labels: Mapping[Experiment, str]) -> Mapping[str, Sequence[str]]:
    """How the others stand to the best: `beaten`, `behind` (left a race), `beaten_here` (on these images only), `tied`,
    `contrary`, `few_seeds`, `constant` → their labels."""
    found: dict[str, list[str]] = defaultdict(list)
    behind = {labels[cell] for cell in left_behind(material) if cell.dataset == best.dataset}
    unfinished = {labels[cell] for cell in labels if not is_known(material.rows[cell][f"{material.score}_mean"])}
    for key, verdict in verdicts_of(best, material.statistic("comparisons")):
        other = material.label_of(best.dataset, key)
        if other not in unfinished:
            found[_kind(verdict, other in behind)].append(other)
    return found


def _kind(verdict: Verdict, left: bool) -> str:
    if verdict in IS_WORSE:
        return "contrary"
    if verdict in IS_BETTER:
        return "beaten" if verdict == Verdict.BETTER else "beaten_here"
    if verdict in (Verdict.NOT_DISTINGUISHABLE, Verdict.IDENTICAL):
        return "behind" if left else "tied"
    return "few_seeds" if verdict == Verdict.TOO_FEW_SEEDS else "constant"


def _against_the_others(
    material: Material, dataset: str, verdicts: Mapping[str, Sequence[str]], others: int
) -> list[str]:
    """How many others the best one beats, and with how many it is tied."""
    language = material.language
    numbers = {kind: len(verdicts.get(kind, ())) for kind in ("beaten", "beaten_here", "tied")}
    if not any(numbers.values()):
        return []
    words = {kind: language.whole(number) for kind, number in numbers.items()} | {"all": language.whole(others)}
    if numbers["beaten"] == others > 1:
        return [language.say("It beats all {all} others.", **words)]
    if numbers["tied"] == others > 1:
        return [language.say("It is tied with all {all} others.", **words)]
    clauses = {
        "beaten": mark("beats {beaten} of {all}"),
        "beaten_here": mark("is better than {beaten_here} of {all} on these test images only"),
        "tied": mark("is tied with {tied} of {all}"),
    }
    if numbers["beaten"]:
        clauses |= {
            "beaten_here": mark("is better than {beaten_here} more on these test images only"),
            "tied": mark("is tied with {tied}"),
        }
    if material.cut_of(dataset):
        clauses["beaten_here"] = ON_THESE_CUTS_MORE if numbers["beaten"] else ON_THESE_CUTS
    said = [language.say(clause, **words) for kind, clause in clauses.items() if numbers[kind]]
    return [language.say("It {clauses}.", clauses=language.enumeration(said))]


def _ahead_of_the_second(
    material: Material, order: Sequence[Experiment], labels: Mapping[Experiment, str]
) -> list[str]:
    """By how much the best is ahead of the next, over the seeds that both completed."""
    if len(order) < 2:
        return []
    pair = {order[0].key, order[1].key}
    for row in material.statistic("comparisons"):
        if {row["a"], row["b"]} == pair and is_known(row["difference"]):
            towards = 1 if material.metric.higher_is_better else -1
            sign = towards * (1 if row["a"] == order[0].key else -1)  # a lead is positive, of a loss, too
            lead = difference_text(sign * row["difference"], material.metric, material.language)
            points = material.language.say("{value} points", value=lead.removeprefix("+"))
            interval = quoted_interval(material, row, sign)
            return [
                material.language.say(
                    "It is ahead of the second, {second}, by {difference}{interval}.",
                    second=labels[order[1]],
                    difference=points if material.metric.percent else lead.removeprefix("+"),
                    interval="" if interval == NONE else f" {interval}",
                )
            ]
    return []


def _exceptions(
    material: Material,
    rows: Mapping[Experiment, Mapping[str, object]],
    verdicts: Mapping[str, Sequence[str]],
    labels: Mapping[Experiment, str],
) -> list[str]:
    """What a verdict on the others lacks."""
    language = material.language
    unfinished = [labels[cell] for cell, row in rows.items() if not is_known(row[f"{material.score}_mean"])]
    return [
        *listed(
            "Yet over the seeds that both completed, {n} other is better{which}.",
            "Yet over the seeds that both completed, {n} others are better{which}.",
            verdicts.get("contrary", ()),
            language,
        ),
        *listed(
            "There are too few seeds to judge {n} other{which}.",
            "There are too few seeds to judge {n} others{which}.",
            verdicts.get("few_seeds", ()),
            language,
        ),
        *listed(
            "Its difference from {n} other is the same with every seed, so there is no spread to judge by{which}.",
            "Its differences from {n} others are the same with every seed, so there is no spread to judge by{which}.",
            verdicts.get("constant", ()),
            language,
        ),
        *listed(
            "{n} other has no complete run{which}.", "{n} others have no complete run{which}.", unfinished, language
        ),
    ]
