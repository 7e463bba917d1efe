"""Numbers as text, for tables and sentences."""

import math
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from bakeoff.language import Language
from bakeoff.study.metrics import Metric

NONE = "–"
PERCENT = "\u00a0%"
SMALLEST_P = 0.0001
MOST_DECIMALS = 6


def is_known(value: Any) -> bool:
    """Whether a table has a value here: neither None nor NaN."""
    return value is not None and value == value


def metric_text(value: Any, metric: Metric, language: Language, unit: bool = False) -> str:
    """A metric: a percentage with two decimals, or a loss with four significant digits."""
    if not is_known(value):
        return NONE
    if metric.percent:
        return language.number(100 * value, 2) + (PERCENT if unit else "")
    return language.significant(value, 4)


def spread_text(row: Mapping[str, Any], score: str, metric: Metric, language: Language, unit: bool = False) -> str:
    """Mean ± standard deviation of a `score` in a row of the summary."""
    mean, deviation = row[f"{score}_mean"], row[f"{score}_std"]
    text = metric_text(mean, metric, language)
    if is_known(deviation):
        text += f" ± {metric_text(deviation, metric, language)}"
    return text + (PERCENT if unit and metric.percent and is_known(mean) else "")


def interval_text(row: Mapping[str, Any], score: str, metric: Metric, language: Language) -> str:
    """The 95 % interval of the mean of a `score` in a row of the summary."""
    return mean_range_text(row[f"{score}_low"], row[f"{score}_high"], metric, language)


def score_text(row: Mapping[str, Any], score: str, metric: Metric, language: Language, unit: bool = False) -> str:
    """The mean of a `score` in a row of the summary and its 95 % interval, if it has one: `98.22 % [97.57, 98.88]`."""
    mean, interval = (
        metric_text(row[f"{score}_mean"], metric, language, unit),
        interval_text(row, score, metric, language),
    )
    return mean if interval == NONE else f"{mean} {interval}"


def mean_range_text(low: Any, high: Any, metric: Metric, language: Language) -> str:
    """The interval of a mean; of percentages, the part between 0 and 100."""
    if metric.percent and is_known(low):
        low, high = max(0.0, low), min(1.0, high)
    return range_text(low, high, metric, language)


def range_text(low: Any, high: Any, metric: Metric, language: Language) -> str:
    """An interval from one value of a metric to another, as mathematicians write it; it never breaks over lines."""
    if not is_known(low):
        return NONE
    return bracketed(metric_text(low, metric, language), metric_text(high, metric, language), language)


def bracketed(low: str, high: str, language: Language) -> str:
    """The interval from one number to another, both as text."""
    return language.say("[{low}, {high}]", low=low, high=high).replace(" ", "\u00a0")


def difference_text(value: Any, metric: Metric, language: Language) -> str:
    """A difference with its sign; of percentages, in points."""
    if not is_known(value):
        return NONE
    text = metric_text(abs(value), metric, language)
    return ("−" if value < 0 and text.strip("0.,") else "+") + text


def p_text(value: Any, language: Language) -> str:
    """A p-value with two digits, or a bound when it is tiny."""
    if not is_known(value):
        return NONE
    if value < SMALLEST_P:
        return "< " + language.number(SMALLEST_P, 4)
    return language.significant(value, 2, padded=True)


def p_phrase(value: Any, language: Language) -> str:
    """`p = 0.037`, or `p < 0.0001`."""
    text = p_text(value, language)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def amount_text(value: Any, language: Language, digits: int = 1, times: float = 1) -> str:
    """A value, multiplied by `times`, with so many decimals."""
    return language.number(times * value, digits) if is_known(value) else NONE


percent_text = partial(amount_text, times=100)


def whole_text(value: Any, language: Language) -> str:
    """A value without its decimals."""
    return language.whole(int(value)) if is_known(value) else NONE


def even_text(values: Iterable[Any]) -> Callable[[Any, Language], str]:
    """How to write the numbers of a column: all with the decimals that show two digits of the smallest, three at least
    of the largest."""
    sizes = [abs(value) for value in values if is_known(value) and value]
    digits = max(1 - _power(min(sizes)), 2 - _power(max(sizes)), 0) if sizes else 0
    return partial(amount_text, digits=min(digits, MOST_DECIMALS))


def metric_style(metric: Metric, values: Iterable[Any] = ()) -> Callable[[Any, Language], str]:
    """How to write a metric in a column of these values: losses with as many decimals in all of them."""
    if metric.percent or not (known := list(values)):
        return lambda value, language: metric_text(value, metric, language)
    return even_text(known)


def _power(value: float) -> int:
    """Of ten, in a number's first digit: 2 of 123.4, -2 of 0.0123."""
    return math.floor(math.log10(value)) if math.isfinite(value) else 0


def duration_text(seconds: float, language: Language) -> str:
    """A duration in seconds, minutes or hours, with its unit."""
    if seconds < 120:
        return language.say("{amount} s", amount=language.significant(seconds))
    if seconds < 7200:
        return language.say("{amount} min", amount=language.number(seconds / 60, 1))
    return language.say("{amount} h", amount=language.number(seconds / 3600, 1))
