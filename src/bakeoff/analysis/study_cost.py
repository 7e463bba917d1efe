"""The total cost of a study: its finished runs, and the features that they share."""

import json
from dataclasses import dataclass
from pathlib import Path

from bakeoff.results.aggregation import TOTALS
from bakeoff.results.summary_tables import Tables
from bakeoff.study.specification import features_folder
from bakeoff.study.study import Study


@dataclass(frozen=True)
class StudyCost:
    """Sums over finished runs, whatever their status. `energy_runs` of them measured their energy.

    `features` folders of frozen backbones' outputs took `features_seconds` to compute, each counted once.
    """

    runs: int
    training_seconds: float
    cpu_seconds: float
    gpu_seconds: float
    energy_kwh: float
    energy_runs: int
    features: int
    features_seconds: float


def study_cost(study: Study, tables: Tables) -> StudyCost:
    """The cost of the runs in the summary. Costs that older results do not record count as zero."""
    finished = tables.runs[tables.runs["status"] != "missing"]
    folders = filter(None, dict.fromkeys(features_folder(study, cell) for cell in study.cells))
    features = [seconds for folder in folders if (seconds := _seconds_of(folder)) is not None]
    return StudyCost(
        runs=len(finished),
        **{total: float(finished[total].sum()) for total in TOTALS},
        energy_runs=int(finished["energy_kwh"].count()),
        features=len(features),
        features_seconds=sum(features),
    )


def _seconds_of(folder: Path) -> float | None:
    """How long the features in a folder took to compute; None if there are none, or their card is damaged."""
    try:
        return float(json.loads((folder / "card.json").read_text(encoding="utf-8"))["seconds"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
