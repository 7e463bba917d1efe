"""Words and numbers in each language: complete, with the same placeholders, in the forms that numbers ask for."""

import re
from itertools import chain

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from bakeoff.errors import BakeoffError
from bakeoff.language import CATALOGUES, LANGUAGES, language_of
from bakeoff.report.templating import TEMPLATES
from bakeoff.study.metrics import METRICS
from synthetic_runs import study_of
from terminal import ROOT

KEYWORDS = {"say": None, "mark": None, "count": (1, 2), "listed": (1, 2)}


def messages() -> Catalog:
    """Every message of figures and reports, as the code and the templates say it."""
    found = Catalog()
    code = (
        extract_from_dir(ROOT / "src/bakeoff" / part, method_map=[(files, "python")], keywords=KEYWORDS)
        for part, files in (("study", "smoke.py"), ("analysis", "labels.py"), ("report", "**.py"), ("figures", "**.py"))
    )
    template = extract_from_dir(
        TEMPLATES, method_map=[("report.html.j2", "jinja2.ext:babel_extract")], keywords=KEYWORDS
    )
    for path, line, message, *_ in chain(*code, template):
        found.add(message, locations=[(path, line)])
    for metric in METRICS.values():
        found.add(metric.label)
    return found


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != "en"])
def test_a_catalogue_is_complete(code: str) -> None:
    with (CATALOGUES / f"{code}.po").open("rb") as file:
        catalogue = read_po(file, locale=code)
    assert {message.id for message in catalogue} == {message.id for message in messages()}
    for message in messages():
        if not message.id:
            continue
        translated = catalogue.get(message.id)
        assert translated is not None and not translated.fuzzy, message.id
        plural = isinstance(message.id, tuple)
        forms = translated.string if plural else (translated.string,)
        assert all(forms), message.id
        assert len(forms) == (catalogue.num_plurals if plural else 1), message.id
        wanted = set(re.findall(r"\{\w+\}", message.id[1] if plural else message.id))
        assert all(set(re.findall(r"\{\w+\}", form)) == wanted for form in forms), message.id


@pytest.mark.parametrize(
    ("number", "said"),
    [(1, "1 запуск"), (2, "2 запуска"), (5, "5 запусков"), (11, "11 запусков"), (1021, "1 021 запуск")],
)
def test_russian_plural_forms(number: int, said: str) -> None:
    assert language_of("ru").count("{n} run", "{n} runs", number).replace("\N{NO-BREAK SPACE}", " ") == said


def test_numbers_are_written_as_the_language_writes_them() -> None:
    english, russian = language_of("en"), language_of("ru")
    assert (english.number(1234.5, 2), russian.number(1234.5, 2)) == ("1,234.50", "1\N{NO-BREAK SPACE}234,50")
    assert (english.significant(0.012345), russian.significant(0.012345)) == ("0.0123", "0,0123")
    assert (english.significant(0), english.significant(float("inf")), russian.number(-1.5, 1)) == ("0", "∞", "−1,5")


def test_an_unknown_language_is_an_error() -> None:
    with pytest.raises(BakeoffError, match=r"language: 'rus' is no language of reports; did you mean 'ru'"):
        study_of(language="rus")
    with pytest.raises(BakeoffError, match="unsupported language 'xx'; choose en or ru"):
        language_of("xx")


def test_huge_numbers_are_powers_of_ten() -> None:
    english = language_of("en")
    assert english.number(1.234e30, 2) == "1.23E30" and english.significant(-1.234e30, 4) == "−1.23E30"
    assert english.whole(123_456_789_012) == "123,456,789,012"
