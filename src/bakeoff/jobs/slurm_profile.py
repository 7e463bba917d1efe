"""What the SLURM profile asks for, against what the cluster has: said before jobs fail one by one or wait forever."""

import math
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bakeoff.errors import BakeoffError
from bakeoff.files import user_name
from bakeoff.jobs.resources import requested
from bakeoff.study.arguments import nearest
from bakeoff.study.study import Study
from bakeoff.study.yaml_file import located, read_yaml

PROFILE = Path("profiles/slurm/config.yaml")
# Partition, time limit, generic resources, megabytes of a node.
SINFO = ["sinfo", "--noheader", "--exact", "--format=%P|%l|%G|%m"]
ENFORCED = ["scontrol", "show", "config"]  # a line of it says whether accounts are checked
ACCOUNTS = ["sacctmgr", "--noheader", "--parsable2", "show", "associations", "format=account"]
SECONDS_TO_ANSWER = 60


@dataclass(frozen=True)
class Partition:
    """What a partition offers: GPUs, a longest running time, and the memory of its largest node.

    Infinity where there is no limit, or none is known.
    """

    minutes: float
    has_gpus: bool
    is_default: bool
    megabytes: float = math.inf


@dataclass(frozen=True)
class Limit:
    """What jobs ask for of a resource, and what they get at most of the partitions."""

    resource: str
    unit: str
    most: Callable[[Partition], float]


LIMITS = (
    Limit("runtime", "minutes", lambda partition: partition.minutes),
    Limit("mem_mb", "MB", lambda partition: partition.megabytes),
)


def mistakes(study: Study, path: Path = PROFILE) -> list[str]:
    """What would make jobs of a study fail or wait forever: a line for each, with its place in the profile.

    Raises BakeoffError for a profile that cannot be read, and when the cluster does not answer.
    """
    profile, cluster = read_yaml(path), partitions()
    defaults = _resources(profile.get("default-resources"))
    of_training = _resources((profile.get("set-resources") or {}).get("train"))
    attempts = range(1, 2 + profile.get("retries", 0))
    asked = {
        limit: [_asked(study, limit.resource, defaults, of_training, attempt) for attempt in attempts]
        for limit in LIMITS
    }
    named = defaults | of_training
    found = [
        *_mistakes(named.get("slurm_partition"), study.device != "cpu", asked, cluster),
        *_unknown_account(named.get("slurm_account")),
    ]
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
        title, limit, resources, *memory = line.split("|")
        name, other = title.rstrip("*"), found.get(title.rstrip("*"))
        has_gpus = "gpu" in resources or (other is not None and other.has_gpus)
        megabytes = float(memory[0]) if memory and memory[0].isdecimal() else math.inf
        largest = max(megabytes, other.megabytes if other else 0)
        found[name] = Partition(_minutes(limit), has_gpus, title.endswith("*"), largest)
    return found


def accounts() -> set[str]:
    """The accounts that this user may name; empty where the cluster takes any, or does not say."""
    enforced = re.search(
        r"^AccountingStorageEnforce\s*=.*(associations|limits|qos|safe|all)", _said(ENFORCED), re.MULTILINE
    )
    return set(_said([*ACCOUNTS, f"user={user_name()}"]).split()) if enforced else set()


def _said(command: list[str]) -> str:
    """The words of a command of SLURM's; none where it is missing or fails."""
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_TO_ANSWER, check=False)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout if answer.returncode == 0 else ""


def _mistakes(
    named: str | None, wants_gpu: bool, asked: Mapping[Limit, Sequence[int]], cluster: Mapping[str, Partition]
) -> Iterator[tuple[str, str]]:
    """Key and message of each mistake. `asked` is what a job asks for at each attempt; `named` are partitions."""
    names = named.split(",") if named else [name for name, partition in cluster.items() if partition.is_default]
    if unknown := [name for name in names if name not in cluster]:
        yield "slurm_partition", f"the cluster has no partition {unknown[0]!r}; {nearest(unknown[0], cluster)}"
        return
    listed = ", ".join(names)
    if wants_gpu and not any(cluster[name].has_gpus for name in names):
        yield "slurm_partition", f"{listed} has no GPUs; name a partition that has, or say device: cpu in the study"
    for limit, numbers in asked.items():
        most = max((limit.most(cluster[name]) for name in names), default=math.inf)
        over = [(attempt, number) for attempt, number in enumerate(numbers, start=1) if number > most]
        for attempt, number in over[:1]:
            remedy = f"lower {limit.resource}, here or in the study's resources, or max_{limit.resource}"
            told = f"attempt {attempt} asks for {number} {limit.unit}, {listed} gives {most:.0f} at most"
            yield limit.resource, f"{told}: it would wait forever; {remedy}"


def _unknown_account(named: str | None) -> Iterator[tuple[str, str]]:
    """The key and a message when this user may not name an account."""
    if named and (known := accounts()) and named not in known:
        yield "slurm_account", f"{user_name()} has no account {named!r}; {nearest(named, known)}"


def _resources(written: Any) -> dict[str, str]:
    """Resources as Snakemake takes them in a profile: a mapping, or a list of `name=value`."""
    if isinstance(written, list):
        return dict(item.split("=", 1) for item in written)
    return {name: str(value) for name, value in (written or {}).items()}


def _asked(study: Study, resource: str, defaults: dict[str, str], of_training: dict[str, str], attempt: int) -> int:
    """The most of a resource that a training job asks for at an attempt. `set-resources` has the last word."""
    if of_training.get(resource, "").isdecimal():
        return int(of_training[resource])
    written = [f"{name}={value}" for name, value in defaults.items()]
    return max(requested(study, written, resource, [cell], attempt) for cell in study.cells)


def _minutes(limit: str) -> float:
    """`1-12:00:00`, `2:30:00`, `30:00`, `infinite`."""
    parts = re.fullmatch(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)", limit)
    if not parts:
        return math.inf
    days, hours, minutes, seconds = (int(part or 0) for part in parts.groups())
    return days * 1440 + hours * 60 + minutes + seconds / 60
