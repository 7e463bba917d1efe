"""Whom a study cites: what it used is found, and what is printed is BibTeX."""

import re

import yaml

from bakeoff import __version__
from bakeoff.study.citations import bibliography, citations, without_entry
from synthetic_runs import study_of
from terminal import ROOT


def keys(**changes: object) -> set[str]:
    return {entry.key for entry in citations(study_of(**changes))}


def test_datasets_models_and_optimizers_that_a_study_uses_are_cited() -> None:
    found = keys(
        datasets={"cifar": {"source": "torchvision", "dataset": "CIFAR10"}},
        architectures={"net": {"model": "timm/resnet18"}},
        optimizers={"sgd": {"name": "SGD", "lr": 0.1}, "lamb": {"name": "Lamb", "lr": 0.1}},
    )
    wanted = {"krizhevsky2009learning", "he2016deep", "wightman2019timm", "sutskever2013importance", "you2020large"}
    assert wanted <= found and {"bakeoff", "paszke2019pytorch"} <= found
    assert not {"kingma2015adam", "alpaydin1998digits", "everingham2010pascal"} & found


def test_what_no_experiment_uses_is_not_cited() -> None:
    assert "kingma2015adam" in keys()
    assert "kingma2015adam" not in keys(exclude=[{"optimizers": "adam"}])


def test_ones_own_data_in_the_form_of_pascal_voc_are_not_pascals() -> None:
    of_others, own = {"source": "voc", "root": "data"}, {"source": "voc", "root": "data", "classes": "found"}
    for entry, cited in ((of_others, True), (own, False)):
        found = keys(datasets={"objects": entry}, metric="mean_average_precision")
        assert ("everingham2010pascal" in found) is cited


def test_what_has_no_entry_is_named() -> None:
    assert without_entry(study_of()) == []
    assert without_entry(study_of(optimizers={"own": {"name": "kron"}})) == ["optimizer kron"]


def test_every_entry_is_whole_and_has_a_key_of_its_own() -> None:
    entries = bibliography()
    text = (ROOT / "src/bakeoff/study/references.bib").read_text(encoding="utf-8")
    assert len(entries) == len(re.findall("^@", text, re.MULTILINE)) == len({entry.key for entry in entries})
    for entry in entries:
        assert {"author", "title", "year"} <= set(entry.fields), entry.key
        assert entry.bibtex.count("{") == entry.bibtex.count("}"), entry.key
        assert not set("{}\\") & set(entry.text), entry.key
        assert all(re.fullmatch(r"(tool|dataset|model|optimizer) [a-z0-9*/_]+", name) for name in entry.subjects)


def test_the_tool_is_cited_in_its_present_version() -> None:
    (tool,) = (entry for entry in bibliography() if entry.key == "bakeoff")
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert tool.fields["version"] == cited["version"] == __version__
    assert tool.fields["title"] == cited["title"]
