"""Values that entries may have, where a type of Python says too little: what is checked, and what is allowed."""

import math
import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from bakeoff.files import in_every_value

SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
EXPONENT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)[eE][+-]?\d+")


def _safe_name(name: str) -> str:
    if not SAFE_NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} is no safe folder name; allowed: letters, digits, '_', '.', '-', starting with a letter or digit"
        )
    return name


def listed(value: Any) -> Any:
    """A single name or entry means a list of one."""
    return [value] if isinstance(value, str | int | float | dict) else value


def as_number(value: Any) -> Any:
    """Make 1e-3 a number: PyYAML reads it as a string."""
    return float(value) if isinstance(value, str) and EXPONENT.fullmatch(value) else value


def without_infinity(entry: Any) -> Any:
    """Replace infinity and NaN by their names. JSON has neither, and a specification must equal itself read back."""
    return in_every_value(
        entry, lambda value: value if not isinstance(value, float) or math.isfinite(value) else str(value)
    )


Name = Annotated[str, AfterValidator(_safe_name), Field(json_schema_extra={"pattern": f"^{SAFE_NAME.pattern}$"})]
Seed = Annotated[int, Field(ge=0, lt=2**63, description="a whole number of up to 63 bits, as tables hold it")]
Names = Annotated[tuple[str, ...], BeforeValidator(listed, json_schema_input_type=str | list[str])]
Text = Annotated[str, StringConstraints(strip_whitespace=True)]  # a folded block of YAML ends with a newline


def _ascending(value: tuple[float, float]) -> tuple[float, float]:
    low, high = value
    if not low < high:
        raise ValueError(f"found [{low:g}, {high:g}]; allowed: [LOW, HIGH] with LOW below HIGH")
    return value


def _with_text_keys(entry: Any) -> Any:
    """Names of classes that YAML reads as numbers, as text."""
    if not isinstance(entry, dict):
        return entry
    return {str(key) if type(key) in (int, float) else key: value for key, value in entry.items()}


def _without_weight(entry: Any) -> Any:
    """PyTorch calls the weights of classes so; here they have names, not an order."""
    if isinstance(entry, dict) and "weight" in entry:
        raise ValueError("weight is no key here; say class_weights: balanced, or class_weights: {CLASS: WEIGHT}")
    return entry


PixelRange = Annotated[tuple[float, float], AfterValidator(_ascending)]
Weight = Annotated[float, Field(gt=0)]
ClassWeights = Literal["balanced"] | Annotated[dict[str, Weight], BeforeValidator(_with_text_keys), Field(min_length=1)]
WITHOUT_WEIGHT = BeforeValidator(_without_weight)  # of a loss
