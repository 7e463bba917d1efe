"""What the study found, in sentences that its numbers make."""

from collections.abc import Mapping, Sequence

from bakeoff.analysis.labels import short_labels
from bakeoff.analysis.places import places
from bakeoff.language import Language
from bakeoff.report.document import Paragraph, Section
from bakeoff.report.material import Material, run_key
from bakeoff.report.numbers import interval_text, is_known, metric_text
from bakeoff.study import Experiment


def summary(material: Material) -> Section:
    say = material.language.say
    found = [_leader(material, name) for name in material.datasets]
    notes = [
        say("The epoch of each run was chosen on the validation split; the test split only reports."),
        say("Intervals are two-sided 95 % t-intervals of the mean over seeds, on one split of the data."),
    ]
    if tracks_test(material):
        notes.append(
            say(
                "Where the best test epoch is shown, the test split itself chose the epoch: "
                "that number is optimistic and ranks nothing."
            )
        )
    blocks = [Paragraph(" ".join([*found, *_counts(material)]), "summary"), Paragraph(" ".join(notes), "note")]
    return Section(say("Summary"), "summary", blocks)


def tracks_test(material: Material) -> bool:
    """Whether some run was evaluated on the test split at each epoch."""
    name = f"test_max_{material.study.metric}_mean"
    return any(is_known(row.get(name)) for row in material.rows.values())


def listed(names: Sequence[str], language: Language, most: int = 4) -> str:
    """Names in brackets, cut where they are many."""
    if len(names) > most:
        shown = ", ".join(names[:most])
        return language.say(" ({names} and {number} more)", names=shown, number=language.whole(len(names) - most))
    return f" ({', '.join(names)})"


def _counts(material: Material) -> list[str]:
    language = material.language
    planned = len(material.tables.runs)
    completed = len(material.with_status("completed"))
    sentences = [
        language.count(
            "{completed} of {n} planned run is complete.",
            "{completed} of {n} planned runs are complete.",
            planned,
            completed=language.whole(completed),
        )
    ]
    diverged, full, missing = (
        [run_key(row) for row in material.with_status(status)] for status in ("diverged", "out_of_memory", "missing")
    )
    if diverged:
        which = listed(diverged, language)
        sentences.append(
            language.count("{n} run diverged{which}.", "{n} runs diverged{which}.", len(diverged), which=which)
        )
    if full:
        which = listed(full, language)
        sentences.append(
            language.count(
                "{n} run did not fit in memory{which}.",
                "{n} runs did not fit in memory{which}.",
                len(full),
                which=which,
            )
        )
    if missing:
        which = listed(missing, language)
        sentences.append(
            language.count("{n} run is missing{which}.", "{n} runs are missing{which}.", len(missing), which=which)
        )
    return sentences


def _leader(material: Material, dataset: str) -> str:
    """The best mean on a dataset with its interval, and how it compares with the others."""
    language, metric, score = material.language, material.metric, material.score
    here = {cell: row for cell, row in material.of_dataset(dataset).items() if is_known(row[f"{score}_mean"])}
    if not here:
        return language.say("On {dataset}, no run is complete yet.", dataset=dataset)
    labels = short_labels([cell for cell in material.rows if cell.dataset == dataset])
    ranks = places(here, metric)
    order = sorted(here, key=lambda cell: ranks[cell])
    leaders = [labels[cell] for cell in order if ranks[cell] == 1]
    best = here[order[0]]
    found = language.say(
        "On {dataset}, the {extreme} mean test {metric} of {experiments} is that of {leaders}: {value}",
        dataset=dataset,
        extreme=language.say("highest") if metric.higher_is_better else language.say("lowest"),
        metric=material.name_of(metric),
        experiments=language.count(
            "{n} experiment with a complete run", "{n} experiments with a complete run", len(here)
        ),
        leaders=language.enumeration(leaders),
        value=metric_text(best[f"{score}_mean"], metric, language, unit=True),
    )
    if len(leaders) > 1:
        return f"{found}."
    if best["completed"] == 1:
        found += language.say(" (one complete run, so no interval).")
    elif not is_known(best[f"{score}_low"]):
        found += language.count(
            " (the same in {n} complete run, so no interval).",
            " (the same in all {n} complete runs, so no interval).",
            int(best["completed"]),
        )
    else:
        found += language.say(
            " (95 % interval {interval}, {runs}).",
            interval=interval_text(best, score, metric, language, unit=True),
            runs=language.count("{n} complete run", "{n} complete runs", int(best["completed"])),
        )
    return f"{found} {_against_the_others(material, order[0], labels)}".strip()


def _against_the_others(material: Material, best: Experiment, labels: Mapping[Experiment, str]) -> str:
    """Which experiments the best one is better than, and which it cannot be told from."""
    language = material.language
    verdicts: dict[str, list[str]] = {}
    score = f"{material.score}_mean"
    without_run = {labels[cell] for cell, row in material.of_dataset(best.dataset).items() if not is_known(row[score])}
    for row in material.statistic("comparisons"):
        if best.key in (row["a"], row["b"]) and row["dataset"] == best.dataset:
            other = row["b"] if row["a"] == best.key else row["a"]
            cell = next(cell for cell in labels if cell.key == other)
            verdicts.setdefault(row["verdict"], []).append(labels[cell])
    better = [*verdicts.get("better", ()), *verdicts.get("worse", ())]
    unclear = [*verdicts.get("not_distinguishable", ()), *verdicts.get("identical", ())]
    unjudged, alike = verdicts.get("too_few_seeds", []), verdicts.get("constant_difference", [])
    unjudged = [label for label in unjudged if label not in without_run]
    sentences = []
    if better:
        sentences.append(
            language.count(
                "It is better than {n} other{which}.",
                "It is better than {n} others{which}.",
                len(better),
                which=listed(better, language),
            )
        )
    if unclear:
        sentences.append(
            language.count(
                "It cannot be told from {n} other{which}.",
                "It cannot be told from {n} others{which}.",
                len(unclear),
                which=listed(unclear, language, most=6),
            )
        )
    if unjudged:
        sentences.append(
            language.count(
                "For {n} other the seeds are too few to judge{which}.",
                "For {n} others the seeds are too few to judge{which}.",
                len(unjudged),
                which=listed(unjudged, language),
            )
        )
    if without_run:
        sentences.append(
            language.count(
                "{n} other has no complete run{which}.",
                "{n} others have no complete run{which}.",
                len(without_run),
                which=listed([label for label in labels.values() if label in without_run], language),
            )
        )
    if alike:
        sentences.append(
            language.count(
                "From {n} other it differs by the same with every seed: no spread to judge by{which}.",
                "From {n} others it differs by the same with every seed: no spread to judge by{which}.",
                len(alike),
                which=listed(alike, language),
            )
        )
    return " ".join(sentences)
