rule summarize:
    input:
        [LAYOUT.run(run).result for run in RUNS.values()],
    output:
        LAYOUT.summary / "runs.csv",
        LAYOUT.summary / "experiments.csv",
        LAYOUT.summary / "history.parquet",
    log:
        LAYOUT.folder / "logs" / "summarize.log",
    params:
        runs=digest(list(RUNS)),
    shell:
        'bakeoff summarize "${{study[@]}}" > {log} 2>&1'


rule statistics:
    input:
        rules.summarize.output,
        [LAYOUT.run(run).predictions for run in RUNS.values()],
    output:
        list(LAYOUT.statistics.values()),
    log:
        LAYOUT.folder / "logs" / "statistics.log",
    params:
        study=digest([STUDY.metric, STUDY.target]),
    shell:
        'bakeoff statistics "${{study[@]}}" > {log} 2>&1'


rule figures:
    input:
        rules.summarize.output,
    output:
        directory(LAYOUT.figures),
    log:
        LAYOUT.folder / "logs" / "figures.log",
    shell:
        'bakeoff figures "${{study[@]}}" > {log} 2>&1'
