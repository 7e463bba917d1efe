"""How many digits of a number are written: those that mean something.

The last bits of a sum, a logarithm or a solved system depend on the processor, because libraries add in another order
where there are other instructions. Files of the same results are the same everywhere if these bits are not in them.
"""

import math
from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

DIGITS = 10  # significant ones
DECIMALS = 12  # scores that differ by less are equal but for rounding, and what is smaller is zero


def rounded(value: float, tiny: bool = False) -> float:
    """The number with 10 significant digits, but with all that stand before the point; 12 decimals at most, unless it
    means something however `tiny` it is."""
    if not math.isfinite(value):
        return value
    significant = float(f"{value:.{DIGITS - 1}e}") if abs(value) < 10**DIGITS else float(round(value))
    return significant if tiny else round(significant, DECIMALS) + 0.0  # not -0.0


def rounded_table(table: "pd.DataFrame", tiny: Collection[str] = ()) -> "pd.DataFrame":
    """The table with its fractions rounded; those in the columns `tiny` mean something however small they are."""
    fractions = {name: column for name, column in table.items() if column.dtype.kind == "f"}
    return table.assign(**{
        str(name): [rounded(value, name in tiny) for value in column.to_numpy(float, na_value=math.nan)]
        for name, column in fractions.items()
    })  # fmt: skip
