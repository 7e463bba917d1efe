"""The PDF of a report, made by whichever LaTeX is installed."""

import re
import shutil
import subprocess
from pathlib import Path

from bakeoff.errors import BakeoffError

COMPILERS = {
    "latexmk": ["latexmk", "-xelatex", "-interaction=nonstopmode", "-halt-on-error", "-silent"],
    "tectonic": ["tectonic", "--keep-logs"],
}
HOW_TO_GET_ONE = (
    "no LaTeX is installed. On Debian or Ubuntu: apt install latexmk texlive-xetex texlive-latex-extra "
    "texlive-fonts-recommended texlive-lang-cyrillic fonts-cmu; on macOS: brew install --cask mactex; with conda: "
    "conda install -c conda-forge tectonic. {tex} also compiles elsewhere"
)


def make_pdf(tex: Path) -> Path:
    """Compile report.tex, or paper.tex, and put its PDF beside report.md; returns its path.

    Raises BakeoffError when no LaTeX is installed, or with LaTeX's first error and the path of its log.
    """
    found = next((name for name in COMPILERS if shutil.which(name)), None)
    if found is None:
        raise BakeoffError(HOW_TO_GET_ONE.format(tex=tex))
    answer = subprocess.run([*COMPILERS[found], tex.name], cwd=tex.parent, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        log = tex.with_suffix(".log")
        raise BakeoffError(f"{tex}: {found} cannot compile it: {_first_error(log, answer)}; see {log}")
    pdf = tex.parents[1] / f"{tex.stem}.pdf"
    tex.with_suffix(".pdf").replace(pdf)
    return pdf


def left_out(tex: Path) -> str:
    """The characters that LaTeX left out of a compiled LaTeX file, as its fonts lack them; read from its log."""
    log = tex.with_suffix(".log").read_text(encoding="utf-8", errors="replace")
    return "".join(dict.fromkeys(re.findall(r"^Missing character: There is no (.)", log, flags=re.MULTILINE)))


def _first_error(log: Path, answer: subprocess.CompletedProcess[str]) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    errors = [line for line in lines if line.startswith("!")]
    said = (answer.stderr or answer.stdout).strip().splitlines()
    return errors[0] if errors else said[-1] if said else "no message"
