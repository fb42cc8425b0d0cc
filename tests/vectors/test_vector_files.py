"""What of a file becomes vectors, and what is refused."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from urbanbench.errors import BadInput
from urbanbench.space import EmbeddingSpace
from urbanbench.vectors.matching import match_ids
from urbanbench.vectors.table import read_vectors

IDS = ["007", "b", "c", "d"]


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    return pd.DataFrame(rng.normal(size=(4, 3)).astype("float32"), columns=["e0", "e1", "e2"]).assign(
        region_id=IDS
    )


def wrote(tmp_path, frame, *, index=False):
    frame.to_parquet(tmp_path / "v.parquet", index=index)
    return tmp_path / "v.parquet"


def test_an_index_that_pandas_adds_is_no_feature(tmp_path, frame):
    path = wrote(tmp_path, frame.sort_values("e0").iloc[1:], index=None)
    assert "__index_level_0__" in pq.read_schema(path).names
    table = read_vectors(path)
    assert table.columns == ("e0", "e1", "e2")
    assert table.left_out == {"__index_level_0__": "row index"}


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("index", [7, 3, 1, 2], "row index"),
        ("Unnamed: 0", [7, 3, 1, 2], "row index"),
        ("rank", [0, 1, 2, 3], "counts rows"),
        ("place", [1, 2, 3, 4], "counts rows"),
        ("fid", [9, 2, 5, 4], "id"),
        ("osm_id", [9, 2, 5, 4], "id"),
        ("building_id", ["x", "y", "z", "w"], "text"),
        ("name", ["x", "y", "z", "w"], "text"),
        ("again", IDS, "repeats the ids"),
        ("when", pd.to_datetime(["2020-01-01"] * 4), "timestamp"),
        ("nothing", pa.nulls(4), "empty"),
    ],
)
def test_columns_that_are_no_vectors_are_left_out_with_the_reason(tmp_path, frame, name, values, reason):
    table = pa.Table.from_pandas(frame, preserve_index=False).append_column(name, pa.array(values))
    pq.write_table(table, tmp_path / "v.parquet")
    found = read_vectors(tmp_path / "v.parquet")
    assert found.columns == ("e0", "e1", "e2")
    assert found.left_out[name].startswith(reason)


def test_decimals_booleans_and_lists_are_numbers(tmp_path, frame):
    lists = [[0.5, 1.5]] * 4
    path = wrote(tmp_path, frame.assign(d=[Decimal("1.25")] * 4, b=[True, False, True, True], v=lists))
    table = read_vectors(path)
    assert table.columns == ("e0", "e1", "e2", "d", "b", "v[0]", "v[1]")
    np.testing.assert_array_equal(table.vectors[0, 3:], np.float32([1.25, 1, 0.5, 1.5]))


def test_numbers_written_as_text_are_refused_not_dropped(tmp_path, frame):
    with pytest.raises(BadInput, match=r"numbers written as text in 'e1'.*Mend: frame\['e1'\]"):
        read_vectors(wrote(tmp_path, frame.assign(e1=["0,5", "1", "2", "3"])))


def test_columns_can_be_chosen_by_name_and_pattern(tmp_path, frame):
    path = wrote(tmp_path, frame.assign(x=[1.0, 2, 3, 5], rank=[0, 1, 2, 3]))
    assert read_vectors(path, columns=("e*",)).columns == ("e0", "e1", "e2")
    assert read_vectors(path, columns=("rank", "x")).columns == ("x", "rank")
    with pytest.raises(BadInput, match="has no column 'q'"):
        read_vectors(path, columns=("q",))


@pytest.mark.parametrize("form", ["csv", "csv with semicolons", "npz", "set_index", "unnamed index", "lists"])
def test_the_same_vectors_come_from_every_form(tmp_path, frame, form):
    vectors = frame[["e0", "e1", "e2"]].to_numpy()
    path = tmp_path / {"npz": "v.npz"}.get(form, "v.csv" if form.startswith("csv") else "v.parquet")
    if form.startswith("csv"):
        frame.to_csv(path, sep=";" if "semi" in form else ",")
    elif form == "npz":
        np.savez(path, ids=np.array(IDS), vectors=vectors)
    elif form == "lists":
        pd.DataFrame({"id": IDS, "v": list(vectors)}).to_parquet(path)
    else:
        indexed = frame.set_index("region_id")
        (indexed.rename_axis(None) if form == "unnamed index" else indexed).to_parquet(path)
    space = EmbeddingSpace.load(path)
    assert space.ids.tolist() == IDS
    np.testing.assert_allclose(space.vectors, vectors, rtol=1e-6)


def test_arrays_of_objects_are_never_unpickled(tmp_path):
    np.savez(tmp_path / "v.npz", ids=np.array(IDS, dtype=object), vectors=np.zeros((4, 2)))
    with pytest.raises(BadInput, match=r"no readable npz file.*np\.savez"):
        read_vectors(tmp_path / "v.npz")


@pytest.mark.parametrize("place", ["ids", "text", "name", "csv"])
def test_text_that_is_not_utf8_is_one_clear_error(tmp_path, place):
    latin = pa.Array.from_buffers(pa.string(), 4, pa.array([b"caf\xe9", b"b", b"c", b"d"]).buffers())
    table = pa.table(
        {"region_id": latin if place == "ids" else pa.array(IDS), "x": [1.0, 2, 3, 5], "t": latin}
    )
    pq.write_table(table if place != "ids" else table.drop_columns("t"), tmp_path / "v.parquet")
    path = tmp_path / "v.parquet"
    if place == "name":
        path.write_bytes(path.read_bytes().replace(b"region_id", b"region_\xe9d"))
    if place == "csv":
        path = tmp_path / "v.csv"
        path.write_bytes("region_id,x\ncafé,1\nb,2\n".encode("latin-1"))
    with pytest.raises(BadInput, match=r"not UTF-8|no readable"):
        read_vectors(path)


def test_missing_and_repeated_ids_are_named(tmp_path, frame):
    with pytest.raises(BadInput, match="1 rows without an id"):
        read_vectors(wrote(tmp_path, frame.assign(region_id=["a", None, "c", "d"])))
    with pytest.raises(BadInput, match=r"repeated ids \('b'\)"):
        EmbeddingSpace.load(wrote(tmp_path, frame.assign(region_id=["a", "b", "b", "d"])))


def test_a_small_file_that_unfolds_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("urbanbench.vectors.table.FREE_BYTES", 10_000)
    pq.write_table(
        pa.table({"id": pa.array(["a"] * 100_000), "x": np.zeros(100_000)}), tmp_path / "v.parquet"
    )
    with pytest.raises(BadInput, match="unfolds to"):
        read_vectors(tmp_path / "v.parquet")


@pytest.mark.parametrize(
    ("given", "unit", "mend"),
    [
        ("7", "007", "zfill(3)"),
        (" b", "b", ".str.strip()"),
        ("b\u00a0", "b", ".str.strip()"),
        ("7.0", "7", "astype('int64')"),
        ("cafe\u0301", "café", "normalize('NFC')"),
        ("B", "b", ".str.lower()"),
        ("r-1", "r_1", "replace({'r-1': 'r_1'"),
    ],
)
def test_ids_that_differ_in_form_alone_are_found_and_mended(given, unit, mend):
    match = match_ids([given, "x"], [unit, "x", "y"])
    assert match.near == ((unit, given),)
    assert match.missing == (unit, "y")
    assert mend in match.mend("region_id")


def test_different_ids_are_not_taken_for_one_another():
    assert match_ids(["10", "r1", "1.5"], ["100", "r01x", "15"]).near == ()
