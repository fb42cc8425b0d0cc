"""Several results folders made one, and a folder made one file and again a folder."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from urbanbench.cli.app import main
from urbanbench.errors import BadInput, DataMissing, UnknownName
from urbanbench.gathered.compact import compact, expand, read_compacted
from urbanbench.gathered.merge import merge
from urbanbench.gathered.unpack import unpack
from urbanbench.result import FAILED, OK, Cell, RunResult
from urbanbench.result_folders import load_results
from urbanbench.store import ResultStore, predictions_beside

CELL = Cell(
    city="toyville:tiny",
    model="hgi",
    preset="small",
    parameters={},
    inputs="full",
    task="popdensity",
    task_version=1,
    split="random",
    block_size_m=None,
    head="mlp",
    seeds=(0, 1),
    model_seed=0,
)


def result(day: int, score: float = 0.5, **cell: object) -> RunResult:
    return RunResult(
        OK,
        replace(CELL, **cell),
        scores={"r2": [score, score + 0.2]},
        evaluation={"main_metric": "r2"},
        provenance={"started_utc": f"2026-11-{day:02d}T00:00:00+00:00"},
        predictions={
            "seed": np.array([0, 1]),
            "unit_id": np.array(["a", "b"], dtype=object),
            "covered": np.array([True, True]),
            "true": np.array([1.0, 2.0]),
            "predicted": np.array([score, 2.5]),
        },
    )


def failed(day: int) -> RunResult:
    one = result(day)
    return replace(one, status=FAILED, scores={}, predictions=None, reason="out of memory")


def folder_of(path: Path, *results: RunResult) -> Path:
    store = ResultStore(path)
    for one in results:
        store.save(one)
    return path


def content(folder: Path) -> dict[str, bytes]:
    files = [one for one in folder.rglob("*") if one.is_file() and ".lock" not in one.parts]
    return {one.relative_to(folder).as_posix(): one.read_bytes() for one in files}


@pytest.fixture
def two(tmp_path):
    first = folder_of(tmp_path / "one", result(1), result(1, model_seed=1))
    return first, folder_of(tmp_path / "two", result(2, score=0.7), result(2, split="block"))


def became(merged):
    return [one.became for one in merged]


def test_rows_of_several_folders_lie_in_one_and_sources_stay_as_they_are(two, tmp_path):
    before = [content(one) for one in two]
    merged = merge(two, tmp_path / "all")
    assert sorted(became(merged)) == ["copied", "copied", "copied", "replaced"]
    assert [content(one) for one in two] == before
    kept = ResultStore(tmp_path / "all").load_all()
    assert {(one.cell.split, one.cell.model_seed) for one in kept} == {
        ("random", 0),
        ("random", 1),
        ("block", 0),
    }


def test_of_two_results_of_a_cell_the_newer_stays_with_its_own_predictions(two, tmp_path):
    for order in (two, two[::-1]):
        target = tmp_path / order[0].name
        merge(order, target)
        kept = ResultStore(target).find(CELL)
        assert kept.scores["r2"][0] == 0.7
        table = ResultStore.read_predictions(ResultStore(target).path_of(CELL), CELL)
        np.testing.assert_allclose(table["predicted"], [0.7, 2.5], rtol=1e-6)


def test_the_first_stays_when_asked(two, tmp_path):
    merge(two, tmp_path / "all", keep="first")
    assert ResultStore(tmp_path / "all").find(CELL).scores["r2"][0] == 0.5


def test_a_row_with_scores_beats_one_that_failed_later(tmp_path):
    good, bad = folder_of(tmp_path / "good", result(1)), folder_of(tmp_path / "bad", failed(5))
    for name, order in (("x", (good, bad)), ("y", (bad, good))):
        merge(order, tmp_path / name)
        assert ResultStore(tmp_path / name).find(CELL).status == OK
        assert predictions_beside(ResultStore(tmp_path / name).path_of(CELL)).is_file()


def test_predictions_of_a_row_that_was_replaced_are_not_left_beside_the_new_one(tmp_path):
    new = replace(result(2, score=0.9), predictions=None)
    sources = [folder_of(tmp_path / "a", result(1)), folder_of(tmp_path / "b", new)]
    merge(sources, tmp_path / "all")
    assert not predictions_beside(ResultStore(tmp_path / "all").path_of(CELL)).exists()


def test_merging_twice_changes_nothing_and_brings_what_a_killed_merge_left_out(two, tmp_path):
    target = tmp_path / "all"
    merge(two[:1], target)
    whole = content(target)
    predictions_beside(ResultStore(target).path_of(CELL)).unlink()
    assert set(became(merge(two[:1], target))) == {"same"}
    assert content(target) == whole


def test_damaged_and_misplaced_files_are_named_and_the_rest_is_merged(two, tmp_path):
    store = ResultStore(two[0])
    damaged, moved = store.path_of(CELL), store.path_of(replace(CELL, model_seed=1))
    damaged.write_text("{")
    moved.rename(moved.with_name(moved.name.replace("random", "block")))
    merged = merge(two, tmp_path / "all")
    assert became(merged).count("faulty") == 2
    assert any("another row belongs" in one.why for one in merged)
    assert len(ResultStore(tmp_path / "all").load_all()) == 2


def test_an_unknown_rule_and_a_folder_that_is_not_there_are_told(two, tmp_path):
    with pytest.raises(UnknownName, match="newest"):
        merge(two, tmp_path / "all", keep="best")
    with pytest.raises(DataMissing, match="nowhere"):
        merge([tmp_path / "nowhere"], tmp_path / "all")
    assert not (tmp_path / "all").exists()


def test_a_folder_becomes_a_file_and_again_the_same_folder(two, tmp_path):
    found = compact(two[0], tmp_path / "all.parquet")
    assert (found.results, found.belongings) == (2, 3)  # both rows share the test units
    expand(tmp_path / "all.parquet", tmp_path / "back")
    assert content(tmp_path / "back") == content(two[0])


def test_boards_read_the_file_as_they_read_the_folder(two, tmp_path):
    compact(two[0], tmp_path / "all.parquet")
    from_file, from_folder = load_results(tmp_path / "all.parquet"), load_results(two[0])
    assert [one.to_dict() for one in from_file] == [one.to_dict() for one in from_folder]


def test_an_engine_finds_columns_for_what_identifies_a_row_and_its_score(two, tmp_path):
    compact(two[1], tmp_path / "all.parquet")
    table = pq.read_table(tmp_path / "all.parquet")
    block = table.filter(pc.field("split") == "block").to_pylist()
    assert [(one["model"], one["n"], round(one["mean"], 3), round(one["sd"], 3)) for one in block] == [
        ("hgi", 2, 0.6, 0.141)
    ]


def rewritten(file: Path, change) -> Path:
    table = pq.read_table(file)
    rows = [change(dict(one)) for one in table.to_pylist()]
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), file)
    return file


@pytest.mark.parametrize("name", ["kind", "document", "preset"])
def test_a_file_that_lacks_a_column_is_at_fault_by_its_name(two, tmp_path, name):
    compact(two[0], tmp_path / "all.parquet")
    table = pq.read_table(tmp_path / "all.parquet")
    pq.write_table(table.drop_columns([name]), tmp_path / "all.parquet")
    ((file, reason),) = unpack(tmp_path / "all.parquet", tmp_path / "back")
    assert file == "all.parquet"
    assert f"it has no column '{name}'" in reason


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("result", "../outside.json"),
        ("result", "toyville-tiny/popdensity/hgi__full__random__mlp__0000000000.json"),
        ("predictions", "../../predictions/x.parquet"),
        ("predictions", "toyville-tiny/popdensity/predictions/other.parquet"),
        ("tested", "toyville-tiny/../tested/x.parquet"),
        ("tested", "elsewhere/popdensity/tested/" + "0" * 32 + ".parquet"),
        ("tested", "/etc/popdensity/tested/" + "0" * 32 + ".parquet"),
    ],
)
def test_nothing_is_written_where_no_result_of_the_file_belongs(two, tmp_path, kind, path):
    file = tmp_path / "all.parquet"
    compact(two[0], file)
    rewritten(file, lambda row: row | ({"path": path} if row["kind"] == kind else {}))
    with pytest.raises(BadInput, match="Expected"):
        expand(file, tmp_path / "deep" / "back")
    written = content(tmp_path / "deep")
    assert all(name.startswith("back/toyville-tiny/popdensity/") for name in written)


def test_other_files_are_refused(two, tmp_path):
    pq.write_table(pa.table({"kind": ["result"]}), tmp_path / "other.parquet")
    (tmp_path / "text.parquet").write_text("no table")
    for name in ("other", "text"):
        with pytest.raises(BadInput, match="results compact"):
            read_compacted(tmp_path / f"{name}.parquet")
    with pytest.raises(DataMissing, match="results compact"):
        expand(tmp_path / "none.parquet", tmp_path / "back")


def test_a_folder_without_a_usable_result_gives_no_file(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataMissing, match="No usable result"):
        compact(tmp_path / "empty", tmp_path / "all.parquet")
    assert not (tmp_path / "all.parquet").exists()


def test_commands_say_what_became_of_rows(two, tmp_path, capsys):
    def run(*words: object) -> tuple[int, str]:
        code = main(["results", *map(str, words)])
        return code, "".join(capsys.readouterr())

    code, told = run("merge", *two, "-o", tmp_path / "all")
    assert code == 0
    assert "3 new rows" in told
    assert "other scores, of 2026-11-01" in told
    ResultStore(two[0]).path_of(CELL).write_text("{")
    code, told = run("merge", *two, "-o", tmp_path / "all", "--json")
    assert (code, json.loads(told)["counts"]["faulty"]) == (1, 1)
    assert run("compact", two[0], "-o", tmp_path / "one.parquet")[0] == 1
    assert run("compact", tmp_path / "all", "-o", tmp_path / "all.csv")[0] == 2
    assert run("compact", tmp_path / "all", "-o", tmp_path / "all.parquet")[0] == 0
    assert "3 results" in run("expand", tmp_path / "all.parquet", "-o", tmp_path / "back")[1]
