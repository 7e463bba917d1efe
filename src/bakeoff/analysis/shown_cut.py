"""Of a dataset that is split repeatedly, what is about single test images is shown for its first cut."""

import pandas as pd

from bakeoff.analysis.statistics import read_statistics
from bakeoff.analysis.tables.of_predictions import PREDICTION_TABLES
from bakeoff.study.paths import Layout
from bakeoff.study.study import Study

OF_RUNS = "answers"  # this table is about each run, whichever its cut
OF_IMAGES = [table.name for table in PREDICTION_TABLES if table.name != OF_RUNS]


def shown_cut(study: Study, dataset: str) -> str:
    """The dataset whose images are shown for one that the study names: the first of its cuts, or itself."""
    return next((cut.name for cut in study.cuts.values() if cut.of == dataset), dataset)


def read_shown(study: Study, layout: Layout, name: str) -> pd.DataFrame:
    """A table of the statistics; one about images has the first cut of each dataset, under the dataset's name."""
    table = read_statistics(layout, name)
    if not study.cuts or name not in OF_IMAGES:
        return table
    others = [cut.name for cut in study.cuts.values() if cut.number > 1]
    names = {cut.name: cut.of for cut in study.cuts.values()}
    return table[~table["dataset"].isin(others)].replace({"dataset": names}).reset_index(drop=True)
