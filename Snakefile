import os
import shlex
import re
import sys
import time
from functools import cache, partial
from importlib.resources import files
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

from bakeoff.analysis.tables import statistics_files
from bakeoff.commands.race_state import next_lines
from bakeoff.data.missing import missing_files
from bakeoff.errors import BakeoffError
from bakeoff.files import check_writable, user_name
from bakeoff.jobs.handover import (
    STARTED,
    UNDER_SNAKEMAKE,
    finished_outputs,
    forget_known,
    keep_newer_than_this_job,
)
from bakeoff.jobs.rounds import load_in_present_round
from bakeoff.study.overrides import overrides_of
from bakeoff.study.paths import Layout
from bakeoff.jobs.interrupt import stop_jobs_on_interrupt
from bakeoff.jobs.gpus import advice_on_gpus, gpus_of_a_run
from bakeoff.jobs.resources import check_defaults, requested
from bakeoff.jobs.rounds import PLANNED_WITH, is_over, planned_with, read_record
from bakeoff.data.source_files import UNKNOWN
from bakeoff.jobs.plans import mend_plans, unchecked
from bakeoff.jobs.replaced import runs_to_replace
from bakeoff.jobs.warm import start_server, trains
from bakeoff.jobs.snakemake_start import only_looks, runs_of_this_job
from bakeoff.jobs.steps import STEPS, changed_steps
from bakeoff.jobs.seen import (
    changed_data,
    damaged_runs,
    prepare_again,
    prepared,
    remember,
    set_aside,
    state_with,
    trained,
)
from bakeoff.study.specification import (
    checked_on,
    data_folder,
    digest,
    experiments_on_features,
    needed_by,
    plan_file,
    starts_from,
)
from bakeoff.study.study import runs
from bakeoff.study.trainings import beside_the_runs, tracked, trial_trainings
from bakeoff.study.trials import is_tuned
from bakeoff.study.reading import warnings

min_version("9.0")


# Snakemake asks for its user's name, which in a container there may not be.
os.environ.setdefault("LOGNAME", user_name())

# With --configfile this file's study would be merged with the other: read it only when no study is given.
if not workflow.configfiles:

    configfile: "config.yaml"


STUDY_FILE = Path(workflow.configfiles[0] if workflow.configfiles else "config.yaml")

# What the profile says that jobs ask for.
DEFAULT_RESOURCES = (
    getattr(workflow.resource_settings.default_resources, "args", None) or []
)

try:
    OVERRIDES = overrides_of(config, STUDY_FILE)
    STUDY = load_in_present_round(STUDY_FILE, OVERRIDES)  # as the commands do
    check_defaults(DEFAULT_RESOURCES)
except BakeoffError as error:
    raise WorkflowError(str(error)) from None

# What has changed behind Snakemake's back is made again: jobs/seen.py says how that is known. Jobs on a cluster, which
# read this file too, do not look. A dry run changes nothing, nor do --unlock, --summary and their like; in it, other
# parameters show what would be made.
LAYOUT = Layout(STUDY.study)
LOOKS = workflow.is_main_process
DRY_RUN = LOOKS and (
    workflow.output_settings.dryrun or only_looks(sys.argv[1:], LAYOUT.folder)
)
AGAIN = set()
state_of = partial(state_with, AGAIN)

if LOOKS:
    os.environ[STARTED] = str(time.time())
    # The data may still come: a dry run shows the jobs all the same.
    for problem in missing_files(STUDY):
        logger.warning(f"cannot be prepared: {problem}")
    for warning in [*warnings(STUDY, STUDY_FILE), *runs_to_replace(STUDY, LAYOUT)]:
        logger.warning(f"warning: {warning}")
if LOOKS and not DRY_RUN:
    # Snakemake itself would end in a traceback where it cannot make a file.
    try:
        folders = LAYOUT.results / "data", LAYOUT.folder / "logs", LAYOUT.runs
        check_writable(Path(".snakemake"), *folders, LAYOUT.report_folder)
    except BakeoffError as error:
        raise WorkflowError(str(error)) from None

# What every command is told about the study: its file, and what --config changed in it. It is no part of the rules'
# commands, which Snakemake tracks: another title must retrain nothing. Snakemake formats it: braces are doubled.
ARGUMENTS = [str(STUDY_FILE), *(f"--set={item}" for item in OVERRIDES)]
TOLD = shlex.join(ARGUMENTS)
# Decisions that this round's statistics append are for the next one: until the end, its jobs see the same runs.
PLANNED = (
    f"export {PLANNED_WITH}={planned_with(len(read_record(STUDY, LAYOUT).looks))}; "
    if STUDY.rounds
    else ""
)
shell.prefix(
    f"set -euo pipefail; export {UNDER_SNAKEMAKE}=1; {PLANNED}"
    f"study=({TOLD.replace('{', '{{').replace('}', '}}')}); "
)


report: "workflow/report/workflow.rst"


# These run where Snakemake does, also when it sends the others to a cluster.
localrules:
    all,
    prepare,
    check,
    halve,
    select,
    summarize,
    statistics,
    figures,
    report,


include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/seen.smk"
include: "workflow/rules/analysis.smk"
include: "workflow/rules/report.smk"


# Missing results are named beside the report: one of an unfinished study, made by hand, must not pass for the end.
rule all:
    default_target: True
    input:
        rules.report.output,
        [LAYOUT.made(step) for step in STEPS],
        [result for result in RESULTS if not Path(result).exists()],
    message:
        f"{len(RUNS)} runs of {STUDY.study} are finished"


onstart:
    stop_jobs_on_interrupt(logger)
    if workflow.local_exec:
        # An int, in newer Snakemakes a Resource.
        asked = workflow.global_resources.get("gpu")
        asked = getattr(asked, "value", asked)
        try:
            advice = advice_on_gpus(STUDY.device, STUDY.jobs_per_gpu, asked)
        except BakeoffError as error:
            raise WorkflowError(str(error)) from None
        if advice:
            logger.info(advice)
        if STUDY.warm_start and trains(workflow.dag):
            start_server(ARGUMENTS)


onsuccess:
    note_what_is_finished()
    if (LAYOUT.report_folder / "report.html").exists():
        logger.info(f"report: {LAYOUT.report_folder / 'report.html'}")
    for line in next_lines(STUDY, LAYOUT) if LOOKS else []:
        logger.info(line)


# What failed is said in a line each; with --keep-going the report is made from the rest. Ctrl-C is no failure.
onerror:
    note_what_is_finished()
    if workflow.scheduler.failed:
        shell('bakeoff status --failed "${{study[@]}}"')
        if workflow.execution_settings.keep_going:
            if any(paths.result.exists() for paths in PATHS):
                shell(
                    f'unset {UNDER_SNAKEMAKE}; bakeoff report "${{{{study[@]}}}}"'
                )
