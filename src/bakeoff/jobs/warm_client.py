"""What a job runs in place of `bakeoff` while a server for warm starts is there.

`python -I -S warm_client.py SOCKET train study.yaml …` asks the server to do it, and ends as that ends. Where the
server does not answer, or the command is one of `COLD`, it becomes `bakeoff train study.yaml …` itself. It imports next
to nothing, not even `socket` and `signal`, whose parts in Python would take 12 ms: a start takes 15 ms.
"""

import _signal as signal
import os
import select
import sys
from _socket import AF_UNIX, SCM_RIGHTS, SOL_SOCKET, socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import BinaryIO

DESCRIPTORS = b"".join(number.to_bytes(4, sys.byteorder) for number in (0, 1, 2))  # as the kernel takes them
SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)
COLD = ("prepare",)  # the first of all jobs: it need not wait until the server has imported everything
LENGTH = 8  # bytes before a request that say how long it is
# Each with a number: of a process, a signal, or an exit status. What ends still holds files: a GPU, or a lock.
STARTED, KILLED, ENDS, ENDED = b"started", b"killed", b"ends", b"ended"


def main() -> None:
    address, *arguments = sys.argv[1:]
    folder = os.path.dirname(address)  # noqa: PTH120  # pathlib takes 5 ms
    without = [other for other in os.environ["PATH"].split(os.pathsep) if other != folder]
    os.environ["PATH"] = os.pathsep.join(without)  # it has the `bakeoff` that runs this
    if arguments and arguments[0] not in COLD:
        ask(address, arguments)
    os.execvp("bakeoff", ["bakeoff", *arguments])


def ask(address: str, arguments: list[str]) -> None:
    """Have the server do it, and end as that ends. Returns where the server does not answer."""
    connection = socket(AF_UNIX)
    try:
        connection.connect(address)
        connection.sendmsg([request(arguments)], [(SOL_SOCKET, SCM_RIGHTS, DESCRIPTORS)])
        answers = open(connection.fileno(), "rb", closefd=False)  # noqa: SIM115
        said, _, number = answers.readline().partition(b" ")
    except OSError:  # the server has gone, or goes
        return
    if said == STARTED:
        sys.exit(wait_for(int(number), answers))


def request(arguments: list[str]) -> bytes:
    """The folder, the umask, the arguments and the environment of this process."""
    mask = os.umask(0)
    os.umask(mask)
    environment = [name + b"=" + value for name, value in os.environb.items()]
    folder = os.getcwdb()  # noqa: PTH109
    fields = [folder, b"%d" % mask, b"%d" % len(arguments), *map(os.fsencode, arguments), *environment]
    content = b"\0".join(fields)
    return len(content).to_bytes(LENGTH, "big") + content


def wait_for(child: int, answers: "BinaryIO") -> int:
    """The exit status of a job that the server has forked; signals are passed on to it."""

    def pass_on(number: int, frame: "FrameType | None") -> None:
        try:  # noqa: SIM105  # contextlib takes 2 ms
            os.kill(child, number)
        except ProcessLookupError:  # it has just ended
            pass

    try:
        ended = [os.pidfd_open(child)]
    except OSError:  # it is gone
        ended = []
    for number in SIGNALS:
        signal.signal(number, pass_on)
    said, _, value = answers.readline().partition(b" ")
    if ended and said != ENDED:  # whose memory goes back meanwhile, which takes as long as a start
        select.select(ended, [], [])
    if said == KILLED:  # end as the child did
        signal.signal(int(value), signal.SIG_DFL) if int(value) in SIGNALS else None
        os.kill(os.getpid(), int(value))
    return int(value) if said in (ENDS, ENDED) else 1


if __name__ == "__main__":
    main()
