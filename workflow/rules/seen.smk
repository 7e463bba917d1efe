# What decides tables beside the results, and what decides figures and report.
OF_TABLES = digest([list(RUNS), STUDY.metric, STUDY.target])
OF_REPORT = digest([list(RUNS), STUDY.model_dump(mode="json")])

MADE = {}
if LOOKS:
    MADE |= {card: prepared(Path(card).parent) for card in CARDS.values()}
    MADE |= {key: trained(SPECIFICATION(key), LAYOUT.run(RUNS[key])) for key in RUNS}
    for run, damage in damaged_runs(STUDY, LAYOUT, RUNS, MADE).items():
        logger.info(damage)
        AGAIN.add(run) if DRY_RUN else set_aside(LAYOUT.run(RUNS[run]))
    for step in changed_steps(LAYOUT):
        AGAIN.add(step) if DRY_RUN else LAYOUT.made(step).unlink()
else:
    # A job on a cluster. One that packs several trainings has a server of its own.
    if STUDY.warm_start and len(workflow.dag_settings.target_jobs) > 1:
        start_server(ARGUMENTS)
    asked = [target.wildcards_dict for target in workflow.dag_settings.target_jobs]
    keep_newer_than_this_job(
        LAYOUT.run(RUNS[names["run"]]) for names in asked if "run" in names
    )


# At the end of Snakemake. Trainings keep their files until then, in case that it is killed before it knows of them.
def note_what_is_finished():
    known = finished_outputs(workflow.dag)
    remember(
        LAYOUT, {job: made for job, made in MADE.items() if str(made.paths[0]) in known}
    )
    forget_known(PATHS, known)
