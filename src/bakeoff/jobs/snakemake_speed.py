"""What Snakemake does in vain for a study, left out: planning 10,000 runs takes a third less, and so does the time
between two short runs."""

import atexit
import gc
import inspect
from collections.abc import Iterable
from typing import Any

OBJECTS_OF_SOME_JOBS = 100_000
SNAKEMAKES_OWN_LIMIT = (100, 1)  # jobs in so many seconds, where --max-jobs-per-timespan says nothing else


def seldom_look_for_garbage() -> None:
    """Plans are many objects that stay: to search them for garbage takes a quarter of planning, and half a second at
    the end, when all of them go."""
    gc.set_threshold(OBJECTS_OF_SOME_JOBS, *gc.get_threshold()[1:])
    atexit.register(gc.freeze)


def spare_lookups(rules: Iterable[Any]) -> None:
    """Let Snakemake inspect a rule's functions once, not for every job, and find a file among outputs without wildcards
    by its name, not by trying each of them: the plan step has one for every experiment."""
    for rule in rules:
        for function in filter(inspect.isfunction, (*rule.input, *rule.params)):
            function.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
        if not rule.wildcard_names:
            rule.is_producer = frozenset(map(str, rule.products())).__contains__


def look_for_jobs_when_one_ends(workflow: Any) -> None:
    """On this machine, where cores limit the jobs, leave out the limit on how many start in a second.

    With it, Snakemake follows each look for jobs with another one a second later, and that one with the next: after a
    thousand jobs it looks a thousand times a second, for 4 ms each, and it ends a second late. Another limit than
    Snakemake's own is kept.
    """
    limit = workflow.scheduling_settings.max_jobs_per_timespan
    if limit and (limit.max_jobs, limit.timespan) == SNAKEMAKES_OWN_LIMIT:
        workflow.scheduler.job_rate_limiter = None
