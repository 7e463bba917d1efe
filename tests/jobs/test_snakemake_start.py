"""What Snakemake was started for, by its command line."""

from pathlib import Path

import pytest

from bakeoff.jobs.snakemake_start import LOCKS, NO_JOBS, only_looks

STUDY = Path("results/tiny")


@pytest.mark.parametrize(
    "arguments", ["--lint", "--unlock", "-S", "--report out.html", "--list", "-l", "--dag", "--delete-all-output", "-n"]
)
def test_what_runs_no_job_only_looks(arguments: str) -> None:
    assert only_looks(["--cores", "2", "--configfile", "a.yaml", *arguments.split()], STUDY)


@pytest.mark.parametrize("arguments", ["", "--report out.html --report-after-run", "--config unlock=1", "all --touch"])
def test_what_runs_jobs_does_more(arguments: str) -> None:
    assert not only_looks(["--cores", "2", *arguments.split()], STUDY)


def test_a_lock_of_another_snakemake_is_one_of_this_study() -> None:
    LOCKS.mkdir(parents=True)
    (LOCKS / "0.output.lock").write_text("results/tiny-2/runs/a/result.json\n")
    assert not only_looks([], STUDY)
    (LOCKS / "1.output.lock").write_text("results/tiny/runs/a/result.json\n")
    assert only_looks([], STUDY)
    assert not only_looks(["--nolock"], STUDY)


def test_snakemake_knows_the_options() -> None:
    from snakemake.cli import get_argument_parser

    assert {action.dest for action in get_argument_parser()._actions} >= NO_JOBS
