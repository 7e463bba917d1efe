"""The one exception that is meant for the user: one clear message, no traceback."""


class BakeoffError(Exception):
    """Says what was wrong, where, what is allowed and what to do."""
