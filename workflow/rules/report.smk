# By what they say: as inputs they would need a path without braces.
TEMPLATES = digest(
    [
        template.read_text(encoding="utf-8")
        for template in sorted(
            Path(files("bakeoff.report") / "templates").glob("*.[jc]*")
        )
    ]
)


rule report:
    input:
        set(PLANS.values()),
        set(CARDS.values()),
        rules.summarize.output,
        rules.statistics.output,
        rules.figures.output,
    output:
        LAYOUT.report_folder / "report.md",
        report(
            LAYOUT.report_folder / "report.html",
            caption="../report/report.rst",
            category="Report",
        ),
        LAYOUT.report_folder / "latex/report.tex",
        made=LAYOUT.made("report"),
    log:
        LAYOUT.folder / "logs" / "report.log",
    conda:
        "../envs/bakeoff.yaml"
    params:
        state=state_of("report", OF_REPORT),
        templates=TEMPLATES,
    shell:
        'bakeoff report --render-only "${{study[@]}}" > {log} 2>&1'
