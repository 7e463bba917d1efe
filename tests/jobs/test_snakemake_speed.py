"""What Snakemake does in vain is left out, and nothing else changes."""

import subprocess
from pathlib import Path

import pytest

from terminal import BIN, ENVIRONMENT

SNAKEFILE = """
import threading
from bakeoff.jobs.snakemake_speed import look_for_jobs_when_one_ends, seldom_look_for_garbage, spare_lookups

seldom_look_for_garbage()
NAMES = ["a", "b", "c"]

rule all:
    input: expand("{name}.txt", name=NAMES)

rule plan:
    output: [f"{name}.plan" for name in NAMES]
    shell: "touch {output}"

rule wait:
    input: lambda wildcards: f"{wildcards.name}.plan"
    output: "{name}.txt"
    params: doubled=lambda wildcards: 2 * wildcards.name
    shell: "echo {params.doubled} > {output}"

spare_lookups(workflow.rules)

onstart:
    look_for_jobs_when_one_ends(workflow)

onsuccess:
    import inspect
    functions = [*rules.wait.rule.input, *rules.wait.rule.params]
    assert [inspect.signature(function) is function.__signature__ for function in functions] == [True, True]
    found_by_name = [rule.name for rule in workflow.rules if isinstance(rule.is_producer.__self__, frozenset)]
    assert sorted(found_by_name) == ["all", "plan"], found_by_name
    print("timers:", sum(isinstance(thread, threading.Timer) for thread in threading.enumerate()))
"""


@pytest.mark.parametrize(("options", "looks_again"), [([], False), (["--max-jobs-per-timespan", "50/1s"], True)])
def test_it_looks_for_jobs_when_one_has_ended_and_keeps_a_limit(
    options: list[str], looks_again: bool, tmp_path: Path
) -> None:
    """A look that is to come is a thread that waits for its time."""
    done = snakemake_in(tmp_path, SNAKEFILE, *options)
    assert done.returncode == 0, done.stderr
    assert [(tmp_path / f"{name}.txt").read_text() for name in "abc"] == ["aa\n", "bb\n", "cc\n"]
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("timers:"))
    assert (line != "timers: 0") == looks_again


@pytest.mark.parametrize("asked", ["b.txt", "d.txt"])
def test_a_file_that_no_rule_makes_is_still_missing(asked: str, tmp_path: Path) -> None:
    done = snakemake_in(tmp_path, SNAKEFILE.replace('f"{name}.plan" for', 'f"{name}.other" for'), "-n", asked)
    assert done.returncode == 1
    assert "Missing input files for rule wait" in done.stdout and asked.replace("txt", "plan") in done.stdout


def snakemake_in(folder: Path, snakefile: str, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "Snakefile").write_text(snakefile, encoding="utf-8")
    command = [BIN / "snakemake", "--cores", "1", *options]
    return subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True)
