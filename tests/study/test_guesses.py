"""What is guessed for a name that there is not."""

import pytest

from bakeoff.study.entries import Recipe
from bakeoff.study.guesses import distance, guess
from bakeoff.study.metrics import METRICS

OPTIMIZERS = ["adanw", "adan", "adam", "adamax", "adamp", "AdamW", "Adam", "SGD", "sgdw", "RMSprop", "rmsproptf"]


@pytest.mark.parametrize(
    ("name", "allowed", "meant"),
    [
        ("AdmaW", OPTIMIZERS, "AdamW"),
        ("adam ", OPTIMIZERS, "Adam"),
        ("Adam_W", OPTIMIZERS, "AdamW"),
        ("SDG", OPTIMIZERS, "SGD"),
        ("f1_macro", METRICS, "macro_f1"),
        ("macro-f1", METRICS, "macro_f1"),
        ("f1", METRICS, "macro_f1"),
        ("acc", METRICS, "accuracy"),
        ("mAP", METRICS, "mean_average_precision"),
        ("top5", METRICS, "top5_accuracy"),
        ("bs", Recipe.model_fields, "batch_size"),
        ("n_epochs", Recipe.model_fields, "epochs"),
        ("augmentations", Recipe.model_fields, "augment"),
        ("scheduler", Recipe.model_fields, "schedule"),
        ("weight", ["class_weights", "name"], "class_weights"),
        ("vit_base_patch16", ["samvit_base_patch16", "vit_base_patch16_224"], "vit_base_patch16_224"),
        ("zzz", OPTIMIZERS, None),
        ("sgd", [], None),
    ],
)
def test_the_guess_is_a_persons(name: str, allowed: list[str], meant: str | None) -> None:
    assert guess(name, allowed) == meant


@pytest.mark.parametrize(
    ("one", "other", "steps"),
    [("", "abc", 3), ("kitten", "sitting", 3), ("ab", "ba", 1), ("ca", "abc", 3), ("same", "same", 0)],
)
def test_the_distance_counts_neighbours_that_changed_places_as_one(one: str, other: str, steps: int) -> None:
    """ "ca" and "abc" tell it from the distance of Damerau and Levenshtein, which is 2."""
    assert distance(one, other) == distance(other, one) == steps
