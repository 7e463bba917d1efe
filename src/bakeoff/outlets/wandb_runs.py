"""Weights & Biases: an offline run for each run, which `wandb sync` uploads."""

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

from bakeoff.errors import BakeoffError, first_line
from bakeoff.outlets.export_folder import export_to_folder
from bakeoff.outlets.outlet import Outlet
from bakeoff.outlets.records import Exported, RunRecord, StudyRecords

LONGEST_TAG = 64  # characters


def export(records: StudyRecords, place: str) -> Exported:
    """A folder for each run, named as W&B names those of offline runs."""
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    import wandb

    try:
        return export_to_folder("wandb", records.name, records.runs, place, write_run, _folder_name)
    except wandb.Error as error:
        raise BakeoffError(f"{place}: W&B refuses: {first_line(error)}") from error
    finally:
        wandb.teardown()


def write_run(record: RunRecord, folder: Path) -> None:
    """One run with its times. Its id follows from the result: it is uploaded once, however often it is exported."""
    import wandb

    aside = folder.with_name(f"{folder.name}-wandb")
    aside.mkdir()
    times = {"started": record.started, "ended": record.ended}  # W&B dates a run by its export
    try:
        run = wandb.init(
            project=record.study,
            id=record.identity,
            name=record.run.key,
            group=record.run.experiment.key,
            tags=[f"{name}:{value}"[:LONGEST_TAG] for name, value in record.tags.items()],
            notes=record.message or None,
            config={**record.hyperparameters, **record.tags, "seed": record.run.seed, **times},
            reinit="create_new",
            settings=_settings(aside),
        )
        for time, step, values in record.epochs:
            run.log({**values, "_timestamp": time}, step=step)
        run.summary.update({tag: point.value for tag, point in record.scores.items()})
        for path in record.artifacts:
            copied = shutil.copy(path, run.dir)
            run.save(copied, base_path=run.dir, policy="end")
        run.finish(exit_code=0 if record.status == "completed" else 1)
        (written,) = aside.glob("wandb/offline-run-*")
        written.rename(folder)
    finally:
        shutil.rmtree(aside)


def _settings(folder: Path) -> "object":
    """Offline, and without what W&B would collect of this machine and this process."""
    import wandb

    return wandb.Settings(
        mode="offline",
        root_dir=str(folder),
        x_disable_stats=True,
        x_disable_meta=True,
        x_disable_machine_info=True,
        x_save_requirements=False,
        disable_git=True,
        save_code=False,
        console="off",
        silent=True,
    )


def _folder_name(record: RunRecord) -> str:
    started = datetime.fromtimestamp(record.started, UTC)
    return f"wandb/offline-run-{started:%Y%m%d_%H%M%S}-{record.identity}"


WANDB = Outlet(
    "wandb",
    "an offline run for each run, which wandb sync uploads",
    place="a folder",
    export=export,
    then="upload them: wandb sync {place}/wandb/offline-run-*",
    module="wandb",
    extra="wandb",
)
