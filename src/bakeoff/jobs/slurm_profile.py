"""What the profile for SLURM asks for against what the cluster has: before jobs fail one by one, or wait for ever."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bakeoff.errors import BakeoffError
from bakeoff.jobs.resources import request
from bakeoff.study.arguments import nearest
from bakeoff.study.reading import place, read_yaml
from bakeoff.study.study import Study

PROFILE = Path("profiles/slurm/config.yaml")
SINFO = ["sinfo", "--noheader", "--format=%P|%l|%G"]  # partition, time limit, generic resources
SECONDS_TO_ANSWER = 60


@dataclass(frozen=True)
class Partition:
    """What jobs may have in a partition: the longest time, infinity where there is no limit, and GPUs."""

    minutes: float
    has_gpus: bool
    is_default: bool


def mistakes(study: Study, profile: Path = PROFILE) -> Iterator[str]:
    """What jobs of a study would fail on, or wait for ever for: a line for each, with its place in the profile.

    Raises BakeoffError for a profile that cannot be read, and when the cluster does not answer.
    """
    content, known = read_yaml(profile), partitions()
    defaults = _resources(content.get("default-resources"))
    of_training = _resources((content.get("set-resources") or {}).get("train"))

    def where(key: str) -> str:
        return place(profile, ["set-resources", "train", key] if key in of_training else ["default-resources", key])

    named = (defaults | of_training).get("slurm_partition")
    names = named.split(",") if named else [name for name, partition in known.items() if partition.is_default]
    for name in names:
        if name not in known:
            yield f"{where('slurm_partition')}the cluster has no partition {name!r}; {nearest(name, list(known))}"
            return
    if study.device != "cpu" and not any(known[name].has_gpus for name in names):
        yield (
            f"{where('slurm_partition')}{', '.join(names)} has no GPUs; name a partition that has, or say device: cpu "
            "in the study"
        )
    most = max((known[name].minutes for name in names), default=float("inf"))
    for attempt in range(1, content.get("retries", 0) + 2):
        longest = _minutes_of(study, defaults, of_training, attempt)
        if longest > most:
            yield (
                f"{where('runtime')}attempt {attempt} asks for {longest} minutes, {', '.join(names)} gives {most:.0f} "
                "at most: it would wait for ever. Lower runtime, here or in the study's resources, or max_runtime"
            )
            return


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


def _resources(written: Any) -> dict[str, str]:
    """Resources as Snakemake takes them in a profile: a mapping, or a list of `name=value`."""
    if isinstance(written, list):
        return dict(item.split("=", 1) for item in written)
    return {name: str(value) for name, value in (written or {}).items()}


def _minutes_of(study: Study, defaults: dict[str, str], of_training: dict[str, str], attempt: int) -> int:
    """What a training job asks for at an attempt; `set-resources` is the last word, and always the same."""
    if of_training.get("runtime", "").isdecimal():
        return int(of_training["runtime"])
    written = [f"{name}={value}" for name, value in defaults.items()]
    return max(request(study, written, "runtime", [cell], attempt) for cell in study.cells)


def _minutes(limit: str) -> float:
    """`1-12:00:00`, `2:30:00`, `30:00`, `infinite`."""
    parts = re.fullmatch(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)", limit)
    if not parts:
        return float("inf")
    days, hours, minutes, seconds = (int(part or 0) for part in parts.groups())
    return days * 1440 + hours * 60 + minutes + seconds / 60
