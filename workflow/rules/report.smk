rule report:
    input:
        set(PLANS.values()),
        rules.summarize.output,
        rules.statistics.output,
        rules.figures.output,
        templates=collect(
            str(Path(workflow.basedir) / "report/templates/{name}"),
            name=("report.md.j2", "report.html.j2", "report.tex.j2", "report.js"),
        ),
    output:
        LAYOUT.report_folder / "report.md",
        LAYOUT.report_folder / "report.html",
        LAYOUT.report_folder / "latex/report.tex",
    log:
        LAYOUT.folder / "logs" / "report.log",
    params:
        study=digest(STUDY.model_dump(mode="json")),
    shell:
        'bakeoff report --render-only "${{study[@]}}" > {log} 2>&1'
