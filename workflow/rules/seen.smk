# What decides tables beside the results, and what decides figures and report.
OF_TABLES = digest([list(RUNS), STUDY.metric, STUDY.target])
OF_REPORT = digest([list(RUNS), STUDY.model_dump(mode="json"), STUDY.spaces_as_written])

MADE = {}
if LOOKS:
    MADE |= {card: prepared(Path(card).parent) for card in CARDS.values()}
    MADE |= {key: trained(SPECIFICATION(key), paths) for key, paths in PATHS_OF.items()}
    states = {key: MADE[key].state for key in RUNS}
    for replaced in runs_to_replace(STUDY, LAYOUT, states):
        logger.warning(f"warning: {replaced}")
    for run, damage in damaged_runs(STUDY, LAYOUT, BESIDE, MADE).items():
        logger.info(damage)
        AGAIN.add(run) if DRY_RUN else set_aside(PATHS_OF[run])
    again = changed_steps(LAYOUT)
    # The statistics of a round decide it, also where they were made and rounds.json was lost.
    if STUDY.rounds and not is_over(STUDY, read_record(STUDY, LAYOUT).looks):
        again.add("statistics")
    for step in again:
        AGAIN.add(step) if DRY_RUN else LAYOUT.made(step).unlink(missing_ok=True)
else:
    # A job on a cluster. One that packs several trainings has a server of its own, in the step that runs them.
    asked = runs_of_this_job(sys.argv)
    if STUDY.warm_start and len(asked) > 1 and "slurm-jobstep" not in sys.argv:
        start_server(ARGUMENTS)
    keep_newer_than_this_job(PATHS_OF[run] for run in asked)


# At the end of Snakemake. Trainings keep their files until then, in case that it is killed before it knows of them.
def note_what_is_finished():
    known = finished_outputs(workflow.dag)
    remember(
        LAYOUT, {job: made for job, made in MADE.items() if str(made.paths[0]) in known}
    )
    # What is tuned keeps them: a new selection of the same values needs them, or of the same trials that go on.
    decided = lambda key: SELECTION_OF(key) or DECISION_OF(key)
    forget_known((paths for key, paths in PATHS_OF.items() if not decided(key)), known)
