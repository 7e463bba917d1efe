"""A report's content: the sections, in the order in which they are read."""

from bakeoff.language import language_of
from bakeoff.report.document import Document, paragraphs
from bakeoff.report.material import gather
from bakeoff.report.sections.choices import choices
from bakeoff.report.sections.conclusions import summary
from bakeoff.report.sections.cost import cost
from bakeoff.report.sections.data import data
from bakeoff.report.sections.epoch_selection import selection
from bakeoff.report.sections.error_analysis import errors
from bakeoff.report.sections.experiments import experiments
from bakeoff.report.sections.failures import failures
from bakeoff.report.sections.learning import learning
from bakeoff.report.sections.methods import methods
from bakeoff.report.sections.pairwise import comparison
from bakeoff.report.sections.references import references
from bakeoff.report.sections.reproducibility import reproducibility
from bakeoff.report.sections.results import published, results
from bakeoff.report.sections.study_design import design
from bakeoff.report.sections.tuned_values import tuning
from bakeoff.report.sections.until_decided import race
from bakeoff.study.paths import Layout
from bakeoff.study.study import Study

# First what was found, then how: most readers stop on the way.
SECTIONS = (
    *(results, published, race, comparison, choices, tuning, learning, selection, errors, cost, failures),
    *(design, data, methods, references),
)
APPENDIX = (experiments, reproducibility)


def compose(study: Study, layout: Layout, language: str = "en") -> Document:
    """The report on whatever runs the summary has.

    Raises BakeoffError when there is no summary, or the language is unsupported.
    """
    material = gather(study, layout, language_of(language))
    return Document(
        language=language,
        title=study.title.strip() or study.study,
        introduction=paragraphs(study.description)[:1],
        summary=summary(material),
        sections=[made for section in SECTIONS if (made := section(material)) is not None],
        appendix=[section(material) for section in APPENDIX],
    )
