"""What the SLURM profile asks for, against what the cluster has: said before jobs fail one by one or wait forever."""

import math
import re
import subprocess
from collections.abc import Iterator
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

Resources = dict[str, str]


@dataclass(frozen=True)
class Partition:
    """What a partition offers: GPUs, and a longest running time, infinity where there is no limit."""

    minutes: float
    has_gpus: bool
    is_default: bool


@dataclass(frozen=True)
class Profile:
    """The resources that training jobs ask for; `of_training` overrides `defaults`."""

    defaults: Resources
    of_training: Resources
    attempts: int

    def keys(self, resource: str) -> tuple[str, ...]:
        """Where the profile says what training jobs get of a resource."""
        return ("set-resources", "train", resource) if resource in self.of_training else ("default-resources", resource)


def mistakes(study: Study, path: Path = PROFILE) -> list[str]:
    """What would make jobs of a study fail or wait forever: a line for each, with its place in the profile.

    Raises BakeoffError for a profile that cannot be read, and when the cluster does not answer.
    """
    profile, cluster = read_profile(path), partitions()
    return [located(mistake, path) for mistake in _mistakes(study, profile, cluster)]


def read_profile(path: Path) -> Profile:
    """What a profile says about resources. Raises BakeoffError when it cannot be read."""
    content = read_yaml(path)
    return Profile(
        defaults=_resources(content.get("default-resources")),
        of_training=_resources((content.get("set-resources") or {}).get("train")),
        attempts=1 + content.get("retries", 0),
    )


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


def _mistakes(study: Study, profile: Profile, cluster: dict[str, Partition]) -> Iterator[BakeoffError]:
    named = (profile.defaults | profile.of_training).get("slurm_partition")
    names = named.split(",") if named else [name for name, partition in cluster.items() if partition.is_default]
    unknown = [name for name in names if name not in cluster]
    if unknown:
        message = f"the cluster has no partition {unknown[0]!r}; {nearest(unknown[0], cluster)}"
        yield BakeoffError(message, profile.keys("slurm_partition"))
        return
    listed = ", ".join(names)
    if study.device != "cpu" and not any(cluster[name].has_gpus for name in names):
        message = f"{listed} has no GPUs; name a partition that has, or say device: cpu in the study"
        yield BakeoffError(message, profile.keys("slurm_partition"))
    most = max((cluster[name].minutes for name in names), default=math.inf)
    for attempt in range(1, profile.attempts + 1):
        longest = _longest(study, profile, attempt)
        if longest > most:
            yield BakeoffError(
                f"attempt {attempt} asks for {longest} minutes, {listed} gives {most:.0f} at most: the job would wait "
                "forever. Lower runtime, here or in the study's resources, or max_runtime",
                profile.keys("runtime"),
            )
            return


def _longest(study: Study, profile: Profile, attempt: int) -> int:
    """The most minutes that a training job asks for at an attempt. `set-resources` has the last word."""
    if profile.of_training.get("runtime", "").isdecimal():
        return int(profile.of_training["runtime"])
    defaults = [f"{name}={value}" for name, value in profile.defaults.items()]
    return max(requested(study, defaults, "runtime", [cell], attempt) for cell in study.cells)


def _resources(written: Any) -> Resources:
    """Resources as Snakemake takes them in a profile: a mapping, or a list of `name=value`."""
    if isinstance(written, list):
        return dict(item.split("=", 1) for item in written)
    return {name: str(value) for name, value in (written or {}).items()}


def _minutes(limit: str) -> float:
    """`1-12:00:00`, `2:30:00`, `30:00`, `infinite`."""
    parts = re.fullmatch(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)", limit)
    if not parts:
        return math.inf
    days, hours, minutes, seconds = (int(part or 0) for part in parts.groups())
    return days * 1440 + hours * 60 + minutes + seconds / 60
