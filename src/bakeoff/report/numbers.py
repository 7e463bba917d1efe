"""Numbers as text, for tables and sentences."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from bakeoff.language import Language
from bakeoff.study.metrics import Metric

NONE = "–"
PERCENT = "\u00a0%"
SMALLEST_P = 0.0001


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


def interval_text(row: Mapping[str, Any], score: str, metric: Metric, language: Language, unit: bool = False) -> str:
    """The 95 % interval of the mean of a `score` in a row of the summary."""
    return mean_range_text(row[f"{score}_low"], row[f"{score}_high"], metric, language, unit)


def mean_range_text(low: Any, high: Any, metric: Metric, language: Language, unit: bool = False) -> str:
    """The interval of a mean; of percentages, the part between 0 and 100."""
    if metric.percent and is_known(low):
        low, high = max(0.0, low), min(1.0, high)
    return range_text(low, high, metric, language, unit)


def range_text(low: Any, high: Any, metric: Metric, language: Language, unit: bool = False) -> str:
    """An interval from one value of a metric to another."""
    if not is_known(low):
        return NONE
    return f"{metric_text(low, metric, language)} – {metric_text(high, metric, language, unit)}"


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


def seconds_text(value: Any, language: Language) -> str:
    """Seconds for a table, with at least three significant digits."""
    if not is_known(value):
        return NONE
    return language.number(value, sum(value < limit for limit in (99.95, 9.995, 0.9995)))


def duration_text(seconds: float, language: Language) -> str:
    """A duration in seconds, minutes or hours, with its unit."""
    if seconds < 120:
        return language.say("{amount} s", amount=language.significant(seconds))
    if seconds < 7200:
        return language.say("{amount} min", amount=language.number(seconds / 60, 1))
    return language.say("{amount} h", amount=language.number(seconds / 3600, 1))
