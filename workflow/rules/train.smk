RUNS = {run.key: run for run in runs(STUDY)}
PATHS = [LAYOUT.run(run) for run in RUNS.values()]
RESULTS = [str(paths.result) for paths in PATHS]
NEEDED = {cell: needed_by(STUDY, cell) for cell in STUDY.cells}
FEATURES = experiments_on_features(STUDY)
# Memory and time that jobs ask for: the study's hints, else the profile's numbers; more at each attempt.
REQUESTED = partial(requested, STUDY, DEFAULT_RESOURCES)


SPECIFICATION = cache(lambda key: specification_hash(STUDY, RUNS[key]))


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
        ),
    output:
        LAYOUT.runs / "{run}" / "result.json",
        LAYOUT.runs / "{run}" / "history.csv",
        LAYOUT.runs / "{run}" / "predictions.npz",
        LAYOUT.runs / "{run}" / "model.safetensors",
    log:
        LAYOUT.folder / "logs" / "{run}.log",
    threads: STUDY.threads
    resources:
        gpu=GPUS,
        mem_mb=lambda wildcards, attempt: REQUESTED(
            "mem_mb", [RUNS[wildcards.run].experiment], attempt
        ),
        runtime=lambda wildcards, attempt: REQUESTED(
            "runtime", [RUNS[wildcards.run].experiment], attempt
        ),
    params:
        specification=lambda wildcards: state_of(
            wildcards.run, SPECIFICATION(wildcards.run)
        ),
    message:
        "training {wildcards.run}"
    shell:
        'exec bakeoff train "${{study[@]}}" {wildcards.run} --threads {threads} >> {log} 2>&1'
