"""The tables about each experiment's predictions of the test images.

Their functions are called for each experiment with a completed run, and return rows without the experiment's four
columns. A parameter gets the field of that name of `experiment_analysis.PredictionInputs`.
"""

from bakeoff.analysis.tables.table import EXPERIMENT, Column, Table, interval, mean_over_runs, text
from bakeoff.study.metrics import MULTI_CLASS, MULTI_LABEL

CLASS_OR_ALL = text("class", "class; empty for all labels together")
CONFUSION = (
    *EXPERIMENT,
    text("true", "true class"),
    text("predicted", "predicted class"),
    Column("images", "test images of the true class that a run takes for the predicted class: mean over runs"),
    Column("share", "`images` as a share of all test images of the true class"),
)

PREDICTION_TABLES = (
    Table(
        "answers",
        row="completed run",
        says="how many different answers it gives to the test images, and the most frequent of them",
        function="answers:answers_table",
        columns=(
            *EXPERIMENT,
            Column("seed", "seed of the run"),
            Column(
                "answers", "different answers: classes; of multi-label data, sets of labels at a probability of 0.5"
            ),
            text("answer", "the most frequent answer; empty where that is no label"),
            Column("share", "share of test images that get it"),
        ),
    ),
    Table(
        "ensembles",
        row="metric of an experiment",
        says="what averaging the probabilities of an experiment's seeds brings: the ensemble beside its members",
        function="ensembles:ensembles_table",
        columns=(
            *EXPERIMENT,
            text("metric", "metric, of those that are computed from the predictions of any images"),
            Column("runs", "completed runs, at least two: the members"),
            Column("mean", "test score: mean over the runs"),
            Column("ensemble", "test score of the ensemble, whose probabilities are the mean of the runs'"),
            Column("difference", "`ensemble` minus `mean`"),
            *interval("", "its 95 % interval on other test images, with these very networks"),
        ),
    ),
    Table(
        "classes",
        row="class of an experiment",
        says="precision, recall and F1, for multi-label data also average precision: mean and deviation over runs",
        function="classes:classes_table",
        columns=(
            *EXPERIMENT,
            text("class", "class"),
            Column("images", "test images of the class"),
            *mean_over_runs("precision", "precision"),
            *mean_over_runs("recall", "recall"),
            *mean_over_runs("f1", "F1"),
            *mean_over_runs("average_precision", "average precision (multi-label data)"),
        ),
    ),
    Table(
        "confusion",
        row="true and predicted class of an experiment",
        says="the confusion matrix without its empty cells; no matrix above 50 classes",
        function="mistakes:confusion_table",
        columns=CONFUSION,
        tasks=MULTI_CLASS,
    ),
    Table(
        "confused_pairs",
        row="true and predicted class of an experiment",
        says="its 20 most frequent mistakes, with test images as examples",
        function="mistakes:confused_pairs_table",
        columns=(*CONFUSION, text("examples", "up to five test images that the most runs confuse, as numbers of rows")),
        tasks=MULTI_CLASS,
    ),
    Table(
        "hardest_images",
        row="test image of an experiment; or of a dataset, which then names no architecture",
        says="the 20 test images with the highest loss",
        function="mistakes:hardest_images_table",
        columns=(
            *EXPERIMENT,
            Column("image", "row of the image in the prepared test split (`test_images.npy`)"),
            text("label", "true class, or the labels of a multi-label image"),
            text("predicted", "what most runs predict, for a dataset those of all its experiments"),
            Column("sure", "mean probability that these runs give it; empty for multi-label data"),
            Column("loss", "loss in nats: mean over runs, for a dataset over its experiments"),
            Column("wrong", "share of runs that have it wrong"),
        ),
    ),
    Table(
        "calibration",
        row="experiment",
        says="the expected calibration error, beside that of a calibrated model, and the Brier score",
        function="calibration:calibration_table",
        columns=(
            *EXPERIMENT,
            Column("runs", "completed runs"),
            *mean_over_runs("expected_calibration_error", "expected calibration error over 15 bins"),
            Column("calibrated_error", "what a perfectly calibrated model with the same probabilities would show"),
            *mean_over_runs("brier", "Brier score: squared distance of the probabilities from the truth"),
            Column("overconfidence", "mean probability of what is predicted, minus the share that is right"),
        ),
    ),
    Table(
        "reliability",
        row="bin of an experiment's predicted probabilities",
        says="15 bins of predicted probability and how often they come true; bins of few predictions are joined",
        function="calibration:reliability_table",
        columns=(
            *EXPERIMENT,
            *interval("", "the bin"),
            Column("predictions", "predictions in the bin: mean over runs"),
            Column("probability", "their mean probability"),
            Column("observed", "share of them that is true"),
            *interval("observed_", "its 95 % interval (Wilson), as if one run had made them"),
        ),
    ),
    Table(
        "precision_recall",
        row="class and recall of an experiment",
        says="multi-label data: precision at 101 levels of recall; above 20 classes only for all labels together",
        function="precision_recall:precision_recall_table",
        columns=(
            *EXPERIMENT,
            CLASS_OR_ALL,
            Column("recall", "recall"),
            Column("precision", "precision at the highest threshold that reaches the recall: mean over runs"),
        ),
        tasks=MULTI_LABEL,
    ),
    Table(
        "thresholds",
        row="class of an experiment",
        says="multi-label data: the thresholds that validation chose",
        function="precision_recall:thresholds_table",
        columns=(*EXPERIMENT, CLASS_OR_ALL, *mean_over_runs("threshold", "threshold of the probability")),
        tasks=MULTI_LABEL,
    ),
)
