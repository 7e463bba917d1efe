"""A study file: what it means, and what is said of one that means nothing."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from bakeoff.study.matrix import Experiment, Run
from bakeoff.study.reading import load_study, parse_study, schema
from bakeoff.study.specification import recipe_of, specification_hash, specify
from bakeoff.study.study import StudyError, experiments, parent, runs

ROOT = Path(__file__).parents[2]
STUDY = """\
study: small
datasets:
  digits: {source: digits}
architectures:
  a: {model: mlp, hidden: [8]}
  b: {model: mlp}
optimizers:
  sgd: {name: SGD, lr: 1e-3}
  adam: {name: Adam}
recipes:
  plain: {epochs: 2}
  tuned:
    epochs: 1
    init_from: {recipe: plain}
seeds: 2
"""


@pytest.fixture
def study_file(tmp_path: Path) -> Path:
    path = tmp_path / "study.yaml"
    path.write_text(STUDY)
    return path


def config(**changes: object) -> dict[str, object]:
    return {**yaml.safe_load(STUDY), **changes}


def test_whole_product_in_order() -> None:
    study = parse_study(config())
    assert len(experiments(study)) == 8
    assert [cell.key for cell in experiments(study)][:3] == [
        "digits/a/sgd/plain",
        "digits/a/sgd/tuned",
        "digits/a/adam/plain",
    ]
    assert [run.key for run in runs(study)][:2] == ["digits/a/sgd/plain/seed0", "digits/a/sgd/plain/seed1"]


def test_blocks_keep_their_order_and_exclude_takes_cells_away() -> None:
    blocks = [{"architectures": "b", "recipes": "plain"}, {"architectures": ["a"], "recipes": "plain"}]
    study = parse_study(config(experiments=blocks, exclude=[{"optimizers": ["adam"], "architectures": ["a"]}]))
    assert experiments(study) == [
        Experiment("digits", "b", "sgd", "plain"),
        Experiment("digits", "b", "adam", "plain"),
        Experiment("digits", "a", "sgd", "plain"),
    ]


def test_overlapping_blocks_name_an_experiment_once() -> None:
    study = parse_study(config(experiments=[{"recipes": "plain"}, {"recipes": "plain"}]))
    assert len(experiments(study)) == 4


def test_exponents_are_numbers_wherever_they_stand() -> None:
    nested = {"plain": {"epochs": 1, "augment": [{"RandomErasing": {"scale": ["1e-2", "2E-1"]}}]}}
    study = parse_study(config(recipes=nested))
    assert study.optimizers["sgd"].arguments == {"lr": 0.001}
    assert study.recipes["plain"].augment[0].arguments == {"scale": [0.01, 0.2]}


def test_init_from_keeps_the_keys_it_leaves_out() -> None:
    study = parse_study(config())
    assert parent(study, Run("digits", "b", "adam", "tuned", 1)) == Run("digits", "b", "adam", "plain", 1)
    assert parent(study, Run("digits", "b", "adam", "plain", 1)) is None


def test_only_what_decides_a_result_changes_its_specification() -> None:
    study, run = parse_study(config()), Run("digits", "a", "sgd", "tuned", 0)
    before = specification_hash(study, run)
    same = config(title="Another", description="words", seeds=5, threads=2)
    assert specification_hash(parse_study(same), run) == before
    other_optimizer = config(optimizers={"sgd": {"name": "SGD", "lr": 0.001}, "adam": {"name": "Adam", "lr": 1}})
    assert specification_hash(parse_study(other_optimizer), run) == before
    longer = config(recipes={"plain": {"epochs": 3}, "tuned": {"epochs": 1, "init_from": {"recipe": "plain"}}})
    assert specification_hash(parse_study(longer), run) != before  # its parent trains longer
    assert specification_hash(parse_study(config(split_seed=1)), run) != before
    json.dumps(specify(study, run).content)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"recipes": {"plain": {"epoch": 3, "epochs": 1}}}, ["recipes.plain.epoch", "did you mean 'epochs'"]),
        ({"sedes": 3}, ["sedes", "did you mean 'seeds'"]),
        ({"seeds": "many"}, ["study.yaml:15", "seeds", "'many'"]),
        ({"seeds": [1, 1]}, ["seeds", "twice"]),
        ({"seeds": 0}, ["seeds", "at least 1"]),
        (
            {"recipes": {"a": {"epochs": 1, "clip_grad_norm": float("inf")}}},
            ["recipes.a.clip_grad_norm", "finite", "inf"],
        ),
        ({"recipes": {"a": {"epochs": 1, "label_smoothing": float("nan")}}}, ["recipes.a.label_smoothing", "finite"]),
        (
            {"recipes": {"a": {"epochs": 1, "early_stopping": {"patience": 1, "min_delta": float("inf")}}}},
            ["recipes.a.early_stopping.min_delta", "finite"],
        ),
        (
            {"recipes": {"a": {"epochs": 1, "normalize": {"mean": [0], "std": [float("inf")]}}}},
            ["recipes.a.normalize.std", "finite"],
        ),
        (
            {"recipes": {"a": {"epochs": 1, "loss": {"name": "BCEWithLogitsLoss", "pos_weight": float("inf")}}}},
            ["recipes.a.loss.pos_weight", "finite"],
        ),
        (
            {"recipes": {"a": {"epochs": 1, "schedule": {"warmup": float("inf")}}}},
            ["recipes.a.schedule.warmup", "finite"],
        ),
        ({"beta": float("inf")}, ["beta", "finite", "inf"]),
        ({"study": "../up"}, ["study.yaml:1", "'../up'", "safe folder name"]),
        *(
            ({"study": name, "smoke": smoke}, ["study.yaml:1: study: ", f"{name!r} is a folder of Bakeoff's own"])
            for name in ("data", "features", "slurm", "captions", "templates")
            for smoke in (False, True)
        ),
        ({"architectures": {"a/b": {"model": "mlp"}}}, ["architectures.a/b", "safe folder name"]),
        ({"architectures": {}}, ["architectures"]),
        ({"optimizers": {"sgd": {"lr": 1}}}, ["study.yaml:8", "optimizers.sgd.name", "missing"]),
        ({"experiments": [{"recipes": "plan"}]}, ["experiments.0.recipes", "did you mean 'plain'"]),
        ({"exclude": [{}]}, ["the matrix is empty"]),
        ({"recipes": {"plain": {"epochs": 0}}}, ["study.yaml:11", "recipes.plain.epochs", "greater than 0", "0"]),
        ({"recipes": {"plain": {"epochs": 1, "init_from": {"recipe": "x"}}}}, ["init_from.recipe", "'x'"]),
        ({"recipes": {"plain": {"epochs": 1, "init_from": {}}}}, ["init_from", "names no other run"]),
        ({"recipes": {"plain": {"epochs": 1, "normalize": "datset"}}}, ["recipes.plain.normalize", "datset"]),
    ],
)
def test_a_wrong_study_says_where_and_what_is_allowed(
    study_file: Path, overrides: dict[str, object], words: list[str]
) -> None:
    with pytest.raises(StudyError) as error:
        load_study(study_file, overrides)
    for word in words:
        assert word in str(error.value)


def test_init_from_in_a_circle() -> None:
    recipes = {"a": {"epochs": 1, "init_from": {"recipe": "b"}}, "b": {"epochs": 1, "init_from": {"recipe": "a"}}}
    with pytest.raises(StudyError, match="in a circle"):
        parse_study(config(recipes=recipes))


def test_init_from_a_run_that_is_excluded() -> None:
    with pytest.raises(StudyError, match="no run of this study"):
        parse_study(config(exclude=[{"recipes": "plain"}]))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("a: [1", "is not YAML"),
        ("- a", "mapping"),
        ("", "mapping"),
        ("a: {b: 1, b: 2}", "x.yaml:1: the key 'b' is given twice"),
    ],
)
def test_a_file_that_is_no_study(tmp_path: Path, text: str, word: str) -> None:
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(StudyError, match=word):
        load_study(tmp_path / "x.yaml")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="No such file"):
        load_study(tmp_path / "x.yaml")


def test_the_schema_in_the_repository_is_the_models_schema() -> None:
    written = json.loads((ROOT / "workflow/schemas/study.schema.json").read_text())
    assert written == json.loads(json.dumps(schema())), "run make schema"


@pytest.mark.parametrize(
    "path", [ROOT / "config.yaml", *sorted((ROOT / "studies").glob("*.yaml"))], ids=lambda path: path.stem
)
def test_every_study_of_the_repository_reads_and_fits_the_schema_that_it_names(path: Path) -> None:
    assert experiments(load_study(path))
    jsonschema.validate(yaml.safe_load(path.read_text()), schema())
    first = path.read_text().splitlines()[0]
    assert first.startswith("# yaml-language-server: $schema=")
    assert (path.parent / first.partition("=")[2]).resolve() == ROOT / "workflow/schemas/study.schema.json"


def test_the_schema_refuses_names_of_our_own_folders() -> None:
    jsonschema.validate(config(study="digits"), schema())
    for name in ("data", "../up"):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(config(study=name), schema())


def test_infinity_and_nothing_are_different_specifications() -> None:
    """Each equals itself when it is read back from a result."""
    found = []
    for value in (float("inf"), float("-inf"), float("nan"), None, 1.0):
        optimizers = {"sgd": {"name": "SGD", "lr": 0.1, "bounds": [0, value], "further": {"value": value}}}
        study = parse_study(config(optimizers=optimizers))
        content = specify(study, Run("digits", "a", "sgd", "plain", 0)).content
        assert json.loads(json.dumps(content)) == content
        found.append(specification_hash(study, Run("digits", "a", "sgd", "plain", 0)))
    assert len(set(found)) == len(found)


def test_notes_and_published_numbers_decide_nothing() -> None:
    blocks = [{"architectures": "b", "notes": "Why.", "published": {"value": 0.9, "measured": "last_epoch"}}, {}]
    plain, told = parse_study(config(experiments=[{"architectures": "b"}, {}])), parse_study(config(experiments=blocks))
    assert [cell.architecture for cell in experiments(told)] == ["b", "b", "b", "b", "a", "a", "a", "a"]
    assert [specify(told, run).content for run in runs(told)] == [specify(plain, run).content for run in runs(plain)]
    first, last = experiments(told)[0], experiments(told)[-1]
    assert [rungs.notes for rungs in told.rungs_of(first)] == ["Why.", ""]
    assert [rungs.notes for rungs in told.rungs_of(last)] == [""]
    (number,) = told.rungs_of(first)[0].published
    assert (number.value, number.metric, number.split, number.runs) == (0.9, None, "test", 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"experiments": [{"published": {"value": 0.9}}]}, r"experiments\.0\.published\.0\.measured: is required"),
        (
            {"experiments": [{"published": [{"value": 1, "measured": "last_epoch", "metric": "acuracy"}]}]},
            r"published\.0\.metric: there is no metric 'acuracy'; did you mean 'accuracy'",
        ),
        (
            {"experiments": [{"published": {"value": 1, "measured": "last_epoch", "run": 2}}]},
            r"published\.0\.run: unknown key; did you mean 'runs'",
        ),
        ({"experiments": [{"note": "x"}]}, r"experiments\.0\.note: unknown key; did you mean 'notes'"),
        ({"exclude": [{"notes": "x"}]}, r"exclude\.0\.notes: unknown key"),
    ],
)
def test_wrong_notes_and_numbers(changes: dict[str, object], message: str) -> None:
    with pytest.raises(StudyError, match=message):
        parse_study(config(**changes))


def test_a_recipe_is_read_back_from_a_specification() -> None:
    recipes = {
        "plain": {"epochs": 2},
        "without": {"epochs": 1, "normalize": "none", "on_out_of_memory": "halve_batch"},
        "full": {"epochs": 1, "normalize": {"mean": [0.5], "std": [0.2]}, "augment": [{"RandomCrop": {"size": 8}}],
                 "schedule": {"name": "StepLR", "step_size": 1}, "loss": "CrossEntropyLoss", "freeze": "batch_norm"},
    }  # fmt: skip
    study = parse_study(config(recipes=recipes))
    for run in runs(study):
        content = json.loads(json.dumps(specify(study, run).content))
        assert recipe_of(content) == study.recipes[run.recipe]
