"""A study changed without its file: by `--set KEY=VALUE`, and by what Snakemake's --config makes of that."""

import json
import os
from pathlib import Path
from typing import Any

from bakeoff.errors import BakeoffError
from bakeoff.study.reading import load_study
from bakeoff.study.study import Study
from bakeoff.study.yaml_file import number_or_text, read_value, read_yaml

SET = "BAKEOFF_SET"  # in the environment of Snakemake: what --set said to `bakeoff run`, as JSON


def load(study_file: Path, overrides: list[str]) -> Study:
    """The study of a file, changed by `--set` values. Raises BakeoffError for what is no KEY=VALUE or no YAML."""
    replaced = {}
    for text in overrides:
        key, equals, value = text.partition("=")
        if not equals:
            raise BakeoffError(f"--set {text}: write KEY=VALUE")
        replaced[key] = read_value(value, f"--set {text}")
    return load_study(study_file, replaced)


def overrides_of(config: dict[str, Any], study_file: Path) -> list[str]:
    """The `--set` values that turn a study file into `config`, which Snakemake may have changed by --config, and those
    of `bakeoff run`."""
    written = read_yaml(study_file)
    changed = {key: _typed(value, written.get(key)) for key, value in config.items() if written.get(key) != value}
    merged = [f"{key}={json.dumps(value, ensure_ascii=False, default=str)}" for key, value in changed.items()]
    return [*merged, *json.loads(os.environ.get(SET, "[]"))]


def _typed(value: Any, written: Any) -> Any:
    """A changed value with its numbers: inside lists and mappings, Snakemake's --config makes a text of each."""
    if isinstance(value, dict):
        before = written if isinstance(written, dict) else {}
        return {key: _inner(item, before.get(key)) for key, item in value.items()}
    return [_inner(item, None) for item in value] if isinstance(value, list) and value != written else value


def _inner(value: Any, written: Any) -> Any:
    if not isinstance(value, str):
        return _typed(value, written)
    return value if value == written else number_or_text(value)
