"""Figures are told in words."""

import pytest

from bakeoff.figures.in_words import in_words


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("confusion_digits", "Confusion matrix of the best: digits"),
        ("curves/digits__cnn__adam__plain", "Learning curve of one experiment: digits · cnn · adam · plain"),
        ("learning_curves_my_data", "Learning curves: my_data"),
        ("variance_shares", "What each choice explains of the variance"),
        ("macro_f1_vs_time", "Macro f1 vs time"),
    ],
)
def test_a_name_of_a_file_is_told(name: str, said: str) -> None:
    assert in_words(name) == said
