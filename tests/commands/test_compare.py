"""Two finished studies, or two experiments, compared on a terminal."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import accuracy_score
from statsmodels.stats.multitest import multipletests

from bakeoff.analysis.two_results import compare, read_results
from bakeoff.errors import BakeoffError
from bakeoff.study.matrix import Run
from bakeoff.study.paths import Layout
from bakeoff.study.study import runs
from synthetic_runs import layout_in, result_of, study_of, write_predictions, write_run
from terminal import bakeoff

EXPERIMENT = "digits/deep/sgd/plain"


def made(folder: Path, name: str, better: float = 0.0, **changes: Any) -> Layout:
    """A finished study; its deep architecture gains `better`."""
    study = study_of(**{"study": name, "seeds": 6} | changes)
    layout = layout_in(folder, study)
    draw = np.random.default_rng(len(name))
    for run in runs(study):
        accuracy = 0.9 + draw.normal(0, 0.01) + better * (run.architecture == "deep")
        write_run(layout, run, result_of(study, run, accuracy))
        write_predictions(layout, run)
    return layout


def accuracies(layout: Layout, seeds: int = 6) -> list[float]:
    """Of the deep network with SGD."""
    found = read_results(layout.runs / EXPERIMENT)
    (each,) = found.runs.values()
    return [each[seed].scores["accuracy"] for seed in range(seeds)]


def test_two_studies_are_paired_by_experiment_and_seed(tmp_path: Path) -> None:
    first, second = made(tmp_path, "first", better=0.1), made(tmp_path, "second")
    found = compare(read_results(first.folder), read_results(second.folder))
    pairs = found.pairs.set_index("a")
    assert len(pairs) == 4 and (pairs["comparisons"] == 4).all() and list(pairs.index) == list(pairs["b"])
    row = pairs.loc[EXPERIMENT]
    test = stats.ttest_rel(accuracies(first), accuracies(second))
    assert row["p_value"] == pytest.approx(test.pvalue)
    assert row["verdict"] == "better"
    assert (row["mean_a"], row["mean_b"]) == pytest.approx((np.mean(accuracies(first)), np.mean(accuracies(second))))
    backwards = compare(read_results(second.folder), read_results(first.folder)).pairs.set_index("a")
    assert backwards.loc[EXPERIMENT, "verdict"] == "worse"
    loss = compare(read_results(first.folder), read_results(second.folder), "loss").pairs.set_index("a")
    assert loss.loc[EXPERIMENT, "verdict"] == "better"  # lower is
    assert loss.loc[EXPERIMENT, "difference"] < 0


def test_means_are_over_the_seeds_that_both_have(tmp_path: Path) -> None:
    first, second = made(tmp_path, "first", better=0.1), made(tmp_path, "second", seeds=3)
    found = compare(read_results(first.runs / EXPERIMENT), read_results(second.runs / EXPERIMENT))
    assert len(found.pairs) == 1
    pair = found.pairs.iloc[0]
    assert pair["one_sided"] == 3
    assert pair["mean_a"] == pytest.approx(np.mean(accuracies(first)[:3]))
    assert pair["difference"] == pytest.approx(pair["mean_a"] - pair["mean_b"])


def test_p_values_of_single_runs_are_corrected(tmp_path: Path) -> None:
    first, second = made(tmp_path, "first", seeds=1), made(tmp_path, "second", seeds=1)
    a, b = read_results(first.folder), read_results(second.folder)
    found = compare(a, b)
    alone = [
        compare(read_results(first.runs / pair.a), read_results(second.runs / pair.b)).single_runs["p_holm"].item()
        for pair in found.pairs.itertuples()
    ]
    expected = multipletests(alone, method="holm")[1]
    assert len(expected) == 4 and list(found.single_runs["p_holm"]) == pytest.approx(expected.tolist())


def test_two_experiments_of_other_names_are_a_pair(tmp_path: Path) -> None:
    layout = made(tmp_path, "study", better=0.1)
    output = bakeoff(tmp_path, "compare", layout.runs / EXPERIMENT, layout.runs / "digits/linear/sgd/plain")
    assert output.returncode == 0, output.stderr
    assert "A better" in output.stdout and "over 1 comparison." in " ".join(output.stdout.split())
    deep = np.mean(accuracies(layout))
    assert f"{100 * deep:.2f}" in output.stdout


def test_what_has_no_partner_is_named(tmp_path: Path) -> None:
    first, second = made(tmp_path, "first"), made(tmp_path, "second", seeds=5, optimizers={"sgd": {"name": "SGD"}})
    study = study_of(study="second", seeds=5)
    diverged = Run("digits", "deep", "sgd", "plain", 4)
    write_run(second, diverged, result_of(study, diverged, status="diverged"))
    output = bakeoff(tmp_path, "compare", first.folder, second.folder).stdout
    assert "Only in A: digits/deep/adam/plain, digits/linear/adam/plain" in output.replace("\n", " ")
    assert "B: 1 run diverged" in output
    assert "Left out: 3 runs" in output  # seed 5 of both, and seed 4 of the deep one
    other = made(tmp_path, "third", datasets={"digits": {"source": "digits", "limit": 100}})
    assert "Not the same data" in bakeoff(tmp_path, "compare", first.folder, other.folder).stdout


def test_single_runs_are_compared_image_by_image(tmp_path: Path) -> None:
    layout = made(tmp_path, "study", seeds=1)
    a, b = read_results(layout.runs / EXPERIMENT), read_results(layout.runs / "digits/linear/sgd/plain")
    found = compare(a, b)
    right = []
    for folder in (a.folder, b.folder):
        saved = np.load(folder / "seed0/predictions.npz")
        right.append(saved["logits"].argmax(1) == saved["labels"])
        assert right[-1].mean() == accuracy_score(saved["labels"], saved["logits"].argmax(1))
    only_a, only_b = (right[0] & ~right[1]).sum(), (right[1] & ~right[0]).sum()
    single = found.single_runs.iloc[0]
    assert (single["only_a"], single["only_b"]) == (only_a, only_b)
    assert single["p_holm"] == pytest.approx(stats.binomtest(int(only_a), int(only_a + only_b)).pvalue)
    assert list(found.pairs["verdict"]) == ["too_few_seeds"]
    output = bakeoff(tmp_path, "compare", a.folder, b.folder).stdout
    assert "too few seeds" in output and "McNemar" in output
    (b.folder / "seed0/predictions.npz").unlink()
    assert compare(a, b).single_runs.empty


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("results/first", "results"), "no finished run here"),
        (("results/first", f"results/first/runs/{EXPERIMENT}"), "one is a study, one an experiment"),
        (("results/first", "results/first", "--metric", "acuracy"), "did you mean 'accuracy'"),
        (
            ("results/first", "results/first", "--metric", "fbeta_micro"),
            "has no test fbeta_micro; it has loss",
        ),
        (("results/first", "results/led"), "say --metric NAME"),
    ],
)
def test_what_cannot_be_compared_is_one_line(tmp_path: Path, arguments: tuple[str, ...], problem: str) -> None:
    made(tmp_path, "first", seeds=1)
    made(tmp_path, "led", seeds=1, metric="macro_f1")
    output = bakeoff(tmp_path, "compare", *arguments)
    assert output.returncode != 0 and problem in output.stderr
    assert "Traceback" not in output.stderr


def test_studies_are_named_in_the_order_given(tmp_path: Path) -> None:
    """Also where the names of their metrics have the other order."""
    first, second = made(tmp_path, "first", seeds=1, metric="macro_f1"), made(tmp_path, "second", seeds=1)
    with pytest.raises(BakeoffError, match=r"first by macro_f1, .*second by accuracy; say --metric NAME"):
        compare(read_results(first.folder), read_results(second.folder))
    with pytest.raises(BakeoffError, match=r"second by accuracy, .*first by macro_f1; say --metric NAME"):
        compare(read_results(second.folder), read_results(first.folder))


def test_a_broken_result_is_named(tmp_path: Path) -> None:
    layout = made(tmp_path, "first", seeds=1)
    broken = layout.run(Run("digits", "deep", "sgd", "plain", 0)).result
    broken.write_text('{"run": {"dataset": "digits"}}')
    with pytest.raises(BakeoffError, match="cannot use this file of a run") as error:
        read_results(layout.folder)
    assert str(broken) in str(error.value)
