"""`bakeoff doctor`: what runs need of this machine, what is wrong with it, and what to do."""

import fcntl
import importlib.metadata
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rich.markup import escape
from rich.table import Column, Table

from bakeoff.commands.status import narrow_table
from bakeoff.data.card import CARD
from bakeoff.data.missing import check_files
from bakeoff.errors import BakeoffError
from bakeoff.files import existing, explain
from bakeoff.jobs.gpus import DEVICE_FILES, ask_driver, visible_devices
from bakeoff.jobs.leases import holders, lease_folder
from bakeoff.jobs.resources import usable_cores
from bakeoff.jobs.slurm_profile import PROFILE, mistakes
from bakeoff.report.pdf import COMPILERS
from bakeoff.study.paths import REPORT, RESULTS
from bakeoff.study.specification import specify_dataset
from bakeoff.study.study import Study

LITTLE_DISK, NO_DISK = 5, 0.1  # GiB
LITTLE_SHARED_MEMORY = 0.0625  # GiB: what containers get by default
INSTALL = "pip install -e . installs what Bakeoff needs"
Level = Literal["ok", "warning", "problem"]
STYLES: dict[Level, str] = {"ok": "green", "warning": "yellow", "problem": "bold red"}


@dataclass(frozen=True)
class Finding:
    """One thing that was examined. A `problem` keeps runs from working, a `warning` does not."""

    what: str
    level: Level
    found: str
    remedy: str = ""


def examine(study: Study) -> list[Finding]:
    """Examine everything that the runs of a study need."""
    return [
        Finding("Python", "ok", f"{platform.python_version()} ({sys.executable})"),
        _snakemake(),
        *_torch_and_gpus(study),
        *_energy(study),
        _processors(study),
        _leases(),
        _folder(RESULTS),
        _folder(REPORT),
        _data(study.data_root),
        *(_dataset(study, name) for name in study.datasets),
        *_shared_memory(),
        _git(),
        _latex(),
        *_cluster(study),
    ]


def findings_table(findings: list[Finding]) -> Table:
    """A row for each finding, with its remedy if it has one."""
    table = narrow_table("", "", Column("found, and what to do", overflow="fold"))
    for finding in findings:
        remedy = f"\n→ {finding.remedy}" if finding.remedy else ""
        style = STYLES[finding.level]
        table.add_row(finding.what, f"[{style}]{finding.level}[/]", escape(finding.found + remedy))
    return table


def _snakemake() -> Finding:
    try:
        return Finding("Snakemake", "ok", importlib.metadata.version("snakemake"))
    except importlib.metadata.PackageNotFoundError:
        return Finding("Snakemake", "problem", "is not installed", INSTALL)


def _torch_and_gpus(study: Study) -> Iterator[Finding]:
    try:
        import torch
    except (ImportError, OSError) as error:  # missing, or one of its libraries
        yield Finding("PyTorch", "problem", f"cannot be imported: {error}", INSTALL)
        return
    versions = {"CUDA": torch.version.cuda, "ROCm": torch.version.hip}
    built_for = next((f"{name} {version}" for name, version in versions.items() if version), "the CPU only")
    yield Finding("PyTorch", "ok", f"{torch.__version__}, built for {built_for}")
    yield from _gpus(study, torch)


def _gpus(study: Study, torch: Any) -> Iterator[Finding]:
    """The GPUs that the driver knows, and whether PyTorch can use them."""
    submits = shutil.which("sbatch") is not None  # to nodes that may have what is missing here
    level: Level = "problem" if study.device == "cuda" and not submits else "warning"
    remedy = ""
    try:
        known, visible = _known_gpus(), visible_devices()
    except BakeoffError as error:
        yield Finding("GPU", level, str(error))
        return
    if torch.version.hip:
        if torch.cuda.is_available() and study.device != "cpu":
            found = f"{torch.cuda.get_device_name()}, through ROCm: jobs take turns on NVIDIA GPUs only"
            yield Finding("GPU", "problem", found, "say device: cpu")
        return
    if torch.cuda.is_available():
        names = known or [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
        yield from (Finding(f"GPU {index}", "ok", name) for index, name in enumerate(names))
        return
    gpus = "; ".join(known) or "a driver without GPUs"
    if not known and not (DEVICE_FILES / "nvidiactl").exists():
        if study.device != "cuda":
            level, found = "ok", "none here: training runs on the CPU"
        else:
            found = "none here, and the study says device: cuda"
            remedy = "fine if all jobs go to the cluster" if submits else "say device: auto, or cpu"
    elif os.environ.get("CUDA_VISIBLE_DEVICES") is not None and not visible:
        found, remedy = "CUDA_VISIBLE_DEVICES hides every GPU", "unset CUDA_VISIBLE_DEVICES"
    elif cuda := torch.version.cuda:
        found = f"{gpus}, which PyTorch cannot use: is the driver too old?"
        remedy = f"update the driver to one for CUDA {cuda}, or install a PyTorch for an older CUDA"
    else:
        found = f"{gpus}, which this build of PyTorch cannot use"
        remedy = "install a CUDA build of PyTorch: see pytorch.org/get-started"
    yield Finding("GPU", level, found, remedy)


def _known_gpus() -> list[str]:
    """`NVIDIA H100, 80994 MiB of 81559 MiB free, driver 550.54` for each GPU that nvidia-smi lists. Asking torch would
    take memory on each."""
    properties = ["name", "memory.free", "memory.total", "driver_version"]
    found = (line.rsplit(", ", 3) for line in ask_driver(properties) or [])
    return ["{}, {} of {} free, driver {}".format(*values) for values in found if len(values) == len(properties)]


def _energy(study: Study) -> Iterator[Finding]:
    if study.measure_energy and importlib.util.find_spec("codecarbon"):
        yield Finding("Energy", "ok", "codecarbon is installed")
    elif study.measure_energy:
        remedy = "pip install -e '.[energy]', or leave measure_energy out"
        yield Finding("Energy", "problem", "measure_energy is true, and codecarbon is not installed", remedy)


def _processors(study: Study) -> Finding:
    cores = usable_cores()
    found = f"{cores} cores, {study.threads} for each training job"
    if study.threads > cores:
        return Finding("Processor", "warning", found, f"say threads: {cores} or fewer in the study")
    return Finding("Processor", "ok", found)


def _leases() -> Finding:
    """The folder of GPU leases, and who holds one."""
    try:
        folder = lease_folder()
    except BakeoffError as error:
        return Finding("GPU leases", "problem" if _are_leased() else "warning", str(error))
    return Finding("GPU leases", "ok", "; ".join(holders(folder)) or f"none is held ({folder})")


def _are_leased() -> bool:
    """Whether there are GPUs here, or may be. `_gpus` reports a driver that does not answer."""
    try:
        return bool(visible_devices())
    except BakeoffError:
        return True


def _folder(folder: Path) -> Finding:
    """A folder that Bakeoff writes to: whether it can, whether locks work there, and how much space is free."""
    try:
        with tempfile.NamedTemporaryFile(dir=existing(folder)) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
    except OSError as error:
        return Finding(folder.name, "problem", explain(error))
    free = _free(folder)
    found = f"{folder.absolute()}: {free:,.1f} GiB free"
    if free < NO_DISK:
        return Finding(folder.name, "problem", found, "free some space, or run elsewhere")
    if free < LITTLE_DISK:
        return Finding(folder.name, "warning", found, "prepared data and weights of large studies may not fit")
    return Finding(folder.name, "ok", found)


def _data(written: str) -> Finding:
    """The folder that datasets are read from and downloaded to."""
    try:
        folder = Path(written).expanduser()
    except RuntimeError:  # a user without an entry in passwd
        return Finding("data_root", "problem", f"{written}: there is no such home folder", "write the whole path")
    if folder.exists() and not os.access(folder, os.R_OK | os.X_OK):
        remedy = "ask its owner, or set another data_root"
        return Finding("data_root", "problem", f"{folder.absolute()} cannot be read", remedy)
    state = "" if folder.exists() else " (does not exist yet)"
    return Finding("data_root", "ok", f"{folder.absolute()}{state}: {_free(folder):,.1f} GiB free")


def _dataset(study: Study, name: str) -> Finding:
    """Whether a dataset is prepared, or can be: as `bakeoff plan` says it."""
    what, source = f"Dataset {name}", study.datasets[name].source
    try:
        check_files(study, name)
        specification = specify_dataset(study, name)
    except BakeoffError as error:
        return Finding(what, "problem", str(error))
    if (specification.folder / CARD).exists():
        return Finding(what, "ok", f"prepared: {specification.folder}")
    root = specification.root.absolute()
    return Finding(what, "ok", f"{source}: {root}" if root.is_dir() else f"{source}: needs no files that are missing")


def _free(folder: Path) -> float:
    """GiB that are free where a folder is, or will be."""
    return shutil.disk_usage(existing(folder)).free / 2**30


def _shared_memory() -> Iterator[Finding]:
    """Bakeoff needs none: its jobs share pages of files. The DataLoader workers of a plugin would need some."""
    shared = Path("/dev/shm")
    if shared.exists():
        free = _free(shared)
        level: Level = "warning" if free < LITTLE_SHARED_MEMORY else "ok"
        remedy = "enough for Bakeoff; plugins with worker processes need more" if level == "warning" else ""
        yield Finding("Shared memory", level, f"{free:,.2f} GiB free in {shared}", remedy)


def _git() -> Finding:
    if shutil.which("git") is None:
        return Finding("git", "warning", "is not installed", "results will not name their commit")
    inside = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    if inside.returncode != 0:
        return Finding("git", "ok", "this folder is not in a repository: results name no commit")
    return Finding("git", "ok", f"commit {inside.stdout.strip()[:10]}")


def _latex() -> Finding:
    nothing = f"none of {', '.join(COMPILERS)}: reports are made, but not as PDF"
    return Finding("LaTeX", "ok", next(filter(shutil.which, COMPILERS), nothing))


def _cluster(study: Study) -> Iterator[Finding]:
    """Where there is a cluster: SLURM's commands, Snakemake's plugin for it, and what the profile asks for."""
    commands = ("sbatch", "squeue", "sacct")
    missing = [name for name in commands if not shutil.which(name)]
    if len(missing) == len(commands):
        yield Finding("SLURM", "ok", "none here: Snakemake runs jobs on this machine")
        return
    if "sbatch" in missing:
        yield Finding("SLURM", "warning", "there is no sbatch", "submit from a login node of the cluster")
    elif missing:
        remedy = "a cluster without a job database: see docs/cluster.md"
        yield Finding("SLURM", "warning", f"there is no {' and no '.join(missing)}", remedy)
    else:
        yield Finding("SLURM", "ok", ", ".join(commands))
    if importlib.util.find_spec("snakemake_executor_plugin_slurm") is None:
        remedy = "pip install snakemake-executor-plugin-slurm, to submit jobs"
        yield Finding("SLURM", "warning", "Snakemake's SLURM plugin is not installed", remedy)
    if PROFILE.exists() and "sbatch" not in missing:
        yield from _slurm_profile(study)


def _slurm_profile(study: Study) -> Iterator[Finding]:
    """Only warnings: the runs may be meant for this machine."""
    try:
        found = mistakes(study)
    except BakeoffError as error:
        found = [str(error)]
    yield from (Finding("SLURM profile", "warning", mistake) for mistake in found)
    if not found:
        yield Finding("SLURM profile", "ok", str(PROFILE))
