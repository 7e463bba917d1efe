"""The seeds with which experiments were compared before: what makes a study with added seeds err more often."""

import pandas as pd

from bakeoff.jobs.seed_lists import SeedList
from bakeoff.study.race_rules import FEWEST_SEEDS


def seed_lists_table(earlier_seeds: list[SeedList], comparisons: pd.DataFrame) -> pd.DataFrame:
    """One row for each list of seeds, the first first; none where the study is too small to give a verdict now."""
    if not (comparisons["seeds"] >= FEWEST_SEEDS).any():
        return pd.DataFrame()
    lists = dict.fromkeys(item.seeds for item in earlier_seeds)
    return pd.DataFrame([{"count": len(seeds), "seeds": " ".join(map(str, seeds))} for seeds in lists])
