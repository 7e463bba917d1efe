"""An error knows the keys that it is about; whoever catches it knows more of them."""

import pickle

import pytest

from bakeoff.errors import BakeoffError, first_line, place_as_keys, under
from bakeoff.study.study import StudyError


def test_keys_are_said_once_from_the_outside_in() -> None:
    with pytest.raises(StudyError) as caught, under("recipes", "plain"), under("augment", 0):
        raise StudyError("found 3", ["size"])
    assert str(caught.value) == "recipes.plain.augment.0.size: found 3"
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_without_keys_the_message_stands_alone() -> None:
    assert str(BakeoffError("found 3")) == "found 3"


def test_other_exceptions_pass() -> None:
    with pytest.raises(ZeroDivisionError), under("recipes"):
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("datasets.my.data: is empty", "datasets.my.data: is empty"),
        ("datasets.my.data.per_class.test: too many", "datasets.my.data.per_class.test: too many"),
        ("datasets.my.data (CIFAR10): unknown argument", "datasets.my.data: CIFAR10: unknown argument"),
        ("a/b.csv:3: there is no image", "datasets.my.data: a/b.csv:3: there is no image"),
        ("datasets.my.database: is another", "datasets.my.data: datasets.my.database: is another"),
    ],
)
def test_a_place_in_a_message_is_not_said_twice(message: str, said: str) -> None:
    with pytest.raises(BakeoffError) as caught, under("datasets", "my.data"), place_as_keys("datasets.my.data"):
        raise BakeoffError(message)
    assert str(caught.value) == said


def test_the_first_line_of_an_exception_or_its_type() -> None:
    assert first_line(ValueError("one\ntwo")) == "one"
    assert first_line(ValueError()) == "ValueError"
