rule summarize:
    input:
        RESULTS,
        [str(training.paths.result) for training in BESIDE.values()],
    output:
        report(
            LAYOUT.summary / "runs.csv",
            caption="../report/table.rst",
            category="Tables",
            labels={"table": "every run"},
        ),
        report(
            LAYOUT.summary / "experiments.csv",
            caption="../report/table.rst",
            category="Tables",
            labels={"table": "every experiment: means and intervals"},
        ),
        LAYOUT.summary / "history.parquet",
        [LAYOUT.summary / "trials.csv"] if STUDY.tuning else [],
        made=LAYOUT.made("summarize"),
    log:
        LAYOUT.folder / "logs" / "summarize.log",
    conda:
        "../envs/bakeoff.yaml"
    params:
        state=state_of("summarize", OF_TABLES),
    shell:
        'bakeoff summarize "${{study[@]}}" > {log} 2>&1'


rule statistics:
    input:
        rules.summarize.output,
        [str(paths.predictions) for paths in PATHS],
        set(CARDS.values()),
    output:
        list(statistics_files(LAYOUT).values()),
        made=LAYOUT.made("statistics"),
    log:
        LAYOUT.folder / "logs" / "statistics.log",
    conda:
        "../envs/bakeoff.yaml"
    params:
        state=state_of("statistics", OF_TABLES),
    shell:
        'bakeoff statistics "${{study[@]}}" > {log} 2>&1'


# Only asked for where the study says so.
rule heat_maps:
    input:
        rules.statistics.output,
        [str(paths.model) for paths in PATHS],
    output:
        [LAYOUT.heat_maps(name) for name in STUDY.as_written.datasets],
    log:
        LAYOUT.folder / "logs" / "heat_maps.log",
    conda:
        "../envs/bakeoff.yaml"
    threads: STUDY.threads
    shell:
        'bakeoff heat-maps "${{study[@]}}" --threads {threads} > {log} 2>&1'


# Beside the statistics, which these do not need.
rule first_figures:
    input:
        rules.summarize.output,
        set(CARDS.values()),
    output:
        temp(directory(LAYOUT.first_figures)),
    log:
        LAYOUT.folder / "logs" / "first_figures.log",
    conda:
        "../envs/bakeoff.yaml"
    threads: max(1, (workflow.resource_settings.cores or 1) - 1)
    params:
        state=state_of("figures", OF_REPORT),
    shell:
        'bakeoff figures "${{study[@]}}" --first --threads {threads} > {log} 2>&1'


rule figures:
    input:
        rules.summarize.output,
        rules.statistics.output,
        rules.first_figures.output,
        rules.heat_maps.output if STUDY.heat_maps else [],
    output:
        report(
            directory(LAYOUT.figures),
            patterns=["{figure}.svg"],
            caption="../report/figure.rst",
            category="Figures",
            labels=lambda wildcards: {"figure": in_words(wildcards.figure)},
        ),
        made=LAYOUT.made("figures"),
    log:
        LAYOUT.folder / "logs" / "figures.log",
    conda:
        "../envs/bakeoff.yaml"
    threads: workflow.resource_settings.cores or 1
    params:
        state=state_of("figures", OF_REPORT),
    shell:
        'bakeoff figures "${{study[@]}}" --threads {threads} > {log} 2>&1'
