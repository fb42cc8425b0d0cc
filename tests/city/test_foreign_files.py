"""Tables that other programs wrote: each is read as the same table, or refused in one sentence that says what to do."""

import json
import re
import struct
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from pyproj import CRS

from urbanbench.build.files import read_vector
from urbanbench.city.changing.merge import merge_regions
from urbanbench.city.city import City
from urbanbench.city.faults.check import check_folder, check_report
from urbanbench.city.folder.geo import geo_column
from urbanbench.city.folder.parquet import read_head
from urbanbench.errors import BadInput

TAGS = pa.map_(pa.string(), pa.string())
MEND = re.compile(r"found .+\. [A-Z][^:]*[^:\s].*\.$", re.DOTALL)
LAYERS = ("regions", "pois", "buildings", "roads")


@pytest.fixture
def light(folder):
    """Give a folder whose city.json names nothing but a layer of each kind of geometry."""
    folder.json["layers"] = {name: {"file": f"{name}.parquet"} for name in LAYERS[1:]}
    folder.json["labels"] = {}
    folder.write_json()
    return folder


def arrow(folder, name, key=None):
    """Return a table as the format has it."""
    table = pq.read_table(folder.path / f"{name}.parquet")
    return table if key is None else table[key]


def put(folder, name, table, geo="same"):
    """Write a table with the metadata it had, others, or none."""
    kept = pq.read_schema(folder.path / f"{name}.parquet").metadata if geo == "same" else geo
    pq.write_table(table.replace_schema_metadata(kept), folder.path / f"{name}.parquet")


def with_column(table, name, column):
    return table.set_column(table.column_names.index(name), name, column)


def described(name="geometry", encoding="WKB", **more):
    column = {"encoding": encoding, "geometry_types": [], **more}
    return {"geo": json.dumps({"version": "1.1.0", "primary_column": name, "columns": {name: column}})}


def projjson(code):
    return CRS.from_user_input(code).to_json_dict()


def shapes_of(table):
    return shapely.from_wkb(table["geometry"].to_numpy())


def by_geopandas(**how):
    """Write the layer with geopandas; tags come back from pandas as lists of pairs."""

    def write(folder, name):
        frame = gpd.read_parquet(folder.path / f"{name}.parquet")
        path = folder.path / f"{name}.parquet"
        if name == "regions" and how.get("geometry_encoding") == "geoarrow":
            shapes = [shapely.MultiPolygon(shapely.get_parts(one).tolist()) for one in frame.geometry]
            frame = frame.set_geometry(shapes, crs=frame.crs)
        frame.to_parquet(path, **how)

    return write


def by_gdal(name_of_geometry="geometry", **options):
    """Write the layer as GDAL's Parquet driver does: fid, geometry, a covering of boxes, tags as JSON text."""

    def write(folder, name):
        table = arrow(folder, name)
        boxes = pd.DataFrame(shapely.bounds(shapes_of(table)), columns=["xmin", "ymin", "xmax", "ymax"])
        if "tags" in table.column_names:
            texts = [json.dumps(dict(one)) for one in table["tags"].to_pylist()]
            table = with_column(table, "tags", pa.array(texts))
        table = table.rename_columns(
            [name_of_geometry if one == "geometry" else one for one in table.column_names]
        )
        table = table.add_column(0, "fid", pa.array(np.arange(len(table)), pa.int64()))
        boxed = pa.StructArray.from_arrays(
            [pa.array(boxes[one], pa.float32()) for one in boxes], list(boxes.columns)
        )
        table = table.append_column(f"{name_of_geometry}_bbox", boxed)
        paths = {side: [f"{name_of_geometry}_bbox", side] for side in boxes}
        more = {"crs": projjson("OGC:CRS84"), "edges": "planar", "covering": {"bbox": paths}, **options}
        put(folder, name, table, described(name_of_geometry, **more))

    return write


def geometry_as(change, **metadata):
    """Write geometry as what a function makes of the shapes."""

    def write(folder, name):
        table = arrow(folder, name)
        column = change(shapes_of(table))
        column = column if isinstance(column, pa.Array) else pa.array(column.tolist(), pa.binary())
        put(
            folder,
            name,
            with_column(table, "geometry", column),
            described(**metadata) if metadata else "same",
        )

    return write


def in_crs(code, crs=None):
    def change(shapes):
        return shapely.to_wkb(np.asarray(gpd.GeoSeries(shapes, crs=4326).to_crs(code)))

    return geometry_as(change, crs=projjson(code) if crs is None else crs)


def third(*values):
    """Give coordinates a height, a measure, or both."""

    def change(shapes):
        texts = [
            re.sub(r"(-?\d[\d.]*) (-?\d[\d.]*)", rf"\1 \2 {' '.join('7' * len(values))}", one.wkt)
            for one in shapes
        ]
        word = "".join(values)
        return shapely.to_wkb(
            shapely.from_wkt([re.sub(r"^([A-Z]+)(?: Z)?", rf"\1 {word}", one) for one in texts]),
            output_dimension=4,
            flavor="iso",
        )

    return geometry_as(change)


def texts_as(kind):
    """Store every column of text as another type."""

    def write(folder, name):
        table = arrow(folder, name)
        for one in table.column_names:
            if table[one].type == pa.string():
                table = with_column(table, one, table[one].cast(kind))
        put(folder, name, table)

    return write


def tags_as(change, kind):
    def write(folder, name):
        table = arrow(folder, name)
        if "tags" in table.column_names:
            column = pa.array([change(dict(one)) for one in table["tags"].to_pylist()], kind)
            table = with_column(table, "tags", column)
        put(folder, name, table)

    return write


def with_index(folder, name):
    frame = gpd.read_parquet(folder.path / f"{name}.parquet")
    frame.index = frame.index + 5
    frame.to_parquet(folder.path / f"{name}.parquet", index=True)
    assert "__index_level_0__" in pq.read_schema(folder.path / f"{name}.parquet").names


def with_named_index(folder, name):
    frame = gpd.read_parquet(folder.path / f"{name}.parquet")
    frame.set_index(frame.columns[0]).to_parquet(folder.path / f"{name}.parquet")


def by_duckdb(version="V1", *, geometry="geometry", tags="tags", crs=""):
    """Write the layer with DuckDB's own GEOMETRY, without an extension."""

    def write(folder, name):
        path, table = folder.path / f"{name}.parquet", arrow(folder, name)
        if crs:
            placed = gpd.GeoSeries(shapes_of(table), crs=4326).to_crs(crs)
            table = with_column(table, "geometry", pa.array(placed.to_wkb().tolist(), pa.binary()))
        chosen = [f'"{one}"' for one in table.column_names if one not in {"geometry", "tags"}]
        chosen += [f"{tags} AS tags"] if "tags" in table.column_names else []
        shape = f"ST_SetCRS(ST_GeomFromWKB(geometry), '{crs}')" if crs else "ST_GeomFromWKB(geometry)"
        told = f"FORMAT parquet, GEOPARQUET_VERSION '{version}'"
        connection = pytest.importorskip("duckdb").connect()
        connection.register("given", table)
        connection.execute(
            f"COPY (SELECT {', '.join(chosen)}, {shape} AS {geometry} FROM given) TO '{path}' ({told})"
        )

    return write


def pairs(tags):
    return [{"key": key, "value": value} for key, value in tags.items()]


STRUCTURE = pa.struct([(key, pa.string()) for key in ("amenity", "building", "highway", "landuse", "name")])
FORMS = {
    "geopandas": by_geopandas(),
    "geopandas 1.1 with boxes": by_geopandas(schema_version="1.1.0", write_covering_bbox=True),
    "geoarrow by geopandas": by_geopandas(geometry_encoding="geoarrow"),
    "GDAL": by_gdal(),
    "QGIS, geometry called geom": by_gdal("geom"),
    "GDAL, CRS84 left out": by_gdal("wkb_geometry", crs="OGC:CRS84"),
    "DuckDB": by_duckdb(),
    "DuckDB, geometry called geom": by_duckdb(geometry="geom"),
    "DuckDB, GeoParquet 2": by_duckdb("V2"),
    "DuckDB, both": by_duckdb("BOTH", geometry="shape"),
    "DuckDB, no metadata but the type": by_duckdb("NONE", geometry="geom"),
    "DuckDB, tags as JSON": by_duckdb(tags="to_json(tags)"),
    "DuckDB, tags as entries": by_duckdb(tags="map_entries(tags)"),
    "DuckDB, in a CRS that only the type states": by_duckdb("V2", crs="EPSG:32632"),
    "DuckDB, in a CRS, no metadata": by_duckdb("NONE", crs="EPSG:25832"),
    "large_string": texts_as(pa.large_string()),
    "string_view": texts_as(pa.string_view()),
    "categories": texts_as(pa.dictionary(pa.int16(), pa.string())),
    "large_binary": geometry_as(lambda shapes: pa.array(shapely.to_wkb(shapes).tolist(), pa.large_binary())),
    "big-endian WKB": geometry_as(lambda shapes: shapely.to_wkb(shapes, byte_order=0)),
    "WKB with a reference": geometry_as(lambda shapes: shapely.to_wkb(shapely.set_srid(shapes, 4326), include_srid=True)),
    "heights": third("Z"),
    "measures": third("M"),
    "heights and measures": third("Z", "M"),
    "CRS left out": geometry_as(shapely.to_wkb, name="geometry"),
    "CRS as text": geometry_as(shapely.to_wkb, crs="EPSG:4326"),
    "CRS as well-known text": geometry_as(shapely.to_wkb, crs=CRS("EPSG:4326").to_wkt("WKT1_GDAL")),
    "ETRS89 in degrees": in_crs("EPSG:4258"),
    "UTM": in_crs("EPSG:32632"),
    "the neighbouring zone": in_crs("EPSG:32631"),
    "Web Mercator": in_crs("EPSG:3857"),
    "a national grid as well-known text": in_crs("EPSG:2154", CRS("EPSG:2154").to_wkt()),
    "a CRS with heights": in_crs("EPSG:25832", projjson("EPSG:5555")),
    "an index": with_index,
    "ids as the index": with_named_index,
    "tags as JSON": tags_as(json.dumps, pa.string()),
    "tags as JSON in large_string": tags_as(json.dumps, pa.large_string()),
    "tags as a structure": tags_as(lambda tags: tags, STRUCTURE),
    "tags as a list of structures": tags_as(pairs, pa.list_(pa.struct([("key", pa.string()), ("value", pa.string())]))),
    "tags as a large list, value first": tags_as(
        lambda tags: [{"v": v, "k": k} for k, v in tags.items()], pa.large_list(pa.struct([("v", pa.string()), ("k", pa.string())]))
    ),
    "tags as pairs": tags_as(lambda tags: list(map(list, tags.items())), pa.list_(pa.list_(pa.string()))),
    "tags as pairs of two": tags_as(lambda tags: list(map(list, tags.items())), pa.list_(pa.list_(pa.string(), 2))),
    "tags as a map of large_string": tags_as(lambda tags: list(tags.items()), pa.map_(pa.large_string(), pa.large_string())),
}  # fmt: skip
EXACT = {one for one in FORMS if "CRS, " not in one and "a CRS that" not in one} - {
    "ETRS89 in degrees", "UTM", "the neighbouring zone", "Web Mercator", "a national grid as well-known text", "a CRS with heights"
}  # fmt: skip
"""Forms whose coordinates are the same bits; others come through a projection, and differ by less than a millimetre."""


def frames(folder):
    city = City.open(folder.path)
    return {name: getattr(city, name) for name in LAYERS}


def _values(column):
    return [None if pd.isna(one) else one for one in column]


def assert_same(found, wanted, *, exact):
    assert found.index.tolist() == wanted.index.tolist()
    assert found.index.dtype == wanted.index.dtype
    assert list(found.columns) == list(wanted.columns)
    for name in set(wanted.columns) - {"geometry", "tags", "area_m2", "area_km2"}:
        assert found[name].dtype == wanted[name].dtype, name
        assert _values(found[name]) == _values(wanted[name]), name
    if "tags" in wanted:
        assert [sorted(one) for one in found["tags"]] == [sorted(one) for one in wanted["tags"]]
    ours, theirs = np.asarray(found.geometry), np.asarray(wanted.geometry)
    if exact:
        both = [shapely.get_coordinates(shapely.normalize(one), include_z=True) for one in (ours, theirs)]
        assert np.array_equal(*both, equal_nan=True)
    assert (shapely.hausdorff_distance(ours, theirs) < 1e-3).all()


@pytest.mark.parametrize("form", FORMS)
def test_a_layer_in_another_form_is_the_same_layer(light, form):
    wanted, of_builder = frames(light), read_vector(light.path / "regions.parquet", "the regions")
    for name in LAYERS:
        FORMS[form](light, name)
    for name, found in frames(light).items():
        assert_same(found, wanted[name], exact=form in EXACT)
    found = read_vector(light.path / "regions.parquet", "the regions")
    assert found["name"].tolist() == of_builder["name"].tolist()
    away = shapely.hausdorff_distance(np.asarray(found.geometry), np.asarray(of_builder.geometry))
    assert (away < 1e-8).all()


ARROW = {
    "regions": ("multipolygon", [[[(9.0, 48.0), (9.01, 48.0), (9.01, 48.01), (9.0, 48.0)]]]),
    "pois": ("point", (9.002, 48.002)),
    "buildings": ("polygon", [[(9.0, 48.0), (9.01, 48.0), (9.01, 48.01), (9.0, 48.0)], [(9.006, 48.002), (9.008, 48.002), (9.008, 48.004), (9.006, 48.002)]]),
    "roads": ("linestring", [(9.0, 48.0), (9.01, 48.0)]),
}  # fmt: skip


def coordinates(value, point):
    return [coordinates(one, point) for one in value] if isinstance(value, list) else point(value)


@pytest.mark.parametrize("name", ARROW)
@pytest.mark.parametrize("form", ["separate", "together"])
def test_lists_of_coordinates_are_the_shapes_they_describe(light, name, form):
    encoding, value = ARROW[name]
    kind = pa.struct([("x", pa.float64()), ("y", pa.float64()), ("z", pa.float64())]) if form == "separate" else pa.list_(pa.float64(), 3)  # fmt: skip
    for _ in range({"point": 0, "linestring": 1, "polygon": 2, "multipolygon": 3}[encoding]):
        kind = pa.list_(kind)
    point = (lambda at: {"x": at[0], "y": at[1], "z": 5.0}) if form == "separate" else (lambda at: [*at, 5.0])
    table = arrow(light, name)
    rows = [coordinates(value, point)] + [None] * (len(table) - 1)
    put(light, name, with_column(table, "geometry", pa.array(rows, kind)), described(encoding=encoding))
    (fault,) = [one for one in check_folder(light.path) if "null" in one]
    assert f"{len(table) - 1} row" in fault
    put(
        light,
        name,
        with_column(table, "geometry", pa.array(rows, kind)).slice(0, 1),
        described(encoding=encoding),
    )
    light.json["regions"] = {"file": "regions.parquet"}
    light.write_json()
    shape = getattr(City.open(light.path), name).to_crs(4326).geometry.iloc[0]
    wanted = shapely.from_wkt(
        {
            "regions": "MULTIPOLYGON (((9 48, 9.01 48, 9.01 48.01, 9 48)))",
            "pois": "POINT (9.002 48.002)",
            "buildings": "POLYGON ((9 48, 9.01 48, 9.01 48.01, 9 48), (9.006 48.002, 9.008 48.002, 9.008 48.004, 9.006 48.002))",
            "roads": "LINESTRING (9 48, 9.01 48)",
        }[name]
    )
    assert shape.geom_type == wanted.geom_type
    assert shapely.equals_exact(shape, wanted, 1e-9)


def test_a_ring_too_short_is_one_row_s_fault_and_the_others_are_read(light):
    kind = pa.list_(pa.list_(pa.struct([("x", pa.float64()), ("y", pa.float64())])))
    rows = [
        [[{"x": x, "y": y} for x, y in shapely.get_coordinates(one)]]
        for one in shapes_of(arrow(light, "buildings"))
    ]
    rows[2] = [rows[2][0][:2]]
    table = with_column(arrow(light, "buildings"), "geometry", pa.array(rows, kind))
    put(light, "buildings", table, described(encoding="polygon"))
    (fault,) = check_folder(light.path)
    assert fault.startswith(
        "buildings.parquet: column 'geometry', 1 row ('b2'): expected a Polygon in polygon, found bytes"
    )


@pytest.mark.parametrize(
    "kind",
    [pa.int8(), pa.uint16(), pa.int32(), pa.int64(), pa.uint64(), pa.dictionary(pa.int32(), pa.int64())],
)
def test_whole_numbers_are_ids_by_their_digits(folder, kind):
    of = {
        one: number
        for number, one in enumerate(
            ("r00", "r01", "r10", "r11", *(f"b{k}" for k in range(5)), "v0", "v1"), 1
        )
    }
    wanted = City.open(folder.path)
    density, use = wanted.label("density")["value"].tolist(), wanted.pois["region_id"].tolist()
    (folder.path / "features").mkdir()
    pd.DataFrame({"view_id": ["v0"], "word": ["a"]}).to_parquet(folder.path / "features/words.parquet")
    for path in sorted(folder.path.rglob("*.parquet")):
        name = path.relative_to(folder.path).with_suffix("").as_posix()
        table = arrow(folder, name)
        for key in ("region_id", "building_id", "view_id", "origin_id", "destination_id"):
            if key in table.column_names:
                numbers = pa.array([of[one] for one in table[key].to_pylist()])
                numbers = numbers.dictionary_encode() if pa.types.is_dictionary(kind) else numbers.cast(kind)
                table = with_column(table, key, numbers)
        put(folder, name, table)
    assert check_folder(folder.path) == []
    city = City.open(folder.path)
    assert city.regions.index.tolist() == ["1", "2", "3", "4"]
    assert city.label("density").index.tolist() == ["1", "2", "3", "4"]
    assert city.label("density")["value"].tolist() == density
    assert city.pois["region_id"].tolist() == [None if one is None else str(of[one]) for one in use]
    assert city.unit_ids("building") == ("5", "6", "7", "8", "9")
    assert city.features("words").index.tolist() == ["10"]
    assert city.flows["origin_id"].tolist() == ["1", "2"]
    merged = City.open(merge_regions(city, folder.path.parent / "merged", seed=1))
    assert sorted(part for one in merged.regions.index for part in one.split("+")) == ["1", "2", "3", "4"]


def test_ids_that_lost_their_zeros_are_told_as_such(folder):
    for name in (
        "regions",
        "satellite",
        "captions",
        "flows",
        "labels/density",
        "labels/use",
        "labels/shares",
    ):
        for row in folder.rows[name]:
            for key in {"region_id", "origin_id", "destination_id"} & set(row):
                row[key] = row[key].replace("r", "0")
        folder.save(name)
    assert check_folder(folder.path) == []
    table = arrow(folder, "labels/density")
    put(
        folder,
        "labels/density",
        with_column(
            table, "region_id", pa.array([1, 10, 11])[:0].append if False else pa.array([1, 10, 11, 12])
        ),
    )
    (fault,) = check_folder(folder.path)
    assert "found ids that are not there" in fault
    put(folder, "labels/density", with_column(table, "region_id", pa.array([1, 10, 11, 0])).slice(0, 3))
    folder.json["labels"]["density"].pop("units")
    folder.write_json()
    (fault,) = check_folder(folder.path)
    assert fault.endswith(
        "Give them back the zeros in front that layer 'regions' has, as text, such as '007'."
    )


def test_other_forms_are_noted(folder):
    by_gdal("geom")(folder, "pois")
    in_crs("EPSG:3857")(folder, "roads")
    table = arrow(folder, "landuse")
    put(folder, "landuse", with_column(table, "landuse_id", pa.array([7])))
    report = check_report(folder.path)
    assert report.faults == ()
    assert "pois.parquet: read column 'geom' as 'geometry'; tags stored as string." in report.notes
    assert "roads.parquet: read geometry in EPSG:3857, brought to longitude and latitude." in report.notes
    assert "landuse.parquet: read landuse_id stored as int64, as text." in report.notes


def test_merging_reads_other_forms(light):
    wanted = City.open(merge_regions(City.open(light.path), light.path.parent / "one", seed=3)).regions
    in_crs("EPSG:25832")(light, "regions")
    found = City.open(merge_regions(City.open(light.path), light.path.parent / "two", seed=3)).regions
    assert found.index.tolist() == wanted.index.tolist()
    assert found.area.to_numpy() == pytest.approx(wanted.area.to_numpy(), rel=1e-6)


def no_metadata(folder, name):
    put(folder, name, arrow(folder, name), None)


def with_text(folder, name):
    table = arrow(folder, name)
    put(folder, name, with_column(table, "geometry", pa.array([one.wkt for one in shapes_of(table)])))


def with_ids(column):
    def write(folder, name):
        table = arrow(folder, name)
        put(folder, name, table.set_column(0, table.column_names[0], column(len(table))))

    return write


REFUSED = {
    "no metadata": (no_metadata, "expected GeoParquet metadata ('geo'), found none. Say what it is: "),
    "a CRS that nobody knows": (geometry_as(shapely.to_wkb, crs=None), "found an unknown one (null)"),
    "a CRS without a code": (geometry_as(shapely.to_wkb, crs=projjson("+proj=tmerc +lon_0=9.1 +x_0=77")), "which has no code of a place"),
    "a CRS bound to a grid": (geometry_as(shapely.to_wkb, crs="EPSG:4326+5773"), "found an unreadable one"),
    "well-known text": (with_text, "expected WKB (binary), found string. Decode it: geopandas.GeoSeries.from_wkt(frame['geometry'], crs=4326)."),
    "an encoding it does not have": (geometry_as(shapely.to_wkb, encoding="point"), "expected coordinates encoded as 'point', found binary"),
    "ids as fractions": (with_ids(lambda n: pa.array(np.arange(n) + 0.0)), "expected text or integers, found double. Store whole numbers: frame['poi_id'] = frame['poi_id'].astype('Int64')."),
    "ids as dates": (with_ids(lambda n: pa.array([0] * n, pa.date32())), "expected text or integers, found date32[day]. Store the column as text or integers."),
    "tags as hstore": (tags_as(lambda tags: ",".join(f'"{k}"=>"{v}"' for k, v in tags.items()), pa.string()), "expected pairs of texts, found other text. Write an object of texts such as"),
    "tags as JSON with numbers": (tags_as(lambda tags: json.dumps({**tags, "levels": 3}), pa.string()), "expected pairs of texts, found other text."),
    "tags as a JSON list": (tags_as(lambda tags: json.dumps(list(tags.items())), pa.string()), "expected pairs of texts, found other text."),
    "tags of triples": (tags_as(lambda tags: [["a", "b", "c"]], pa.list_(pa.list_(pa.string()))), "expected pairs of texts, found others."),
    "tags as a structure of numbers": (tags_as(lambda tags: {"levels": 3}, pa.struct([("levels", pa.int64())])), "expected a map of text to text, found struct<levels: int64>"),
    "tags as a map of numbers": (tags_as(lambda tags: [("levels", 3)], pa.map_(pa.string(), pa.int64())), "expected a map of text to text, found map<string, int64"),
    "tags as pairs with null": (tags_as(lambda tags: [["amenity", None]], pa.list_(pa.list_(pa.string()))), "expected text for every key, found null keys or values"),
    "tags as structures without a key": (tags_as(lambda tags: [{"key": None, "value": "b"}], pa.list_(pa.struct([("key", pa.string()), ("value", pa.string())]))), "expected pairs of texts, found others."),
    "no tags at all in JSON": (tags_as(lambda tags: None, pa.string()), "expected a map, empty where there are no tags, found null."),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_is_one_sentence_with_its_mend(light, case):
    write, words = REFUSED[case]
    write(light, "pois")
    (fault,) = check_folder(light.path)
    assert words in fault
    assert MEND.search(fault), fault


@pytest.mark.parametrize("kind", ["gpkg", "geojson", "feather", "csv"])
def test_a_file_of_another_format_is_called_by_its_name(light, kind):
    path = light.path / "pois.parquet"
    frame = gpd.read_parquet(path)[["poi_id", "geometry"]]
    other = light.path / f"pois.{kind}"
    if kind in {"gpkg", "geojson"}:
        frame.to_file(other)
    elif kind == "feather":
        frame.to_feather(other)
    else:
        frame.to_csv(other)
    other.rename(path)
    (fault,) = check_folder(light.path)
    words = {
        "gpkg": "found a GeoPackage or another SQLite file. Write it as one: geopandas.read_file('pois.parquet').to_crs(4326)",
        "geojson": "found JSON. Write it as one: geopandas.read_file(",
        "feather": "found an Arrow file (Feather). Write it as one: frame.to_parquet(...).",
        "csv": "found a fault in its footer",
    }
    assert fault.startswith("pois.parquet: expected a whole Parquet file, ")
    assert words[kind] in fault
    assert MEND.search(fault)


def test_two_different_crs_in_one_file_are_a_fault(light):
    by_duckdb("V2", crs="EPSG:32632")(light, "pois")
    head = read_head(light.path, "pois.parquet")
    stated = replace(head, metadata={b"geo": described(crs=projjson("EPSG:3857"))["geo"].encode()})
    assert geo_column("pois.parquet", head)[0].crs == "EPSG:32632"
    (fault,) = geo_column("pois.parquet", stated)[1]
    assert "found two, EPSG:3857 and EPSG:32632." in fault


def test_the_builder_refuses_geometry_inside_of_geometry_before_it_is_decoded(tmp_path):
    deep = struct.pack("<BII", 1, 7, 1) * 50_000 + struct.pack("<BIdd", 1, 1, 9.0, 48.0)
    flat = shapely.to_wkb(
        shapely.GeometryCollection([shapely.box(0, 0, 1, 1), shapely.MultiPoint([(0, 0), (1, 1)])])
    )
    for rows in ([flat], [flat, deep]):
        table = pa.table({"id": ["a", "b"][: len(rows)], "geometry": pa.array(rows, pa.binary())})
        pq.write_table(table.replace_schema_metadata(described()), tmp_path / "regions.parquet")
        if deep in rows:
            with pytest.raises(BadInput, match="geometry inside of geometry"):
                read_vector(tmp_path / "regions.parquet", "the regions")
        else:
            assert (
                read_vector(tmp_path / "regions.parquet", "the regions").geometry.iloc[0].geom_type
                == "GeometryCollection"
            )
