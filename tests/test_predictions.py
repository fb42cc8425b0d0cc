"""Predictions in few bytes: what is read is what was written, shared parts lie once, and damage is told."""

from __future__ import annotations

import re

import numpy as np
import pytest

from urbanbench.errors import BadInput
from urbanbench.predictions import read_predictions, write_predictions

ROWS = 600


def columns(kind: str, covered: bool = True, start: float = 0.0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    names = np.array(["homes", "shops", "green"], dtype=object)
    shared = {
        "seed": np.repeat([0, 5], ROWS // 2),
        "unit_id": np.array([f"unit {k % 97}" for k in range(ROWS)]),
        "covered": np.arange(ROWS) % 7 != 0 if not covered else np.ones(ROWS, dtype=bool),
    }
    if kind == "classification":
        return shared | {
            "true": names[rng.integers(0, 3, ROWS)],
            "predicted": names[rng.integers(0, 3, ROWS)],
        }
    if kind == "regression":
        return shared | {"true": rng.normal(size=ROWS), "predicted": start + rng.normal(size=ROWS) * 1e5}
    return shared | {
        f"{which}[{name}]": rng.random(ROWS) for which in ("true", "predicted") for name in names
    }


@pytest.mark.parametrize("covered", [True, False])
@pytest.mark.parametrize("kind", ["regression", "classification", "composition"])
def test_what_is_read_is_what_was_written_in_seven_digits(tmp_path, kind, covered):
    path, given = tmp_path / "city" / "task" / "predictions" / "m.parquet", columns(kind, covered)
    write_predictions(given, path, "r1")
    told = read_predictions(path, "r1")
    assert list(told.columns) == list(given)
    for name, values in given.items():
        if name.startswith("predicted") and values.dtype.kind == "f":
            assert told[name].dtype == np.float64
            np.testing.assert_allclose(told[name], values, rtol=1e-7)
        else:
            assert told[name].tolist() == values.tolist()


def test_runs_of_one_split_share_its_units_and_truth(tmp_path):
    folder = tmp_path / "city" / "task" / "predictions"
    for name in "ab":
        write_predictions(columns("regression", start=ord(name)), folder / f"{name}.parquet", name)
    [tested] = (tmp_path / "city" / "task" / "tested").iterdir()
    write_predictions(columns("classification"), folder / "c.parquet", "c")
    assert len(list(tested.parent.iterdir())) == 2
    assert len(read_predictions(folder / "a.parquet", "a")) == ROWS


@pytest.mark.parametrize(("kind", "bits"), [("regression", 32), ("classification", 2)])
def test_a_row_takes_hardly_more_than_its_numbers(tmp_path, kind, bits):
    path = tmp_path / "city" / "task" / "predictions" / "m.parquet"
    write_predictions(columns(kind), path, "r1")
    assert path.stat().st_size < ROWS * bits / 8 + 700


def test_predictions_of_another_run_or_without_their_units_are_refused(tmp_path):
    path = tmp_path / "city" / "task" / "predictions" / "m.parquet"
    write_predictions(columns("regression"), path, "r1")
    with pytest.raises(BadInput, match=r"holds predictions of run 'r1'\. Expected run 'r2'"):
        read_predictions(path, "r2")
    [tested] = (tmp_path / "city" / "task" / "tested").iterdir()
    tested.unlink()
    with pytest.raises(BadInput, match=re.escape("which are not there")):
        read_predictions(path, "r1")


def test_a_file_that_names_units_in_another_folder_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "city" / "task" / "predictions" / "m.parquet"
    outside = tmp_path / "outside.parquet"
    write_predictions(columns("regression"), path, "r1")
    [tested] = (tmp_path / "city" / "task" / "tested").iterdir()
    outside.write_bytes(tested.read_bytes())
    monkeypatch.setattr("urbanbench.predictions.array_digest", lambda *_: "../../../outside")
    write_predictions(columns("regression"), path, "r1")
    with pytest.raises(BadInput, match="which are not there"):
        read_predictions(path, "r1")


def test_a_damaged_file_is_told(tmp_path):
    path = tmp_path / "city" / "task" / "predictions" / "m.parquet"
    write_predictions(columns("regression"), path, "r1")
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(BadInput, match="cannot be read"):
        read_predictions(path, "r1")


def test_units_of_another_length_are_refused(tmp_path):
    path = tmp_path / "city" / "task" / "predictions" / "m.parquet"
    write_predictions(columns("regression"), path, "r1")
    [tested] = (tmp_path / "city" / "task" / "tested").iterdir()
    shorter = {name: values[:-1] for name, values in columns("regression").items()}
    write_predictions(shorter, path.with_name("other.parquet"), "r2")
    [other] = [one for one in tested.parent.iterdir() if one != tested]
    tested.write_bytes(other.read_bytes())
    with pytest.raises(BadInput, match="Expected as many in each column"):
        read_predictions(path, "r1")
