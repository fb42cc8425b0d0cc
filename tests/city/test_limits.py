"""What a folder may hold is bounded, and judged before memory is asked for."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from PIL import Image

from urbanbench.city import pictures
from urbanbench.city.city import City
from urbanbench.city.faults.check import check_folder
from urbanbench.city.folder.limits import MIB, unfolded_limit
from urbanbench.city.folder.parquet import FaultyTable, read_table
from urbanbench.city.folder.unfolding import unfolding


def repeated(rows, word):
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, dtype=np.int32)), pa.array([word]))


@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "brotli", "zstd", "lz4"])
def test_the_bound_knows_the_longest_repeated_value(tmp_path, codec):
    words = ["a" * 7, "b" * 900, "c"]
    maps = pa.MapArray.from_arrays(
        pa.array(np.arange(0, 1201, 2, dtype=np.int32)), pa.array(["k"] * 1200), pa.array(words * 400)
    )
    table = pa.table(
        {"id": [f"{k:04d}" for k in range(600)], "word": words * 200, "tags": maps, "x": np.arange(600.0)}
    )
    path = tmp_path / "t.parquet"
    pq.write_table(table, path, compression=codec, use_dictionary=["word", "tags.key_value.value"])
    with pq.ParquetFile(path) as parquet:
        one = unfolding(path, parquet, ["word"])
        both = unfolding(path, parquet, ["word", "tags"])
        ids = unfolding(path, parquet, ["id"])
    assert (one.longest, one.nested) == (900, 0)
    assert one.most == one.stored + 600 * 900
    assert both.longest == 2 * 900
    assert both.nested == 1200 * 900
    assert ids.most == ids.stored  # no value is named twice
    assert table["word"].nbytes <= one.most


def test_a_small_file_that_unfolds_to_much_is_refused_and_one_that_does_not_is_read(tmp_path):
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"word": repeated(20_000, "x" * 50_000)}), path, store_schema=False)
    assert path.stat().st_size < 100_000
    with pytest.raises(
        FaultyTable,
        match=r"t.parquet: expected data of at most 275 MiB for its number of rows, found data that unfold to 3\d\d MiB or more",
    ):
        read_table(tmp_path, "t.parquet", None)
    mixed = pa.chunked_array([repeated(1, "x" * 50_000), repeated(19_999, "y")]).unify_dictionaries()
    pq.write_table(pa.table({"word": mixed}), path, store_schema=False)
    with pq.ParquetFile(path) as parquet:
        assert unfolding(path, parquet, None).most > unfolded_limit(20_000)
    assert read_table(tmp_path, "t.parquet", None)["word"].to_pylist()[-1] == "y"


def test_a_label_has_at_most_one_row_a_unit(folder):
    rows = 3_000_000
    table = pa.table({"region_id": repeated(rows, "r00"), "value": np.zeros(rows)})
    pq.write_table(table, folder.path / "labels/density.parquet")
    folder.json["labels"]["density"].pop("units")
    folder.write_json()
    assert check_folder(folder.path) == [
        "labels/density.parquet: expected at most 4 rows (every unit once), found 3000000. Leave rows that repeat a unit out."
    ]


def test_trips_are_at_most_one_a_pair_and_hour(folder):
    folder.rows["flows"] = folder.rows["flows"] * 200
    folder.save("flows")
    assert (
        "flows.parquet: expected at most 384 rows (every pair and hour once), found 400."
        in check_folder(folder.path)[0]
    )


def test_places_that_take_less_than_a_byte_are_repeats(folder):
    rows = 200_000
    table = pq.read_table(folder.path / "pois.parquet")
    many = table.take(pa.array(np.zeros(rows, dtype=np.int64))).replace_schema_metadata(table.schema.metadata)
    pq.write_table(many, folder.path / "pois.parquet", compression="zstd")
    (fault,) = check_folder(folder.path)
    assert fault.startswith("pois.parquet: expected at least a byte for each of 200000 places")


def test_limits_are_generous_enough_for_large_cities():
    assert unfolded_limit(1_000_000) >= 5 * 200 * MIB  # New York's buildings take 165 MiB
    assert unfolded_limit(500_000) >= 700 * MIB
    assert unfolded_limit(10_000, features=True) >= 10_000 * 4096 * 4


def test_a_large_sheet_of_one_colour_is_refused_and_a_large_photograph_is_not(folder, monkeypatch):
    monkeypatch.setattr(pictures, "FREE_PIXELS", 10_000)
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8)
    Image.fromarray(noise).save(folder.path / "satellite/r00.png")
    assert check_folder(folder.path) == []
    Image.new("RGBA", (400, 400)).save(folder.path / "satellite/r01.png")
    (fault,) = check_folder(folder.path)
    assert "1 row ('r01': 'satellite/r01.png')" in fault
    assert "found 400 x 400 pixels in " in fault
    view = City.open(folder.path).view({"satellite"})
    with pytest.raises(Exception, match="400 x 400 pixels"):
        view.open_image("satellite/r01.png")


def test_pictures_with_too_many_pixels_together_are_not_decoded(folder, monkeypatch):
    monkeypatch.setattr(pictures, "MAX_TOTAL_PIXELS", 63)
    monkeypatch.setattr(pictures, "_fault", lambda path: pytest.fail("a picture was decoded"))
    folder.json["layers"].pop("street_views")
    folder.json["labels"].pop("scene")
    folder.write_json()
    assert check_folder(folder.path) == [
        "satellite.parquet: expected pictures of at most 6e+01 pixels together, found 64. Store them smaller."
    ]


@pytest.mark.parametrize(
    ("table", "column"),
    [("labels/density", "value"), ("flows", "trips"), ("satellite", "maxx"), ("buildings", "height_m")],
)
def test_absurd_numbers_are_faults(folder, table, column):
    folder.rows[table][0][column] = 1e30
    folder.save(table)
    (fault,) = check_folder(folder.path)
    assert fault.startswith(f"{table}.parquet: column")
    assert "1 row (" in fault


def test_absurd_coordinates_are_faults(folder):
    for place, at in enumerate([(1e300, 48.0), (np.inf, 48.0), (9.0, -np.inf), (9.0, np.nan)]):
        folder.rows["pois"][place]["geometry"] = shapely.Point(*at)
    folder.save("pois")
    told = " ".join(check_folder(folder.path))
    assert all(f"'p{place}'" in told for place in range(3))
    assert "Traceback" not in told
