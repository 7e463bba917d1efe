"""What the server for warm starts imports before it forks."""

import importlib
from collections.abc import Callable
from contextlib import suppress

from bakeoff.errors import BakeoffError
from bakeoff.jobs.warm import serve, served_at
from bakeoff.models.registry import LIBRARIES
from bakeoff.study.study import Study
from bakeoff.training import run  # noqa: F401  # all that every training imports
from bakeoff.training.optimizers import optimizer_class

# In the order in which a study comes to them.
AFTER_TRAINING = (
    "bakeoff.commands.check",
    "bakeoff.results.summary",
    "scipy.stats",
    "bakeoff.analysis.statistics",
    "bakeoff.figures.draw",
    "bakeoff.report.render",
)


def serve_jobs(study: Study, listening: int, life: int, job: Callable[[], None]) -> None:
    """Serve the jobs of a study at a socket's descriptor, until the pipe `life` is closed at its other end."""
    with served_at(listening) as connections:
        for library in {entry.model.split("/")[0] for entry in study.architectures.values()} & LIBRARIES.keys():
            importlib.import_module(library)
        for optimizer in study.optimizers.values():
            with suppress(BakeoffError):  # the plan step says so
                optimizer_class(optimizer.name)  # imports what it is from
        serve(connections, life, job, AFTER_TRAINING)
