"""Result files: readable names, whole or not there, one per cell."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from urbanbench.errors import BadInput, DataMissing
from urbanbench.result import FAILED, OK, Cell, RunResult
from urbanbench.store import ResultStore

CELL = Cell(
    city="toyville:tiny",
    model="urbanmfm",
    preset="small",
    parameters={"dim": 128, "layers": [256, 128]},
    inputs="poi,polygon",
    task="popdensity",
    task_version=1,
    split="block",
    block_size_m=2000.0,
    head="mlp",
    seeds=(0, 1),
    model_seed=0,
)
RESULT = RunResult(
    OK,
    CELL,
    model={"title": "UrbanMFM", "variant": {"text": "minilm"}},
    scores={"r2": [0.5, float("nan")], "rmse": [1.0, 2.0]},
    evaluation={"main_metric": "r2", "n_units": 9, "head_details": [{"alpha": np.float64(1.5)}, {}]},
    cost={"embed_seconds": np.float32(0.5)},
    predictions={
        "seed": np.array([0, 0]),
        "unit_id": np.array(["a", "b"], dtype=object),
        "covered": np.array([True, True]),
        "true": np.array([1.0, 2.0]),
        "predicted": np.array([0.1, 2.5]),
    },
)


@pytest.fixture
def store(tmp_path):
    return ResultStore(tmp_path / "results")


def test_file_name_says_what_is_inside(store):
    path = store.path_of(CELL)
    assert path.relative_to(store.folder).as_posix() == (
        f"toyville-tiny/popdensity/urbanmfm-small__poi+polygon__block__mlp__{CELL.run_id[:10]}.json"
    )


def test_names_cannot_leave_the_folder(store):
    bad = replace(CELL, city="../..", task="/etc", model="../up")
    assert store.path_of(bad).resolve().is_relative_to(store.folder.resolve())


def test_run_id_depends_on_every_field_of_the_cell():
    changes = {
        "city": "x",
        "model": "x",
        "preset": "x",
        "parameters": {"dim": 64},
        "inputs": "full",
        "task": "x",
        "task_version": 2,
        "split": "random",
        "block_size_m": None,
        "head": "ridge",
        "seeds": (0, 2),
        "model_seed": 1,
    }
    assert set(changes) == set(CELL.to_dict())
    ids = {replace(CELL, **{name: value}).run_id for name, value in changes.items()}
    assert len(ids | {CELL.run_id}) == len(changes) + 1
    assert replace(CELL, parameters={"layers": [256, 128], "dim": 128}).run_id == CELL.run_id


def test_saved_result_reads_back(store):
    store.save(RESULT)
    [found] = store.load_all()
    assert found.cell == CELL
    assert found.run_id == RESULT.run_id
    assert found.scores["rmse"] == [1.0, 2.0]
    assert np.isnan(found.scores["r2"][1])
    assert found.evaluation["head_details"] == [{"alpha": 1.5}, {}]
    assert found.model == dict(RESULT.model)


def test_result_file_is_strict_json_with_scores_on_one_line(store):
    text = store.save(RESULT).read_text()
    whole = json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert whole["schema"] == 1
    assert whole["scores"]["r2"] == [0.5, None]
    assert '"r2": [0.5, null]' in text


def test_predictions_lie_beside(store):
    path = store.save(RESULT)
    assert store.predictions_of(CELL) == path.parent / "predictions" / f"{path.stem}.parquet"
    told = store.read_predictions(path, CELL)
    assert told.to_dict("list") == {
        "seed": [0, 0],
        "unit_id": ["a", "b"],
        "covered": [True, True],
        "true": [1.0, 2.0],
        "predicted": [float(np.float32(0.1)), 2.5],
    }


def test_missing_predictions_are_named_with_the_command_that_makes_them(store):
    path = store.save(replace(RESULT, predictions=None))
    with pytest.raises(DataMissing, match="No predictions") as told:
        store.read_predictions(path, CELL)
    assert f"urbanbench results verify {store.folder} --recompute all --row {CELL.run_id[:10]}" in str(
        told.value
    )


def test_newer_result_replaces_the_older_with_its_predictions(store):
    store.save(RESULT)
    store.save(RunResult(FAILED, CELL, reason="no", error_type="ValueError"))
    [found] = store.load_all()
    assert (found.status, found.reason, found.error_type) == (FAILED, "no", "ValueError")
    assert not store.predictions_of(CELL).exists()


def test_interrupted_save_leaves_the_old_result(store, monkeypatch):
    from pathlib import Path

    store.save(RESULT)
    before = store.path_of(CELL).read_bytes()

    def stop(self, target):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        store.save(replace(RESULT, reason="new", predictions=None))
    assert store.path_of(CELL).read_bytes() == before
    assert not list(store.folder.rglob(".*.part"))


def test_leftovers_of_a_killed_process_are_swept_by_the_next_save(store):
    path = store.save(RESULT)
    (path.parent / f".{path.name}.abc123.part").write_text("{")
    store.save(RESULT)
    assert not list(store.folder.rglob("*.part"))


def test_broken_file_is_named(store):
    path = store.save(RESULT)
    path.write_text("{")
    with pytest.raises(DataMissing, match=re.escape(path.name)):
        store.load_all()
    assert store.find(CELL) is None
    assert not store.has(CELL)


def test_what_is_no_result_is_not_to_be_removed(store, tmp_path):
    path = store.save(RESULT)
    with pytest.raises(DataMissing, match=r"is a folder\. Expected the file of one result"):
        store.read(path.parent)
    files = {
        "notes.txt": b"Dear reader",
        "settings.json": b"{}",
        "list.json": b"[1]",
        "table.parquet": b"\xf0",
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataMissing, match=f"{name}' is no result.*Expected a JSON file") as refused:
            store.read(tmp_path / name)
        assert "Remove" not in str(refused.value)
    path.write_text("{")
    with pytest.raises(DataMissing, match="Remove it and run again"):
        store.read(path)


def test_other_schema_is_refused():
    with pytest.raises(BadInput, match=r"schema 2\. Expected 1"):
        RunResult.from_dict({"schema": 2})
    with pytest.raises(BadInput, match="lacks a section"):
        RunResult.from_dict({"schema": 1, "status": "ok"})


def test_missing_folder_is_told(store):
    with pytest.raises(DataMissing, match="No results folder"):
        store.load_all()


def test_lock_admits_one_at_a_time(store):
    with store.lock(CELL) as first, ResultStore(store.folder).lock(CELL, wait=False) as second:
        assert (first, second) == (True, False)
    with store.lock(CELL, wait=False) as again:
        assert again


def test_a_row_that_is_taken_away_while_a_board_reads_is_left_out(store, monkeypatch):
    path = store.save(RESULT)
    read = type(path).read_text

    def take_away(one, **words):
        if one == path:
            one.unlink()
        return read(one, **words)

    monkeypatch.setattr(type(path), "read_text", take_away)
    assert store.load_all() == []
