"""Values that entries may have, where a type of Python says too little: what is checked, and what is allowed."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field


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
