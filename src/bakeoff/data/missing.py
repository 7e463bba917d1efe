"""What is wrong with the datasets of a study and can be said before any is read: in a moment, without torch."""

from pathlib import Path

from bakeoff.data.card import CARD, DamagedData, read_card
from bakeoff.data.duplicates import judge
from bakeoff.data.loading import check_dataset
from bakeoff.data.sources.registry import SOURCES
from bakeoff.errors import BakeoffError, under
from bakeoff.study.specification import specify_dataset
from bakeoff.study.study import Study


def missing_files(study: Study) -> list[BakeoffError]:
    """A problem for each dataset that is not prepared and cannot be, since a folder or a table is not there. What all
    cuts of a dataset have is said once.

    So are arguments that cannot work, where torchvision need not be asked, and prepared data that share images between
    splits though the study says `duplicates: error`.
    """
    problems = dict[str, BakeoffError]()
    for name in study.datasets:
        try:
            check_files(study, name)
        except BakeoffError as problem:
            problems.setdefault(str(problem), problem)
    return list(problems.values())


def check_files(study: Study, name: str) -> None:
    """Raise BakeoffError for what `missing_files` says of one dataset."""
    specification, entry = specify_dataset(study, name), study.datasets[name]
    if (specification.folder / CARD).exists():
        if entry.duplicates == "error":
            with under("datasets", specification.entry_name):
                _check_card(specification.folder, name)
        return
    if any(item.kind == "source" and item.name == entry.source for item in study.declarations):
        return  # a plugin's, which is not imported here
    source = SOURCES.get(entry.source)
    if source is None or not source.asks_torch:
        check_dataset(specification)
    with under("datasets", specification.entry_name):
        if source is not None and (message := source.missing(specification.root, entry.arguments)) is not None:
            raise BakeoffError(message)


def _check_card(folder: Path, name: str) -> None:
    """Snakemake prepares nothing again for `duplicates: error`, as no array changes: what the card says must do."""
    try:
        card = read_card(folder)
    except DamagedData:  # the data are prepared again
        return
    if "duplicates" not in card:
        raise BakeoffError(
            f"{folder / CARD} does not say yet which images two splits share; run `bakeoff prepare STUDY {name}`",
            ["duplicates"],
        )
    judge(card["duplicates"], "error", name)
