"""How many different answers runs give: one that says the same of every image has learnt nothing about them."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bakeoff.analysis.mistakes import joined
from bakeoff.results.predictions import ClassPredictions, Predictions


def answers_table(predictions: Predictions, names: Sequence[str]) -> pd.DataFrame:
    """One row per run: how many different answers it gives to the test images, and its most frequent answer.

    An answer is a class; of multi-label data, all labels that it predicts at a probability of 0.5.
    """
    rows = []
    for run, seed in enumerate(predictions.seeds):
        if isinstance(predictions, ClassPredictions):
            found, counts = np.unique(predictions.predicted[run], return_counts=True)
            most = names[int(found[counts.argmax()])]
        else:
            found, counts = np.unique(predictions.logits[run] >= 0, axis=0, return_counts=True)
            most = joined(names, found[counts.argmax()])
        rows.append({"seed": seed, "answers": len(found), "answer": most, "share": counts.max() / counts.sum()})
    return pd.DataFrame(rows)
