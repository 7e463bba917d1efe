"""What ends a command with one line for the user."""


class BakeoffError(Exception):
    """Something is wrong that the user can mend. The message says what, where, what is allowed, and what to do."""


class Stopped(BaseException):
    """A training was asked to stop, and has written a checkpoint. Like an interrupt, it is no failure."""


def first_line(error: BaseException) -> str:
    """The first line of what an exception says; its type, where it says nothing."""
    said = str(error).strip().splitlines()
    return said[0] if said else type(error).__name__
