"""Text that is no UTF-8, or too long, is one fault wherever it stands, and never an error from below."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from urbanbench.city.city import City
from urbanbench.city.faults.check import check_folder
from urbanbench.city.folder.text import text_faults
from urbanbench.errors import CityFaults

BAD = "Café".encode("latin-1")


def texts(values, *, coded=False):
    """Return a text array of raw bytes."""
    raw = [one if isinstance(one, bytes) else (one or "").encode() for one in values]
    offsets = np.concatenate(([0], np.cumsum([len(one) for one in raw]))).astype(np.int32)
    plain = pa.StringArray.from_buffers(
        len(raw), pa.py_buffer(offsets.tobytes()), pa.py_buffer(b"".join(raw))
    )
    return plain.dictionary_encode() if coded else plain


def spoil(folder, file, column, row, raw=BAD):
    path = folder.path / f"{file}.parquet"
    table = pq.read_table(path)
    place = table.column_names.index(column)
    values = table[column].to_pylist()
    values[row] = raw
    made = table.set_column(place, pa.field(column, pa.string()), texts(values))
    pq.write_table(made.replace_schema_metadata(table.schema.metadata), path)


CASES = {
    ("regions", "name", 1): "1 row ('r01')",
    ("regions", "region_id", 2): "1 row (row 2)",
    ("pois", "poi_id", 3): "1 row (row 3)",
    ("street_views", "east", 1): "1 row ('v1')",
    ("satellite", "image", 0): "1 row ('r00')",
    ("captions", "caption", 1): "1 row (row 1)",
    ("flows", "origin_id", 1): "1 row (row 1)",
    ("labels/use", "value", 1): "1 row ('r01')",
    ("labels/density", "group", 2): "1 row ('r10')",
    ("labels/density", "region_id", 2): "1 row (row 2)",
}


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("raw", [BAD, b"\xed\xa0\x80"], ids=["latin-1", "half a pair"])
def test_undecodable_text_is_one_fault_with_table_column_and_row(folder, case, raw):
    spoil(folder, *case, raw)
    faults = check_folder(folder.path)
    assert len(faults) == 1, faults
    file, column, _ = case
    told = f"{file}.parquet: column {column!r}, {CASES[case]}: expected text in UTF-8, found bytes that are not ({raw!r})."
    assert faults[0].startswith(told)
    assert f"frame[{column!r}].str.decode('latin-1')" in faults[0]


@pytest.mark.parametrize("side", [0, 1], ids=["key", "value"])
def test_undecodable_tags_are_a_fault_of_their_row(folder, side):
    path = folder.path / "pois.parquet"
    table = pq.read_table(path)
    maps = table["tags"].combine_chunks()
    parts = [maps.keys, maps.items]
    spoilt = parts[side].to_pylist()
    spoilt[5] = BAD  # two tags a POI
    parts[side] = texts(spoilt)
    made = table.set_column(1, "tags", pa.MapArray.from_arrays(maps.offsets, *parts))
    pq.write_table(made.replace_schema_metadata(table.schema.metadata), path)
    faults = check_folder(folder.path)
    assert [fault.partition(": expected")[0] for fault in faults] == [
        "pois.parquet: column 'tags', 1 row ('p2')"
    ]
    with pytest.raises(CityFaults, match="column 'tags'"):
        _ = City.open(folder.path).pois


def test_a_dictionary_names_every_row_that_uses_a_broken_word():
    table = pa.table(
        {
            "view_id": texts(["a", "b", "c"]),
            "word": texts(["x", BAD, BAD], coded=True),
        }
    )
    (fault,) = text_faults("t.parquet", table, "view_id")
    assert fault.startswith("t.parquet: column 'word', 2 rows ('b', 'c'): expected text in UTF-8")


def test_undecodable_features_are_faults(folder):
    (folder.path / "features").mkdir()
    path = folder.path / "features/scenes.parquet"
    pq.write_table(pa.table({"view_id": texts(["v0", "v1"]), "scene": texts(["park", BAD])}), path)
    (fault,) = check_folder(folder.path)
    assert fault.startswith("features/scenes.parquet: column 'scene', 1 row ('v1'): expected text in UTF-8")
    deep = pa.ListArray.from_arrays(pa.array([0, 1, 2], pa.int32()), texts(["park", BAD]))
    pq.write_table(pa.table({"view_id": texts(["v0", "v1"]), "scenes": deep}), path)
    (fault,) = check_folder(folder.path)
    assert "column 'scenes': expected whole values and text in UTF-8" in fault
    with pytest.raises(CityFaults, match="scenes"):
        City.open(folder.path).features("scenes")


def test_a_damaged_feature_table_is_told_by_the_check(folder):
    (folder.path / "features").mkdir()
    (folder.path / "features/scenes.parquet").write_bytes(b"PAR1 and no more")
    (fault,) = check_folder(folder.path)
    assert fault.startswith("features/scenes.parquet: expected a whole Parquet file")


def test_a_column_name_that_is_no_text_is_a_fault(folder):
    path = folder.path / "labels/use.parquet"
    frame = pd.DataFrame({"region_id": ["r00"], "value": ["home"], "qqqq": [1.0]})
    pq.write_table(
        pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None),
        path,
        store_schema=False,
    )
    path.write_bytes(path.read_bytes().replace(b"qqqq", b"q\xff\xfeq"))
    faults = check_folder(folder.path)
    assert faults[0].startswith(
        "labels/use.parquet: expected names of columns in UTF-8, found b'q\\xff\\xfeq'."
    )


def test_text_beyond_the_limit_is_a_fault(folder):
    folder.rows["regions"][1]["name"] = "x" * (2**20 + 1)
    folder.save("regions")
    folder.rows["pois"][1]["tags"] = [("note", "y" * (16 * 1024 + 1))]
    folder.save("pois")
    faults = check_folder(folder.path)
    assert (
        "regions.parquet: column 'name', 1 row ('r01'): expected text of at most 1048576 bytes" in faults[0]
    )
    assert "pois.parquet: column 'tags', 1 row ('p1'): expected text of at most 16384 bytes" in faults[1]


@pytest.mark.parametrize("place", ["title", "picture"])
def test_half_characters_are_a_fault_and_never_an_encoding_error(folder, place):
    if place == "title":
        folder.json["title"] = "\ud800"
        folder.write_json()
        (fault,) = check_folder(folder.path)
        assert "expected text of whole characters" in fault
    else:
        folder.json["layers"]["pois"]["file"] = "\udcff.parquet"
        folder.write_json()
        (fault,) = check_folder(folder.path)
        assert fault.encode("utf-8").startswith(b"city.json: expected text of whole characters")


@pytest.mark.parametrize(
    ("encoding", "sound"), [("utf-8", True), ("utf-8-sig", True), ("utf-16", False), ("latin-1", False)]
)
def test_city_json_is_utf8_with_or_without_a_mark(folder, encoding, sound):
    folder.json["title"] = "Zürich"
    (folder.path / "city.json").write_bytes(json.dumps(folder.json, ensure_ascii=False).encode(encoding))
    faults = check_folder(folder.path)
    assert (faults == []) == sound
    if not sound:
        assert faults[0].startswith("city.json: expected valid JSON in UTF-8, found b'")
        assert faults[0].endswith("Save it as UTF-8.")
