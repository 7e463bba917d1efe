"""What the server for warm starts imports before it forks."""

import importlib.util
import pkgutil
from collections.abc import Callable
from contextlib import suppress

from bakeoff.commands.train import blas
from bakeoff.errors import BakeoffError
from bakeoff.jobs.warm import import_if_there, serve, served_at
from bakeoff.models.registry import LIBRARIES
from bakeoff.study.study import Study
from bakeoff.training import run  # noqa: F401  # all that every training imports
from bakeoff.training.optimizers import optimizer_class
from bakeoff.training.outputs import software

# Imported by the libraries above where they first need them, which every job does. `scipy.linalg` for its own threads.
AT_ONCE = (
    "rich.console",
    "numpy.ctypeslib",
    "numpy.random",
    "scipy.linalg",
    "pydantic.type_adapter",
    "torch.utils.serialization.config",
    "bakeoff.commands.check",
)
# In the order in which a study comes to them, and in pieces: a job that starts meanwhile waits for one to be imported.
AFTER_TRAINING = (
    "pandas",
    "pandas.io.formats.csvs",
    "pyarrow.pandas_compat",
    "pyarrow.dataset",
    "bakeoff.results.summary",
    "scipy.optimize",
    "scipy.interpolate",
    "scipy.stats",
    "bakeoff.analysis",
    "matplotlib.figure",
    "PIL.JpegImagePlugin",
    "babel.numbers",
    "bakeoff.figures",
    "bakeoff.report",
)


def serve_jobs(study: Study, listening: int, life: int, job: Callable[[], None], before: Callable[[], None]) -> None:
    """Serve the jobs of a study at a socket's descriptor, until the pipe `life` is closed at its other end. `before` is
    called before the first of them."""
    with served_at(listening) as connections:
        import_for_training(study)
        before()
        serve(connections, life, job, list(map(_with_its_modules, AFTER_TRAINING)))


def import_for_training(study: Study) -> None:
    """All that a study's trainings import or look for, so that none of them has to."""
    for library in {entry.model.split("/")[0] for entry in study.architectures.values()} & LIBRARIES.keys():
        importlib.import_module(library)
    for optimizer in study.optimizers.values():
        with suppress(BakeoffError):  # the plan step says so
            optimizer_class(optimizer.name)  # imports what it is from
    for module in AT_ONCE:
        import_if_there(module)
    blas()
    software()


def _with_its_modules(name: str) -> list[str]:
    """A module; of our own packages the modules in them, as they import one another only where they use it."""
    spec = importlib.util.find_spec(name) if name.startswith("bakeoff.") else None
    places = (spec and spec.submodule_search_locations) or ()
    return [name, *(found.name for found in pkgutil.iter_modules(places, f"{name}."))]
