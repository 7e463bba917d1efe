"""Every path of the project, in one place."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from bakeoff.study.matrix import Experiment, Run

RESULTS = Path("results")
REPORT = Path("report")


@dataclass(frozen=True)
class RunPaths:
    """The files of one run: four outputs, its log, and the state kept while it is unfinished."""

    folder: Path
    state: Path
    log: Path

    @property
    def result(self) -> Path:
        return self.folder / "result.json"

    @property
    def history(self) -> Path:
        return self.folder / "history.csv"

    @property
    def predictions(self) -> Path:
        return self.folder / "predictions.npz"

    @property
    def model(self) -> Path:
        return self.folder / "model.safetensors"

    @property
    def lock(self) -> Path:
        return self.state / "lock"

    @property
    def kept_log(self) -> Path:
        """Another name of the log, while the run is unfinished: Snakemake deletes the first."""
        return self.state / "log"

    @property
    def progress(self) -> Path:
        return self.state / "progress.json"

    @property
    def epochs(self) -> Path:
        """The rows of history.csv so far, while the run is unfinished: a line of JSON each."""
        return self.state / "epochs.jsonl"

    @property
    def files(self) -> "tuple[Path, ...]":
        """The four outputs; result.json, which says that the others are whole, comes last."""
        return self.history, self.predictions, self.model, self.result

    @property
    def finished(self) -> "RunPaths":
        """Where the four files are written: the outputs are links to them."""
        return replace(self, folder=self.state / "finished")

    def checkpoint(self, specification_hash: str) -> Path:
        return self.state / specification_hash / "checkpoint.pt"


@dataclass(frozen=True)
class Layout:
    """Where one study's files are, relative to the folder Snakemake runs in.

    `language` is that of a report which is not in the study's own: it lies in a folder beneath, with its figures.
    `place` is that of runs which are no runs of the study itself: the name of a trial.
    """

    study_name: str
    results: Path = RESULTS
    report: Path = REPORT
    language: str = ""
    place: str = ""

    @cached_property
    def folder(self) -> Path:
        return self.results / self.study_name

    @cached_property
    def runs(self) -> Path:
        return self.folder / "runs"

    def plan(self, name: str) -> Path:
        """What the plan step found of an experiment; `plan_file` names it."""
        return self.folder / "plan" / f"{name}.json"

    def examples(self, name: str) -> Path:
        """Training images before and after a recipe's augmentation; `examples_file` names it."""
        return self.folder / "examples" / f"{name}.npy"

    @property
    def summary(self) -> Path:
        return self.folder / "summary"

    @property
    def figures(self) -> Path:
        return self.folder / (f"figures-{self.language}" if self.language else "figures")

    @property
    def first_figures(self) -> Path:
        """Those that need no statistics, until the others are drawn."""
        return self.folder / "first_figures"

    @property
    def missing_letters(self) -> Path:
        """The letters of class names that figures show as boxes; no file where there are none."""
        return self.figures / "letters_without_a_font.txt"

    @property
    def report_folder(self) -> Path:
        return self.report / self.study_name / self.language

    @property
    def seen(self) -> Path:
        """How Snakemake saw the files of runs and data when it ended."""
        return self.folder / "seen.json"

    def heat_maps(self, dataset: str) -> Path:
        """Where networks look in the test images of a dataset that they confuse."""
        return self.folder / "heat_maps" / f"{dataset}.npz"

    @property
    def live(self) -> Path:
        """What TensorBoard reads while runs train."""
        return self.folder / "tensorboard"

    @property
    def rounds(self) -> Path:
        """What the looks of a race have decided."""
        return self.folder / "rounds.json"

    @property
    def seed_lists(self) -> Path:
        """The seeds for which verdicts were given."""
        return self.folder / "seed_lists.json"

    def made(self, step: str) -> Path:
        """What a step after training made for Snakemake."""
        return self.folder / "made" / f"{step}.json"

    @property
    def trials(self) -> Path:
        return self.folder / "trials"

    def selection(self, cell: Experiment) -> Path:
        """Which trial of an experiment was chosen, and why."""
        return self.trials / cell.key / "selection.json"

    def halved(self, cell: Experiment, epochs: int) -> Path:
        """Which trials of an experiment go on after so many epochs, where they are halved."""
        return self.trials / cell.key / f"epoch{epochs}.json"

    def at(self, place: str) -> "Layout":
        """The same study's files, but for runs: theirs are those of a trial."""
        return replace(self, place=place)

    def run(self, run: Run) -> RunPaths:
        if self.place:
            key = f"trials/{run.experiment.key}/{self.place}/seed{run.seed}"
            return RunPaths(self.folder / key, self.folder / f"state/{key}", self.folder / f"logs/{key}.log")
        key = run.key
        return RunPaths(self.runs / key, self.folder / f"state/{key}", self.folder / f"logs/{key}.log")
