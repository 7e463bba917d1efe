"""Figures: which are drawn, what they say, and that they are the same each time."""

import resource
import xml.etree.ElementTree as ElementTree
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.path import Path as Path2D
from matplotlib.text import Text

from bakeoff.analysis.images import mosaic
from bakeoff.analysis.labels import short_labels
from bakeoff.analysis.statistics import read_statistics
from bakeoff.errors import BakeoffError
from bakeoff.figures.confusion_and_calibration import captioned, confusion
from bakeoff.figures.draw import draw_figures, draw_first_figures, drawings_of
from bakeoff.figures.fonts import SHIPPED, SHORT, families_for
from bakeoff.figures.style import save, squeezed, styles_of, theme
from bakeoff.figures.trade_off import Cost, trade_off
from bakeoff.language import language_of
from bakeoff.results.summary import summarize
from bakeoff.results.summary_tables import read_tables
from bakeoff.study.matrix import FACETS, Experiment
from bakeoff.study.paths import Layout
from bakeoff.study.specification import data_folder, examples_file
from bakeoff.study.study import Study, experiments, runs
from synthetic_runs import (
    analyse,
    history_of,
    layout_in,
    result_of,
    study_of,
    write_card,
    write_predictions,
    write_run,
    write_runs,
)

OVERVIEWS = [
    "confusion_digits.svg",
    "reliability_digits.svg",
    "class_scores_digits.svg",
    "variance_shares.svg",
    "factor_effects.svg",
    "learning_curves_digits.svg",
    "comparison_digits.svg",
    "accuracy_vs_parameters.svg",
    "accuracy_vs_time.svg",
]


def drawn(study: Study, layout: Layout) -> list[str]:
    analyse(study, layout)
    return [str(path.relative_to(layout.figures)) for path in draw_figures(study, layout)]


def texts(path: Path) -> list[str]:
    return ["".join(element.itertext()) for element in ElementTree.parse(path).iter("{http://www.w3.org/2000/svg}text")]


def test_a_complete_study_has_every_figure_and_the_same_bytes_twice(tmp_path: Path) -> None:
    study = study_of()
    layout = layout_in(tmp_path, study)
    write_runs(study, layout)
    names = drawn(study, layout)
    assert names == [*OVERVIEWS, *(f"curves/{cell.key.replace('/', '__')}.svg" for cell in experiments(study))]
    first = {name: (layout.figures / name).read_bytes() for name in names}
    draw_figures(study, layout)
    assert {name: (layout.figures / name).read_bytes() for name in names} == first
    assert all(b"<dc:date>" not in content for content in first.values())


def test_some_figures_need_no_statistics_and_are_not_drawn_again(tmp_path: Path) -> None:
    study = study_of()
    layout = layout_in(tmp_path, study)
    write_card(study, "digits", list("0123456789"))
    write_runs(study, layout)
    summarize(study, layout)
    draw_first_figures(study, layout)
    early = {path.relative_to(layout.first_figures): path for path in layout.first_figures.rglob("*.svg")}
    curves = [Path(f"curves/{cell.key.replace('/', '__')}.svg") for cell in experiments(study)]
    assert sorted(early) == sorted([Path("classes_digits.svg"), Path("learning_curves_digits.svg"), *curves])
    names = drawn(study, layout)
    expected = {name: (layout.figures / name).read_bytes() for name in names}
    assert {name: path.read_bytes() for name, path in early.items()} == {name: expected[str(name)] for name in early}
    early[curves[0]].write_text("<svg/>")
    draw_figures(study, layout, first=layout.first_figures)
    assert (layout.figures / curves[0]).read_text() == "<svg/>"
    assert all((layout.figures / name).read_bytes() == expected[name] for name in names if Path(name) != curves[0])


def test_experiments_without_a_completed_run_are_left_out_and_old_figures_removed(tmp_path: Path) -> None:
    study = study_of()
    layout = layout_in(tmp_path, study)
    write_runs(study, layout)
    drawn(study, layout)
    for run in runs(study):
        if run.architecture == "linear":
            write_run(layout, run, result_of(study, run, status="diverged"))
    names = drawn(study, layout)
    assert [name for name in names if name.startswith("curves/")] == [
        "curves/digits__deep__sgd__plain.svg",
        "curves/digits__deep__adam__plain.svg",
    ]
    assert not (layout.figures / "curves/digits__linear__sgd__plain.svg").exists()
    assert not any("linear" in text for text in texts(layout.figures / "comparison_digits.svg"))


def test_nothing_is_drawn_of_nothing(tmp_path: Path) -> None:
    study = study_of()
    layout = layout_in(tmp_path, study)
    assert drawn(study, layout) == []
    assert list(layout.figures.rglob("*.svg")) == []


@pytest.mark.parametrize("metric", ["loss", "accuracy"])
def test_axes_speak_percent_for_fractions_and_the_best_is_on_top(tmp_path: Path, metric: str) -> None:
    study = study_of(metric=metric)
    layout = layout_in(tmp_path, study)
    write_runs(study, layout)
    drawn(study, layout)
    words = texts(layout.figures / "comparison_digits.svg")
    assert any(word.endswith(" %") for word in words) == (metric != "loss")
    assert f"Test {metric}" in words
    (curves,) = layout.figures.glob("curves/digits__deep__adam__plain.svg")
    assert {"Loss", "Accuracy"} <= set(texts(curves))
    # Both metrics rank the deep architecture first; matplotlib writes the y axis from the bottom up.
    labels = [word for word in words if "·" in word]
    assert len(labels) == 4 and all("deep" in label for label in labels[2:])


@pytest.mark.parametrize("accuracy", [0.15, 0.9])
def test_the_baseline_is_a_line_or_at_the_edge_where_it_lies(tmp_path: Path, accuracy: float) -> None:
    """It is 10 % here. Far from all scores, a line would leave them no room on the axis."""
    study = study_of()
    layout = layout_in(tmp_path, study)
    write_card(study, "digits", list("0123456789"))
    for index, run in enumerate(runs(study)):
        write_run(layout, run, result_of(study, run, accuracy + 0.004 * index))
    drawn(study, layout)
    for name in ("comparison_digits", "accuracy_vs_parameters"):
        (said,) = (text for text in texts(layout.figures / f"{name}.svg") if "majority class" in text)
        far = accuracy == 0.9
        assert said.replace("\N{NO-BREAK SPACE}", " ") in (
            ("← majority class 10 %", "↓ majority class 10 %") if far else ("majority class",)
        )


@pytest.mark.parametrize(
    ("deep", "words"),
    [(0.9, ["best", *3 * ["tied with the best"]]), (0.98, ["best", "tied with the best", *2 * ["behind"]])],
)
def test_a_ranked_figure_says_who_ties_and_marks_what_was_published(
    tmp_path: Path, deep: float, words: list[str]
) -> None:
    number = {"value": 0.925, "measured": "chosen_on_validation"}
    study = study_of(
        seeds=5, experiments=[{"architectures": "linear", "published": [number]}, {"architectures": "deep"}]
    )
    layout = layout_in(tmp_path, study)
    draw = np.random.default_rng(0)
    for run in runs(study):
        mean = deep if run.architecture == "deep" else 0.9
        write_run(layout, run, result_of(study, run, mean + 0.004 * draw.normal()))
        write_predictions(layout, run, images=2_000, classes=10, accuracy=mean)
    drawn(study, layout)
    found = texts(layout.figures / "comparison_digits.svg")
    assert sorted(
        word for word in found if word in {"best", "tied with the best", "behind", "behind on these images"}
    ) == sorted(words)
    assert {"published", "one seed", "mean and 95\N{NO-BREAK SPACE}% interval"} <= set(found)


def test_names_of_figures_say_the_metric(tmp_path: Path) -> None:
    study = study_of(metric="macro_f1")
    layout = layout_in(tmp_path, study)
    write_runs(study, layout)
    assert {"macro_f1_vs_parameters.svg", "macro_f1_vs_time.svg"} <= set(drawn(study, layout))


def test_curves_of_a_dataset_have_one_scale(tmp_path: Path) -> None:
    """Else a reader who goes from figure to figure takes a weak experiment for a strong one."""
    study = study_of()
    layout = layout_in(tmp_path, study)
    for run in runs(study):
        accuracy = 0.5 if run.architecture == "linear" else 0.9
        lines = history_of().replace("0.4", str(accuracy - 0.2)).splitlines()
        write_run(layout, run, result_of(study, run, accuracy), "\n".join(lines) + "\n")
    analyse(study, layout)
    with theme():
        curves = [each.draw() for each in drawings_of(study, layout) if each.name.startswith("curves/")]
    assert len({tuple(axes.get_ylim() for axes in figure.axes) for figure in curves}) == 1


@pytest.mark.parametrize("shape", [(3, 1024, 16), (1, 16, 1024), (3, 8, 8)])
def test_images_of_any_shape_make_a_figure_that_fits_a_page(shape: tuple[int, int, int]) -> None:
    images = np.zeros((10, *shape), np.uint8)
    with theme():
        figure = captioned(images, ["4 taken for 9, 80 % sure"] * 10)
    width, height = figure.get_size_inches()
    assert width < 8 and 1 < height < 6
    assert mosaic(images[None]).shape[0] < 200 and mosaic(images[None]).shape[1] < 1000


def test_a_thousand_classes_stay_readable(tmp_path: Path) -> None:
    """No letters over one another: rows are the classes on which experiments differ most."""
    study = study_of(seeds=1)
    layout = layout_in(tmp_path, study)
    names = [f"class{index:04}" for index in range(1000)]
    write_card(study, "digits", names)
    for run in runs(study):
        write_run(layout, run, result_of(study, run))
        write_predictions(layout, run, images=1000, classes=1000)
    assert {"classes_digits.svg", "class_scores_digits.svg"} <= set(drawn(study, layout))
    shown = {text for text in texts(layout.figures / "class_scores_digits.svg") if text in names}
    scores = read_statistics(layout, "classes").groupby("class")["f1"]
    spread = scores.max() - scores.min()
    assert len(shown) == 30 and spread[list(shown)].min() >= spread.drop(list(shown)).max()
    assert all(path.stat().st_size < 100_000 for path in layout.figures.glob("*.svg"))


def test_a_confusion_matrix_of_fifty_classes_is_small(tmp_path: Path) -> None:
    draw, classes = np.random.default_rng(0), [f"class {index}" for index in range(50)]
    shares = draw.dirichlet(np.ones(50), size=50)
    cells = pd.DataFrame([(a, b, shares[i, j]) for i, a in enumerate(classes) for j, b in enumerate(classes)],
                         columns=["true", "predicted", "share"])  # fmt: skip
    with theme():
        save(confusion(cells, classes, language_of("en")), tmp_path / "confusion.svg")
    assert (tmp_path / "confusion.svg").stat().st_size < 250_000


def test_letters_without_a_font_are_named_and_others_find_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Arabic is in the font that ships with Matplotlib, cuneiform is not."""
    monkeypatch.setattr(fontManager, "ttflist", [font for font in fontManager.ttflist if font.name == SHIPPED])
    assert families_for("cat Кот") == ([SHORT], "")
    assert families_for("قطة 𒀀") == ([SHORT, SHIPPED], "𒀀")
    study = study_of(seeds=1)
    layout = layout_in(tmp_path, study)
    write_card(study, "digits", ["𒀀", *"123456789"])
    write_runs(study, layout)
    drawn(study, layout)
    assert layout.missing_letters.read_text(encoding="utf-8") == "𒀀"


def test_labels_are_squeezed_where_they_do_not_differ() -> None:
    assert squeezed("cnn · adam") == "cnn · adam"
    long = [f"convnext_base.clip_laion2b_ft_in1k_{index} · adamw · plain" for index in range(3)]
    assert all(len(squeezed(label)) <= 42 for label in long) and len(set(map(squeezed, long))) == 3
    assert all(squeezed(label).endswith(f"{index} · adamw · plain") for index, label in enumerate(long))


def test_one_seed_one_epoch_one_experiment(tmp_path: Path) -> None:
    study = study_of(architectures={"linear": {"model": "mlp"}}, optimizers={"sgd": {"name": "SGD"}}, seeds=1)
    layout = layout_in(tmp_path, study)
    write_runs(study, layout)
    layout.run(runs(study)[0]).history.write_text(history_of(1))
    assert len(drawn(study, layout)) == 7
    assert "linear" in texts(layout.figures / "comparison_digits.svg")


@pytest.mark.parametrize(("quantity", "step"), [("parameters", 0.001), ("training_seconds", 0.0)])
def test_labels_hide_neither_each_other_nor_a_point(tmp_path: Path, quantity: str, step: float) -> None:
    """Of points above each other, and of a row of them; measured by Matplotlib on the finished figure, in pixels."""
    mlp = {"model": "mlp"}
    study = study_of(architectures={name: mlp for name in ("logistic", "perceptron", "perceptron-bn", "cnn")})
    layout = layout_in(tmp_path, study)
    cells = experiments(study)
    for run in runs(study):
        result = result_of(study, run, 0.9 + step * len(run.architecture))
        result["cost"]["training_seconds"] = 2.0 + 0.1 * cells.index(run.experiment)
        write_run(layout, run, result)
    analyse(study, layout)
    tables = read_tables(layout)
    table = tables.experiments.merge(read_statistics(layout, "speed"), on=list(FACETS), suffixes=("", "_of_speed"))
    cost = Cost(quantity, "Cost", "cost")
    with theme():
        figure = trade_off(study, language_of("en"), table, tables.runs, cost, styles_of(cells))
    (axes,) = figure.axes
    renderer = FigureCanvasAgg(figure).get_renderer()
    boxes = {text.get_text(): Text.get_window_extent(text, renderer) for text in axes.texts}  # without leading lines
    assert set(boxes) == set(short_labels(cells).values()) and len(boxes) == 8
    assert [pair for pair in combinations(boxes, 2) if boxes[pair[0]].overlaps(boxes[pair[1]])] == []
    points = axes.transData.transform(table[[quantity, "test_accuracy_mean"]].to_numpy(float))
    assert [name for name, box in boxes.items() for x, y in points if box.contains(x, y)] == []
    frame = axes.get_window_extent(renderer)
    assert all(frame.contains(*box.min) and frame.contains(*box.max) for box in boxes.values())
    front = [line for line in axes.get_lines() if line.get_linestyle() not in ("-", "None")]
    corners = [line.get_transform().transform(line.get_path().vertices) for line in front]
    crossed = [
        (name, line)
        for name, box in boxes.items()
        for line in corners
        if Path2D(line).intersects_bbox(box, filled=False)
    ]
    assert len(front) <= 1 and crossed == []
    for point, label in zip(points, short_labels(cells).values(), strict=True):
        assert np.hypot(*(point - np.clip(point, boxes[label].min, boxes[label].max))) < 100


def test_labels_leave_out_what_does_not_vary() -> None:
    one, two = Experiment("digits", "mlp", "sgd", "plain"), Experiment("digits", "mlp", "adam", "plain")
    other = Experiment("mnist", "mlp", "sgd", "plain")
    assert short_labels([one]) == {one: "mlp"}
    assert short_labels([one, two]) == {one: "sgd", two: "adam"}
    assert short_labels([one, two, other]) == {one: "digits · sgd", two: "digits · adam", other: "mnist · sgd"}


@pytest.mark.parametrize("room", range(1000, 8000, 1000))
def test_a_disk_that_is_full_is_said_and_leaves_no_file(tmp_path: Path, room: int) -> None:
    """Matplotlib's own PDF file may hide it behind an AttributeError."""
    with theme():
        figure = Figure()
        figure.subplots().plot(range(100))
        figure.text(0.5, 0.5, "abcdefghijklmnopqrstuvwxyz")
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
        try:
            with pytest.raises(OSError, match="File too large"):
                save(figure, tmp_path / "curve.svg", pdf=True)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_card_is_named(tmp_path: Path) -> None:
    study = study_of()
    layout = layout_in(tmp_path, study)
    write_runs(study, layout)
    write_card(study, "digits", list("0123456789"))
    drawn(study, layout)
    (data_folder(study, "digits") / "card.json").write_text("{")
    with pytest.raises(BakeoffError, match=r"card\.json: cannot be read as a card: .*prepare the data again"):
        draw_figures(study, layout)


def test_damaged_examples_are_named(tmp_path: Path) -> None:
    study = study_of(recipes={"plain": {"epochs": 3, "augment": ["RandomHorizontalFlip"]}})
    layout = layout_in(tmp_path, study)
    write_runs(study, layout)
    examples = examples_file(study, layout, "digits", "plain")
    assert examples is not None
    examples.parent.mkdir(parents=True)
    examples.write_bytes(b"cut")
    with pytest.raises(BakeoffError, match=r"digits__plain-\w+\.npy: cannot read it: .*run `bakeoff check` again"):
        drawn(study, layout)
