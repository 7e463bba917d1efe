rule report:
    input:
        rules.check.output,
        rules.summarize.output,
        rules.figures.output,
        templates=collect("report/templates/report.{form}.j2", form=("md", "html")),
    output:
        LAYOUT.report_folder / "report.md",
        LAYOUT.report_folder / "report.html",
    params:
        study=digest(STUDY.model_dump(mode="json")),
    log:
        LAYOUT.folder / "logs" / "report.log",
    shell:
        "bakeoff report --render-only {STUDY_ARGUMENTS} > {log} 2>&1"
