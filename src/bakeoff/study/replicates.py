"""The seeds of a study, as it may write them: a number of replicates, a list of seeds, or as many as it takes."""

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from bakeoff.study.race_rules import Rounds
from bakeoff.study.values import Seed


def _seeds(value: Any) -> Any:
    if isinstance(value, str) and value.isdigit():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        if value < 1:
            raise ValueError("a number of seeds must be at least 1")
        return tuple(range(value))
    if not isinstance(value, list | tuple):
        raise ValueError(f"{value!r} is neither a number of seeds nor a list of seeds, nor {{until: decided}}")
    return value


def _distinct(seeds: tuple[int, ...]) -> tuple[int, ...]:
    if not seeds:
        raise ValueError("no seed is listed; give at least one")
    if len(set(seeds)) < len(seeds):
        raise ValueError("a seed is listed twice")
    return seeds


def kind_of_seeds(value: Any) -> str:
    return "rounds[]" if isinstance(value, dict | Rounds) else "list[]"  # the brackets: no key of a study has them


Replicates = Annotated[
    tuple[Seed, ...],
    BeforeValidator(_seeds, json_schema_input_type=int | list[int]),
    AfterValidator(_distinct),
]
