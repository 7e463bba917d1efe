"""The tables about tuning: empty where a study has no `tuning`. They are made as the tables about a whole study are."""

from bakeoff.analysis.tables.table import EXPERIMENT, Column, Table, interval, text

TUNING_TABLES = (
    Table(
        "tuning_trials",
        row="trial of an experiment",
        says="every trial: its values, how it ended, and its scores; none of them is an evaluation run",
        function="tuning_tables:tuning_trials_table",
        columns=(
            *EXPERIMENT,
            text("trial", "name of the trial, its folder in results/<study>/trials/<experiment>"),
            Column("tuning_study", "its tuning study, from 1; 0 for the default values, which all have"),
            text("values", "its values, as JSON"),
            text("status", "`completed`, or how the first of its runs ended that did not complete"),
            Column("until", "the epoch up to which it was to train: fewer than others' where it was left behind"),
            Column("epochs", "epochs that it trained, over its seeds"),
            Column("validation", "validation score at the chosen epoch: mean over tuning seeds, if all completed"),
            Column("test", "test score: likewise; it plays no part in the choice"),
            Column("seconds", "seconds of training, over its seeds"),
            Column("rank", "rank by validation score in its tuning study; 1 is best"),
            Column("chosen", "whether the evaluation runs have its values"),
        ),
    ),
    Table(
        "tuning_values",
        row="tuned hyper-parameter of an experiment",
        says="the values that validation chose, and whether they lie at the edge of their space",
        function="tuning_tables:tuning_values_table",
        columns=(
            *EXPERIMENT,
            text("hyperparameter", "its place in the study: `optimizers.sgd.lr`"),
            text("space", "the space"),
            text("default", "the default value"),
            text("chosen", "the chosen value"),
            text(
                "edge",
                "`low` or `high` in the outer 5 % of its range, or outermost of numbers; empty otherwise, and at 0",
            ),
        ),
    ),
    Table(
        "tuning_gain",
        row="tuned experiment that was evaluated with its default values, too",
        says="what tuning changes: the test score with chosen and with default values, seed by seed",
        function="tuning_tables:tuning_gain_table",
        columns=(
            *EXPERIMENT,
            Column("runs", "seeds of which both runs completed"),
            Column("default_diverged", "runs with default values that did not complete"),
            Column("default", "mean test score with default values, over these seeds"),
            Column("tuned", "mean test score with chosen values"),
            Column("difference", "`tuned` minus `default`: mean over seeds"),
            *interval("", "its 95 % t-interval over seeds"),
        ),
    ),
    Table(
        "tuning_curve",
        row="experiment and number of trials",
        says="the expected score of the best of so many trials, by the unbiased estimator, and what they cost; "
        "empty where trials are halved",
        function="tuning_tables:tuning_curve_table",
        columns=(
            *EXPERIMENT,
            Column("trials", "number n of trials"),
            Column("validation", "validation score of the best of n trials: mean over all choices of n of those tried"),
            Column("test", "test score of the trial that validation chooses among n: likewise"),
            Column("seconds", "seconds of training that n trials take on average"),
        ),
    ),
    Table(
        "tuning_leaders",
        row="dataset, cost, and stretch of it over which one experiment leads",
        says="from which budget on the ranking turns, by expected validation scores",
        function="tuning_tables:tuning_leaders_table",
        columns=(
            text("dataset", "the dataset"),
            text("cost", "`trials`, or `seconds` of training"),
            Column("from", "the least budget of the stretch"),
            Column("to", "the largest budget of the stretch"),
            text("leader", "the experiment with the best expected validation score"),
        ),
    ),
    Table(
        "tuning_sensitivity",
        row="experiment whose learning rate is tuned",
        says="how much the score depends on the learning rate, with all else that is tuned",
        function="tuning_tables:tuning_sensitivity_table",
        columns=(
            *EXPERIMENT,
            text("hyperparameter", "the learning rate's place in the study"),
            Column("trials", "trials, of all tuning studies"),
            Column("without_score", "those that did not complete; they count as the worst that did"),
            Column("best", "the best validation score"),
            Column("shortfall", "how much worse than `best` a trial is: mean over trials"),
            Column("good_low", "lowest learning rate among the best quarter of the trials"),
            Column("good_high", "highest learning rate among them"),
        ),
    ),
    Table(
        "tuning_spread",
        row="experiment and tuning study",
        says="with `studies` above 1: what each tuning study would have chosen; the spread that tuning itself brings",
        function="tuning_tables:tuning_spread_table",
        columns=(
            *EXPERIMENT,
            Column("tuning_study", "number of the tuning study, from 1; the first chooses the values of the runs"),
            text("trial", "the trial that it chooses"),
            Column("validation", "its validation score: mean over tuning seeds"),
            Column("test", "its test score: likewise"),
        ),
    ),
)
