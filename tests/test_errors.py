"""An error knows the keys that it is about; whoever catches it knows more of them."""

import pickle

import pytest

from bakeoff.errors import BakeoffError, first_line, under
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


def test_the_first_line_of_an_exception_or_its_type() -> None:
    assert first_line(ValueError("one\ntwo")) == "one"
    assert first_line(ValueError()) == "ValueError"
