"""What has changed behind Snakemake's back is made again."""

from pathlib import Path

import pytest

from bakeoff.jobs.seen import prepare_again


def test_the_log_of_data_that_are_prepared_again_is_the_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`results/data/{folder}.log`, also where the name of a dataset has a dot."""
    command = tmp_path / "bin" / "bakeoff"
    command.parent.mkdir()
    command.write_text("#!/bin/sh\necho $1 $2 $3\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(command.parent), prepend=":")
    folder = tmp_path / "v1.5-01234567"
    folder.mkdir()
    prepare_again(["study.yaml"], "v1.5", folder / "card.json")
    assert (tmp_path / "v1.5-01234567.log").read_text() == "prepare study.yaml v1.5\n"
