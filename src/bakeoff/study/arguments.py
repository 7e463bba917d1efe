"""Checks the arguments that a study gives to a function, before the function is called."""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from bakeoff.errors import BakeoffError
from bakeoff.study.guesses import guess

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
    for parameter in named:
        value = arguments.get(parameter.name)
        if _wants_list(parameter.annotation) and isinstance(value, str | int | float):
            raise BakeoffError(f"{lead}{parameter.name} is a list; write [{value}]")
    if missing := [p.name for p in named if p.default is inspect.Parameter.empty and p.name not in arguments]:
        given = ", ".join(arguments) or "nothing"
        raise BakeoffError(f"{lead}missing {', '.join(map(repr, missing))}; given: {given}")


def _wants_list(annotation: Any) -> bool:
    """Whether a parameter is annotated as a list or another sequence, and as nothing else but None."""
    kinds = [
        kind for kind in (get_args(annotation) if _is_union(annotation) else (annotation,)) if kind is not NoneType
    ]
    return bool(kinds) and all(get_origin(kind) in (list, tuple, Sequence) for kind in kinds)


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, UnionType)


def nearest(name: object, allowed: Iterable[str]) -> str:
    """The end of a message about an unknown name: "did you mean 'sgd'? allowed: adam, sgd". Long lists are cut."""
    listed = sorted({candidate.lower(): candidate for candidate in sorted(allowed, reverse=True)}.values())
    meant = guess(name, listed)
    lead = f"did you mean {meant!r}? " if meant else ""
    more = f" and {len(listed) - MOST_LISTED} more" if len(listed) > MOST_LISTED else ""
    return f"{lead}allowed: {', '.join(listed[:MOST_LISTED]) or 'nothing'}{more}"
