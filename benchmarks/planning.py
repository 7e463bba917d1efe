"""`snakemake -n` on a study of 10,000 runs, and on a bare Snakefile of as many jobs with as many outputs."""

import json
import tempfile
from pathlib import Path

from table import Row
from timing import ROOT, SNAKEMAKE, in_turns, seconds_of_command

BARE_SNAKEFILE = """
rule all:
    input: "report.md"
rule prepare:
    output: "card.json"
    shell: "true"
rule train:
    input: "card.json"
    output:
        "runs/{run}/result.json", "runs/{run}/history.csv",
        "runs/{run}/predictions.npz", "runs/{run}/model.safetensors",
    log: "logs/{run}.log"
    shell: "true"
rule report:
    input: [f"runs/{index}/result.json" for index in range(10_000)]
    output: "report.md"
    shell: "true"
"""


def measure() -> list[Row]:
    """Seconds of both."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "bare").mkdir()
        (folder / "bare/Snakefile").write_text(BARE_SNAKEFILE)
        (folder / "large.yaml").write_text(json.dumps(large_study()))
        dry_run = [SNAKEMAKE, "-n", "-q", "--cores", "2"]
        of_study = ["--snakefile", str(ROOT / "Snakefile"), "--directory", name, "--configfile", f"{name}/large.yaml"]

        def ours() -> float:
            return seconds_of_command([*dry_run, *of_study], folder)

        def bare() -> float:
            return seconds_of_command(dry_run, folder / "bare")

        rounds = in_turns(ours, bare)
    mine, peer = rounds.medians()
    return [
        Row(
            "planning a study of 10,000 runs",
            f"{mine:.1f} s",
            f"bare Snakefile {peer:.1f} s",
            f"{rounds.ratio(of=0, to=1):.2f}×",
            "≤ 1.3×",
        )
    ]


def large_study() -> dict[str, object]:
    """10 architectures × 10 optimizers × 10 recipes × 10 seeds."""
    return {
        "study": "large",
        "datasets": {"digits": {"source": "digits"}},
        "architectures": {f"a{index}": {"model": "mlp", "hidden": [index + 1]} for index in range(10)},
        "optimizers": {f"o{index}": {"name": "SGD", "lr": 0.1 / (index + 1)} for index in range(10)},
        "recipes": {f"r{index}": {"epochs": 50 + index} for index in range(10)},
        "seeds": 10,
    }
