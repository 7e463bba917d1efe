"""Checks the arguments that a study gives to a function, before the function is called."""

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from bakeoff.errors import BakeoffError

MOST_LISTED = 30
BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def check_arguments(
    function: Callable[..., Any], arguments: Mapping[str, Any], what: str = "", ignore: frozenset[str] = frozenset()
) -> None:
    """Raise BakeoffError unless `function` takes all `arguments` by name and gets all that it requires.

    `what`, the name of a model or an optimizer, leads the message. Bakeoff gives the parameters in `ignore`: they may
    neither be given nor be missing. A function with **kwargs takes any other name.
    """
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # some functions written in C have no signature
        return
    named = [p for p in parameters if p.kind in BY_NAME and p.name not in ignore]
    takes_any = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters)
    allowed, lead = [parameter.name for parameter in named], f"{what}: " if what else ""
    for name in arguments:
        if name not in allowed and (name in ignore or not takes_any):
            raise BakeoffError(f"{lead}unknown argument {name!r}; {nearest(name, allowed)}")
    if missing := [p.name for p in named if p.default is inspect.Parameter.empty and p.name not in arguments]:
        given = ", ".join(arguments) or "nothing"
        raise BakeoffError(f"{lead}missing {', '.join(map(repr, missing))}; given: {given}")


def nearest(name: object, allowed: Iterable[str]) -> str:
    """The end of a message about an unknown name: "did you mean 'sgd'? allowed: adam, sgd". Long lists are cut."""
    names = {candidate.lower(): candidate for candidate in sorted(allowed, reverse=True)}  # MixUp rather than Mixup
    close = difflib.get_close_matches(str(name).lower(), list(names), n=1)
    guess = f"did you mean {names[close[0]]!r}? " if close else ""
    listed = sorted(names.values())
    more = f" and {len(listed) - MOST_LISTED} more" if len(listed) > MOST_LISTED else ""
    return f"{guess}allowed: {', '.join(listed[:MOST_LISTED]) or 'nothing'}{more}"
