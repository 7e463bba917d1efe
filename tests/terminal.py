"""Running the commands as a user does, from the environment the tests run in."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
STUDIES = ROOT / "tests/studies"
ENVIRONMENT = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "COLUMNS": "200"}


def bakeoff(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run `bakeoff ARGUMENTS` in a folder."""
    return _run(folder, BIN / "bakeoff", *arguments)


def snakemake(folder: Path, study: Path, *arguments: object, cores: int = 2) -> subprocess.CompletedProcess[str]:
    """Run Bakeoff's Snakefile on a study, with results in `folder`."""
    return _run(
        folder, BIN / "snakemake", "--snakefile", ROOT / "Snakefile", "--directory", folder,
        "--cores", cores, "--configfile", study, *arguments,
    )  # fmt: skip


def _run(folder: Path, *command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
