"""Damage of every kind in results is found, in folders and in compacted files, and can be moved out of the way."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from urbanbench import predictions
from urbanbench.cli.app import main
from urbanbench.gathered.compact import compact
from urbanbench.gathered.unpack import unpack
from urbanbench.result import RunSpec
from urbanbench.run.loop import run
from urbanbench.run.split_export import exported_splits
from urbanbench.store import ResultStore, predictions_beside


@pytest.fixture(scope="module")
def made(village, tmp_path_factory):
    """Results of two heads of a floor."""
    store = ResultStore(tmp_path_factory.mktemp("made") / "runs")
    run(
        [RunSpec("random", "income", str(village), head=head, seeds=(0, 1)) for head in ("ridge", "knn")],
        store,
    )
    return store.folder


@pytest.fixture
def kept(made, tmp_path):
    return shutil.copytree(made, tmp_path / "runs")


@pytest.fixture
def row(kept):
    return next(kept.glob("village/income/*ridge*.json"))


def verified(results, village, tmp_path, *more):
    report = tmp_path / "report.json"
    code = main(["results", "verify", str(results), "-c", str(village), "-o", str(report), *more])
    return code, json.loads(report.read_text())


def reasons(told):
    return [reason for row in told["rows"] for reason in row["reasons"]]


def _change_cost(row: Path) -> None:
    row.write_text(row.read_text().replace('"n_units": ', '"n_units": 1'))


def _change_one_prediction(row: Path) -> None:
    """Change a number so little that no score tells."""
    path = predictions_beside(row)
    table = pq.read_table(path)
    column = table["predicted"].to_numpy().copy()
    column[0] = np.nextafter(column[0], np.float32(np.inf))
    place = table.column_names.index("predicted")
    pq.write_table(
        table.set_column(place, "predicted", pa.array(column)).replace_schema_metadata(table.schema.metadata),
        path,
    )


def _flip_bits(row: Path) -> None:
    path = predictions_beside(row)
    content = bytearray(path.read_bytes())
    for place in range(8, 40):
        content[place] ^= 255
    path.write_bytes(content)


def _cut_predictions(row: Path) -> None:
    path = predictions_beside(row)
    path.write_bytes(path.read_bytes()[:-20])


def _lose_tested(row: Path) -> None:
    predictions.tested_by(predictions_beside(row)).unlink()


def _change_tested(row: Path) -> None:
    path = predictions.tested_by(predictions_beside(row))
    table = pq.read_table(path)
    true = table["true"].to_numpy().copy()
    true[3] = np.nextafter(true[3], np.inf)
    pq.write_table(table.set_column(table.column_names.index("true"), "true", pa.array(true)), path)


def _take_anothers_predictions(row: Path) -> None:
    other = next(path for path in row.parent.glob("*.json") if path != row)
    shutil.copyfile(predictions_beside(other), predictions_beside(row))


def _copy_row(row: Path) -> None:
    shutil.copyfile(row, row.with_name(row.name.replace("ridge", "other")))


HARMS = {
    _change_cost: "it was changed after it was written",
    _change_one_prediction: "has other predictions than were written",
    _flip_bits: "cannot be ",
    _cut_predictions: "cannot be ",
    _lose_tested: "names test units",
    _change_tested: "are not those that were written",
    _take_anothers_predictions: "holds predictions of run",
    _copy_row: "; another file is there",
}


@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: harm.__name__)
def test_damage_is_found_and_moved_out_of_the_way(harm, kept, row, village, tmp_path):
    harm(row)
    code, told = verified(kept, village, tmp_path, "--quarantine")
    assert code == 1
    assert any(HARMS[harm] in reason for reason in reasons(told)), reasons(told)
    assert told["set_aside"]
    assert all((kept / "damaged" / name).is_file() for name in told["set_aside"])
    assert not any((kept / name).exists() for name in told["set_aside"])
    run(
        [RunSpec("random", "income", str(village), head=head, seeds=(0, 1)) for head in ("ridge", "knn")],
        ResultStore(kept),
    )
    code, told = verified(kept, village, tmp_path)
    assert (code, told["counts"]) == (0, {"holds": 2})


def test_a_compacted_file_is_verified_as_its_folder(kept, village, tmp_path):
    table = tmp_path / "all.parquet"
    compact(kept, table)
    assert verified(table, village, tmp_path)[1]["counts"] == {"holds": 2}
    assert verified(table, village, tmp_path, "--recompute", "all")[1]["recomputed"] == {"bit for bit": 2}
    assert main(["results", "verify", str(table), "--quarantine"]) == 2


def _rewrite(table: Path, change) -> None:
    rows = pq.read_table(table)
    listed = rows.to_pylist()
    change(listed)
    pq.write_table(pa.Table.from_pylist(listed, schema=rows.schema), table)


def _result(listed):
    return next(one for one in listed if one["kind"] == "result")


def _cut_document(listed):
    _result(listed)["document"] = _result(listed)["document"][:200]


def _other_column(listed):
    _result(listed)["mean"] = 0.9


def _twice(listed):
    listed.append(_result(listed))


def _outside(listed):
    listed.append({**next(one for one in listed if one["kind"] == "tested"), "path": "../../x.parquet"})


def _without_predictions(listed):
    for one in [one for one in listed if one["kind"] == "tested"]:
        listed.remove(one)


IN_TABLES = {
    _cut_document: "holds no result",
    _other_column: "has 0.9 in column 'mean'",
    _twice: "is there twice",
    _outside: "belongs to no result of the file",
    _without_predictions: "names test units",
}


@pytest.mark.parametrize("harm", IN_TABLES, ids=lambda harm: harm.__name__)
def test_damage_inside_a_compacted_file_is_found(harm, kept, village, tmp_path):
    table = tmp_path / "all.parquet"
    compact(kept, table)
    _rewrite(table, harm)
    code, told = verified(table, village, tmp_path)
    assert code == 1
    assert any(IN_TABLES[harm] in reason for reason in reasons(told)), reasons(told)
    assert not (tmp_path.parent / "x.parquet").exists()


def test_no_flipped_bit_of_a_compacted_file_changes_what_is_taken_for_whole(kept, tmp_path):
    table = tmp_path / "all.parquet"
    compact(kept, table)
    whole = table.read_bytes()
    assert unpack(table, tmp_path / "whole") == []
    found = 0
    for number, place in enumerate(range(5, len(whole), len(whole) // 24)):
        table.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        opened = tmp_path / str(number)
        if unpack(table, opened):
            found += 1
        else:
            assert content(opened) == content(tmp_path / "whole")
    assert found > 3


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_rows_scored_on_a_file_of_splits_are_verified_with_it(village, tmp_path):
    splits, store = tmp_path / "mine.json", ResultStore(tmp_path / "runs")
    exported_splits("income", str(village), "random", (0, 1)).write(splits)
    run([RunSpec("random", "income", str(village), head="knn", seeds=(0, 1), split=f"file:{splits}")], store)
    code, told = verified(store.folder, village, tmp_path)
    assert code == 0
    assert "name it with --splits FILE" in told["rows"][0]["unchecked"][0]
    words = ["--splits", str(splits), "--recompute", "all"]
    code, told = verified(store.folder, village, tmp_path, *words)
    assert (code, told["rows"], told["recomputed"]) == (0, [], {"bit for bit": 1})


def test_a_compacted_file_is_handed_in_as_its_folder(kept, village, tmp_path, capsys):
    compact(kept, tmp_path / "all.parquet")
    words = ["submit", str(tmp_path / "all.parquet"), "-o", str(tmp_path / "mine.zip"), "-c", str(village)]
    code = main(words)
    said = capsys.readouterr()
    assert code == 0, said.err
    assert "2 rows in " in said.err


def test_rows_by_plugins_that_are_not_here_are_foreign(counting, village, tmp_path, capsys):
    store = ResultStore(tmp_path / "runs")
    run([RunSpec(str(counting), "income", str(village), head="knn", seeds=(0, 1))], store)
    code, told = verified(store.folder, village, tmp_path)
    assert (code, told["foreign"], told["rows"][0]["foreign"]) == (0, 1, True)
    assert "foreign, 1 of 1: made by plugins that are not here" in capsys.readouterr().out
    assert verified(store.folder, village, tmp_path, "-m", str(counting))[1]["foreign"] == 0


def test_rows_lie_right_by_any_spelling_where_the_file_system_knows_no_large_letters(
    kept, village, tmp_path, monkeypatch
):
    """Such a file system finds `Village` under `village`."""
    (kept / "village").rename(kept / "Village")
    assert verified(kept, village, tmp_path)[1]["counts"] == {"damaged": 2}
    monkeypatch.setattr(Path, "samefile", lambda one, other: str(one).casefold() == str(other).casefold())
    assert verified(kept, village, tmp_path)[1]["counts"] == {"holds": 2}
