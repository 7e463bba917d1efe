"""Train the golden study again and keep of its runs what a report is made from.

python tests/report/test_golden/make.py

Needed when a study's specification has other keys than before: its results then are those of another study.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
NEUTRAL = {"node": "node", "platform": "Linux", "device": "cpu", "git_commit": None, "git_dirty": None}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        snakemake = [Path(sys.executable).with_name("snakemake"), "--snakefile", ROOT / "Snakefile", "--cores", "all"]
        subprocess.run(
            [*snakemake, "--directory", folder, "--configfile", HERE / "study.yaml", "--until", "train"], check=True
        )
        shutil.rmtree(HERE / "runs", ignore_errors=True)
        unwanted = shutil.ignore_patterns("model.safetensors")
        shutil.copytree(Path(folder) / "results/golden/runs", HERE / "runs", ignore=unwanted)
    for path in (HERE / "runs").rglob("result.json"):
        result = json.loads(path.read_text())
        result["provenance"] |= NEUTRAL
        path.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
