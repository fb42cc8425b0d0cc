"""Residual maps: the numbers on them, and what is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest

from urbanbench.cli.again import command_again
from urbanbench.cli.app import main
from urbanbench.result import RunSpec
from urbanbench.run import run
from urbanbench.store import ResultStore

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture
def finished(village, counting, tmp_path):
    store = ResultStore(tmp_path / "results")
    [result] = run([RunSpec(str(counting), "income", str(village), head="ridge", seeds=(0, 1, 2))], store)
    return store, result


def test_runs_without_scores_and_probes_of_position_are_refused_before_anything_is_read(
    finished, village, capsys
):
    store, result = finished
    path = store.path_of(result.cell)
    whole = json.loads(path.read_text(encoding="utf-8"))
    for change, said in (
        ({"spec": whole["spec"] | {"probe": "position"}}, "Expected a run that predicts a label."),
        ({"status": "refused", "reason": "No layer."}, "is refused: No layer. Expected a finished run."),
    ):
        path.write_text(json.dumps(whole | change), encoding="utf-8")
        assert main(["residuals", str(path), "-c", str(village)]) == 2
        assert said in capsys.readouterr().err


def test_files_of_other_kinds_are_refused(finished, village, capsys):
    store, result = finished
    assert main(["residuals", str(store.path_of(result.cell)), "-o", "residuals.docx"]) == 2
    assert "Expected .png, .svg, .pdf for a picture or .parquet for a table." in capsys.readouterr().err


def test_it_says_in_words_where_the_run_fails_and_writes_all_files(finished, village, capsys, tmp_path):
    store, result = finished
    path, files = (
        store.path_of(result.cell),
        [tmp_path / f"r.{kind}" for kind in ("png", "svg", "pdf", "parquet")],
    )
    words = [word for file in files for word in ("-o", str(file))]
    assert main(["residuals", str(path), "-c", str(village), *words]) == 0
    said = capsys.readouterr().out
    for part in (
        "Village: household income",
        "Counting · random split · head ridge · 3 seeds",
        "Moran's I",
        "Districts (group of the label), worst first",
        "The worst tenth",
        "By POIs per km²",
    ):
        assert part in said
    assert all(file.stat().st_size > 1000 for file in files)
    before = [file.read_bytes() for file in files[:3]]
    assert main(["residuals", str(path), "-c", str(village), *words]) == 0
    assert [file.read_bytes() for file in files[:3]] == before


def test_the_table_has_a_row_for_each_tested_unit_with_its_shape(finished, village, tmp_path):
    import geopandas as gpd

    store, result = finished
    path = store.path_of(result.cell)
    assert main(["residuals", str(path), "-c", str(village), "-o", str(tmp_path / "r.parquet")]) == 0
    table = gpd.read_parquet(tmp_path / "r.parquet").set_index("region_id")
    told = store.read_predictions(path, result.cell)
    assert set(table.index) == set(told["unit_id"])
    assert table.crs == "EPSG:4326"
    assert table.geometry.geom_type.eq("Polygon").all()
    for unit, part in told.groupby("unit_id"):
        row, away = table.loc[unit], part["predicted"] - part["true"]
        assert row["error"] == pytest.approx(away.mean())
        assert row["loss"] == pytest.approx((away**2).mean())
        assert row["true"] == pytest.approx(part["true"].iloc[0])
        assert row["tested"] == len(part)
    assert table["worst_tenth"].sum() == round(len(table) / 10)


def test_json_holds_the_same_numbers(finished, village, capsys, tmp_path):
    store, result = finished
    path = store.path_of(result.cell)
    words = ["residuals", str(path), "-c", str(village), "-o", str(tmp_path / "r.parquet"), "--json"]
    assert main(words) == 0
    told = json.loads(capsys.readouterr().out)
    predictions = store.read_predictions(path, result.cell)
    away = predictions["predicted"] - predictions["true"]
    assert told["all"]["error"] == pytest.approx(np.sqrt((away**2).mean()))
    assert told["moran"]["permutations"] == 999
    assert sum(one["units"] for one in told["by_density"]) == told["units"]


def test_classes_and_districts_without_groups(village, counting, capsys, tmp_path):
    store = ResultStore(tmp_path / "results")
    [result] = run([RunSpec(str(counting), "landuse", str(village), head="ridge", seeds=(0, 1, 2))], store)
    words = ["residuals", str(store.path_of(result.cell)), "-c", str(village), "-o", str(tmp_path / "r.png")]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "Class met worst:" in said
    assert "Classes, worst first" in said
    assert "(block of " in said


def test_a_run_without_predictions_names_the_command_that_makes_them(finished, village, capsys, monkeypatch):
    store, result = finished
    path = store.path_of(result.cell)
    store.predictions_of(result.cell).unlink()
    monkeypatch.chdir(path.parent)
    assert main(["residuals", path.name, "-c", str(village)]) == 3
    said = capsys.readouterr().err
    assert f"Result '{path.name}' has no predictions beside it." in said
    assert (
        "Mend: urbanbench run -m counting -t income -c village --split random --head ridge --seeds 3 --no-floors"
        in said
    )


def test_a_map_is_drawn_from_a_result_named_from_inside_its_folder(finished, village, monkeypatch, tmp_path):
    store, result = finished
    path = store.path_of(result.cell)
    monkeypatch.chdir(path.parent)
    assert main(["residuals", path.name, "-c", str(village), "-o", str(tmp_path / "map.png")]) == 0
    assert (tmp_path / "map.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"seeds": (0, 3, 7)}, "--seeds 0,3,7,"),
        ({"seeds": (4,)}, "--seeds 4,"),
        ({"inputs": "poi,polygon", "model_seed": 2}, "--inputs poi,polygon --model-seed 2"),
        ({"split": "block", "block_size_m": 900.0}, "--split block --head ridge --seeds 3 --block-size 900"),
        ({"split": "paper:hgi", "head": "rf"}, "--protocol paper:hgi --no-floors"),
    ],
)
def test_the_command_of_a_result_names_what_was_asked(finished, changed, words):
    _, result = finished
    assert words in command_again(replace(result, cell=replace(result.cell, **changed)))


def test_the_command_of_a_result_names_what_differs_from_the_preset_stated_or_not(finished):
    _, result = finished
    stated = replace(result, model=result.model | {"settings": {"power": 2.0}})
    assert "--set power=2.0" in command_again(stated)
    old = {name: value for name, value in result.model.items() if name != "settings"}
    cell = replace(result.cell, model="mean", parameters={})
    assert "--set" not in command_again(replace(result, model=old, cell=cell))
    gone = replace(result.cell, model="not-here", parameters={"stages": ["poi", "svi"]})
    assert "--set stages=poi,svi" in command_again(replace(result, model=old, cell=gone))


def test_the_map_finds_the_folder_its_city_was_in(finished, tmp_path, monkeypatch, capsys):
    store, result = finished
    monkeypatch.chdir(tmp_path)
    words = ["residuals", str(store.path_of(result.cell)), "--map", "map.svg"]
    assert main(words) == 0, capsys.readouterr().err
    assert (tmp_path / "map.svg").is_file()
