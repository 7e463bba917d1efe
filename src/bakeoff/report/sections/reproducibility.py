"""How to reproduce the study: versions, hardware, commands and the study itself."""

import yaml

from bakeoff.language import mark
from bakeoff.report.document import Code, Facts, Paragraph, Section
from bakeoff.report.entry_text import short_transforms
from bakeoff.report.material import Material
from bakeoff.report.numbers import NONE, is_known
from bakeoff.study.study import Study, runs

FIRST_PICTOGRAM = "\U00010000"

PROVENANCE = {
    "bakeoff": mark("Bakeoff"),
    "python": mark("Python"),
    "torch": mark("PyTorch"),
    "torchvision": "torchvision",
    "timm": "timm",
    "numpy": mark("NumPy"),
    "platform": mark("Platform"),
    "device": mark("Device"),
    "threads": mark("Threads per run"),
    "git_commit": mark("Commit"),
}


def reproducibility(material: Material) -> Section:
    say, study = material.language.say, material.study
    facts = [*_provenance(material), (say("Seeds"), _seeds(material))]
    return Section(
        say("How to reproduce"),
        "reproduce",
        [Facts(facts), Code(_commands(material), "sh"), Paragraph(say("The study:")), Code(study_yaml(study), "yaml")],
    )


def _seeds(material: Material) -> str:
    seeds = dict.fromkeys(run.seed for run in runs(material.study))
    return ", ".join(map(str, seeds))


def _provenance(material: Material) -> list[tuple[str, str]]:
    """Where the finished runs ran; several values where they differ."""
    say, table = material.language.say, material.tables.runs
    finished = table[table["status"] != "missing"]
    facts = []
    for name, title in PROVENANCE.items():
        known = (value for value in finished[name] if is_known(value) and value != "")
        values = sorted({str(int(value)) if isinstance(value, float) else str(value) for value in known})
        facts.append((say(title), ", ".join(values) or NONE))
    if (finished["git_dirty"] == "True").any():
        facts.append((say("Uncommitted changes"), say("yes, in at least one run")))
    if len(finished):
        between = say("{start} and {end}", start=min(finished["started"]), end=max(finished["finished"]))
        facts.append((say("Trained between"), between))
    return facts


def _commands(material: Material) -> str:
    say = material.language.say
    return "\n".join([
        "# " + say("save the study below as study.yaml"),
        "bakeoff run study.yaml",
        "# " + say("or a single run:"),
        f"bakeoff train study.yaml {runs(material.carried_out)[0].key}",
    ])  # fmt: skip


def study_yaml(study: Study) -> str:
    """The study as a file that can be run again."""
    seeds = study.rounds.model_dump(mode="json") if study.rounds else list(study.seeds_of(next(iter(study.cells))))
    content = {"study": study.study, **study.model_dump(mode="json", exclude_defaults=True), "seeds": seeds}
    content["recipes"] = {name: short_transforms(entry) for name, entry in content["recipes"].items()}
    for item in study.spaces:  # entries themselves hold default values
        axis, name = map(str, item.keys[:2])
        content[axis] |= {name: study.written[axis][name]}
    plain = max(str(content)) < FIRST_PICTOGRAM  # else leave them escaped: code fonts lack them
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=plain, width=78, default_flow_style=None)
