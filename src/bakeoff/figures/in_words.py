"""What figures show, in words, for those who see only the names of their files."""

TITLES = {
    "comparison": "Test scores, ranked",
    "learning_curves": "Learning curves",
    "curves": "Learning curve of one experiment",
    "factor_effects": "What each choice does to the score",
    "variance_shares": "What each choice explains of the variance",
    "critical_difference": "Average ranks over datasets",
    "performance_profiles": "How often each comes close to the best",
    "class_scores": "Scores of each class",
    "confusion": "Confusion matrix of the best",
    "confused_pairs": "Images of the most confused pairs",
    "hardest_images": "Hardest images",
    "reliability": "How true predicted probabilities are",
    "precision_recall": "Precision against recall",
    "samples": "Training images",
    "classes": "Images per class",
    "augmentation": "Images before and after augmentation",
    "race": "Seeds until decided",
    "tuning_curve": "Best score by tuning budget",
    "learning_rate": "Scores by learning rate",
    "trials": "Trials of tuning",
}


def in_words(name: str) -> str:
    """What a figure shows, by the name of its file without suffix: `confusion_digits` → `Confusion matrix of the best:
    digits`. An unknown name is told as it is written."""
    folder, _, rest = name.rpartition("/")
    known = folder if folder in TITLES else max((key for key in TITLES if rest.startswith(key)), key=len, default="")
    if not known:
        return name.replace("_", " ").capitalize()
    of = rest if folder in TITLES else rest.removeprefix(known)
    of = of.strip("_").replace("__", " · ")
    return f"{TITLES[known]}: {of}" if of else TITLES[known]
