"""Runs trained in the process of the tests."""

from bakeoff.jobs.handover import finish
from bakeoff.study.specification import Specification
from bakeoff.training.attempt import Place
from bakeoff.training.run import train_locked


def train_run(specification: Specification, place: Place) -> None:
    """Train a run to the end and write its four outputs, unless they are there; raises what `train_locked` does."""
    finish(specification, place.layout.run(specification.run), lambda: train_locked(specification, place))
