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


rule figures:
    input:
        rules.summarize.output,
    output:
        directory(LAYOUT.figures),
    log:
        LAYOUT.folder / "logs" / "figures.log",
    shell:
        'bakeoff figures "${{study[@]}}" > {log} 2>&1'
