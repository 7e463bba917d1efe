"""Installed from a wheel in an empty folder, with no clone beside it: `bakeoff init`, Snakemake, and the report."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from terminal import ENVIRONMENT, ROOT

PARTS = ("pyproject.toml", "README.md", "LICENSE", "Snakefile", "config.yaml", "src", "workflow", "profiles")
PIP = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
SMALL = ["smoke=true", "experiments=[{architectures: logistic, optimizers: sgd}]"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy: setuptools leaves files beside the sources."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")
    for part in PARTS:
        if (ROOT / part).is_dir():
            ignored = shutil.ignore_patterns("*.egg-info", "__pycache__")
            shutil.copytree(ROOT / part, source / part, symlinks=True, ignore=ignored)
        else:
            shutil.copy(ROOT / part, source / part)
    build = [*PIP, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(built), str(source)]
    subprocess.run(build, check=True, timeout=300)
    (found,) = built.glob("bakeoff-*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a user who has the wheel and what it needs."""
    packages = tmp_path_factory.mktemp("packages")
    subprocess.run([*PIP, "install", "--no-deps", "--target", str(packages), str(wheel)], check=True, timeout=300)
    return {**ENVIRONMENT, "PYTHONPATH": str(packages), "PATH": f"{packages / 'bin'}:{ENVIRONMENT['PATH']}"}


def test_the_wheel_has_all_that_stands_beside_the_code(wheel: Path) -> None:
    with ZipFile(wheel) as content:
        names = set(content.namelist())
    shipped = {name.removeprefix("bakeoff/shipped/") for name in names if name.startswith("bakeoff/shipped/")}
    beside = [path for part in ("workflow", "profiles") for path in (ROOT / part).rglob("*") if path.is_file()]
    assert {path.relative_to(ROOT).as_posix() for path in beside} | {"Snakefile", "config.yaml"} <= shipped
    code = {path.relative_to(ROOT / "src").as_posix() for path in (ROOT / "src/bakeoff").rglob("*.py")}
    assert {name for name in names if name.endswith(".py")} == code
    assert "bakeoff/languages/ru.po" in names and "bakeoff/report/templates/report.html.j2" in names


def test_a_study_from_init_to_its_report(installed: dict[str, str], tmp_path: Path) -> None:
    def call(*command: str, folder: Path = tmp_path) -> str:
        ended = subprocess.run(command, cwd=folder, env=installed, capture_output=True, text=True, timeout=600)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout + ended.stderr

    where = call(sys.executable, "-c", "import bakeoff; print(bakeoff.__file__)").strip()
    assert where.startswith(installed["PYTHONPATH"])
    assert "try it: cd mine && bakeoff run" in call("bakeoff", "init", "mine")
    folder = tmp_path / "mine"
    said = call("snakemake", "--cores", "2", "--config", *SMALL, folder=folder)
    assert "profiles/default for setting default command line arguments" in said
    report = folder / "report/mine-smoke/report.html"
    assert "logistic" in report.read_text()
    again = call("bakeoff", "run", *(f"--set={item}" for item in SMALL), folder=folder)
    assert "1 run finished" in again and "report: report/mine-smoke/report.html" in again


def test_the_environment_of_conda_gets_the_bakeoff_that_snakemake_runs_with(
    installed: dict[str, str], tmp_path: Path
) -> None:
    """The script after deployment, in an environment whose Python has packages of its own alone."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "conda")], check=True, timeout=120)
    environment = {
        **os.environ,
        "PATH": f"{tmp_path / 'conda/bin'}:{os.environ['PATH']}",
        "CONDA_PREFIX": str(tmp_path / "conda"),
        "BAKEOFF_PACKAGE": f"{installed['PYTHONPATH']}/bakeoff",
    }
    environment.pop("PYTHONPATH", None)
    script = f"{installed['PYTHONPATH']}/bakeoff/shipped/workflow/envs/bakeoff.post-deploy.sh"
    subprocess.run(["bash", script], env=environment, check=True, timeout=60)
    code = "import bakeoff; print(bakeoff.__file__)"
    said = subprocess.run([tmp_path / "conda/bin/python", "-c", code], env=environment, capture_output=True, text=True,
                          check=True)  # fmt: skip
    assert said.stdout.strip().startswith(str(tmp_path / "conda"))
    first = (tmp_path / "conda/bin/bakeoff").read_text().splitlines()[0]
    assert first == f"#!{tmp_path / 'conda/bin/python'}" and os.access(tmp_path / "conda/bin/bakeoff", os.X_OK)


def test_the_image_is_made_of_these_parts() -> None:
    first_stage = (ROOT / "Dockerfile").read_text(encoding="utf-8").split("\nFROM ")[1]
    copied = [line.split()[1:-1] for line in first_stage.splitlines() if line.startswith("COPY ")]
    assert sorted(part for parts in copied for part in parts) == sorted(PARTS)


@pytest.mark.slow
def test_the_image_is_built_and_reads_a_study(tmp_path: Path) -> None:
    """Only where a Docker daemon answers and gets the image that it starts from."""

    def docker(*arguments: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False, timeout=seconds)

    if not shutil.which("docker") or docker("info").returncode != 0:
        pytest.skip("no Docker daemon answers")
    (base,) = set(re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE))
    if docker("image", "inspect", base).returncode != 0 and docker("pull", base, seconds=600).returncode != 0:
        pytest.skip(f"Docker cannot get {base}")
    shutil.copy(ROOT / "config.yaml", tmp_path)
    user = f"--user={os.getuid()}:{os.getgid()}"
    try:
        built = docker("build", "--tag", "bakeoff-test", str(ROOT), seconds=1800)
        assert built.returncode == 0, built.stderr
        ended = docker("run", "--rm", user, "--volume", f"{tmp_path}:/study", "bakeoff-test", "plan", "config.yaml")
        assert "40 runs" in ended.stdout, ended.stderr
    finally:
        docker("image", "rm", "--force", "bakeoff-test")
