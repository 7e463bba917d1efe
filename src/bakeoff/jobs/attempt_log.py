"""The log of a run, kept from attempt to attempt: Snakemake deletes it whenever it starts the job again."""

import os
import sys

from bakeoff.files import write_atomically
from bakeoff.study.paths import RunPaths


def continue_log(paths: RunPaths) -> None:
    """Where this process writes into the run's log, let it go on with the log of earlier attempts.

    An orphan of a killed Snakemake still writes into that one. The state folder keeps a second name of the file until
    Snakemake knows that the run is finished. On a file system without hard links each attempt has a log of its own.
    """
    if not _is_output(paths):
        return
    paths.state.mkdir(parents=True, exist_ok=True)
    try:
        os.link(paths.log, paths.kept_log)
    except FileExistsError:
        if not paths.log.samefile(paths.kept_log):
            _go_on_with_the_kept_log(paths)
    except OSError:  # no hard links
        return


def _is_output(paths: RunPaths) -> bool:
    try:
        return os.path.samestat(os.fstat(sys.stdout.fileno()), paths.log.stat())
    except (OSError, ValueError):  # there is no log, or the output is no file
        return False


def _go_on_with_the_kept_log(paths: RunPaths) -> None:
    sys.stdout.flush()
    beginning = paths.log.read_bytes()
    try:
        with write_atomically(paths.log, durable=False) as temporary:
            temporary.unlink(missing_ok=True)
            os.link(paths.kept_log, temporary)
    except OSError:  # no hard links: the kept one was copied here
        return
    with paths.kept_log.open("ab") as kept:
        kept.write(beginning)
        kept.flush()
        for stream in (sys.stdout, sys.stderr):
            os.dup2(kept.fileno(), stream.fileno())
