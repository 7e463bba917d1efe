"""What the profile for SLURM asks for against what the cluster has: before jobs fail one by one, or wait for ever."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bakeoff.arguments import nearest
from bakeoff.requests import request
from bakeoff.study import Study
from bakeoff.study_file import place, read_yaml

PROFILE = Path("profiles/slurm/config.yaml")
SINFO = ["sinfo", "--noheader", "--format=%R|%l|%G"]  # partition, time limit, generic resources


@dataclass(frozen=True)
class Partition:
    """What jobs may have in a partition: the longest time, infinity where there is no limit, and GPUs."""

    minutes: float
    has_gpus: bool


def mistakes(study: Study, profile: Path = PROFILE) -> Iterator[str]:
    """What jobs of a study would fail on, or wait for ever for: a line for each, with its place in the profile.

    Raises BakeoffError for a profile that cannot be read.
    """
    content = read_yaml(profile)
    defaults = content.get("default-resources", {})
    known, name = partitions(), defaults.get("slurm_partition")
    if not known or name is None:  # no cluster that answers, or its own default partition
        return
    here = place(profile, ["default-resources", "slurm_partition"])
    if name not in known:
        yield f"{here}the cluster has no partition {name!r}; {nearest(name, known)}"
        return
    partition = known[name]
    if study.device != "cpu" and not partition.has_gpus:
        yield f"{here}{name} has no GPUs; name a partition that has, or say device: cpu in the study"
    written = [f"{key}={value}" for key, value in defaults.items()]
    for attempt in range(1, content.get("retries", 0) + 2):
        longest = max(request(study, written, "runtime", [cell], attempt) for cell in study.cells)
        if longest > partition.minutes:
            yield (
                f"{here}attempt {attempt} asks for {longest} minutes, {name} gives {partition.minutes:.0f} at most: "
                "it would wait for ever. Lower runtime, in the profile or in the study's resources, or max_runtime"
            )
            return


def partitions() -> dict[str, Partition]:
    """The partitions of the cluster by their names; nothing where there is none that answers."""
    try:
        answer = subprocess.run(SINFO, capture_output=True, text=True, timeout=60, check=False)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return {}
    found: dict[str, Partition] = {}
    for line in answer.stdout.splitlines():  # one for each kind of node
        name, limit, resources = line.split("|")
        has_gpus = "gpu" in resources or (name in found and found[name].has_gpus)
        found[name] = Partition(_minutes(limit), has_gpus)
    return found


def _minutes(limit: str) -> float:
    """`1-12:00:00`, `2:30:00`, `30:00`, `infinite`."""
    parts = re.fullmatch(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)", limit)
    if not parts:
        return float("inf")
    days, hours, minutes, seconds = (int(part or 0) for part in parts.groups())
    return days * 1440 + hours * 60 + minutes + seconds / 60
