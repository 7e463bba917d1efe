"""What is installed beside the code: the workflow, its profiles, a study to begin with. In a clone these are links."""

from pathlib import Path

FOLDER = Path(__file__).parent
SNAKEFILE = (FOLDER / "Snakefile").resolve()  # profiles/default lies beside it, where Snakemake looks
STUDY = FOLDER / "config.yaml"
PROFILES = FOLDER / "profiles"
STUDY_FOLDER = FOLDER / "study_folder"  # what `bakeoff init` adds to these
