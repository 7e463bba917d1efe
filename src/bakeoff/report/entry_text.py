"""Entries of a study as text: what a study says of a dataset, a model, an optimizer or a recipe."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from bakeoff.report.numbers import NONE
from bakeoff.study.study import Study


def with_spaces(said: dict[str, Any], study: Study, axis: str, name: str) -> dict[str, Any]:
    """An entry as it is said, with its spaces in place of the default values that stand for them."""
    shown = dict(said)
    for item in study.spaces:
        if item.keys[:2] == (axis, name):
            key = str(item.keys[2])
            shown[key] = item.space.text() if len(item.keys) == 3 else f"{value_text(said.get(key))} (tuned)"
    return shown


def settings(entry: BaseModel) -> dict[str, Any]:
    """What a study says about an entry beyond the defaults."""
    return short_transforms(entry.model_dump(mode="json", exclude_defaults=True, exclude_none=True))


def effective(entry: BaseModel) -> dict[str, Any]:
    """Everything in force for an entry: what the study says, and the defaults that are not switched off."""
    said = settings(entry)
    whole = short_transforms(entry.model_dump(mode="json", exclude_none=True))
    return {key: value for key, value in whole.items() if key in said or value not in (None, False, 0, [], {})}


def arguments_text(entry: Mapping[str, Any]) -> str:
    """Keys and values on one line, as in YAML."""
    return ", ".join(f"{key}: {value_text(value)}" for key, value in entry.items()) or NONE


def value_text(value: Any) -> str:
    """A value on one line, as in YAML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {value_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(value_text(item) for item in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    return "null" if value is None else str(value)


def short_transforms(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry with its augmentations in the short form of study files."""
    if "augment" not in entry:
        return entry
    short = [{item["name"]: item["arguments"]} if item.get("arguments") else item["name"] for item in entry["augment"]]
    return {**entry, "augment": short}
