"""Whom a study cites: the tool, and who made its datasets, models and optimizers.

`references.bib` holds the entries; above each stands what it is cited for.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from bakeoff.study.study import Study

TOOLS = ("tool bakeoff", "tool snakemake", "tool pytorch")
NOBODYS = ("dataset folder", "dataset csv", "model mlp", "model convnet")  # one's own data, and plain networks
BIBLIOGRAPHY = Path(__file__).with_name("references.bib")
ENTRY = re.compile(r"^% cited for: (.+)\n(@\w+\{([^,]+),\n(?:.*\n)*?\}\n)", re.MULTILINE)
FIELD = re.compile(r"^  (\w+) = \{(.*)\},?$", re.MULTILINE)
WHERE = ("journal", "booktitle", "howpublished", "institution")  # the fields that say where it appeared
ACCENTS = {r"{\"o}": "ö", r"{\"e}": "ë", r"{\'e}": "é", r"{\'a}": "á", r"\(\beta_2\)": "β₂", "--": "–"}


@dataclass(frozen=True)
class Citation:
    """One entry: what it is cited for, its key, its BibTeX, and its fields."""

    subjects: Sequence[str]
    key: str
    bibtex: str
    fields: dict[str, str]

    @property
    def text(self) -> str:
        """The entry as people write it: authors, year, title, and where it appeared."""
        authors = self.fields["author"].replace(" and others", " et al.")
        if not authors.startswith("{"):  # else the name of a group
            authors = authors.replace(" and ", "; ")
        where = [self.fields[name] for name in WHERE if name in self.fields]
        numbers = [self.fields[name] for name in ("volume", "pages") if name in self.fields]
        parts = [f"{authors} ({self.fields['year']}): {self.fields['title']}", ", ".join([*where, *numbers])]
        return _plain(". ".join(part for part in parts if part)) + "."


@cache
def bibliography() -> Sequence[Citation]:
    """Every entry that there is, in the order of its file."""
    text = BIBLIOGRAPHY.read_text(encoding="utf-8")
    return [
        Citation(subjects.split(", "), key, bibtex, dict(FIELD.findall(bibtex)))
        for subjects, bibtex, key in ENTRY.findall(text)
    ]


def citations(study: Study) -> list[Citation]:
    """What a study should cite: the tools, then what its experiments use."""
    used = [*TOOLS, *subjects(study)]
    return [entry for entry in bibliography() if any(_is_for(entry, subject) for subject in used)]


def without_entry(study: Study) -> list[str]:
    """What a study uses of others for which there is no entry: plugins, and what nobody has written down yet."""
    return [
        subject
        for subject in subjects(study)
        if subject not in NOBODYS and not any(_is_for(entry, subject) for entry in bibliography())
    ]


def subjects(study: Study) -> Iterator[str]:
    """What a study's experiments use, in lower case: `dataset torchvision/cifar10`, `model mlp`, `optimizer adam`."""
    cells = study.cells
    for dataset in dict.fromkeys(cell.dataset for cell in cells):
        entry = study.datasets[dataset]
        if entry.source == "voc" and "classes" in entry.arguments:
            continue  # data of one's own in the form of Pascal VOC
        yield f"dataset {entry.source}" + (f"/{of}".lower() if (of := entry.arguments.get("dataset")) else "")
    for architecture in dict.fromkeys(cell.architecture for cell in cells):
        yield f"model {study.architectures[architecture].model.lower()}"
    for optimizer in dict.fromkeys(cell.optimizer for cell in cells):
        yield f"optimizer {study.optimizers[optimizer].name.lower()}"


def _is_for(entry: Citation, subject: str) -> bool:
    return any(fnmatchcase(subject, pattern) for pattern in entry.subjects)


def _plain(text: str) -> str:
    """BibTeX's text without its braces and accents."""
    for written, meant in ACCENTS.items():
        text = text.replace(written, meant)
    return text.replace("{", "").replace("}", "")
