"""The influence of test images on a metric that a plugin defines: what verdicts about other images rest on.

Bakeoff's own metrics have formulas (analysis/test_set_error.py). A plugin's metric is a function of a whole split, so
it is called on the split without some of its images (the delete-a-group jackknife: Quenouille 1956, Efron 1982), unless
the plugin gives a function of its own.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from bakeoff.errors import BakeoffError
from bakeoff.results.predictions import Floats
from bakeoff.study import plugin_files

GROUPS = 200  # calls of the metric; with fewer images, each is a group


def influence_of(metric: str, compute: Callable[[Tensor, Tensor], float], logits: Tensor, labels: Tensor) -> Floats:
    """Influences float64 [M] on a plugin's metric of test logits [N, classes] and labels: of N images, or of M groups.

    NaN where the metric has no value without a group. Raises BakeoffError where a plugin's own influences are not one
    number for each image.
    """
    logits = logits.float()
    if own := plugin_files.REGISTRIES["influence"].get(metric):
        found = np.asarray(own.build(logits, labels), dtype=float)
        if found.shape != (len(logits),):
            raise BakeoffError(
                f"influence {metric} (a plugin) gives shape {found.shape}; one number for each of {len(logits)} images "
                "is wanted"
            )
        return found
    groups = min(GROUPS, len(logits))
    place = torch.arange(len(logits), device=logits.device) % groups
    without = np.array([compute(logits[place != group], labels[place != group]) for group in range(groups)], float)
    return (groups - 1) / groups * (without.mean() - without)
