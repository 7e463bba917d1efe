"""What the SLURM profile asks for, against what the cluster has: said before jobs fail one by one or wait forever."""

import math
import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bakeoff.errors import BakeoffError
from bakeoff.jobs.resources import requested
from bakeoff.study.arguments import nearest
from bakeoff.study.reading import located, read_yaml
from bakeoff.study.study import Study

PROFILE = Path("profiles/slurm/config.yaml")
SINFO = ["sinfo", "--noheader", "--format=%P|%l|%G"]  # partition, time limit, generic resources
SECONDS_TO_ANSWER = 60


@dataclass(frozen=True)
class Partition:
    """What a partition offers: GPUs, and a longest running time, infinity where there is no limit."""

    minutes: float
    has_gpus: bool
    is_default: bool


def mistakes(study: Study, path: Path = PROFILE) -> list[str]:
    """What would make jobs of a study fail or wait forever: a line for each, with its place in the profile.

    Raises BakeoffError for a profile that cannot be read, and when the cluster does not answer.
    """
    profile, cluster = read_yaml(path), partitions()
    defaults = _resources(profile.get("default-resources"))
    of_training = _resources((profile.get("set-resources") or {}).get("train"))
    attempts = range(1, 2 + profile.get("retries", 0))
    minutes = (_minutes_of(study, defaults, of_training, attempt) for attempt in attempts)
    named = (defaults | of_training).get("slurm_partition")
    found = _mistakes(named, study.device != "cpu", minutes, cluster)
    sections = {key: ("set-resources", "train") for key in of_training}
    errors = [BakeoffError(message, [*sections.get(key, ["default-resources"]), key]) for key, message in found]
    return [located(error, path) for error in errors]


def partitions() -> dict[str, Partition]:
    """The partitions of the cluster by their names. Raises BakeoffError when it does not answer."""
    try:
        answer = subprocess.run(SINFO, capture_output=True, text=True, timeout=SECONDS_TO_ANSWER, check=False)
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        raise BakeoffError(f"the cluster cannot be asked for its partitions: {error}") from error
    if answer.returncode != 0:
        raise BakeoffError(f"the cluster cannot be asked for its partitions: sinfo: {answer.stderr.strip()}")
    found: dict[str, Partition] = {}
    for line in answer.stdout.splitlines():  # one for each kind of node
        title, limit, resources = line.split("|")
        name = title.rstrip("*")
        has_gpus = "gpu" in resources or (name in found and found[name].has_gpus)
        found[name] = Partition(_minutes(limit), has_gpus, is_default=title.endswith("*"))
    return found


def _mistakes(
    named: str | None, wants_gpu: bool, minutes: Iterable[int], cluster: dict[str, Partition]
) -> Iterator[tuple[str, str]]:
    """Key and message of each mistake. `minutes` are what a job asks for at each attempt; `named` are partitions."""
    names = named.split(",") if named else [name for name, partition in cluster.items() if partition.is_default]
    if unknown := [name for name in names if name not in cluster]:
        yield "slurm_partition", f"the cluster has no partition {unknown[0]!r}; {nearest(unknown[0], cluster)}"
        return
    listed = ", ".join(names)
    if wants_gpu and not any(cluster[name].has_gpus for name in names):
        yield "slurm_partition", f"{listed} has no GPUs; name a partition that has, or say device: cpu in the study"
    most = max((cluster[name].minutes for name in names), default=math.inf)
    for attempt, longest in enumerate(minutes, start=1):
        if longest > most:
            remedy = "lower runtime, here or in the study's resources, or max_runtime"
            asked = f"attempt {attempt} asks for {longest} minutes, {listed} gives {most:.0f} at most"
            yield "runtime", f"{asked}: it would wait forever; {remedy}"
            return


def _resources(written: Any) -> dict[str, str]:
    """Resources as Snakemake takes them in a profile: a mapping, or a list of `name=value`."""
    if isinstance(written, list):
        return dict(item.split("=", 1) for item in written)
    return {name: str(value) for name, value in (written or {}).items()}


def _minutes_of(study: Study, defaults: dict[str, str], of_training: dict[str, str], attempt: int) -> int:
    """The most minutes that a training job asks for at an attempt. `set-resources` has the last word."""
    if of_training.get("runtime", "").isdecimal():
        return int(of_training["runtime"])
    written = [f"{name}={value}" for name, value in defaults.items()]
    return max(requested(study, written, "runtime", [cell], attempt) for cell in study.cells)


def _minutes(limit: str) -> float:
    """`1-12:00:00`, `2:30:00`, `30:00`, `infinite`."""
    parts = re.fullmatch(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)", limit)
    if not parts:
        return math.inf
    days, hours, minutes, seconds = (int(part or 0) for part in parts.groups())
    return days * 1440 + hours * 60 + minutes + seconds / 60
