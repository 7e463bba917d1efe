"""Every path of the project, in one place."""

from dataclasses import dataclass, replace
from pathlib import Path

from bakeoff.study.matrix import Experiment, Run
from bakeoff.study.specification import dataset_specification, digest, experiment_specification, features_specification
from bakeoff.study.study import Study, parent

RESULTS = Path("results")
REPORT = Path("report")
# The tables that `bakeoff statistics` writes; docs/statistics.md says what they hold.
STATISTICS = (
    *("intervals", "comparisons", "single_runs", "ranks", "rank_test", "rank_pairs", "rank_groups", "profiles"),
    *("variance", "speed", "selection", "classes", "confusion", "confused_pairs", "hardest_images", "calibration"),
    *("reliability", "precision_recall", "thresholds"),
)


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
    def progress(self) -> Path:
        return self.state / "progress.json"

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
    """

    study_name: str
    results: Path = RESULTS
    report: Path = REPORT
    language: str = ""

    @property
    def folder(self) -> Path:
        return self.results / self.study_name

    @property
    def runs(self) -> Path:
        return self.folder / "runs"

    def plan(self, study: Study, cell: Experiment) -> Path:
        """What the plan step found of an experiment. Its name says its content, so it is never out of date:
        an experiment whose entries change has another file, and only its runs depend on that."""
        return self.folder / "plan" / f"{digest(experiment_specification(study, cell))}.json"

    def examples(self, dataset: str, recipe: str) -> Path:
        """Training images before and after a recipe's augmentation."""
        return self.folder / "examples" / f"{dataset}__{recipe}.npy"

    @property
    def summary(self) -> Path:
        return self.folder / "summary"

    @property
    def statistics(self) -> dict[str, Path]:
        """The tables of a study's statistics, by name."""
        return {name: self.summary / f"{name}.csv" for name in STATISTICS}

    @property
    def figures(self) -> Path:
        return self.folder / (f"figures-{self.language}" if self.language else "figures")

    @property
    def report_folder(self) -> Path:
        return self.report / self.study_name / self.language

    def run(self, run: Run) -> RunPaths:
        return RunPaths(
            folder=self.runs / run.key,
            state=self.folder / "state" / run.key,
            log=self.folder / "logs" / f"{run.key}.log",
        )

    def needed_by(self, study: Study, cell: Experiment) -> list[str]:
        """The files that an experiment's training jobs wait for: plan, card, features."""
        features = features_folder(study, cell)
        needed = [self.plan(study, cell), data_folder(study, cell.dataset) / "card.json"]
        return [*map(str, needed + ([features / "card.json"] if features else []))]

    def starts_from(self, study: Study, run: Run) -> list[str]:
        """The weights of another run that a run starts from, where it does."""
        origin = parent(study, run)
        return [str(self.run(origin).model)] if origin else []


def data_folder(study: Study, dataset: str) -> Path:
    """The prepared arrays of a dataset; studies that say the same about a dataset share the folder."""
    return RESULTS / "data" / f"{dataset}-{digest(dataset_specification(study, dataset))[:8]}"


def features_folder(study: Study, cell: Experiment) -> Path | None:
    """The outputs of an experiment's frozen backbone on its dataset, where they are computed once and kept."""
    found = features_specification(study, cell)
    if found is None:
        return None
    model = study.architectures[cell.architecture].model.rpartition("/")[2]
    return RESULTS / "features" / f"{cell.dataset}-{model}-{digest(found)[:8]}"


def experiments_on_features(study: Study) -> dict[str, list[Experiment]]:
    """Folder in results/features → the experiments that train on what is kept there."""
    found: dict[str, list[Experiment]] = {}
    for cell in study.cells:
        if folder := features_folder(study, cell):
            found.setdefault(folder.name, []).append(cell)
    return found
