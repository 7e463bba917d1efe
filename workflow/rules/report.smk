rule report:
    input:
        set(PLANS.values()),
        rules.summarize.output,
        rules.figures.output,
        templates=collect(
            str(Path(workflow.basedir) / "report/templates/report.{form}.j2"),
            form=("md", "html"),
        ),
    output:
        LAYOUT.report_folder / "report.md",
        LAYOUT.report_folder / "report.html",
    log:
        LAYOUT.folder / "logs" / "report.log",
    params:
        study=digest(STUDY.model_dump(mode="json")),
    shell:
        'bakeoff report --render-only "${{study[@]}}" > {log} 2>&1'
