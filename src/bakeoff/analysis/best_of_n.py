"""What the best of n trials scores, expected over all choices of n among those that were tried.

The unbiased estimator of R. Tang et al., Showing Your Work Doesn't Always Work, ACL 2020: each trial has the
probability that it is the best of n drawn without replacement. J. Dodge et al., Show Your Work, EMNLP 2019, which draws
with replacement, is biased.
"""

from collections.abc import Sequence
from math import comb


def expected_best(scores: Sequence[float], n: int) -> float:
    """The mean, over all subsets of `n` trials, of the score of the subset's best trial.

    `scores` are those of the trials from the best to the worst. They may be other scores than those that order the
    trials: test scores, of the trials that validation would choose.
    """
    total = comb(len(scores), n)
    # The trial at a rank is the best of those subsets whose others stand behind it.
    return sum(comb(len(scores) - 1 - rank, n - 1) * score for rank, score in enumerate(scores)) / total
