"""The study that the content of a study file means, before it is checked as a whole."""

from collections.abc import Mapping
from typing import Any

from bakeoff.study.smoke import smoke_form
from bakeoff.study.study import Study


def understood(config: Mapping[str, Any]) -> Study:
    """The study, shrunk where it says `smoke: true`. Raises pydantic's ValidationError, and BakeoffError for spaces."""
    study = Study.model_validate(dict(config))
    if study.smoke:
        small = Study.model_validate(smoke_form(study.model_dump(exclude_unset=True)))
        return small.keeping(study.spaces, study.written)
    return study
