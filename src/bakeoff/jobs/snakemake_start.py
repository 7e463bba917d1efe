"""What Snakemake was started for: to run jobs, and which, or to look. While it reads its Snakefile it keeps that to
itself, so its command line is asked."""

from collections.abc import Sequence
from pathlib import Path

LOCKS = Path(".snakemake/locks")  # files with the paths of a running Snakemake's inputs and outputs, one a line
# With these it runs no job, as Snakemake's parser names them.
NO_JOBS = {
    "archive", "cleanup_metadata", "cleanup_shadow", "conda_cleanup_envs", "conda_create_envs_only",
    "container_cleanup_images", "containerize", "d3dag", "dag", "delete_all_output", "delete_temp_output",
    "detailed_summary", "dryrun", "export_cwl", "filegraph", "generate_unit_tests", "lint", "list_changes",
    "list_conda_envs", "list_input_changes", "list_params_changes", "list_rules", "list_target_rules",
    "list_untracked", "print_compilation", "report", "reporter", "rulegraph", "summary", "unlock",
}  # fmt: skip


def only_looks(command_line: Sequence[str], study: Path) -> bool:
    """Whether a Snakemake with these arguments makes nothing: it runs no job, or will refuse to, as another one has
    locked files in the study's folder."""
    from snakemake.cli import get_argument_parser

    parser = get_argument_parser()
    given = vars(parser.parse_known_args(command_line)[0])
    asked = {name for name, value in given.items() if value != parser.get_default(name)}
    if "report_after_run" not in asked and asked & NO_JOBS:
        return True
    return "nolock" not in asked and _is_locked(study)


def runs_of_this_job(command_line: Sequence[str]) -> list[str]:
    """The runs that a cluster's job is for, by its Snakemake's command line, which knows them before it plans."""
    target = "train:run="
    return [word.removeprefix(target) for word in command_line if word.startswith(target)]


def _is_locked(study: Path) -> bool:
    paths = (path for lock in LOCKS.glob("*.lock") for path in lock.read_text(encoding="utf-8").splitlines())
    return any(path.startswith(f"{study}/") for path in paths)
