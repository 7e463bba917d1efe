"""Makes docs/sample and docs/report.png from the tables in docs/sample/made_from: `make sample`.

`make sample TRAIN=1` trains the default study first, and keeps its tables. tests/test_sample.py fails when the
sample is not what the code would write now.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "docs/sample"
TABLES = SAMPLE / "made_from"
PICTURE = ROOT / "docs/report.png"
COPIED = {
    "": ("report.md", "report.html", "report.pdf", "latex/results_digits.tex", "figures"),
    "ru": ("report.html", "report.pdf"),
}  # language (empty: English) → what the sample has of its report
SCREEN = {"width": 1400, "height": 900}


def train(folder: Path) -> None:
    """Run the default study in a folder and keep what its report is made from."""
    bin_ = Path(sys.executable).parent
    command = [bin_ / "snakemake", "--snakefile", ROOT / "Snakefile", "--cores", "all", "--directory", folder]
    command += ["--configfile", ROOT / "config.yaml", "--until", "statistics"]
    subprocess.run(command, check=True, env=os.environ | {"PATH": f"{bin_}{os.pathsep}{os.environ['PATH']}"})
    shutil.rmtree(TABLES, ignore_errors=True)
    for part in ("summary", "plan"):
        shutil.copytree(folder / "results/digits" / part, TABLES / part)
    (card,) = folder.glob("results/data/*/card.json")
    shutil.copyfile(card, TABLES / "card.json")


def lay_out(folder: Path) -> None:
    """Put the tables where a study in a folder has them. Runs are not there: the sample links to none."""
    from bakeoff.study.reading import load_study
    from bakeoff.study.specification import data_folder

    for part in ("summary", "plan"):
        shutil.copytree(TABLES / part, folder / "results/digits" / part, dirs_exist_ok=True)
    data = folder / data_folder(load_study(ROOT / "config.yaml"), "digits")
    data.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(TABLES / "card.json", data / "card.json")


def write_reports(folder: Path) -> None:
    """Draw the figures and write both languages' reports with their PDF, in a folder that is laid out."""
    from bakeoff.data.prepare import prepare_if_needed
    from bakeoff.figures.draw import draw_figures
    from bakeoff.report.pdf import make_pdf
    from bakeoff.report.render import render_report
    from bakeoff.study.paths import Layout
    from bakeoff.study.reading import load_study
    from bakeoff.study.specification import data_folder, specify_dataset

    study = load_study(ROOT / "config.yaml")
    shutil.rmtree(data_folder(study, "digits"))  # a card without its images
    prepare_if_needed(specify_dataset(study, "digits"))
    for language in COPIED:
        layout = Layout(study.study, language=language)
        draw_figures(study, layout, language or None, pdf=True)
        make_pdf(render_report(study, layout, language or None)[-1])


def copy(folder: Path) -> None:
    """Copy of the reports what the sample has, and note from which texts pictures and PDFs were made."""
    for language, names in COPIED.items():
        report = folder / "report/digits" / language
        for name in names:
            source = report / name.replace("latex/", "latex/tables/")
            target = SAMPLE / language / name
            if source.is_dir():
                shutil.rmtree(target, ignore_errors=True)
                shutil.copytree(source, target)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)
    (TABLES / "checksums.json").write_text(json.dumps(checksums(folder), indent=2) + "\n", encoding="utf-8")


def checksums(folder: Path) -> dict[str, str]:
    """SHA-256 of the LaTeX that each PDF of the sample is made from."""
    made = {f"{language}/report.pdf".lstrip("/"): folder / "report/digits" / language for language in COPIED}
    return {name: hashlib.sha256((path / "latex/report.tex").read_bytes()).hexdigest() for name, path in made.items()}


def take_picture() -> None:
    """What the first screen of the sample shows. The picture holds the checksum of the page that it shows."""
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo
    from playwright.sync_api import sync_playwright

    browser_path = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
    page_path = SAMPLE / "report.html"
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
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if "--train" in sys.argv[1:]:
            train(folder / "trained")
        lay_out(folder)
        os.chdir(folder)
        write_reports(folder)
        copy(folder)
        os.chdir(ROOT)
    take_picture()


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "src"))
    main()
