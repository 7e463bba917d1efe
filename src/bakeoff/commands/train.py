"""What a training process does before it imports torch: its threads, the lease of a GPU, and whether it is needed."""

import gc
import os
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from bakeoff.errors import BakeoffError
from bakeoff.jobs.attempt_log import continue_log
from bakeoff.jobs.handover import drop_checkpoint, finish, leave, take_over
from bakeoff.jobs.leases import lease_gpu
from bakeoff.jobs.progress import note_waiting
from bakeoff.results.selection import select as choose
from bakeoff.results.survivors import goes_on, halve
from bakeoff.study.arguments import nearest
from bakeoff.study.paths import Layout
from bakeoff.study.plugin_files import load_plugins
from bakeoff.study.specification import experiments_on_features, specify
from bakeoff.study.study import Study, runs
from bakeoff.study.trainings import find_training
from bakeoff.study.trials import is_tuned

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

    from bakeoff.training.attempt import Place


def train(study: Study, study_file: Path, key: str, threads: int | None, checkpoint_seconds: float) -> None:
    """Train the run of that key, or go on with it; `threads` left out are the study's."""
    layout = Layout(study.study)
    training = find_training(study, layout, key)
    if training is None:
        some = "; ".join([run.key for run in runs(study)][:3])
        raise BakeoffError(f"{study_file}: there is no run {key!r}; runs are named like {some}")
    paths, before = training.paths, training.before
    continue_log(paths)
    if before is not None and not goes_on(layout, training):
        print(f"{key} was left behind: others were better after epoch {before.until}", flush=True)
        leave(before.specification, before.paths, paths, key)
        return

    def with_a_gpu() -> None:
        if before is not None:
            take_over(before.specification, before.paths, training.specification, paths)
        place = _place(study, key, threads or study.threads, checkpoint_seconds, partial(note_waiting, paths))
        from bakeoff.training.run import train_locked

        train_locked(training.specification, replace(place, layout=training.layout, plan=training.plan))

    finish(training.specification, paths, with_a_gpu, key, training.keeps)
    if before is not None:
        drop_checkpoint(before.specification, before.paths)


def select(study: Study, study_file: Path, key: str, after: int | None = None) -> Path:
    """Choose a trial of the experiment of that key, or those that go on after so many epochs. Returns the path of what
    was decided."""
    tuned = {cell.key: cell for cell in study.cells if is_tuned(study, cell)}
    if key not in tuned:
        raise BakeoffError(f"{study_file}: there is no tuned experiment {key!r}; {nearest(key, tuned)}")
    layout = Layout(study.study)
    return choose(study, layout, tuned[key]) if after is None else halve(study, layout, tuned[key], after)


def compute_features(study: Study, study_file: Path, folder: str, threads: int) -> None:
    """Compute the features that are kept in a folder of results/features."""
    users = experiments_on_features(study)
    if folder not in users:
        raise BakeoffError(f"{study_file}: no run uses the features {folder!r}; {nearest(folder, users)}")
    user = users[folder][0]
    specification = specify(study, user.run(study.seeds_of(user)[0]))
    kept = specification.features or Path(folder)
    kept.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{kept}.lock", is_singleton=True):  # who waits for another process takes no GPU meanwhile
        place = _place(study, folder, threads)
        from bakeoff.training.run import compute_features_of

        compute_features_of(specification, place)


@cache
def blas() -> "ThreadpoolController":
    """The loaded libraries of linear algebra. To look through all that is loaded takes 20 ms: once, before forks."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")


def _place(
    study: Study,
    user: str,
    threads: int,
    checkpoint_seconds: float = 10.0,
    waits: Callable[[bool], None] = lambda waiting: None,
) -> "Place":
    """Lease a GPU for `user`, then import torch, for so many threads, and the study's plugins. `waits` is told when it
    has to wait for a GPU, and when no longer."""
    lease = lease_gpu(study.device, study.jobs_per_gpu, user, study.gpu_wait_seconds, waits)
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = str(threads)  # before torch and numpy make their pools
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is deterministic only with it
    # Imports make a million objects that stay: looking for garbage among them takes a third of the time.
    gc.disable()
    import bakeoff.training.run  # noqa: F401  # all that training imports
    from bakeoff.training.attempt import Place
    from bakeoff.training.devices import refuse_unleased

    gc.freeze()
    gc.enable()
    blas().limit(limits=threads)  # a forked process has loaded numpy already, with one thread
    refuse_unleased(study.device, lease)
    load_plugins(study.plugins)
    return Place(Layout(study.study), study.device, threads, lease, study.measure_energy, checkpoint_seconds)
