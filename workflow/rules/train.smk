RUNS = {run.key: run for run in runs(STUDY)}
PATHS_OF = {key: LAYOUT.run(run) for key, run in RUNS.items()}
PATHS = list(PATHS_OF.values())
RESULTS = [str(paths.result) for paths in PATHS]
NEEDED = {cell: needed_by(STUDY, cell) for cell in STUDY.cells}
FEATURES = experiments_on_features(STUDY)
# Memory and time that jobs ask for: the study's hints, else the profile's numbers; more at each attempt.
REQUESTED = partial(requested, STUDY, DEFAULT_RESOURCES)


# Trials, and what has the default values of what is tuned: runs in a place of their own.
BESIDE = beside_the_runs(STUDY, LAYOUT)
PATHS_OF |= {key: training.paths for key, training in BESIDE.items()}
EXPERIMENT_OF = {key: run.experiment for key, run in RUNS.items()} | {
    key: training.run.experiment for key, training in BESIDE.items()
}
TUNED = {cell.key: cell for cell in STUDY.cells if is_tuned(STUDY, cell)}
# The file that names the values of a run, where these are tuned.
SELECTION_OF = lambda key: (
    [str(LAYOUT.selection(RUNS[key].experiment))]
    if key in RUNS and RUNS[key].experiment.key in TUNED
    else []
)
# The file that says whether a trial goes on, of a rung that is not the first.
DECISION_OF = lambda key: (
    [str(LAYOUT.halved(EXPERIMENT_OF[key], BESIDE[key].before.until))]
    if key in BESIDE and BESIDE[key].before
    else []
)


SPECIFICATION = cache(
    lambda key: (
        BESIDE[key].specification.hash if key in BESIDE else tracked(STUDY, RUNS[key])
    )
)


# Asked when jobs are planned: while this file is read, Snakemake does not know its executor.
GPUS_OF_A_RUN = cache(gpus_of_a_run)
GPUS = lambda wildcards: GPUS_OF_A_RUN(STUDY.device, elsewhere=not workflow.local_exec)


rule features:
    input:
        lambda wildcards: CARDS[FEATURES[wildcards.folder][0].dataset],
    output:
        "results/features/{folder}/card.json",
        expand(
            "results/features/{{folder}}/{split}.npy",
            split=("train", "validation", "test"),
        ),
    log:
        "results/features/{folder}.log",
    wildcard_constraints:
        folder="|".join(map(re.escape, FEATURES)) or "none",
    conda:
        "../envs/bakeoff.yaml"
    threads: workflow.resource_settings.cores or STUDY.threads
    resources:
        gpu=GPUS,
        mem_mb=lambda wildcards, attempt: REQUESTED(
            "mem_mb", FEATURES[wildcards.folder], attempt
        ),
        runtime=lambda wildcards, attempt: REQUESTED(
            "runtime", FEATURES[wildcards.folder], attempt
        ),
    message:
        "computing features {wildcards.folder}"
    shell:
        'exec bakeoff features "${{study[@]}}" {wildcards.folder} --threads {threads} >> {log} 2>&1'


rule train:
    input:
        # The plan is waited for, but a newer one trains nothing again: data and specification decide that.
        lambda wildcards: ancient(PLANS[RUNS[wildcards.run].experiment]),
        lambda wildcards: (
            NEEDED[RUNS[wildcards.run].experiment]
            + starts_from(STUDY, LAYOUT, RUNS[wildcards.run])
            + SELECTION_OF(wildcards.run)
        ),
    output:
        LAYOUT.runs / "{run}" / "result.json",
        LAYOUT.runs / "{run}" / "history.csv",
        LAYOUT.runs / "{run}" / "predictions.npz",
        LAYOUT.runs / "{run}" / "model.safetensors",
    log:
        LAYOUT.folder / "logs" / "{run}.log",
    conda:
        "../envs/bakeoff.yaml"
    threads: STUDY.threads
    resources:
        gpu=GPUS,
        mem_mb=lambda wildcards, attempt: REQUESTED(
            "mem_mb", [EXPERIMENT_OF[wildcards.run]], attempt
        ),
        runtime=lambda wildcards, attempt: REQUESTED(
            "runtime", [EXPERIMENT_OF[wildcards.run]], attempt
        ),
    params:
        specification=lambda wildcards: state_of(
            wildcards.run, SPECIFICATION(wildcards.run)
        ),
    message:
        "training {wildcards.run}"
    shell:
        'exec bakeoff train "${{study[@]}}" {wildcards.run} --threads {threads} >> {log} 2>&1'


use rule train as trial with:
    input:
        lambda wildcards: ancient(str(BESIDE[wildcards.run].plan)),
        lambda wildcards: NEEDED[EXPERIMENT_OF[wildcards.run]]
        + DECISION_OF(wildcards.run),
    output:
        LAYOUT.trials / "{run}" / "result.json",
        LAYOUT.trials / "{run}" / "history.csv",
        LAYOUT.trials / "{run}" / "predictions.npz",
        LAYOUT.trials / "{run}" / "model.safetensors",
    log:
        LAYOUT.folder / "logs" / "trials" / "{run}.log",


# Decides which trials of an experiment go on after so many epochs. Those of the next rung read it when they start.
rule halve:
    input:
        lambda wildcards: [
            str(rung.paths.result)
            for training in trial_trainings(STUDY, LAYOUT, TUNED[wildcards.experiment])
            for rung in training.rungs
            if str(rung.until) == wildcards.epochs
        ],
    output:
        LAYOUT.trials / "{experiment}" / "epoch{epochs}.json",
    log:
        LAYOUT.folder / "logs" / "trials" / "{experiment}" / "epoch{epochs}.log",
    wildcard_constraints:
        experiment="|".join(map(re.escape, TUNED)) or "none",
        epochs="[0-9]+",
    conda:
        "../envs/bakeoff.yaml"
    params:
        metric=STUDY.metric,
        tuned=(
            STUDY.tuning.model_dump(include={"studies", "halving"})
            if STUDY.tuning
            else None
        ),
    message:
        "choosing the trials of {wildcards.experiment} that go on after epoch {wildcards.epochs}"
    shell:
        'bakeoff select "${{study[@]}}" {wildcards.experiment} --after {wildcards.epochs} > {log} 2>&1'


# Chooses the values of a tuned experiment. Its runs read them when they start.
rule select:
    input:
        lambda wildcards: [
            str(training.paths.result)
            for training in trial_trainings(STUDY, LAYOUT, TUNED[wildcards.experiment])
        ],
    output:
        LAYOUT.trials / "{experiment}" / "selection.json",
    log:
        LAYOUT.folder / "logs" / "trials" / "{experiment}" / "select.log",
    wildcard_constraints:
        experiment="|".join(map(re.escape, TUNED)) or "none",
    conda:
        "../envs/bakeoff.yaml"
    params:
        metric=STUDY.metric,
        studies=STUDY.tuning.studies if STUDY.tuning else None,
    message:
        "choosing the values of {wildcards.experiment}"
    shell:
        'bakeoff select "${{study[@]}}" {wildcards.experiment} > {log} 2>&1'
