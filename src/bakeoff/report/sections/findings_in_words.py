"""What the study found, in sentences that its numbers make."""

from collections.abc import Mapping

from bakeoff.analysis.ranking import ranking
from bakeoff.report.document import Block, Items, Paragraph, Section
from bakeoff.report.material import Material, run_key
from bakeoff.report.numbers import interval_text, is_known, metric_text, whole_text
from bakeoff.report.sections.names import listed
from bakeoff.report.sections.verdicts import name_of, p_phrase
from bakeoff.study.matrix import Experiment


def summary(material: Material) -> Section:
    say = material.language.say
    leaders = [_leader(material, name) for name in material.datasets]
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
    counts = _counts(material)
    if len(leaders) == 1:
        found: list[Block] = [Paragraph(" ".join([*leaders, *counts]), "summary")]
    else:
        found = [Paragraph(" ".join([*_over_datasets(material), *counts]), "summary"), Items(leaders)]
    return Section(say("Summary"), "summary", [*found, Paragraph(" ".join(notes), "note")])


def tracks_test(material: Material) -> bool:
    """Whether some run was evaluated on the test split at each epoch."""
    name = f"test_max_{material.study.metric}_mean"
    return any(is_known(row.get(name)) for row in material.rows.values())


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


def _over_datasets(material: Material) -> list[str]:
    """The configurations with the best average rank, where enough of them have a run on every dataset."""
    language = material.language
    averages = [row for row in material.statistic("ranks") if row["dataset"] == ""]
    if not averages:
        return []
    best = min(row["rank"] for row in averages)
    test = material.statistic("rank_test")[0]
    return [
        language.say(
            "Over {datasets} datasets, the best average rank of {configurations} configurations is that of {leaders}: "
            "{rank} (Friedman's test of whether ranks differ: {p}).",
            datasets=whole_text(test["datasets"], language),
            configurations=whole_text(test["configurations"], language),
            leaders=language.enumeration(
                [name_of(material, "", row["configuration"]) for row in averages if row["rank"] == best]
            ),
            rank=language.number(best, 2),
            p=p_phrase(material, test["p_value"]),
        )
    ]


def _leader(material: Material, dataset: str) -> str:
    """The best mean on a dataset with its interval, and how it compares with the others."""
    language, metric, score = material.language, material.metric, material.score
    here = {cell: row for cell, row in material.of_dataset(dataset).items() if is_known(row[f"{score}_mean"])}
    if not here:
        return language.say("On {dataset}, no run is complete yet.", dataset=dataset)
    labels = {cell: material.labels_on_dataset[cell] for cell in material.rows if cell.dataset == dataset}
    ranks = ranking(here, metric)
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
    contrary: list[str] = []
    score = f"{material.score}_mean"
    without_run = {labels[cell] for cell, row in material.of_dataset(best.dataset).items() if not is_known(row[score])}
    for row in material.statistic("comparisons"):
        if best.key in (row["a"], row["b"]) and row["dataset"] == best.dataset:
            other = row["b"] if row["a"] == best.key else row["a"]
            label = name_of(material, best.dataset, other)
            # The best mean may be over other seeds than those that both completed.
            if row["verdict"] in ("better", "worse") and (row["a"] == best.key) != (row["verdict"] == "better"):
                contrary.append(label)
            else:
                verdicts.setdefault(row["verdict"], []).append(label)
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
    if contrary:
        sentences.append(
            language.count(
                "Yet over the seeds that both completed, {n} other is better{which}.",
                "Yet over the seeds that both completed, {n} others are better{which}.",
                len(contrary),
                which=listed(contrary, language),
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
