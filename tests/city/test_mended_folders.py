"""What can be mended without a guess is mended in a new folder; the old one is only read, and what is left is told."""

import json
import struct

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from urbanbench.__main__ import main
from urbanbench.build.mending.walk import mend_folder
from urbanbench.city.city import City
from urbanbench.city.faults.check import check_folder
from urbanbench.city.folder.read import read_shapes
from urbanbench.errors import BadInput

BOWTIE = shapely.Polygon([(9.001, 48.001), (9.002, 48.002), (9.002, 48.001), (9.001, 48.002)])
SPIKE = shapely.Polygon([(9.002, 48.002), (9.003, 48.002), (9.003, 48.003), (9.0035, 48.0035), (9.003, 48.003), (9.002, 48.003)])  # fmt: skip


def state(path):
    return {one: one.read_bytes() for one in sorted(path.rglob("*")) if one.is_file()}


def mended(folder, *, left=()):
    """Mend a folder beside itself; the old one keeps every byte."""
    before, target = state(folder.path), folder.path.parent / "mended"
    done = mend_folder(folder.path, target)
    assert state(folder.path) == before
    assert done.before
    assert len(done.after) == len(left)
    assert all(words in fault for words, fault in zip(left, done.after, strict=True)), done.after
    assert check_folder(target) == list(done.after)
    return target, done.report.text()


def row(folder, name, place, **values):
    folder.rows[name][place].update(values)
    folder.save(name)


def unclosed(shape):
    """Return WKB of a polygon whose ring lacks its last corner."""
    corners = shapely.get_coordinates(shape)[:-1]
    return struct.pack("<BIII", 1, 3, 1, len(corners)) + corners.astype("<f8").tobytes()


def tall(shape):
    return shapely.to_wkb(shapely.force_3d(shape, 7.0), output_dimension=3)


def edit(folder, name, /, **columns):
    path = folder.path / f"{name}.parquet"
    table = pq.read_table(path)
    for key, column in columns.items():
        table = table.set_column(table.column_names.index(key), key, column) if key in table.column_names else table.append_column(key, column)  # fmt: skip
    pq.write_table(table, path)


def texts(raw):
    offsets = np.concatenate(([0], np.cumsum([len(one) for one in raw]))).astype(np.int32)
    return pa.StringArray.from_buffers(len(raw), pa.py_buffer(offsets.tobytes()), pa.py_buffer(b"".join(raw)))


def test_a_sound_folder_is_told_as_such_and_nothing_is_written(folder, capsys):
    target = folder.path.parent / "mended"
    assert main(["data", "check", str(folder.path), "--fix", "--to", str(target)]) == 0
    assert "is sound; nothing was written." in capsys.readouterr().out
    assert not target.exists()


def test_an_invalid_region_is_made_valid(folder):
    row(folder, "regions", 0, geometry=BOWTIE)
    target, report = mended(folder)
    assert report == ["regions: mended 1: invalid polygons, made valid (r00)"]
    assert City.open(target).regions.geometry.loc["r00"].geom_type == "MultiPolygon"
    kept = [path for path in state(target) if path.name not in {"regions.parquet", "city.json"}]
    for path in kept:
        assert path.read_bytes() == (folder.path / path.relative_to(target)).read_bytes()


def test_a_building_keeps_its_body_without_its_spike(folder):
    row(folder, "buildings", 1, geometry=SPIKE)
    target, report = mended(folder)
    assert report == ["buildings: mended 1: invalid polygons, made valid (b1)"]
    shape = read_shapes(target, "buildings.parquet")[1]
    assert shape.equals(shapely.box(9.002, 48.002, 9.003, 48.003))


def test_a_building_that_would_become_two_stays_a_fault_with_its_mend(folder):
    row(folder, "buildings", 0, geometry=BOWTIE)
    row(folder, "buildings", 1, geometry=unclosed(shapely.box(9.002, 48.002, 9.003, 48.003)))
    _, report = mended(folder, left=["1 row ('b0'): expected valid geometry"])
    assert report == ["buildings: mended 1: rings that were not closed (b1)"]


def test_rings_are_closed_and_heights_left_out(folder):
    shape = folder.rows["landuse"][0]["geometry"]
    row(folder, "landuse", 0, geometry=unclosed(shape))
    row(folder, "roads", 0, geometry=tall(folder.rows["roads"][0]["geometry"]))
    target, report = mended(folder)
    assert report == [
        "roads: mended 1: heights or measures of coordinates left out (w0)",
        "landuse: mended 1: rings that were not closed (l0)",
    ]
    assert read_shapes(target, "landuse.parquet")[0].equals(shape)
    raw = pq.read_table(target / "roads.parquet")["geometry"].to_pylist()
    assert not shapely.has_z(shapely.from_wkb(raw)).any()


def test_identical_rows_stand_once_and_others_stay_a_fault(folder):
    rows = folder.rows["pois"]
    rows += [dict(rows[0]), dict(rows[1]), {**rows[2], "tags": [("amenity", "pub")]}]
    folder.save("pois")
    folder.json["layers"]["pois"]["count"] = len(rows)
    folder.write_json()
    target, report = mended(folder, left=["1 row ('p2'): expected every id once"])
    assert report == ["pois: dropped 2: the same row before (p0, p1)"]
    assert json.loads((target / "city.json").read_text())["layers"]["pois"]["count"] == len(rows) - 2


def test_counts_of_classes_follow_dropped_rows(folder):
    folder.rows["labels/use"].append(dict(folder.rows["labels/use"][0]))
    folder.save("labels/use")
    folder.json["labels"]["use"] |= {"classes": {"home": 4, "work": 1}, "units": 5}
    folder.write_json()
    target, report = mended(folder)
    assert report == ["labels/use: dropped 1: the same row before (r00)"]
    entry = json.loads((target / "city.json").read_text())["labels"]["use"]
    assert (entry["classes"], entry["units"]) == ({"home": 3, "work": 1}, 4)


def test_counts_that_were_wrong_before_stay_wrong(folder):
    row(folder, "regions", 0, geometry=BOWTIE)
    folder.json["regions"]["count"] = 9
    folder.write_json()
    mended(folder, left=["regions.parquet: expected 9 rows as city.json says, found 4"])


def test_another_crs_another_name_and_another_encoding_are_written_as_the_format_has_them(folder):
    import geopandas as gpd

    frame = gpd.read_parquet(folder.path / "roads.parquet").to_crs("EPSG:25832").rename_geometry("geom")
    frame.to_parquet(folder.path / "roads.parquet", geometry_encoding="geoarrow")
    row(folder, "regions", 0, geometry=BOWTIE)
    target, report = mended(folder)
    assert report[1:] == [
        "roads: mended 1: column of geometry named 'geometry' (geom)",
        "roads: mended 2: tags stored as list<element: list<element: string>>, written as a map (w0, w1)",
        "roads: mended 2: geometry in EPSG:25832, brought to longitude and latitude (w0, w1)",
        "roads: mended 2: geometry encoded as 'linestring', written as WKB (w0, w1)",
    ]
    schema = pq.read_schema(target / "roads.parquet")
    assert schema.field("geometry").type == pa.binary()
    assert schema.field("tags").type == pa.map_(pa.string(), pa.string())
    wanted = [one["geometry"] for one in folder.rows["roads"]]
    assert (shapely.hausdorff_distance(read_shapes(target, "roads.parquet"), wanted) < 1e-8).all()


@pytest.mark.parametrize("kind", [pa.int64(), pa.float64()])
def test_ids_become_text_in_every_table(folder, kind):
    of = {one: number for number, one in enumerate(("r00", "r01", "r10", "r11"), 7)}
    for name in (
        "regions",
        "satellite",
        "captions",
        "flows",
        "labels/density",
        "labels/use",
        "labels/shares",
    ):
        table = pq.read_table(folder.path / f"{name}.parquet")
        keys = {"region_id", "origin_id", "destination_id"} & set(table.column_names)
        edit(
            folder, name, **{key: pa.array([of[one] for one in table[key].to_pylist()], kind) for key in keys}
        )
    row(folder, "buildings", 1, geometry=SPIKE)
    target, report = mended(folder)
    assert f"regions: mended 4: region_id of {kind}, written as text (7, 8, 9, 10)" in report
    assert f"flows: mended 2: origin_id of {kind}, written as text (row 0, row 1)" in report
    assert City.open(target).regions.index.tolist() == ["10", "7", "8", "9"]


def test_text_is_brought_to_utf_8_where_there_is_one_way(folder):
    edit(folder, "regions", name=texts([b"K\xf6ln", b"Caf\xe9", "é".encode(), b"\xed\xa0\xbd\xed\xb8\x80"]))
    target, report = mended(folder)
    assert report == ["regions: mended 3: text of column 'name' brought to UTF-8 (r00, r01, r11)"]
    assert City.open(target).regions["name"].tolist() == ["Köln", "Café", "é", "😀"]


def test_text_of_tags_is_brought_to_utf_8_too(folder):
    maps = pq.read_table(folder.path / "pois.parquet")["tags"].combine_chunks()
    items = texts([b"Caf\xe9" if one == "N1" else one.encode() for one in maps.items.to_pylist()])
    edit(folder, "pois", tags=pa.MapArray.from_arrays(maps.offsets, maps.keys, items))
    target, report = mended(folder)
    assert report == ["pois: mended 1: text of column 'tags' brought to UTF-8 (p1)"]
    assert dict(City.open(target).pois["tags"].loc["p1"])["name"] == "Café"


def test_text_that_would_be_a_guess_stays_a_fault(folder):
    edit(folder, "regions", name=texts(["é".encode() + b"\xe9", b"a", b"b", b"\xed\xa0\xbd"]))
    row(folder, "buildings", 1, geometry=SPIKE)
    mended(folder, left=["regions.parquet: column 'name', 2 rows ('r00', 'r11'): expected text in UTF-8"])


def test_rows_without_geometry_go_unless_something_names_them(folder):
    row(folder, "pois", 0, geometry=None)
    row(folder, "pois", 1, geometry=shapely.Point())
    row(folder, "buildings", 0, geometry=shapely.Polygon())
    row(folder, "buildings", 1, geometry=None)
    row(folder, "street_views", 0, geometry=None)
    target, report = mended(
        folder, left=["buildings.parquet: column 'geometry', 1 row ('b0')", "street_views.parquet"]
    )
    assert report == [
        "pois: dropped 2: no geometry, or an empty one (p0, p1)",
        "buildings: dropped 1: no geometry, or an empty one (b1)",
    ]
    assert "b0" in pq.read_table(target / "buildings.parquet")["building_id"].to_pylist()


def test_a_region_without_geometry_stays_a_fault_and_nothing_is_written(folder, capsys):
    row(folder, "regions", 0, geometry=None)
    target = folder.path.parent / "mended"
    assert main(["data", "check", str(folder.path), "--fix", "--to", str(target)]) == 1
    out = capsys.readouterr().out
    assert "can be mended without a guess; nothing was written." in out
    assert "1 row ('r00'): expected a Polygon or MultiPolygon, found null" in out
    assert not target.exists()


def test_null_tags_become_empty_ones(folder):
    row(folder, "pois", 0, tags=None)
    row(folder, "pois", 1, tags=[("amenity", None), ("name", "N")])
    target, report = mended(folder)
    assert report == [
        "pois: mended 1: tags that are null, written as an empty map (p0)",
        "pois: mended 1: tags without a value left out (p1)",
    ]
    assert City.open(target).pois["tags"].tolist()[:2] == [[], [("name", "N")]]


def test_metadata_that_follow_from_the_rows_are_written_anew_and_index_columns_left_out(folder):
    edit(folder, "pois", __index_level_0__=pa.array(range(7)))
    table = pq.read_table(folder.path / "pois.parquet")
    geo = {
        "columns": {"geometry": {"encoding": "WKB", "bbox": "all", "geometry_types": 3, "crs": "EPSG:4326"}}
    }
    pq.write_table(table.replace_schema_metadata({"geo": json.dumps(geo)}), folder.path / "pois.parquet")
    target, report = mended(folder)
    assert report == [
        "pois: mended 1: index columns of a data frame left out (__index_level_0__)",
        "pois: mended 1: metadata of the geometry written anew (geometry)",
    ]
    assert pq.read_schema(target / "pois.parquet").names == ["poi_id", "tags", "geometry"]


def test_backslashes_of_another_system_are_turned(folder):
    folder.json["labels"]["use"]["file"] = "labels\\use.parquet"
    folder.write_json()
    row(folder, "satellite", 0, image="satellite\\r00.png")
    target, report = mended(folder)
    assert report == [
        "city.json: mended 1: paths written with forward slashes (labels/use)",
        "satellite: mended 1: paths of column 'image' written with forward slashes (r00)",
    ]
    assert City.open(target).labels["use"].file == "labels/use.parquet"


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252"])
def test_city_json_is_decoded(folder, encoding):
    folder.json["title"] = "Köln"
    (folder.path / "city.json").write_bytes(json.dumps(folder.json, ensure_ascii=False).encode(encoding))
    target, report = mended(folder)
    assert report == ["city.json: mended 1: brought to UTF-8"]
    assert City.open(target).title == "Köln"


def test_everything_at_once_and_the_command_prints_it(folder, capsys):
    row(folder, "regions", 0, geometry=BOWTIE)
    folder.rows["pois"].append(dict(folder.rows["pois"][0]))
    row(folder, "pois", 2, geometry=None)
    row(folder, "buildings", 0, geometry=tall(folder.rows["buildings"][0]["geometry"]))
    target = folder.path.parent / "deep" / "mended"
    words = ["data", "check", str(folder.path), "--fix", "--to", str(target)]
    assert main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["new_folder"] == str(target)
    assert (len(told["faults_before"]), told["faults"]) == (3, [])
    assert [(one["part"], one["deed"], one["count"]) for one in told["mends"]] == [
        ("regions", "mended", 1), ("pois", "dropped", 1), ("pois", "dropped", 1), ("buildings", "mended", 1)
    ]  # fmt: skip
    assert main(words) == 2
    assert "exists. Expected a new one. Choose another --to" in capsys.readouterr().err
    assert main(["data", "check", str(target)]) == 0


def test_a_fault_that_is_left_gives_exit_code_1_and_is_printed(folder, capsys):
    row(folder, "regions", 0, geometry=BOWTIE)
    row(folder, "labels/density", 1, value=np.nan)
    target = folder.path.parent / "mended"
    assert main(["data", "check", str(folder.path), "--fix", "--to", str(target)]) == 1
    out = capsys.readouterr().out
    assert "regions: mended 1: invalid polygons, made valid (r00)" in out
    assert "labels/density.parquet: column 'value', 1 row ('r01'): expected finite numbers" in out
    assert "was written; these faults are left to mend." in out


def test_links_are_followed_inside_the_folder_and_left_out_where_they_lead_out(folder):
    (folder.path / "views").rename(folder.path / "real")
    (folder.path / "views").symlink_to("real")
    (folder.path / "loop").symlink_to(".")
    (folder.path / "outside").symlink_to("/etc/hostname")
    row(folder, "regions", 0, geometry=BOWTIE)
    target, report = mended(folder)
    assert report[-1].startswith("files: dropped 1: links that lead out of the folder")
    assert (target / "views/v0e.png").is_file()
    assert not (target / "outside").exists()
    assert not any(path.is_symlink() for path in target.rglob("*"))


def test_the_new_folder_lies_outside_of_the_old_one(folder):
    with pytest.raises(BadInput, match="lies in"):
        mend_folder(folder.path, folder.path / "new")
    link = folder.path.parent / "link"
    link.symlink_to(folder.path)
    with pytest.raises(BadInput, match="lies in"):
        mend_folder(folder.path, link / "new")


@pytest.mark.parametrize("words", [["--fix"], ["--to", "x"]])
def test_fix_and_to_go_together(folder, words, capsys):
    assert main(["data", "check", str(folder.path), *words]) == 2
    assert "Mend: urbanbench data check" in capsys.readouterr().err


def test_a_folder_that_fails_while_it_is_written_is_not_there(folder, monkeypatch):
    import shutil

    row(folder, "regions", 0, geometry=BOWTIE)
    monkeypatch.setattr(
        shutil, "copyfile", lambda *words: (_ for _ in ()).throw(OSError(28, "No space left"))
    )
    with pytest.raises(OSError, match="No space"):
        mend_folder(folder.path, folder.path.parent / "mended")
    assert sorted(path.name for path in folder.path.parent.iterdir()) == ["testville"]


def test_a_label_that_gives_its_ids_twice_keeps_the_rows_that_it_may_name(folder):
    path = folder.path / "labels/function.parquet"
    table = pq.read_table(path)
    pq.write_table(table.append_column("building_id", table["building_id"]), path)
    row(folder, "buildings", 1, geometry=shapely.Polygon())
    row(folder, "pois", 1, geometry=None)
    _, report = mended(folder, left=["buildings.parquet: column 'geometry'", "labels/function.parquet: column 'building_id'"])  # fmt: skip
    assert report == ["pois: dropped 1: no geometry, or an empty one (p1)"]
