"""What an outlet is: one way to give finished results to another tool."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

from bakeoff.errors import BakeoffError
from bakeoff.outlets.records import Exported, StudyRecords


@dataclass(frozen=True)
class Outlet:
    """`export(records, place)` writes what is not there yet. `module` is what it imports, and `extra` what pip installs
    for that; None where nothing is needed. `place` says what a place is, `then` what to do next: {place} is filled in.
    """

    name: str
    description: str
    place: str
    export: Callable[[StudyRecords, str], Exported]
    then: str
    module: str | None = None
    extra: str | None = None


def check_installed(outlet: Outlet) -> None:
    """Raise BakeoffError, which says what to install, where the outlet's package is missing."""
    if outlet.module is not None and find_spec(outlet.module) is None:
        raise BakeoffError(
            f"export {outlet.name}: the package {outlet.module} is not installed; pip install 'bakeoff[{outlet.extra}]'"
        )
