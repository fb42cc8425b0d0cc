"""`--split ladder`, rungs with a colon, and leaks on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from urbanbench.cli.app import main

CITY = "toyville:tiny"


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_the_ladder_is_run_rung_by_rung_and_what_is_left_out_is_named(capsys):
    words = (
        "-m",
        "poi-counts",
        "-t",
        "popdensity",
        "-c",
        CITY,
        "--head",
        "ridge",
        "--seeds",
        "2",
        "--split",
        "ladder",
    )
    assert main(["run", *words, "--no-floors", "--device", "cpu", "--wide"]) == 0
    told = capsys.readouterr()
    for rung in ("random", "block", "buffered", "knndm", "group"):
        assert f"\ntoyville:tiny · popdensity · {rung}" in told.out
    assert "Split buffered: one patch of blocks" in told.out
    assert "Left out of the ladder of toyville:tiny · popdensity: city-out." in told.err


def test_rungs_stand_in_their_order_in_a_dry_run(capsys):
    words = (
        "-m",
        "poi-counts",
        "-t",
        "building-function",
        "-c",
        CITY,
        "--split",
        "group:street,buffered:50,block",
        "--head",
        "ridge",
    )
    # the model embeds regions only: a refused cell is listed like any other
    assert main(["run", *words, "--no-floors", "--dry-run", "--json"]) == 0
    assert [cell["split"] for cell in json.loads(capsys.readouterr().out)["cells"]] == [
        "group:street",
        "buffered:50",
        "block",
    ]


def test_a_wrong_word_is_told_before_anything_runs(capsys):
    assert main(["run", "-m", "poi-counts", "-t", "popdensity", "-c", CITY, "--split", "buffered:far"]) == 2
    assert "Expected metres > 0, for example buffered:800." in capsys.readouterr().err


def test_models_are_for_experiments_that_take_them(capsys):
    assert main(["experiment", "run", "table3", "-m", "hgi", "-c", CITY]) == 2
    assert "its rows are its own" in capsys.readouterr().err
    words = (
        "-m",
        "poi-counts",
        "-c",
        CITY,
        "-t",
        "popdensity",
        "--split",
        "ladder",
        "--head",
        "ridge",
        "--seeds",
        "2",
    )
    assert (
        main(["experiment", "run", "ladder", *words, "--no-floors", "--figures", "figs", "--device", "cpu"])
        == 0
    )
    told = capsys.readouterr().out
    assert Path("figs/ladder-toyville-tiny-popdensity-ridge-poi-counts.svg").is_file()
    assert "poi-counts: score at each rung" in told
    assert "Figure: poi-counts" in told


def test_a_clean_task_has_no_finding_and_tells_distances(capsys):
    assert main(["data", "leaks", CITY, "-t", "popdensity", "--split", "random,buffered"]) == 0
    told = capsys.readouterr().out
    assert "toyville:tiny · popdensity: no findings" in told
    assert "buffered" in told


def test_leaks_end_with_one_and_a_run_warns(capsys, tmp_path):
    import shutil

    import pyarrow as pa
    import pyarrow.parquet as pq

    from urbanbench.registry import city_folder, open_city

    folder = shutil.copytree(city_folder(CITY), tmp_path / "town")
    counts = open_city(CITY).pois["region_id"].value_counts()
    label = pq.read_table(folder / "labels/popdensity.parquet")
    value = pa.array([float(counts.get(one, 0)) for one in label["region_id"].to_pylist()])
    pq.write_table(
        label.set_column(label.column_names.index("value"), "value", value),
        folder / "labels/popdensity.parquet",
    )
    raw = json.loads((folder / "city.json").read_text())
    raw["labels"]["popdensity"]["source"] = "WorldPop 2020"
    (folder / "city.json").write_text(json.dumps(raw))
    assert main(["data", "leaks", str(folder), "-t", "popdensity", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)["popdensity"]["findings"]
    assert [one["check"] for one in found] == ["answer in an input", "modelled label"]
    words = (
        "-m",
        "poi-counts",
        "-t",
        "popdensity",
        "-c",
        str(folder),
        "--head",
        "ridge",
        "--seeds",
        "2",
        "--no-floors",
        "--dry-run",
    )
    assert main(["run", *words]) == 0
    assert "popdensity: warning, modelled label" in capsys.readouterr().err
