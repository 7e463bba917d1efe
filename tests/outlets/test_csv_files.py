"""CSV files as TensorBoard's page offers them."""

from pathlib import Path

import pandas as pd
import pytest
from outlet_truth import export_tiny, points_in

from bakeoff.errors import BakeoffError
from bakeoff.outlets.csv_files import file_name


def test_every_number_is_in_the_files_to_its_last_digit(finished_study: Path, tmp_path: Path) -> None:
    export_tiny("csv", finished_study, tmp_path / "out")
    wanted = points_in(finished_study)
    assert len(wanted) == 6
    for key, tags in wanted.items():
        files = {path.name: path for path in (tmp_path / "out" / key).iterdir()}
        names = {f"run-{key}-tag-{tag}.csv".replace("/", "_"): points for tag, points in tags.items()}
        assert set(files) == set(names)
        for name, points in names.items():
            table = pd.read_csv(files[name], float_precision="round_trip")
            assert list(table.columns) == ["Wall time", "Step", "Value"]
            assert list(table.itertuples(index=False, name=None)) == points


def test_a_name_that_no_file_can_have_is_refused() -> None:
    with pytest.raises(BakeoffError, match="longer than a file's name may be"):
        file_name("d/" + "a" * 200 + "/sgd/plain/seed0", "validation/balanced_accuracy_of_all_classes")
