"""LaTeX: what real compilers make of a report, and of text that means something to them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bakeoff.errors import BakeoffError
from bakeoff.figures.draw import draw_figures
from bakeoff.language import LANGUAGES
from bakeoff.report.latex import escape_latex
from bakeoff.report.pdf import left_out, make_pdf
from bakeoff.report.render import render_report
from bakeoff.study.study import runs
from synthetic_runs import analyse, layout_in, result_of, study_of, write_card, write_plan, write_run, write_runs

HOSTILE = r"50 % of $x_1$ & #2 ~ ^ \textbf{no} {a} \\ [b] <c> \"d' `e` -- |f| \end{document} é ёж ∞ ± 漢"
needs_latex = pytest.mark.skipif(not shutil.which("latexmk"), reason="no latexmk is installed")


def rendered(folder: Path, **changes: object) -> Path:
    study = study_of(title=HOSTILE, description=f"[{HOSTILE}]\n\nЁлка.", **changes)
    layout = layout_in(folder, study)
    write_runs(study, layout)
    write_plan(study, layout)
    write_card(study, "digits", [HOSTILE, "[1]", *map(str, range(2, 10))])
    analyse(study, layout)
    draw_figures(study, layout, pdf=True)
    return render_report(study, layout)[-1]


def test_names_that_latex_would_take_for_one_have_files_of_their_own(tmp_path: Path) -> None:
    datasets = {name: {"source": "digits"} for name in ("a.b", "a-b")}
    study = study_of(datasets=datasets)
    layout = layout_in(tmp_path, study)
    for run in runs(study):
        write_run(layout, run, result_of(study, run, 0.8 if run.dataset == "a.b" else 0.9))
    analyse(study, layout)
    draw_figures(study, layout, pdf=True)
    tex = render_report(study, layout)[-1]
    for part in re.findall(r"\\input\{(.+)\}", tex.read_text()):
        shown = (tex.parent / f"{part}.tex").read_text()
        for figure in re.findall(r"\\includegraphics.*\{(.+)\}", shown):
            assert (tex.parent / "figures" / f"{figure}.pdf").exists()
    parts = [file for file in sorted(tex.parent.rglob("*.tex")) if file.name != "paper.tex"]  # a document of its own
    labels = re.findall(r"\\label\{(.+?)\}", "".join(file.read_text() for file in parts))
    assert len(set(labels)) == len(labels)
    dotted, dashed = (tex.parent / f"figures/comparison_a-b{end}.pdf" for end in ("-2", ""))
    assert dashed.read_bytes() == (layout.figures / "comparison_a-b.pdf").read_bytes()
    assert dotted.read_bytes() == (layout.figures / "comparison_a.b.pdf").read_bytes()
    assert dotted.read_bytes() != dashed.read_bytes()


def test_a_language_that_is_added_reaches_latex(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LANGUAGES, "de", "ngerman")
    assert r"\usepackage[ngerman]{babel}" in rendered(tmp_path, language="de").read_text()


def text_of(pdf: Path) -> str:
    return subprocess.run(["pdftotext", str(pdf), "-"], capture_output=True, text=True, check=True).stdout


@needs_latex
@pytest.mark.skipif(not shutil.which("pdftotext"), reason="no pdftotext is installed")
@pytest.mark.parametrize(("language", "word"), [("en", "Results"), ("ru", "Результаты")])
def test_a_report_compiles_as_it_stands_and_reads_as_it_was_written(tmp_path: Path, language: str, word: str) -> None:
    tex = rendered(tmp_path, language=language)
    text = text_of(make_pdf(tex))
    assert word in text and "Ёлка." in text
    assert r"50 % of $x_1$ & #2 ~ ^ \textbf{no} {a} \\ [b] <c>" in " ".join(text.split())
    assert set(left_out(tex)) == {"漢", "∞"}  # the latter in the listing of the study
    log = tex.with_suffix(".log").read_text(errors="replace")
    assert "multiply defined" not in log and "undefined references" not in log


@needs_latex
def test_no_row_of_a_table_is_lost_at_the_end_of_a_page(tmp_path: Path) -> None:
    names = [f"a-name-that-takes-more-than-a-line-of-a-table-{number}" for number in range(4)]
    tex = rendered(tmp_path, architectures={name: {"model": "mlp", "hidden": [8]} for name in names})
    text = re.sub(r"\s", "", text_of(make_pdf(tex)))
    assert "Overfull \\vbox" not in tex.with_suffix(".log").read_text(errors="replace")
    assert all(text.count(name) > 20 for name in names)


@pytest.mark.skipif(not shutil.which("luaotfload-tool"), reason="no texlive-luatex is installed")
@needs_latex
@pytest.mark.slow
def test_lualatex_compiles_it_too(tmp_path: Path) -> None:
    tex = rendered(tmp_path, language="ru")
    command = ["latexmk", "-lualatex", "-interaction=nonstopmode", "-halt-on-error", "report.tex"]
    assert subprocess.run(command, cwd=tex.parent, capture_output=True, check=False).returncode == 0


@needs_latex
def test_a_table_goes_into_another_text(tmp_path: Path) -> None:
    tex = rendered(tmp_path)
    thesis = tmp_path / "thesis.tex"
    thesis.write_text(
        "\\documentclass{report}\n\\usepackage[export]{adjustbox}\n\\usepackage{fontspec,booktabs,tabularx,makecell,rotating}\n"
        f"\\graphicspath{{{{{tex.parent}/figures/}}}}\n\\begin{{document}}\n"
        f"\\input{{{tex.parent}/tables/results_digits}}\n\\input{{{tex.parent}/figures/comparison_digits}}\n\\end{{document}}\n"
    )
    command = ["xelatex", "-interaction=nonstopmode", "-halt-on-error", "thesis.tex"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0


def test_every_table_and_figure_is_a_file_that_the_report_takes_in(tmp_path: Path) -> None:
    tex = rendered(tmp_path)
    files = {path.relative_to(tex.parent).with_suffix("").as_posix() for path in tex.parent.glob("*/*.tex")}
    assert len(files) > 15
    assert all(f"\\input{{{name}}}" in tex.read_text() for name in files)
    for figure in (tex.parent / "figures").glob("*.tex"):
        assert figure.with_suffix(".pdf").read_bytes().startswith(b"%PDF")


def test_what_has_a_meaning_in_latex_is_escaped() -> None:
    assert escape_latex("a_b & 5 %") == r"a\_b \& 5 \%"
    assert escape_latex("[x]") == "{[}x{]}"


def test_without_latex_the_message_says_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BakeoffError, match=r"no LaTeX is installed.*apt install latexmk.*compiles elsewhere"):
        make_pdf(tmp_path / "latex/report.tex")


@needs_latex
def test_a_text_that_does_not_compile_is_one_error_with_the_log(tmp_path: Path) -> None:
    tex = tmp_path / "latex" / "report.tex"
    tex.parent.mkdir()
    tex.write_text("\\documentclass{article}\\begin{document}\\nonsense\\end{document}")
    with pytest.raises(BakeoffError, match=r"latexmk cannot compile it: ! Undefined control sequence.*report\.log"):
        make_pdf(tex)


@needs_latex
def test_without_figures_for_latex_the_error_says_how_to_draw_them(tmp_path: Path) -> None:
    tex = rendered(tmp_path)
    for figure in (tex.parent / "figures").glob("*.pdf"):
        figure.unlink()
    with pytest.raises(BakeoffError, match="No figures yet: bakeoff report --latex --language en draws them"):
        make_pdf(tex)


def test_figures_of_an_earlier_call_do_not_stay_in_latex(tmp_path: Path) -> None:
    study = study_of()
    layout = layout_in(tmp_path, study)
    write_runs(study, layout)
    analyse(study, layout)
    for pdf in (True, False):
        draw_figures(study, layout, pdf=pdf)
        tex = render_report(study, layout)[-1]
        assert bool(list((tex.parent / "figures").glob("*.pdf"))) == pdf
