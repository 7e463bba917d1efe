import os
import shlex
import re
from functools import cache, partial
from importlib.resources import files
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

from bakeoff.analysis.tables import statistics_files
from bakeoff.cli import load, overrides_of
from bakeoff.errors import BakeoffError
from bakeoff.files import check_writable, user_name
from bakeoff.jobs.handover import UNDER_SNAKEMAKE, forget_known
from bakeoff.study.paths import Layout
from bakeoff.jobs.gpus import advice_on_gpus, gpus_of_a_run
from bakeoff.jobs.resources import check_defaults, requested
from bakeoff.study.specification import (
    data_folder,
    digest,
    experiments_on_features,
    needed_by,
    plan_file,
    specification_hash,
    starts_from,
)
from bakeoff.study.study import runs
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
    STUDY = load(STUDY_FILE, OVERRIDES)  # as the commands do
    check_defaults(DEFAULT_RESOURCES)
except BakeoffError as error:
    raise WorkflowError(str(error)) from None

if workflow.is_main_process:  # jobs on a cluster read this file again
    for warning in warnings(STUDY, STUDY_FILE):
        logger.warning(f"warning: {warning}")

LAYOUT = Layout(STUDY.study)
if workflow.is_main_process and not workflow.dryrun:
    # Snakemake itself would end in a traceback where it cannot make a file.
    try:
        folders = LAYOUT.results / "data", LAYOUT.folder / "logs", LAYOUT.runs
        check_writable(Path(".snakemake"), *folders, LAYOUT.report_folder)
    except BakeoffError as error:
        raise WorkflowError(str(error)) from None

# What every command is told about the study: its file, and what --config changed in it. It is no part of the rules'
# commands, which Snakemake tracks: another title must retrain nothing. Snakemake formats it: braces are doubled.
TOLD = shlex.join([str(STUDY_FILE), *(f"--set={item}" for item in OVERRIDES)])
shell.prefix(
    f"set -euo pipefail; export {UNDER_SNAKEMAKE}=1; "
    f"study=({TOLD.replace('{', '{{').replace('}', '}}')}); "
)


report: "workflow/report/workflow.rst"


# These run where Snakemake does, also when it sends the others to a cluster.
localrules:
    all,
    prepare,
    check,
    summarize,
    statistics,
    figures,
    report,


include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/analysis.smk"
include: "workflow/rules/report.smk"


# Missing results are named beside the report: one of an unfinished study, made by hand, must not pass for the end.
rule all:
    default_target: True
    input:
        rules.report.output,
        [result for result in RESULTS if not Path(result).exists()],
    message:
        f"{len(RUNS)} runs of {STUDY.study} are finished"


onstart:
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


# Trainings keep their files until here, in case that Snakemake is killed before it knows of them.
onsuccess:
    forget_known(PATHS, workflow.dag)


# What failed is said in a line each; with --keep-going the report is made from the rest. Ctrl-C is no failure.
onerror:
    forget_known(PATHS, workflow.dag)
    if workflow.scheduler.failed:
        shell('bakeoff status --failed "${{study[@]}}"')
        if workflow.execution_settings.keep_going:
            if any(paths.result.exists() for paths in PATHS):
                shell('bakeoff report "${{study[@]}}"')
