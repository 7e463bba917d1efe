"""What ends a command with one line for the user."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

Keys = Sequence[str | int]


class BakeoffError(Exception):
    """Something is wrong that the user can mend. The message says what, what is allowed, and what to do.

    `keys` is the path in the study of the key that is meant, as far as the raiser knows it: ("name",) of an optimizer.
    Callers that know more of the path put it in front (`under`).
    """

    def __init__(self, message: str, keys: Keys = ()) -> None:
        super().__init__(message)
        self.message = message
        self.keys = tuple(keys)

    def __str__(self) -> str:
        return f"{'.'.join(map(str, self.keys))}: {self.message}" if self.keys else self.message


class Stopped(BaseException):
    """Training was asked to stop and has written a checkpoint. Like an interrupt, this is not a failure."""


@contextmanager
def under(*keys: str | int) -> Iterator[None]:
    """What is wrong in this block is wrong under these keys of the study: puts them before an error's own."""
    try:
        yield
    except BakeoffError as error:
        error.keys = (*keys, *error.keys)
        raise


def first_line(error: BaseException) -> str:
    """The first line of an exception's message, or its type when it has none."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
