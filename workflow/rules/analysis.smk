rule summarize:
    input:
        RESULTS,
    output:
        report(
            LAYOUT.summary / "runs.csv",
            caption="../report/table.rst",
            category="Tables",
            labels={"table": "runs"},
        ),
        report(
            LAYOUT.summary / "experiments.csv",
            caption="../report/table.rst",
            category="Tables",
            labels={"table": "experiments"},
        ),
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
        [str(paths.predictions) for paths in PATHS],
    output:
        list(statistics_files(LAYOUT).values()),
    log:
        LAYOUT.folder / "logs" / "statistics.log",
    params:
        study=digest([STUDY.metric, STUDY.target]),
    shell:
        'bakeoff statistics "${{study[@]}}" > {log} 2>&1'


rule figures:
    input:
        rules.summarize.output,
        rules.statistics.output,
    output:
        report(
            directory(LAYOUT.figures),
            patterns=["{figure}.svg"],
            caption="../report/figure.rst",
            category="Figures",
            labels={"figure": "{figure}"},
        ),
    log:
        LAYOUT.folder / "logs" / "figures.log",
    params:
        language=STUDY.language,
    shell:
        'bakeoff figures "${{study[@]}}" > {log} 2>&1'
