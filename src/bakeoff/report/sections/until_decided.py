"""Seeds until decided: who trained how long, when and why each left, and what that saved."""

from collections.abc import Callable, Sequence

from bakeoff.analysis.race import BEHIND, End
from bakeoff.language import mark
from bakeoff.report.columns import experiment_column, metric_column, number_column
from bakeoff.report.document import Block, Cell, Column, Paragraph, Section, tabulate
from bakeoff.report.material import Material, Row, cell_of
from bakeoff.report.numbers import NONE, difference_text, is_known, range_text, whole_text
from bakeoff.study.matrix import Experiment

ENDS = {
    End.BEST: mark("The race ended after {n} seeds: {leader} is the best{where}."),
    End.WITHIN_INDIFFERENCE: mark(
        "The race ended after {n} seeds: {leader} is the best{where}, or behind the best by at most {value}."
    ),
    End.MORE_IMAGES: mark(
        "The race ended after {n} seeds without a winner: no more seeds would decide it, only more test images. "
        "{leader} leads."
    ),
    End.OPEN: mark("The race ended with its last look, after {n} seeds, without a winner. {leader} leads."),
    End.ALONE: mark("The race ended after {n} seeds: {leader} alone has a score with every seed."),
    End.NONE: mark("The race ended after {n} seeds: no experiment has a score with every seed."),
}
GOES_ON = mark("The race goes on: at look {look} of at most {looks}, after {n} seeds, {leader} leads.")
WHY = {
    "diverged": mark("a run diverged"),
    "out_of_memory": mark("a run did not fit in memory"),
    "metric_undefined": mark("the metric of a run has no value"),
}
WIDE = mark("other test images of this kind and other seeds")
NARROW = mark("other seeds on the test images of this study")
PROMISE = mark(
    "Experiments train more seeds only while they may be the best. The looks were fixed before the first run and share "
    "the permitted error of 5 %, so that decisions may be read at each of them. The claim is about {claim}. In 95 % of "
    "races, the best experiment is not left out, and all intervals of this table hold together (Hsu 1984): they say "
    "how far an experiment is ahead of the best of the others. In 95 % of races, no verdict on a pair is wrong either."
)


def race(material: Material) -> Section | None:
    say = material.language.say
    rounds, rows = material.study.rounds, material.statistic("race")
    if rounds is None:
        return None
    blocks: list[Block] = []
    if not rows:
        blocks.append(Paragraph(say("No look is complete yet.")))
    else:
        claim = WIDE if rounds.claim == "other_images" else NARROW
        blocks.append(Paragraph(say(PROMISE, claim=say(claim)), "note"))
        blocks += _doubts(material, rows)
    for dataset in dict.fromkeys(row["dataset"] for row in rows):
        here = [row for row in rows if row["dataset"] == dataset]
        found = _of_dataset(material, dataset, here)
        blocks += found if len(material.datasets) == 1 else [Section(dataset, f"race-{dataset}", found)]
    return Section(say("Seeds until decided"), "race", blocks)


def outcome(material: Material, dataset: str) -> list[str]:
    """How the race on a dataset ended, or how it stands; nothing where there is none."""
    rows = [row for row in material.statistic("race") if row["dataset"] == dataset]
    each = material.study.rounds
    if not rows or each is None:
        return []
    last = rows[-1]
    leader = next((material.labels_on_dataset[cell_of(row)] for row in _latest(rows) if row["leader"]), NONE)
    points = difference_text(each.indifference, material.metric, material.language).removeprefix("+")
    value = material.language.say("{value} points", value=points) if material.metric.percent else points
    words = {"n": int(last["seeds"]), "look": last["look"], "looks": last["looks"], "leader": leader, "value": value}
    words["where"] = "" if each.claim == "other_images" else material.language.say(" on these test images")
    message = ENDS[End(last["end"])] if last["end"] else GOES_ON
    return [material.language.say(message, **words)]


def left_behind(material: Material) -> set[Experiment]:
    """The experiments that left a race because another is ahead: they are not the best, whatever pairs say."""
    return {cell_of(row) for row in material.statistic("race") if row["left"] == BEHIND}


def _latest(rows: Sequence[Row]) -> list[Row]:
    """The rows of the last look."""
    return [row for row in rows if row["look"] == rows[-1]["look"]]


def _doubts(material: Material, rows: Sequence[Row]) -> list[Paragraph]:
    """What breaks the promise."""
    language, before, found = material.language, int(rows[0]["begun_before"]), []
    if before:
        text = language.count(
            "This race was begun anew {n} time after decisions had been seen: the 5 % do not hold any more.",
            "This race was begun anew {n} times after decisions had been seen: the 5 % do not hold any more.",
            before,
        )
        found.append(Paragraph(text, "warning"))
    return found


def _of_dataset(material: Material, dataset: str, rows: Sequence[Row]) -> list[Block]:
    language, say = material.language, material.language.say
    last = {cell_of(row): row for row in rows}
    trained, each = sum(int(row["seeds"]) for row in last.values()), material.study.rounds
    most = each.looks[-1] * len(last) if each else 0
    saved = say(
        "So far {trained} runs; {most} would have been a fixed {seeds} seeds for each experiment.",
        trained=language.whole(trained),
        most=language.whole(most),
        seeds=each.looks[-1] if each else 0,
    )
    figures = material.figures({
        f"race_{dataset}": say(
            "Seeds that each experiment on {dataset} trained. Dashed lines are the looks; pale is what the last look "
            "would have taken of all.",
            dataset=dataset,
        )
    })  # fmt: skip
    columns = [
        experiment_column(material, material.labels_on_dataset, lambda row: bool(row["leader"])),
        number_column(material, say("Seeds"), "seeds", whole_text),
        metric_column(material, material.score_title("test"), "mean"),
        Column(say("Ahead of the best of the others") + material.unit_of_differences, _ahead(material)),
        Column(say("Left at look"), lambda row: Cell(str(row["look"]) if row["left"] else NONE, value=row["look"])),
        Column(say("Why"), lambda row: Cell(_why(material, row)), numeric=False),
        number_column(material, say("Seeds saved"), "saved", whole_text),
    ]
    order = sorted(last.values(), key=lambda row: [row["seeds"], _known(row["ahead_high"]), _known(row["ahead_low"])])
    caption = say("The race on {dataset}: who trained how long, and why each left.", dataset=dataset)
    table = tabulate(f"race_{dataset}", caption, columns, order[::-1])
    return [Paragraph(" ".join([*outcome(material, dataset), saved])), *figures, table]


def _known(value: float) -> float:
    return value if is_known(value) else -1.0


def _ahead(material: Material) -> Callable[[Row], Cell]:
    def cell(row: Row) -> Cell:
        low, high = row["ahead_low"], row["ahead_high"]
        if not is_known(low) or not is_known(high):
            return Cell(NONE)
        return Cell(range_text(low, high, material.metric, material.language), value=low)

    return cell


def _why(material: Material, row: Row) -> str:
    say = material.language.say
    if row["left"] == BEHIND:
        return say("{name} is ahead", name=material.label_of(row["dataset"], row["beaten_by"]))
    if left := row["left"]:
        return say(WHY[left])
    return say("leads") if row["leader"] else ""
