"""Who made what the study used."""

from bakeoff.report.document import Items, Paragraph, Section
from bakeoff.report.material import Material
from bakeoff.study.citations import citations, without_entry


def references(material: Material) -> Section:
    """The tool, and every dataset, model and optimizer that somebody has published."""
    say = material.language.say
    introduction = Paragraph(say("Cite what the study used; `bakeoff cite` prints these entries as BibTeX."), "note")
    entries = Items([entry.text for entry in citations(material.study)])
    missing = without_entry(material.study)
    unknown = [Paragraph(say("No entry is known for: {names}.", names=", ".join(missing)))] if missing else []
    return Section(say("References"), "references", [introduction, entries, *unknown])
