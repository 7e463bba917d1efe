"""What a person would have meant by a name that there is not."""

import difflib
import re
from collections.abc import Iterable

# What others call it, in lower case → what it is called here.
SYNONYMS = {
    "acc": "accuracy",
    "acc1": "accuracy",
    "top1": "accuracy",
    "acc5": "top5_accuracy",
    "f1": "macro_f1",
    "map": "mean_average_precision",
    "bs": "batch_size",
    "weight": "class_weights",
    "weights": "class_weights",
    "learning_rate": "lr",
    "wd": "weight_decay",
    "scheduler": "schedule",
    "transforms": "augment",
    "smoothing": "label_smoothing",
    "grad_clip": "clip_grad_norm",
    "clip_norm": "clip_grad_norm",
    "amp": "precision",
    "dtype": "precision",
    "patience": "early_stopping",
    "init": "init_from",
    "criterion": "loss",
    "val": "validation",
}
FEWEST_LETTERS = 3  # of a name that may be the beginning of another


def guess(name: object, allowed: Iterable[str]) -> str | None:
    """The allowed name that is most likely meant: by a synonym, a slip, a beginning, or its words in another order."""
    wanted = _plain(name)
    names = {_plain(candidate): candidate for candidate in sorted(allowed, reverse=True)}  # MixUp rather than Mixup
    if SYNONYMS.get(wanted) in names:
        return names[SYNONYMS[wanted]]
    slips = {candidate: distance(wanted, candidate) for candidate in names}
    near = sorted(
        (candidate for candidate in names if slips[candidate] <= max(1, len(wanted) // 4)),
        key=lambda candidate: (slips[candidate], candidate[:1] != wanted[:1], candidate),
    )
    slip = [candidate for candidate in near if slips[candidate] <= 1]
    begun = [candidate for candidate in names if len(wanted) >= FEWEST_LETTERS and candidate.startswith(wanted)]
    turned = [candidate for candidate in names if _words(candidate) == _words(wanted)]
    similar = difflib.get_close_matches(wanted, list(names), n=1)
    found = (*slip, *turned, *sorted(begun, key=len), *near, *similar)
    return names[found[0]] if found else None


def distance(one: str, other: str) -> int:
    """The fewest letters to add, to drop, to replace or to swap with a neighbour that make one text the other.

    The optimal string alignment distance: L. Boytsov, Indexing methods for approximate dictionary searching, ACM
    Journal of Experimental Algorithmics 16 (2011), section 2.2.
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        before, above, row = row, before, [i]
        for j, against in enumerate(other, start=1):
            best = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != against))
            if i > 1 and j > 1 and (letter, one[i - 2]) == (other[j - 2], against):
                best = min(best, above[j - 2] + 1)
            row.append(best)
    return row[-1]


def _plain(name: object) -> str:
    return str(name).strip().lower()


def _words(name: str) -> list[str]:
    return sorted(filter(None, re.split(r"[\W_]+", name)))
