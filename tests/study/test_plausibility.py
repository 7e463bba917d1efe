"""Numbers that cannot be meant are refused; numbers that hardly are get a warning."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from bakeoff.study.reading import load_study, parse_study, warnings
from bakeoff.study.study import StudyError
from bakeoff.study.yaml_file import number_or_text
from terminal import bakeoff

STUDY: dict[str, Any] = {
    "study": "small",
    "datasets": {"digits": {"source": "digits"}},
    "architectures": {"a": {"model": "mlp"}},
    "optimizers": {"sgd": {"name": "SGD", "lr": 0.1}},
    "recipes": {"plain": {"epochs": 2}},
}


def with_optimizer(**arguments: Any) -> dict[str, Any]:
    return {**STUDY, "optimizers": {"one": {"name": "SGD", "lr": 0.1} | arguments}}


def with_recipe(**keys: Any) -> dict[str, Any]:
    return {**STUDY, "recipes": {"plain": {"epochs": 2} | keys}}


@pytest.mark.parametrize(
    ("study", "message"),
    [
        (STUDY | {"target": 92}, "target: found 92; accuracy is a fraction from 0 to 1; write 0.92 for 92 %"),
        (STUDY | {"target": -0.1}, "target: found -0.1; accuracy is never below 0"),
        (
            STUDY | {"experiments": [{"published": {"value": 92.15, "measured": "last_epoch"}}]},
            "experiments.0.published.0.value: found 92.15; accuracy is a fraction .*; write 0.9215 for 92.15 %",
        ),
        (with_optimizer(lr=-1), "optimizers.one.lr: found -1; a learning rate is not negative"),
        (with_optimizer(lr="0,001"), "optimizers.one.lr: found the text '0,001'; allowed: a number"),
        (with_optimizer(momentum=-0.9), "optimizers.one.momentum: found -0.9"),
        (with_optimizer(weight_decay=-1), "optimizers.one.weight_decay: found -1"),
        (
            with_optimizer(name="Adam", betas=[0.9, 1.0]),
            "optimizers.one.betas: found 1; each is at least 0",
        ),
        (with_optimizer(name="Adam", betas="(0.9, 0.99)"), "optimizers.one.betas: found the text '.0.9, 0.99.'"),
        (STUDY | {"architectures": {"a": {"model": "mlp", "dropout": 50}}}, "architectures.a.dropout: found 50;"),
        (
            STUDY | {"architectures": {"a": {"model": "timm/resnet18", "head": {"hidden": 3, "dropout": 5}}}},
            "architectures.a.head.dropout: Input should be less than 1; found 5; write 0.05 for 5 %",
        ),
        (
            STUDY | {"datasets": {"d": {"source": "folder", "test": 20}}},
            "datasets.d.test: found 20; .*write 0.2 for 20 %",
        ),
        (STUDY | {"datasets": {"d": {"source": "digits", "validation": 20}}}, "datasets.d.validation: .*write 0.2"),
        (with_recipe(label_smoothing=10), "recipes.plain.label_smoothing: .*write 0.1 for 10 %"),
        (with_recipe(clip_grad_norm=0), "recipes.plain.clip_grad_norm: "),
        (with_recipe(augment={"RandomHorizontalFlip": {"p": 50}}), "recipes.plain.augment.0.p: .*write 0.5 for 50 %"),
        (
            with_recipe(early_stopping={"patience": 1, "min_delta": 1}),
            "recipes.plain.early_stopping.min_delta: accuracy is a fraction and cannot improve by 1",
        ),
        (
            STUDY | {"metric": "fbeta_micro"},
            "metric: fbeta_micro is no metric of multi-class data .digits.; allowed: loss",
        ),
        (
            STUDY | {"datasets": {"v": {"source": "voc"}}},
            "metric: accuracy is no metric of multi-label data .v.; allowed: loss, mean_average_precision",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(study: dict[str, Any], message: str) -> None:
    with pytest.raises(StudyError, match=message):
        parse_study(study)


@pytest.mark.parametrize(
    ("study", "key"),
    [
        (with_optimizer(name="Adam", lr=10), "optimizers.one.lr"),
        (with_optimizer(name="lamb", lr=1), "optimizers.one.lr"),
        (with_optimizer(lr=10), "optimizers.one.lr"),
        (with_optimizer(lr=0), "optimizers.one.lr"),
        (with_optimizer(momentum=1), "optimizers.one.momentum"),
        (with_optimizer(weight_decay=5), "optimizers.one.weight_decay"),
        (with_recipe(schedule={"warmup": 3}), "recipes.plain.schedule.warmup"),
        (with_recipe(schedule={"name": "StepLR", "step_size": 1, "gamma": 10}), "recipes.plain.schedule.gamma"),
        (with_recipe(early_stopping={"patience": 2}), "recipes.plain.early_stopping.patience"),
        (with_recipe(label_smoothing=0.9), "recipes.plain.label_smoothing"),
        (with_recipe(normalize={"mean": [123.7], "std": [58.4]}), "recipes.plain.normalize.mean"),
        (with_recipe(resources={"mem_mb": 16}), "recipes.plain.resources.mem_mb"),
    ],
)
def test_what_is_hardly_meant_gets_one_warning(study: dict[str, Any], key: str) -> None:
    (warning,) = warnings(parse_study(study))
    assert warning.startswith(f"{key}: ")


@pytest.mark.parametrize(
    "study",
    [
        STUDY,
        with_optimizer(name="Adam", lr=0.1, betas=[0.0, 0.999], weight_decay=0.3),
        with_optimizer(name="Adadelta", lr=1.0),
        with_optimizer(name="lars", lr=12, momentum=0.9),
        with_optimizer(name="lion", lr=1e-4, weight_decay=1.0),
        with_recipe(schedule={"warmup": 2}, early_stopping={"patience": 1, "min_delta": 0.001}),
        STUDY | {"metric": "loss", "target": 2.5, "optimizers": {"s": {"name": "SGD", "lr": "5E-1"}}},
        STUDY | {"smoke": True, "recipes": {"long": {"epochs": 90, "schedule": {"warmup": 5}}}},
    ],
)
def test_what_is_usual_is_left_in_peace(study: dict[str, Any]) -> None:
    assert warnings(parse_study(study)) == []


def test_plan_says_warnings_with_their_line_and_goes_on(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(with_optimizer(name="Adam", lr=10), sort_keys=False))
    planned = bakeoff(tmp_path, "plan", "study.yaml")
    assert planned.returncode == 0
    (warning,) = planned.stderr.splitlines()
    assert warning.startswith("warning: study.yaml:11: optimizers.one.lr: found 10; ")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("seeds: 010", "x.yaml:6: 010: YAML reads numbers that begin with 0 as octal"),
        ("seeds: [08, 42]", "x.yaml:6: 08: YAML reads numbers that begin with 0 as octal"),
        ("seeds: 1:30", "x.yaml:6: 1:30: YAML reads it as a number in base 60"),
        ("on: 1", 'x.yaml:6: YAML reads the name on as true or false; quote it: "on"'),
        ("~: 1", "x.yaml:6: YAML reads the name ~ as nothing"),
        ("exclude: {no: 1}", "x.yaml:6: YAML reads the name no as true or false"),
        ("2024-05-01: 1", "x.yaml:6: YAML reads the name 2024-05-01 as a date"),
        ("18: 1", "x.yaml:6: YAML reads the name 18 as a number"),
        ("plugins:\n\t- a.py", "x.yaml:7: is not YAML: the line has a tab"),
        ("exclude: {a: {lr: 0,001}}", "x.yaml:6: 001 stands alone after a comma; a decimal number takes a point"),
        ("seeds: []", "x.yaml:6: seeds: no seed is listed"),
        ("seeds: [9223372036854775808]", "x.yaml:6: seeds.0: Input should be less than 9223372036854775808"),
        ("seeds: [-1]", "x.yaml:6: seeds.0: Input should be greater than or equal to 0"),
        ("split_seed: -1", "x.yaml:6: split_seed: Input should be greater than or equal to 0"),
        ("title: 2024-05-01", "x.yaml:6: title: Input should be a valid string; .*; quote what is text"),
        ("exclude: {recipes: no}", "x.yaml:6: exclude.0.recipes.0: .*found False; quote what is text"),
    ],
)
def test_what_yaml_reads_otherwise_is_said_in_one_line(tmp_path: Path, line: str, message: str) -> None:
    lines = [f"{key}: {json.dumps(value)}" for key, value in STUDY.items()]
    path = tmp_path / "x.yaml"
    path.write_text("\n".join([*lines, line, ""]))
    with pytest.raises(StudyError, match=message) as error:
        load_study(path)
    assert len(str(error.value).splitlines()) == 1


def test_quoted_names_and_numbers_are_taken_as_they_are(tmp_path: Path) -> None:
    text = yaml.safe_dump(STUDY, sort_keys=False).replace("plain:", '"on":').replace("sgd:", "'007':")
    (tmp_path / "x.yaml").write_text(text)
    study = load_study(tmp_path / "x.yaml")
    assert (list(study.recipes), list(study.optimizers)) == (["on"], ["007"])


@pytest.mark.parametrize(("name", "meant"), [("bf16", "bfloat16"), ("fp32", "float32"), (32, "float32")])
def test_other_names_of_a_precision_are_the_same_specification(name: object, meant: str) -> None:
    one, other = (parse_study(with_recipe(precision=precision)) for precision in (name, meant))
    assert one.entries == other.entries
    assert one.recipes["plain"].precision == meant


def test_one_entry_is_a_list_of_one() -> None:
    alone = with_recipe(augment="RandomGrayscale") | {"experiments": {"recipes": "plain"}, "exclude": {"datasets": "x"}}
    listed = with_recipe(augment=["RandomGrayscale"]) | {"experiments": [{"recipes": ["plain"]}], "exclude": []}
    assert parse_study(alone | {"exclude": []}).entries == parse_study(listed).entries


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ("0.1", 0.1),
        ("False", False),
        ("010", "010"),
        ("1:30", "1:30"),
        ("a: [", "a: ["),
        ("x", "x"),
        ("", ""),
    ],
)
def test_what_a_text_of_a_command_line_means(text: str, value: object) -> None:
    meant = number_or_text(text)
    assert (meant, type(meant)) == (value, type(value))
