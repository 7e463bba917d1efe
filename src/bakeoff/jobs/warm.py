"""Warm starts: a server that has imported what jobs need, and forks for each job that Snakemake starts on this machine.

Importing torch takes seconds, which many trainings do not. A forked job is a process as any other, in a session of its
own. The server ends when Snakemake does, its jobs go on. Where there is no server, or it refuses, jobs start cold.
"""

import atexit
import fcntl
import gc
import hashlib
import importlib
import os
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from bakeoff.files import stamp
from bakeoff.jobs import warm_client
from bakeoff.jobs.warm_client import ENDED, ENDS, KILLED, LENGTH, SIGNALS, STARTED

SOCKET = "socket"
OFF = "BAKEOFF_WARM"  # 0 in the environment: no server
KEY = "BAKEOFF_WARM_KEY"  # of the environment that a server was started in
# What libraries and Python read when they are loaded: with other values a job starts cold.
READ_AT_LOAD = ("OMP_", "MKL_", "OPENBLAS_", "KMP_", "GOMP_", "PYTHON", "LD_", "TORCH", "PYTORCH", "LC_", "LANG", "MPL")
# Snakemake sets these for each job, and training sets its threads itself. In the server there are no pools of threads.
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
ALONE = dict.fromkeys(THREADS, "1") | {"JE_ARROW_MALLOC_CONF": "background_thread:false"}  # of pyarrow's allocator
SECONDS_FOR_A_REQUEST = 10.0


@dataclass(frozen=True)
class Request:
    """What a client was started with."""

    folder: bytes
    umask: int
    arguments: list[str]
    environment: Mapping[bytes, bytes]
    descriptors: list[int]


@dataclass(frozen=True)
class Child:
    """A forked job: its process, a descriptor that can be read once it has ended, and its client."""

    process: int
    ended: int
    connection: socket.socket


def start_server(study: Sequence[str]) -> int | None:
    """Start a server for the jobs that this process, Snakemake, starts from now on.

    `study` is what the command line of a job says of the study. A folder that comes first in PATH has the server's
    socket, and the `bakeoff` that asks it. The server ends with this process, or when the descriptor that is returned
    is closed. None where there can be no server, or BAKEOFF_WARM=0 forbids it.
    """
    if sys.platform != "linux" or os.environ.get(OFF) == "0":
        return None
    folder = Path(mkdtemp(prefix="bakeoff-warm-"))  # for this user alone
    with socket.socket(socket.AF_UNIX) as listening:
        try:
            listening.bind(str(folder / SOCKET))
        except OSError:  # TMPDIR is too long for the name of a socket
            folder.rmdir()
            return None
        (folder / SOCKET).chmod(0o600)
        listening.listen(socket.SOMAXCONN)
        client = shlex.join([sys.executable, "-I", "-S", warm_client.__file__, str(folder / SOCKET)])
        (folder / "bakeoff").write_text(f'#!/bin/sh\nexec {client} "$@"\n', encoding="utf-8")
        (folder / "bakeoff").chmod(0o700)
        life, ours = os.pipe()  # nobody else has the second end: it closes with this process
        subprocess.Popen(
            ["bakeoff", "serve", *study, f"--listening={listening.fileno()}", f"--life={life}"],
            env={**os.environ, **ALONE, KEY: environment_key(os.environb)},
            pass_fds=(listening.fileno(), life),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(life)
    os.environ["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"
    return ours


def trains(dag: Any) -> bool:
    """Whether Snakemake's graph has anything to train."""
    return any(job.rule.name in ("train", "trial") for job in dag.needrun_jobs())


def environment_key(environment: Mapping[bytes, bytes]) -> str:
    """Names the values that are read at load."""
    prefixes, apart = tuple(map(os.fsencode, READ_AT_LOAD)), set(map(os.fsencode, THREADS))
    read = {name: value for name, value in environment.items() if name.startswith(prefixes) and name not in apart}
    return hashlib.sha256(repr(sorted(read.items())).encode()).hexdigest()


def serve(listening: socket.socket, life: int, job: Callable[[], None], later: Sequence[Sequence[str]]) -> None:
    """Fork a process for each client, which calls `job` in its place, until `life` is closed at the other end.

    The modules of `later` are imported while no client waits, a piece at a time. Returns, after a line that says why,
    if this process cannot be forked safely.
    """
    key = os.environ.pop(KEY, "")
    yet_to_import = list(later)
    sources = _keep_what_is_imported()
    children: dict[int, Child] = {}  # by the descriptor that says when one has ended
    while not (reason := why_not_fork()):
        watched: list[Any] = [life, listening, *children]
        ready, _, _ = select.select(watched, [], [], 0 if yet_to_import else None)
        if life in ready:
            return
        for ended in children.keys() & set(ready):
            _reap(children.pop(ended))
        if listening in ready:
            connection, _ = listening.accept()
            request = _receive(connection)
            if request and environment_key(request.environment) == key and sources == _times(sources):
                process = os.fork()
                if process == 0:
                    for number in (life, listening.fileno(), *children):
                        os.close(number)
                    for other in children.values():
                        other.connection.close()
                    _become(request, connection, job)
                ended = os.pidfd_open(process)
                children[ended] = Child(process, ended, connection)
            else:
                connection.close()  # the client then starts cold
            for descriptor in request.descriptors if request else ():
                os.close(descriptor)
        elif not ready:
            for module in yet_to_import.pop(0):
                import_if_there(module)
            sources = _keep_what_is_imported()
    print(f"warm start is off: {reason}", file=sys.stderr, flush=True)
    listening.close()
    select.select([life], [], [])  # the folder stays until then: a job may just have found the `bakeoff` in it


def import_if_there(module: str) -> None:
    """Import what saves jobs some time; they do without where a release of a library lacks it."""
    with suppress(ImportError):
        importlib.import_module(module)


@contextmanager
def served_at(listening: int) -> Iterator[socket.socket]:
    """The socket of that descriptor; afterwards, also after SIGTERM, its folder is gone."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    with socket.socket(fileno=listening) as connections:
        folder = Path(connections.getsockname()).parent
        try:
            yield connections
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def why_not_fork() -> str:
    """Why this process must not be forked; empty if it may be: threads and CUDA do not survive it."""
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError) as error:
        return f"this Python or this kernel has no pidfd_open: {error}"
    if len(list(Path("/proc/self/task").iterdir())) > 1:
        return "an import has started a thread"
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        return "an import has started CUDA"
    if any(path.startswith("/dev/nvidia") for path in _open_files().values()):
        return "an import has opened a GPU"
    return ""


def _open_files() -> dict[int, str]:
    """The files and devices that this process has open, by their descriptors."""
    opened = {int(link.name): os.path.realpath(link) for link in Path("/proc/self/fd").iterdir()}
    return {number: path for number, path in opened.items() if path.startswith("/") and not path.startswith("/proc/")}


def _keep_what_is_imported() -> dict[str, list[int] | None]:
    """Leave it out of garbage collection, here and in forked jobs.

    Returns the stamps of Bakeoff's files and of a file of each imported package: old and new must not be mixed.
    """
    gc.collect()
    gc.freeze()
    package = Path(__file__).parents[1]
    packages = (getattr(module, "__file__", None) for name, module in list(sys.modules.items()) if "." not in name)
    return _times([*map(str, package.rglob("*.py")), *filter(None, packages)])


def _times(files: Iterable[str]) -> dict[str, list[int] | None]:
    return {file: stamp(file) for file in files}


def _receive(connection: socket.socket) -> Request | None:
    """What a client asks for; None from one that has died."""
    connection.settimeout(SECONDS_FOR_A_REQUEST)
    descriptors: list[int] = []
    try:
        content, descriptors, _, _ = socket.recv_fds(connection, 1 << 16, 3)
        length = LENGTH + int.from_bytes(content[:LENGTH], "big")
        while len(content) < length and (more := connection.recv(1 << 20)):
            content += more
    except OSError:
        content, length = b"", LENGTH
    connection.settimeout(None)
    if len(content) < length or len(descriptors) < 3:
        for descriptor in descriptors:
            os.close(descriptor)
        return None
    folder, umask, count, *fields = content[LENGTH:].split(b"\0")
    arguments, variables = fields[: int(count)], fields[int(count) :]
    environment = dict(variable.split(b"=", 1) for variable in variables)
    return Request(folder, int(umask), list(map(os.fsdecode, arguments)), environment, descriptors)


def _become(request: Request, connection: socket.socket, job: Callable[[], None]) -> None:
    """Be the process that the client would have been. Does not return."""
    status = 1
    try:
        _say(connection, STARTED, os.getpid())  # by the child, which also says how it ended, and never out of order
        os.setsid()
        for number, descriptor in enumerate(request.descriptors):
            os.dup2(descriptor, number)
            os.close(descriptor)
        os.chdir(request.folder)
        os.umask(request.umask)
        os.environb.clear()
        os.environb.update(request.environment)
        time.tzset()
        sys.argv = ["bakeoff", *request.arguments]
        for number in SIGNALS:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        _stop_with(connection)
        status = _status_of(job)
        threading._shutdown()  # type: ignore[attr-defined]  # as Python does at its end: waits for threads
        atexit._run_exitfuncs()
    except BaseException:  # as Python does at the top of a process
        traceback.print_exc()
    finally:
        try:
            for stream in (sys.stdout, sys.stderr):
                try:
                    stream.flush()
                except OSError:
                    status = 1
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the client ends as soon as it is told
            _say(connection, ENDS if set(_open_files()) - {0, 1, 2} else ENDED, status)
        finally:
            os._exit(status)


def _status_of(job: Callable[[], None]) -> int:
    try:
        job()
    except SystemExit as ended:
        if ended.code is None or isinstance(ended.code, int):
            return ended.code or 0
        print(ended.code, file=sys.stderr)
        return 1
    return 0


def _stop_with(connection: socket.socket) -> None:
    """When the client dies, its end of the connection is closed: the kernel then sends SIGTERM to this process."""
    fcntl.fcntl(connection, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(connection, fcntl.F_SETSIG, signal.SIGTERM)
    fcntl.fcntl(connection, fcntl.F_SETFL, fcntl.fcntl(connection, fcntl.F_GETFL) | os.O_ASYNC)
    died = select.poll()
    died.register(connection, select.POLLHUP)
    if died.poll(0):  # before
        os.kill(os.getpid(), signal.SIGTERM)


def _reap(child: Child) -> None:
    """A child that ended by itself has told its client."""
    os.close(child.ended)
    _, status = os.waitpid(child.process, 0)
    if os.WIFSIGNALED(status):
        _say(child.connection, KILLED, os.WTERMSIG(status))
    child.connection.close()


def _say(connection: socket.socket, what: bytes, number: int) -> None:
    with suppress(OSError):  # the client has died
        connection.sendall(b"%s %d\n" % (what, number))
