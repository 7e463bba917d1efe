"""What a person does with a study: look at it, run it, follow it."""

import json
import shlex
from functools import partial
from pathlib import Path
from typing import Annotated

import rich
import typer

from bakeoff.cli.application import DEFAULT_STUDY, Overrides, StudyFile, application, warn
from bakeoff.errors import BakeoffError
from bakeoff.jobs.replaced import runs_to_replace
from bakeoff.jobs.resources import usable_cores
from bakeoff.jobs.rounds import begin_anew
from bakeoff.jobs.rounds import load_in_present_round as load
from bakeoff.jobs.steps import files_in, note_made, sole_writer
from bakeoff.language import LANGUAGES
from bakeoff.study.overrides import load as load_before_rounds
from bakeoff.study.paths import Layout
from bakeoff.study.plugin_files import load_plugins
from bakeoff.study.reading import schema
from bakeoff.study.specification import specify_dataset
from bakeoff.study.study import Study

command = partial(application.command, rich_help_panel="Studies")


@command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="NAME", help="the folder, and the name of its study")],
) -> None:
    """Write a folder for a study: an example to change, Snakefile, profiles, README. Nothing there is written over."""
    from bakeoff.commands.new_study import write_study_folder

    for path in write_study_folder(folder):
        typer.echo(path)
    typer.echo(f"try it: cd {shlex.quote(str(folder))} && bakeoff run")


@command()
def plan(study_file: StudyFile = DEFAULT_STUDY, overrides: Overrides = []) -> None:
    """Print the matrix: runs, which are done, what the others cost in epochs and images."""
    from bakeoff.commands.plan import plan_table

    study = load(study_file, overrides)
    warn(study, study_file)
    rich.print(plan_table(study, Layout(study.study)))


@command("run")
def run_all(
    study_file: StudyFile = DEFAULT_STUDY,
    overrides: Overrides = [],
    cores: Annotated[str, typer.Option(help="how many cores of this machine to use")] = "all",
    gpus: Annotated[
        int | None, typer.Option(min=0, help="training jobs with a GPU at a time; left out: all there is room for")
    ] = None,
    unlock: Annotated[bool, typer.Option("--unlock", help="free the folder, where a Snakemake was killed")] = False,
    restart_rounds: Annotated[
        bool, typer.Option("--restart-rounds", help="begin a race of `seeds: {until: decided}` anew; its runs stay")
    ] = False,
) -> None:
    """Train what is missing and write the report, on this machine, by Snakemake."""
    from bakeoff.commands.run_study import run_study

    if restart_rounds:
        _restart_rounds(load_before_rounds(study_file, overrides))
    study = load(study_file, overrides)
    warn(study, study_file)
    for line in runs_to_replace(study, Layout(study.study)):
        typer.echo(f"warning: {line}", err=True)
    raise typer.Exit(run_study(partial(load, study_file, overrides), study_file, overrides, cores, gpus, unlock))


@command()
def status(
    study_file: StudyFile = DEFAULT_STUDY,
    overrides: Overrides = [],
    watch: Annotated[bool, typer.Option("--watch", "-w", help="keep the table live")] = False,
    failed: Annotated[bool, typer.Option("--failed", help="only what failed, and why")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="every run as JSON, for programs")] = False,
) -> None:
    """Show every run: waiting, running, done, diverged or failed."""
    from bakeoff.commands.status import show_failures, show_status, status_records, watch_status

    study = load(study_file, overrides)
    if as_json and (watch or failed):
        raise BakeoffError("--json stands alone: it says of every run whether and why it failed")
    if watch:
        watch_status(study, partial(load, study_file, overrides))
    elif failed:
        show_failures(study, Layout(study.study))
    elif as_json:
        typer.echo(json.dumps(status_records(study, Layout(study.study)), ensure_ascii=False, indent=1))
    else:
        show_status(study, Layout(study.study))


@command()
def doctor(study_file: StudyFile = DEFAULT_STUDY, overrides: Overrides = []) -> None:
    """Check what runs need of this machine, and say what is wrong and what to do. Fails when they cannot work."""
    from bakeoff.commands.doctor import examine, findings_table

    findings = examine(load(study_file, overrides))
    rich.print(findings_table(findings))
    if problems := [finding.what for finding in findings if finding.level == "problem"]:
        raise BakeoffError(f"runs cannot work here: {', '.join(problems)}")


@command()
def report(
    study_file: StudyFile = DEFAULT_STUDY,
    overrides: Overrides = [],
    render_only: Annotated[bool, typer.Option(help="use the tables and figures that are there")] = False,
    language: Annotated[str | None, typer.Option(help=f"{' or '.join(LANGUAGES)}; left out: the study's")] = None,
    latex: Annotated[bool, typer.Option("--latex", help="draw the figures for LaTeX, too, as PDF files")] = False,
    pdf: Annotated[bool, typer.Option("--pdf", help="draw them, and compile the LaTeX, too")] = False,
    venue: Annotated[
        str, typer.Option(help="which LaTeX to compile: thesis, all in one column; paper, a page in two columns")
    ] = "thesis",
) -> None:
    """Make the report from whatever runs are finished: tables, figures, Markdown, HTML and LaTeX."""
    from bakeoff.report.latex import VENUES
    from bakeoff.report.pdf import left_out, make_pdf
    from bakeoff.report.render import render_report

    if render_only and latex:
        raise BakeoffError("--latex draws figures, and --render-only takes those that are there: leave out one of them")
    if venue not in VENUES:
        raise BakeoffError(f"--venue {venue}: choose {' or '.join(VENUES)}")
    study = load(study_file, overrides)
    layout = Layout(study.study, language=language if language and language != study.language else "")
    with sole_writer(layout):
        if not render_only:
            from bakeoff.analysis.statistics import write_statistics
            from bakeoff.figures.draw import draw_figures
            from bakeoff.results.summary import summarize as write_summary

            write_summary(study, layout)
            write_statistics(study, layout)
            draw_figures(study, layout, language, usable_cores(), pdf=latex or pdf)
        written = render_report(study, layout, language)
        parts = (layout.report_folder / name for name in ("figures", "latex/figures", "latex/tables"))
        note_made(layout, "report", [*written, layout.report_folder / "latex/paper.tex", *files_in(*parts)])
    tex = layout.report_folder / "latex" / f"{VENUES[venue]}.tex"
    for path in [*written, *([make_pdf(tex)] if pdf else [])]:
        typer.echo(path)
    if pdf and (missing := left_out(tex)):
        warning = f"{tex.stem}.pdf lacks {missing}, which its fonts have not; {tex.name} says which it takes"
        typer.echo(f"warning: {warning}", err=True)


@command()
def cite(study_file: StudyFile = DEFAULT_STUDY, overrides: Overrides = []) -> None:
    """Print BibTeX of the tool, and of every dataset, model and optimizer that a study uses."""
    from bakeoff.study.citations import citations, without_entry

    study = load(study_file, overrides)
    typer.echo("\n".join(entry.bibtex for entry in citations(study)), nl=False)
    if missing := without_entry(study):
        typer.echo(f"no entry is known for: {', '.join(missing)}", err=True)


@command()
def gpus(study_file: StudyFile = DEFAULT_STUDY, overrides: Overrides = []) -> None:
    """Print how many training jobs can have a GPU of this machine at a time: N of Snakemake's --resources gpu=N."""
    from bakeoff.jobs.gpus import room_on_gpus

    study = load(study_file, overrides)
    typer.echo(room_on_gpus(study.device, study.jobs_per_gpu))


@command("demo-data")
def demo_data(
    study_file: Annotated[Path, typer.Argument(metavar="STUDY")],
    folder: Annotated[Path, typer.Argument(metavar="DIR")],
    overrides: Overrides = [],
) -> None:
    """Write a small generated dataset for each of a study's, in the format of the real one."""
    from bakeoff.data.demo import write_demo_data

    study = load(study_file, overrides).as_written
    load_plugins(study.plugins)
    for written in write_demo_data([specify_dataset(study, name) for name in study.datasets], folder):
        typer.echo(folder / written)
    typer.echo(f"try it: snakemake --cores all --configfile {study_file} --config smoke=true data_root={folder}")


@command("schema")
def print_schema() -> None:
    """Print the JSON schema of a study file."""
    typer.echo(json.dumps(schema(), indent=2, ensure_ascii=False))


def _restart_rounds(study: Study) -> None:
    if study.rounds is None:
        raise BakeoffError("--restart-rounds: the seeds of this study are fixed, there is no race")
    if looks := begin_anew(study, Layout(study.study)):
        typer.echo(
            f"warning: the race begins anew after {looks} look{'s' * (looks > 1)}: whoever has seen decisions and "
            "begins again errs in more than the promised 5 % of studies, and the report says so. Finished runs stay.",
            err=True,
        )
