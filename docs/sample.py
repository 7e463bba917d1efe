"""Makes docs/sample, docs/sample-tuned and docs/report.png from the tables in their made_from: `make sample`.

`make sample TRAIN=1` trains their studies first, and keeps their tables. tests/test_sample.py fails when a sample is
not what the code would write now.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # main() says where the package is
    from bakeoff.study.paths import Layout
    from bakeoff.study.study import Study

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs/report.png"
SCREEN = {"width": 1400, "height": 900}


@dataclass(frozen=True)
class Sample:
    """A report in the documentation: its folder, its study file, and language (empty: English) → what the sample has of
    its report. The study has one dataset."""

    folder: Path
    study_file: Path
    copied: dict[str, tuple[str, ...]]

    @property
    def tables(self) -> Path:
        return self.folder / "made_from"

    @cached_property
    def study(self) -> "Study":
        from bakeoff.study.reading import load_study

        return load_study(self.study_file)

    @property
    def dataset(self) -> str:
        (name,) = self.study.datasets
        return name

    def layout(self, folder: Path, language: str = "") -> "Layout":
        """Where a folder has this study's files, and its report in a language."""
        from bakeoff.study.paths import Layout

        return Layout(self.study.study, folder / "results", folder / "report", language)


DIGITS = Sample(
    ROOT / "docs/sample",
    ROOT / "config.yaml",
    {
        "": ("report.md", "report.html", "report.pdf", "latex/results_digits.tex", "figures"),
        "ru": ("report.html", "report.pdf"),
    },
)
TUNED = Sample(
    ROOT / "docs/sample-tuned",
    ROOT / "docs/sample-tuned/study.yaml",
    {"": ("report.md", "report.html", "figures")},
)


def train(sample: Sample, folder: Path) -> None:
    """Run the study of a sample in a folder and keep what its report is made from."""
    bin_ = Path(sys.executable).parent
    command = [bin_ / "snakemake", "--snakefile", ROOT / "Snakefile", "--cores", "all", "--directory", folder]
    command += ["--configfile", sample.study_file, "--until", "statistics"]
    subprocess.run(command, check=True, env=os.environ | {"PATH": f"{bin_}{os.pathsep}{os.environ['PATH']}"})
    keep_tables(sample, folder)


def keep_tables(sample: Sample, folder: Path) -> None:
    """Copy what a report is made from: the tables, the plans of the experiments and the card of the data."""
    from bakeoff.study.specification import plan_file

    layout = sample.layout(folder)
    shutil.rmtree(sample.tables, ignore_errors=True)
    shutil.copytree(layout.summary, sample.tables / "summary")
    (sample.tables / "plan").mkdir()
    for cell in sample.study.cells:
        shutil.copy(plan_file(sample.study, layout, cell), sample.tables / "plan")
    (card,) = folder.glob("results/data/*/card.json")
    shutil.copyfile(card, sample.tables / "card.json")


def lay_out(sample: Sample, folder: Path) -> None:
    """Put the tables where a study in a folder has them. Runs are not there: the sample links to none."""
    from bakeoff.study.specification import data_folder

    for part in ("summary", "plan"):
        shutil.copytree(sample.tables / part, sample.layout(folder).folder / part, dirs_exist_ok=True)
    data = folder / data_folder(sample.study, sample.dataset)
    data.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(sample.tables / "card.json", data / "card.json")


def write_reports(sample: Sample) -> None:
    """Draw the figures and write the reports, with a PDF where the sample has it, in this folder, which is laid out."""
    from bakeoff.data.prepare import prepare_if_needed
    from bakeoff.figures.draw import draw_figures
    from bakeoff.report.pdf import make_pdf
    from bakeoff.report.render import render_report
    from bakeoff.study.specification import data_folder, specify_dataset

    study = sample.study
    shutil.rmtree(data_folder(study, sample.dataset))  # a card without its images
    prepare_if_needed(specify_dataset(study, sample.dataset))
    for language, names in sample.copied.items():
        layout, pdf = sample.layout(Path(), language), "report.pdf" in names
        draw_figures(study, layout, language or None, pdf=pdf)
        tex = render_report(study, layout, language or None)[-1]
        if pdf:
            make_pdf(tex)


def copy(sample: Sample, folder: Path) -> None:
    """Copy of the reports what the sample has, and note from which texts pictures and PDFs were made."""
    for language, names in sample.copied.items():
        report = sample.layout(folder, language).report_folder
        for name in names:
            source = report / name.replace("latex/", "latex/tables/")
            target = sample.folder / language / name
            if source.is_dir():
                shutil.rmtree(target, ignore_errors=True)
                shutil.copytree(source, target)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)
    if noted := checksums(sample, folder):
        (sample.tables / "checksums.json").write_text(json.dumps(noted, indent=2) + "\n", encoding="utf-8")


def checksums(sample: Sample, folder: Path) -> dict[str, str]:
    """SHA-256 of the LaTeX that each PDF of the sample is made from."""
    made = [language for language, names in sample.copied.items() if "report.pdf" in names]
    texts = {name: sample.layout(folder, name).report_folder / "latex/report.tex" for name in made}
    return {
        f"{name}/report.pdf".lstrip("/"): hashlib.sha256(tex.read_bytes()).hexdigest() for name, tex in texts.items()
    }


def take_picture() -> None:
    """What the first screen of the sample shows. The picture holds the checksum of the page that it shows."""
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo
    from playwright.sync_api import sync_playwright

    browser_path = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
    page_path = DIGITS.folder / "report.html"
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        page = browser.new_page(viewport=SCREEN)
        page.goto(page_path.as_uri())
        page.screenshot(path=Path(folder) / "shown.png")
        browser.close()
        shown = PngInfo()
        shown.add_text("shows", hashlib.sha256(page_path.read_bytes()).hexdigest())
        with Image.open(Path(folder) / "shown.png") as taken:
            taken.convert("RGB").save(PICTURE, pnginfo=shown, optimize=True)


def main() -> None:
    for sample in (DIGITS, TUNED):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            if "--train" in sys.argv[1:]:
                train(sample, folder / "trained")
            lay_out(sample, folder)
            os.chdir(folder)
            write_reports(sample)
            copy(sample, folder)
            os.chdir(ROOT)
        if sample == DIGITS:
            take_picture()


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "src"))
    main()
