"""A user's own parts, as docs/plugins.md shows them."""

import hashlib
import json
import re
from pathlib import Path

import pandas as pd
import pytest
import yaml

from bakeoff.errors import BakeoffError
from bakeoff.study.metrics import Metric
from bakeoff.study.plugin_files import REGISTRIES, Plugin, declared_in, metrics_of
from bakeoff.study.reading import load_study
from bakeoff.study.specification import specify
from bakeoff.study.study import StudyError, runs
from terminal import ROOT, bakeoff, snakemake


def write_example(folder: Path) -> Path:
    """The files of the documentation's example; the study's path."""
    text = (ROOT / "docs/plugins.md").read_text()
    for name, body in re.findall(r"`(my_\w+\.\w+)`:\n\n```\w+\n(.*?)```", text, re.DOTALL):
        (folder / name).write_text(body)
    return folder / "my_study.yaml"


def trained_by(output: str) -> set[str]:
    return set(re.findall(r"training (\S+)", output))


def test_the_documented_example_runs_and_retrains_what_uses_a_changed_file(tmp_path: Path) -> None:
    study = write_example(tmp_path)
    finished = snakemake(tmp_path, study)
    assert finished.returncode == 0, finished.stderr
    planned = runs(load_study(study))
    assert len(planned) == 4
    results = [json.loads((tmp_path / "results/mine/runs" / run.key / "result.json").read_text()) for run in planned]
    checksum = hashlib.sha256((tmp_path / "my_parts.py").read_bytes()).hexdigest()
    for result in results:
        assert result["status"] == "completed"
        assert result["provenance"]["plugins"] == {"my_parts.py": checksum}
        assert result["metrics"]["test"]["balanced_accuracy"] > 0.8
    (pair,) = pd.read_csv(tmp_path / "results/mine/summary/comparisons.csv").itertuples()
    assert pair.test_set_error >= 0  # by a jackknife, so that verdicts may be about other images
    assert "balanced accuracy" in (tmp_path / "report/mine/report.md").read_text()
    assert trained_by(snakemake(tmp_path, study, "-n").stdout) == set()

    (tmp_path / "my_parts.py").write_text((tmp_path / "my_parts.py").read_text() + "\n# changed\n")
    again = snakemake(tmp_path, study, "-n")
    assert trained_by(again.stdout + again.stderr) == {run.key for run in planned}


def test_a_file_counts_only_where_it_is_used(tmp_path: Path) -> None:
    study = write_example(tmp_path)
    text = (tmp_path / "my_parts.py").read_text()
    start, end = text.index('@metric("balanced'), text.index('@transform("Salt')
    (tmp_path / "my_parts.py").write_text(text[:start] + text[end:])
    config = yaml.safe_load(study.read_text()) | {"metric": "accuracy", "datasets": {"digits": {"source": "digits"}}}
    config["recipes"]["salted"].pop("augment")
    study.write_text(yaml.safe_dump(config))
    for run in runs(load_study(study)):
        assert ("plugins" in specify(load_study(study), run).content) == (run.architecture == "mixer")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def f(:\n", r"my\.py:1: is not Python"),
        ("x = 1\n", "registers nothing"),
        ("@model(NAME)\ndef f(images): ...\n", r"my\.py:1: write @model's arguments as plain values"),
        ("@metric()\ndef f(logits, labels): ...\n", "@metric needs a name"),
    ],
)
def test_what_a_file_registers_must_be_readable(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "my.py").write_text(text)
    with pytest.raises(BakeoffError, match=said):
        declared_in(tmp_path / "my.py")


def test_a_missing_file_is_an_error_with_its_line(tmp_path: Path) -> None:
    study = write_example(tmp_path)
    (tmp_path / "my_parts.py").unlink()
    with pytest.raises(StudyError, match=r"my_study\.yaml:3: plugins: .*my_parts\.py cannot be read"):
        load_study(study)


def test_a_file_that_cannot_be_imported_is_one_line(tmp_path: Path) -> None:
    study = write_example(tmp_path)
    (tmp_path / "my_parts.py").write_text("import not_there\n" + (tmp_path / "my_parts.py").read_text())
    failed = bakeoff(tmp_path, "prepare", study, "stripes")
    assert failed.returncode != 0
    assert failed.stderr.count("\n") == 1
    assert "my_parts.py cannot be imported: ModuleNotFoundError" in failed.stderr


@pytest.mark.parametrize(
    ("addition", "command", "said"),
    [
        ('@model("mlp")\ndef mine(images): ...\n', "check", "model 'mlp' is one of Bakeoff's own"),
        (
            '@model("patch_mixer")\ndef again(images): ...\n',
            "plan",
            "model 'patch_mixer' is registered by",
        ),
        ('@metric("accuracy")\ndef mine(logits, labels): ...\n', "plan", "'accuracy' is registered by Bakeoff already"),
        (
            '@metric("worst")\ndef worst(logits, labels):\n    return {}["x"]\n',
            "check",
            r"worst \(a plugin\) fails: Key",
        ),
    ],
)
def test_names_that_are_taken_and_functions_that_raise_are_one_line(
    tmp_path: Path, addition: str, command: str, said: str
) -> None:
    study = write_example(tmp_path)
    with (tmp_path / "my_parts.py").open("a") as file:
        file.write(f"\n\n{addition}")
    if command == "check":
        assert bakeoff(tmp_path, "prepare", study, "stripes").returncode == 0
    failed = bakeoff(tmp_path, command, study)
    assert failed.returncode != 0
    assert "Traceback" not in failed.stderr
    assert re.search(said, failed.stderr), failed.stderr


def test_a_model_that_raises_is_an_error_with_its_line(tmp_path: Path) -> None:
    from bakeoff.models.image_shape import ImageShape
    from bakeoff.models.registry import build_model
    from bakeoff.study.entries import Architecture
    from bakeoff.study.plugin_files import REGISTRIES, load_plugins

    (tmp_path / "my_broken.py").write_text(
        'from bakeoff.plugins import model\n\n@model("broken")\ndef broken(images, width):\n    return width.fly()\n'
    )
    load_plugins([str(tmp_path / "my_broken.py")])
    try:
        with pytest.raises(BakeoffError, match=r"broken\(width=3\) cannot be built: AttributeError.*my_broken\.py:5"):
            build_model(Architecture.model_validate({"model": "broken", "width": 3}), ImageShape(1, 4, 4, 2))
    finally:
        del REGISTRIES["model"]["broken"]


def test_a_metric_that_no_decorator_declares_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is registered in a loop is not known when the study is read, so nothing asks for its values."""
    for name in ("declared", "registered_in_a_loop"):
        monkeypatch.setitem(REGISTRIES["metric"], name, Plugin(name, "", lambda logits, labels: 0.0))
    known = {"declared": Metric("declared", "declared", ("multi-class",))}
    assert list(metrics_of("multi-class", known)) == ["declared"]
    assert list(metrics_of("multi-label", known)) == []
