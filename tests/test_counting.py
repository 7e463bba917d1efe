"""Long steps show how far they are, on a terminal alone."""

import os
import pty
import subprocess
import sys

from bakeoff.counting import counted

COUNTS = "from bakeoff.counting import counted; print(sum(counted([1, 2, 3], 'networks')))"


def test_a_terminal_sees_the_count_and_a_file_does_not() -> None:
    outer, inner = pty.openpty()
    shown = subprocess.run([sys.executable, "-c", COUNTS], stdout=subprocess.PIPE, stderr=inner, check=True)
    os.close(inner)
    assert shown.stdout == b"6\n" and b"networks" in os.read(outer, 10_000)
    os.close(outer)
    piped = subprocess.run([sys.executable, "-c", COUNTS], capture_output=True, check=True)
    assert (piped.stdout, piped.stderr) == (b"6\n", b"")


def test_items_come_one_by_one() -> None:
    asked = []
    items = (asked.append(number) or number for number in range(3))
    assert next(iter(counted(items, "numbers", 3))) == 0
    assert asked == [0]
