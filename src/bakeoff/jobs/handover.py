"""How the files of a finished run reach Snakemake, even if it was killed meanwhile.

Snakemake deletes the outputs of a job that it has no record of, and starts the job again. So a training writes its
files into its own state folder, where they stay until Snakemake has seen them. The outputs are links to them, and the
log is a link to the file that attempt_log.py keeps.
"""

import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import filelock

from bakeoff.data.content import prepared_content
from bakeoff.files import remove_leftovers, write_atomically
from bakeoff.jobs.progress import begin, read_progress
from bakeoff.results.result import DamagedResult, check_files, read_result
from bakeoff.study.paths import RunPaths
from bakeoff.study.specification import Specification

UNDER_SNAKEMAKE = "BAKEOFF_UNDER_SNAKEMAKE"  # set in the environment of Snakemake's jobs
STARTED = "BAKEOFF_STARTED"  # in that of Snakemake itself, also on a cluster: when it did, in seconds since the epoch


def finish(
    specification: Specification, paths: RunPaths, train: Callable[[], None], key: str = "", keep: bool = False
) -> None:
    """Bring a run to its four outputs.

    `key` is what the run is called, where that is not its own key. With `keep` its finished files stay. Of a run that
    another may go on from, the checkpoint stays, too.

    `train` is called only where no earlier attempt has finished the run, and leaves the files in the state folder: so
    what needs no training takes no GPU and imports no torch. Waits for another process that has the run, an orphan of a
    killed Snakemake, and reuses what it finished.
    """
    key = key or specification.run.key
    paths.state.mkdir(parents=True, exist_ok=True)
    with _lock(paths, key):
        if is_finished(paths, specification):  # by an orphan of an earlier attempt, while we waited for its lock
            print(f"{key} is finished already", flush=True)
        else:
            if is_finished(paths.finished, specification):  # by one that ended before Snakemake deleted its outputs
                again = f"to train it again, delete {paths.finished.folder}"
                print(f"{key} was finished by an earlier attempt; {again}", flush=True)
            else:
                begin(paths, specification.hash, specification.epochs)
                train()
            publish(paths)
        kept = {paths.lock, paths.kept_log, paths.finished.folder}
        if specification.until is not None:
            kept.add(paths.checkpoint(specification.hash).parent)
        for path in {*paths.state.iterdir()} - kept:  # an unfinished run's
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if UNDER_SNAKEMAKE not in os.environ and not keep:
            _forget(paths)  # nobody will ask for it


def take_over(before: Specification, its_paths: RunPaths, specification: Specification, paths: RunPaths) -> None:
    """Go on from the checkpoint of the run before, unless this one has begun. Where it is lost, training from the start
    gives the same result."""
    theirs, ours = its_paths.checkpoint(before.hash).parent, paths.checkpoint(specification.hash).parent
    if theirs.exists() and not ours.exists():
        theirs.replace(ours)


def leave(before: Specification, its_paths: RunPaths, paths: RunPaths, key: str) -> None:
    """End a run that does not go on: its files are those of the run before, whose checkpoint nobody needs."""
    paths.state.mkdir(parents=True, exist_ok=True)
    with _lock(paths, key):
        remove_leftovers(*paths.files)
        paths.result.unlink(missing_ok=True)
        for made, output in zip(its_paths.files[:-1], paths.files[:-1], strict=True):
            _link(made, output)
        with write_atomically(paths.result) as temporary:  # a link would make the other newer than what rests on it
            shutil.copyfile(its_paths.result, temporary)
    drop_checkpoint(before, its_paths)


def drop_checkpoint(specification: Specification, paths: RunPaths) -> None:
    """Remove what was kept of a run for one that goes on from it."""
    shutil.rmtree(paths.checkpoint(specification.hash).parent, ignore_errors=True)


def is_finished(paths: RunPaths, specification: Specification) -> bool:
    """Whether the four files of a run are there and whole, and are of this specification and the present data."""
    try:
        return check_finished(paths, specification)
    except DamagedResult as error:
        print(f"{specification.run.key} is trained again: {error.message}", flush=True)
        return False


def check_finished(paths: RunPaths, specification: Specification) -> bool:
    """As `is_finished`, but raises DamagedResult where a file is not what was written."""
    result = read_result(paths.result)
    if result is None or result.spec != specification.content:
        return False
    check_files(paths, result)
    return result.data in (None, prepared_content(specification.dataset.folder))  # 0.1.0 did not say of which data


def publish(paths: RunPaths) -> None:
    """Make the outputs of a run from its finished files.

    An older result.json is removed first and the new one written last, so that the files beside it are always its own.
    """
    remove_leftovers(*paths.files)
    paths.result.unlink(missing_ok=True)
    for finished, output in zip(paths.finished.files, paths.files, strict=True):
        _link(finished, output)


def take(source: RunPaths, paths: RunPaths, key: str) -> None:
    """Bring the files of a run that was finished elsewhere, as if it had been here: each file is copied aside and
    renamed, result.json last. Waits for a process that trains the run."""
    paths.state.mkdir(parents=True, exist_ok=True)
    with _lock(paths, key):
        paths.finished.result.unlink(missing_ok=True)
        for theirs, ours in zip(source.files, paths.finished.files, strict=True):
            with write_atomically(ours) as temporary:
                shutil.copyfile(theirs, temporary)
        publish(paths)


def keep_newer_than_this_job(runs: Iterable[RunPaths]) -> None:
    """Keep what another Snakemake has finished since this job's own one started.

    A job that waited in the queue while its Snakemake was killed would have these outputs deleted, and train again.
    """
    started = float(os.environ.get(STARTED, "inf"))
    for paths in runs:
        if all(path.exists() for path in paths.files) and paths.result.stat().st_mtime > started:
            for output, finished in zip(paths.files, paths.finished.files, strict=True):
                _link(output, finished)


def _link(existing: Path, path: Path) -> None:
    with write_atomically(path) as temporary:
        temporary.unlink()
        try:
            os.link(existing, temporary)
        except OSError:  # another file system, or one without hard links
            temporary.write_bytes(existing.read_bytes())
        os.utime(temporary)  # newer than what it was made from, as Snakemake expects


def finished_outputs(dag: Any) -> set[str]:
    """The outputs of all jobs in Snakemake's graph that are finished, in this start or before."""
    return {str(output) for job in dag.jobs if dag.noneedrun_finished(job) for output in job.output}


def forget_known(runs: Iterable[RunPaths], known: set[str]) -> None:
    """At the end of Snakemake remove the finished files of runs whose outputs it knows.

    The other runs, which it was not asked for or did not reach, are kept: it may take their outputs for incomplete and
    delete them.
    """
    for paths in runs:
        if str(paths.result) in known and paths.result.exists():
            _forget(paths)


def _forget(paths: RunPaths) -> None:
    shutil.rmtree(paths.finished.folder, ignore_errors=True)
    paths.kept_log.unlink(missing_ok=True)


def _lock(paths: RunPaths, key: str) -> filelock.AcquireReturnProxy:
    """While this context lasts, no other process has the run."""
    lock = filelock.FileLock(paths.lock)
    try:
        return lock.acquire(blocking=False)
    except filelock.Timeout:
        known = read_progress(paths).get("process")
        holder = f"process {known}" if known else "another process"
        print(f"{key}: waiting for {holder}, which trains this run already", flush=True)
        return lock.acquire()
