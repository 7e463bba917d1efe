"""What jobs take, in the terms of Snakemake's standard resources. It decides no result."""

import os
from collections.abc import Iterable, Sequence

from bakeoff.errors import BakeoffError
from bakeoff.study.matrix import Experiment
from bakeoff.study.study import Study

# At the first attempt, where neither the study nor the profile says anything: megabytes and minutes.
DEFAULTS = {"mem_mb": 8000, "runtime": 120}


def usable_cores() -> int:
    """How many cores of this machine this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def check_defaults(default_resources: Sequence[str]) -> None:
    """Raise BakeoffError for a default that is no number. Snakemake itself converts `mem: 16GB` and `runtime: 2h`."""
    for resource in ("mem_mb", "max_mem_mb", "runtime", "max_runtime"):
        _default(resource, default_resources)


def requested(
    study: Study, default_resources: Sequence[str], resource: str, cells: Iterable[Experiment], attempt: int
) -> int:
    """Megabytes of memory (`mem_mb`) or minutes (`runtime`) for a job that serves these experiments.

    The first attempt asks for the largest number in their architectures and recipes. Where they have none, it asks for
    that of the profile's `default_resources`, written `name=value`. The second attempt asks for twice as much, the
    third for three times, up to the profile's `max_mem_mb` or `max_runtime`. Raises BakeoffError for a default that is
    no number.
    """
    entries = [
        entry for cell in cells for entry in (study.architectures[cell.architecture], study.recipes[cell.recipe])
    ]
    hints = (getattr(entry.resources, resource) for entry in entries)
    first = max(filter(None, hints), default=_default(resource, default_resources) or DEFAULTS[resource])
    most = _default(f"max_{resource}", default_resources) or attempt * first
    return min(attempt * first, max(first, most))


def _default(resource: str, default_resources: Sequence[str]) -> int | None:
    """The number that a profile gives, or None."""
    written = dict(item.split("=", 1) for item in default_resources).get(resource, "")
    if not written or "input.size" in written:  # Snakemake's own default, a guess from the size of the inputs
        return None
    if not written.isdecimal():
        raise BakeoffError(
            f"default-resources: {resource}: must be a number, as Bakeoff itself multiplies it for later attempts; "
            f"found {written!r}"
        )
    return int(written)
