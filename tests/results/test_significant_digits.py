"""Numbers are written with the digits that mean something, and no others."""

import math

import pandas as pd
import pytest

from bakeoff.results.significant_digits import rounded, rounded_table


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.1 + 0.2, 0.3),
        (-0.10299000494133898, -0.1029900049),
        (1234.56789012345, 1234.567890),
        (138_357_544.0, 138_357_544.0),
        (98_765_432_101.7, 98_765_432_102.0),  # no digit before the point is lost
        (3.4567890123456e-6, 3.456789e-6),
        (-1e-17, 0.0),
        (math.inf, math.inf),
    ],
)
def test_ten_digits_are_kept_and_what_is_next_to_nothing_is_zero(value: float, written: float) -> None:
    assert str(rounded(value)) == str(written)


def test_neighbours_of_a_number_are_written_alike() -> None:
    for value in (1 / 3, 0.8666666666666667, 5e-9, 12345.678):
        near = [value, math.nextafter(value, 1e9), math.nextafter(value, -1e9), value + 1e-15]
        assert len({rounded(each) for each in near}) == 1


def test_a_table_keeps_what_is_no_fraction_and_small_p_values() -> None:
    table = pd.DataFrame({
        "name": ["a", "b"], "count": pd.array([12_345_678_901, None], "Int64"), "score": [1 / 3, 1e-20],
        "mean": pd.array([0.1 + 0.2, None], "Float64"), "p": [1e-20 / 3, math.nan], "right": [True, False],
    })  # fmt: skip
    found = rounded_table(table, tiny={"p"})
    assert found.to_csv(index=False).split() == [
        "name,count,score,mean,p,right",
        "a,12345678901,0.3333333333,0.3,3.333333333e-21,True",
        "b,,0.0,,,False",
    ]
