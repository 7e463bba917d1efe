"""The plugin file of a run's model, found again. A result knows its name and its checksum, not its folder."""

from collections.abc import Sequence
from pathlib import Path

from bakeoff.errors import BakeoffError
from bakeoff.models.registry import MODELS, split_name
from bakeoff.results.trained_runs import TrainedRun
from bakeoff.study.plugin_files import checksum, declared_in, load_plugins


def load_plugin_of(run: TrainedRun, model: str, given: Sequence[Path] = ()) -> None:
    """Import the file that registers `model`, where it is a plugin's: one of those `given`, else one of the run's name
    and content in the present folder or in that of results/.

    Raises BakeoffError where there is none.
    """
    if model in MODELS or split_name(model)[0] is not None:
        return
    for path in given:
        if any(item.kind == "model" and item.name == model for item in declared_in(path)):
            load_plugins([str(path)])
            return
    known = dict(run.result.spec.get("plugins", {}))
    above = run.paths.folder.absolute().parents
    places = list(dict.fromkeys([Path.cwd(), *above[7:8]]))
    found = [place / name for place in places for name in known if (place / name).is_file()]
    for path in found:
        if checksum(path) == known[path.name] and any(item.name == model for item in declared_in(path)):
            load_plugins([str(path)])
            return
    names = " or ".join(known) or "a plugin file"
    where = " or ".join(map(str, [*given] or places))
    changed = f"; {found[0]} has changed since the run was trained" if found and not given else ""
    raise BakeoffError(
        f"{run.result.run.key}: its model {model!r} is registered by {names}, which is not in {where}{changed}; name "
        "the file: --plugin FILE, or in Python plugins=[FILE]"
    )
