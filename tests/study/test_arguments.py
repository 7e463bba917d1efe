import pytest

from bakeoff.errors import BakeoffError
from bakeoff.study.arguments import check_arguments, nearest


def some_function(given, lr, momentum=0.9, *, nesterov=False):
    pass


def open_function(lr, **others):
    pass


def test_right_arguments_pass():
    check_arguments(some_function, {"lr": 1, "nesterov": True}, "here", ignore=frozenset({"given"}))
    check_arguments(open_function, {"lr": 1, "anything": 2}, "here")
    check_arguments(dict, {"lr": 1}, "here")  # has no signature


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ({"lr": 1, "momentm": 0}, ["here", "'momentm'", "did you mean 'momentum'", "lr, momentum, nesterov"]),
        ({"momentum": 1}, ["here", "missing 'lr'", "given: momentum"]),
        ({"lr": 1, "given": 2}, ["unknown argument 'given'"]),
    ],
)
def test_wrong_arguments_are_named(arguments, parts):
    with pytest.raises(BakeoffError) as error:
        check_arguments(some_function, arguments, "here", ignore=frozenset({"given"}))
    assert all(part in str(error.value) for part in parts)


def test_nearest_ignores_case_and_may_find_nothing():
    assert nearest("SDG", ["sgd", "adam"]) == "did you mean 'sgd'? allowed: adam, sgd"
    assert nearest("zzz", ["sgd"]) == "allowed: sgd"
    assert nearest("zzz", []) == "allowed: nothing"
