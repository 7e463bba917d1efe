"""The tables about a whole study.

Their functions are called once. A parameter gets the field of that name of `statistics.StudyInputs`, or the table of
that name if it stands above.
"""

from bakeoff.analysis.tables.of_tuning import TUNING_TABLES
from bakeoff.analysis.tables.table import EXPERIMENT, Column, Table, interval, p_value, text

PAIR = (
    text("a", "the experiment that stands later in the study; for all datasets, the configuration"),
    text("b", "the experiment that stands earlier"),
)
CONFIGURATION = text("configuration", "architecture/optimizer/recipe")

STUDY_TABLES = (
    Table(
        "intervals",
        row="experiment and metric",
        says="how many runs there are, and the test score over seeds: mean, spread and 95 % intervals",
        function="scores:intervals_table",
        columns=(
            *EXPERIMENT,
            text("metric", "metric, measured on the test split at the chosen epoch"),
            Column("planned", "runs that the study plans"),
            Column("completed", "runs that completed"),
            Column("diverged", "runs whose loss was no longer finite"),
            Column("out_of_memory", "runs that did not fit in memory"),
            Column("metric_undefined", "runs for which the study's metric has no value"),
            Column("missing", "runs without a result"),
            Column("mean", "mean score over completed runs"),
            Column("std", "standard deviation over completed runs (n - 1)"),
            Column("median", "median score over completed runs"),
            *interval(
                "overall_", "the 95 % interval of the mean on other images and with other seeds: the one to quote"
            ),
            *interval("", "the 95 % t-interval of the mean over seeds, on these images"),
            *interval("bootstrap_", "the 95 % bootstrap-t interval of the mean over seeds; empty below ten"),
            Column("test_set_error", "standard error of one run's score that comes from the finite test set"),
        ),
    ),
    Table(
        "baselines",
        row="dataset and metric",
        says="the test score of answering without looking at the image: what experiments have to beat",
        function="baselines:baselines_table",
        columns=(
            text("dataset", "dataset with a completed run, and whose data are prepared"),
            text("baseline", "`majority_class`; for multi-label data `label_frequencies`"),
            text("answer", "most frequent class of the training images; labels that at least half of them have"),
            text("metric", "metric, measured on the test split"),
            Column("score", "score of always giving that answer, with the shares of training images as probabilities"),
        ),
    ),
    Table(
        "comparisons",
        row="pair of experiments on a dataset; with several datasets, also pair of configurations by their mean",
        says="the paired comparison over seeds: verdict, difference, tests and effect size",
        function="comparisons:comparisons_table",
        columns=(
            text("dataset", "dataset; empty for the mean over all datasets"),
            *PAIR,
            Column("neighbours", "whether the two follow each other in the study"),
            Column("with_best", "whether one of the two has the best mean on the dataset"),
            Column("seeds", "seeds that both completed"),
            Column("unpaired", "seeds that one or both did not complete"),
            Column("mean_a", "mean test score of a over all its completed seeds"),
            Column("mean_b", "mean test score of b over all its completed seeds"),
            Column("difference", "mean of a - b over the seeds that both completed; positive: a scores higher"),
            *interval(
                "overall_", "the 95 % interval of the difference on other images and with other seeds: the one to quote"
            ),
            *interval("", "the 95 % t-interval of the difference over seeds (and tuning studies), on these images"),
            Column("std", "standard deviation of the paired differences (n - 1)"),
            Column("effect_size", "Hedges' g of the paired differences; positive: a scores higher"),
            Column("probability", "probability that a random seed of a beats that of b; ties count half"),
            *interval("probability_", "its 95 % interval (Wilson)"),
            Column("comparisons", "pairs tested in the whole study, which the correction covers"),
            p_value("p_overall", "p-value of the t-test that adds the variance over test images"),
            p_value("p_overall_holm", "`p_overall` after Holm's correction over all pairs in the study"),
            p_value(
                "p_value", "p-value of the paired t-test over seeds (and tuning studies), with moderated variances"
            ),
            p_value("p_holm", "`p_value` after Holm's correction over all pairs in the study"),
            p_value("p_sign_flip", "p-value of the sign-flip test; empty where so few seeds cannot reach 5 %"),
            p_value("smallest_p_sign_flip", "smallest p-value that the sign-flip test can reach with these seeds"),
            text("verdict", "what the rule below says of a against b"),
            Column("seeds_needed", "about how many seeds would show it on other images; unless `better`, `worse`"),
            Column("seeds_needed_low", "so many if the difference is one standard error larger than found"),
            Column(
                "seeds_needed_high", "so many if it is one standard error smaller; empty where a thousand are too few"
            ),
            Column("test_set_error", "standard error of the difference that comes from the finite test set"),
            *interval("images_", "the 95 % interval of the difference on other images, with these seeds"),
        ),
    ),
    Table(
        "race",
        row="look and experiment that was in the race until then",
        says="seeds until decided: who trained how long, and when and why each left",
        function="races:race_table",
        columns=(
            *EXPERIMENT,
            Column("look", "number of the look, from 1"),
            Column("looks", "looks that there are at most"),
            Column("seeds", "seeds looked at"),
            Column("mean", "mean test score over these seeds"),
            Column("ahead_low", "how far it is ahead of the best of the others at least; corrected for looks"),
            Column("ahead_high", "how far at most; zero where it is not ahead"),
            Column("leader", "whether it has the best mean of those that stay"),
            text("left", "why it left at this look: `behind`, or the status of a run without a score; else empty"),
            text("beaten_by", "the experiment that is ahead of it, where that is why it left"),
            Column("saved", "seeds saved against a fixed number, that of the last look; empty while it is in the race"),
            text("end", "why the race ended: `best`, `within_indifference`, `more_images`, `open`, `alone`, `none`"),
            Column("begun_before", "how often the race was begun anew after something had been decided"),
        ),
    ),
    Table(
        "seed_lists",
        row="seeds with which experiments of the study were compared before",
        says="whether verdicts were read before the seeds were chosen",
        function="earlier_seeds:seed_lists_table",
        columns=(
            Column("count", "how many seeds"),
            text("seeds", "the seeds, with blanks between"),
        ),
    ),
    Table(
        "single_runs",
        row="pair of runs of two experiments with the same seed",
        says="McNemar's exact test; the difference of two trained models and its interval over test images",
        function="single_runs:single_runs_table",
        columns=(
            *PAIR,
            Column("seed", "seed of both runs"),
            Column("difference", "test score of a minus that of b"),
            *interval("", "its 95 % interval over test images"),
            Column("only_a", "test images that a alone classifies correctly; empty for multi-label data"),
            Column("only_b", "test images that b alone classifies correctly"),
            p_value("p_value", "p-value of McNemar's exact test"),
            p_value("p_holm", "`p_value` after Holm's correction over all pairs of single runs in the study"),
        ),
    ),
    Table(
        "ranks",
        row="configuration and dataset; the average over the datasets has no dataset",
        says="several datasets: the score and the rank of each configuration",
        function="ranks:ranks_table",
        columns=(
            CONFIGURATION,
            text("dataset", "dataset; empty for the average over all"),
            Column("score", "mean test score over seeds"),
            Column("rank", "rank on the dataset; 1 is best, and equal scores share their mean rank"),
        ),
    ),
    Table(
        "rank_test",
        row="study",
        says="several datasets: the Friedman test of whether the configurations differ, and Nemenyi's distance",
        function="ranks:rank_test_table",
        columns=(
            Column("datasets", "datasets"),
            Column("configurations", "configurations with a score on every dataset"),
            Column("statistic", "Friedman's χ²"),
            Column("f_statistic", "Iman and Davenport's F"),
            p_value("p_value", "p-value of Friedman's χ² among random shuffles of the ranks"),
            Column("critical_difference", "distance of average ranks at which Nemenyi's test tells two apart (5 %)"),
            Column("datasets_needed", "datasets needed to tell always-first from always-last"),
            text("warning", "`no_power` with fewer datasets than that, `few_datasets` with ten or fewer, or empty"),
        ),
    ),
    Table(
        "rank_pairs",
        row="pair of configurations",
        says="several datasets: Nemenyi's test of each pair; empty above 100 configurations",
        function="ranks:rank_pairs_table",
        columns=(
            text("a", "configuration"),
            text("b", "configuration that stands later in the study"),
            Column("difference", "average rank of b minus that of a; positive: a ranks better"),
            p_value("p_value", "p-value of Nemenyi's test"),
            Column("distinguishable", "whether it is 5 % or less"),
        ),
    ),
    Table(
        "rank_groups",
        row="configuration in a group",
        says="several datasets: the bars of the critical-difference diagram",
        function="ranks:rank_groups_table",
        columns=(Column("group", "number of a group that Nemenyi's test does not tell apart"), CONFIGURATION),
    ),
    Table(
        "profiles",
        row="step of a configuration's curve",
        says="several datasets: performance profiles",
        function="ranks:profiles_table",
        columns=(
            text("kind", "`ratio` to the best score, by dataset; or `score`, by run"),
            CONFIGURATION,
            Column("tau", "factor of the best score (`ratio`), or score (`score`)"),
            Column("share", "share of datasets within the factor, or of runs that reach the score"),
        ),
    ),
    Table(
        "variance",
        row="axis of the study, or pair of axes",
        says="its share of the variance of the study's metric",
        function="variance:variance_table",
        columns=(
            text(
                "term",
                "axis, or `axis:axis`; also `residual`, `shared` (attributable to no one term), `total`, and `tuning` "
                "(again; no part of the total)",
            ),
            Column("degrees_of_freedom", "degrees of freedom"),
            Column("sum_of_squares", "sum of squares of type II"),
            Column("share", "`sum_of_squares` as a share of the total (η²)"),
            Column("omega_squared", "what is left of the share when chance is taken off (ω²); it may be below zero"),
            Column(
                "balanced",
                "whether every planned combination has its completed run; then the shares but `tuning` add up to 1",
            ),
        ),
    ),
    Table(
        "effects",
        row="level of an axis: architecture, optimizer or recipe",
        says="how far each choice moves the test score from the mean of its alternatives, all else equal",
        function="effects:effects_table",
        columns=(
            text("axis", "`architecture`, `optimizer` or `recipe`; an axis without a complete setting has no rows"),
            text("level", "what the study calls the choice"),
            Column("settings", "settings of the other axes averaged over: those that have every level"),
            Column("seeds", "seeds that every experiment of these settings completed"),
            Column("effect", "mean test score with this level minus the mean over all levels"),
            *interval("overall_", "the 95 % interval on other images and with other seeds: the one to quote"),
            *interval("", "the 95 % t-interval over seeds, on these images"),
            text("by_seed", "the effect with each seed, with blanks between"),
        ),
    ),
    Table(
        "speed",
        row="experiment with a completed run",
        says="how soon it reaches a validation score, and what its test score costs",
        function="speed:speed_table",
        columns=(
            *EXPERIMENT,
            Column("target", "validation score to reach: the study's `target`, or the weakest experiment's best"),
            Column("runs", "runs that ended, whatever their status"),
            Column("reached", "runs that reached the target; runs that did not complete never do"),
            Column("epochs_to_target", "median epoch at which runs reach it; empty where half of them do not"),
            Column("seconds_to_target", "median training seconds until then, without validation"),
            Column("area_under_curve", "mean validation score over the epochs of the dataset's longest run"),
            Column("score_per_second", "mean test score per second of training; empty where lower is better"),
            Column("score_per_million_parameters", "mean test score per million parameters; likewise"),
            Column("best_for_training_seconds", "whether no experiment on the dataset is both better and faster"),
            Column("best_for_parameters", "likewise for the number of parameters"),
            Column("best_for_macs", "likewise for multiply-accumulate operations per image"),
        ),
    ),
    Table(
        "selection",
        row="experiment with a completed run",
        says="test scores at the chosen, last and best epoch, and how much the last two flatter",
        function="epoch_choice:selection_table",
        columns=(
            *EXPERIMENT,
            Column("runs", "completed runs"),
            Column("chosen", "mean test score at the epoch with the best validation score"),
            Column("last", "mean test score at the last epoch"),
            Column("best", "mean of the best test score over epochs; empty without `track_test`"),
            Column("optimism", "how much better `best` looks than `chosen`: mean over runs"),
            *interval("optimism_", "its 95 % t-interval"),
            Column("last_gain", "how much better `last` is than `chosen`: mean over runs"),
            *interval("last_gain_", "its 95 % t-interval"),
        ),
    ),
    *TUNING_TABLES,
)
