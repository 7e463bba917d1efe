"""`bakeoff init`: a folder for a study, from which all commands work, and plain `snakemake`, too."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from bakeoff.errors import BakeoffError
from bakeoff.files import write_atomically
from bakeoff.shipped import PROFILES, STUDY, STUDY_FOLDER
from bakeoff.study.reading import parse_study, schema

SCHEMA = "study.schema.json"
SCHEMA_LINE = re.compile(r"\$schema=\S+")
STUDY_LINE = re.compile(r"^study: .*\n", re.MULTILINE)


def write_study_folder(folder: Path) -> list[Path]:
    """Write a folder with a study that is named after it. Files that are there, as they would be written, stay.

    Raises BakeoffError where the name is not one of a study, or a file there says something else: nothing is written.
    """
    contents = {folder / name: text for name, text in _files(folder.resolve().name)}
    for path, text in contents.items():
        if path.exists() and path.read_bytes() != text.encode():
            raise BakeoffError(f"{path}: is there already and says something else; name a new folder")
    for path, text in contents.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        with write_atomically(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return list(contents)


def _files(study: str) -> Iterator[tuple[str, str]]:
    """The name and the content of each file in the folder of a study."""
    config = STUDY_LINE.sub(yaml.safe_dump({"study": study}), SCHEMA_LINE.sub(f"$schema={SCHEMA}", _text(STUDY)))
    parse_study(yaml.safe_load(config))
    yield "config.yaml", config
    yield SCHEMA, json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
    yield "Snakefile", _text(STUDY_FOLDER / "Snakefile")
    yield "README.md", _text(STUDY_FOLDER / "README.md")
    yield ".gitignore", _text(STUDY_FOLDER / "gitignore")
    for profile in ("default", "slurm"):
        yield f"profiles/{profile}/config.yaml", _text(PROFILES / profile / "config.yaml")


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")
