"""The schema of the format: an independent validator agrees with it, and what it forbids is refused by a check."""

import copy
import json
import os
import random
from pathlib import Path

import jsonschema
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from urbanbench.__main__ import main
from urbanbench.city.city import City
from urbanbench.city.faults.build_report import build_report_faults
from urbanbench.city.faults.check import check_folder
from urbanbench.city.faults.structure import structure_faults
from urbanbench.city.folder.format import TABLES, UNIT_LAYER
from urbanbench.city.folder.geo import geo_column
from urbanbench.city.folder.kinds import fits
from urbanbench.city.folder.manifest import read_manifest
from urbanbench.city.folder.parquet import read_head
from urbanbench.city.load import judge_layer, load_label, load_unit_ids
from urbanbench.city.schema.document import JSON_FILES, part_of_schema, schema_document
from urbanbench.city.schema.tables import label_schema, layer_schema

DOCS = Path(__file__).parents[2] / "docs" / "schema"
ROOT = Path(os.environ.get("URBANBENCH_DATA", "/nonexistent"))
ODD = [None, True, False, -1, 0, 3, 10**400, 1.5, "", " ", "x", "/x", "../x", "a/../b", "a\\b", "c:/x", "é", [], ["a"], ["a", "a"], [1], [""], {}, {"a": 1}, {"": 1}, {"a": -1}, {"a": "b"}]  # fmt: skip


def validator(name):
    return jsonschema.Draft202012Validator(part_of_schema(name))


def places(value, above=()):
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*above, key)
        yield from places(inner, (*above, key))


def changed(value, rng):
    """Return a copy with one or two inner values replaced, removed or added."""
    made = copy.deepcopy(value)
    for _ in range(rng.randint(1, 2)):
        *above, key = rng.choice(list(places(made)))
        place = made
        for one in above:
            place = place[one]
        how = rng.random()
        if how < 0.2:
            del place[key]
        elif how < 0.3 and isinstance(place, dict):
            place[rng.choice(["regions", "a b", "", "more", "../up"])] = copy.deepcopy(place[key])
        else:
            place[key] = copy.deepcopy(rng.choice(ODD))
    return made


@pytest.mark.parametrize("name", JSON_FILES)
def test_json_schemas_are_sound(name):
    schema = part_of_schema(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_sound_folders_hold_to_the_schema(folder, tiny_toyville):
    for path in (folder.path, tiny_toyville):
        validator("city.json").validate(json.loads((path / "city.json").read_text(encoding="utf-8")))


@pytest.mark.realdata
@pytest.mark.parametrize(
    "name", ["singapore", "singapore_typed", "helsinki", "shenzhen", "new_york", "manhattan"]
)
def test_real_cities_hold_to_the_schema(name):
    if not (ROOT / name / "city.json").is_file():
        pytest.skip(f"no {name} under URBANBENCH_DATA")
    validator("city.json").validate(json.loads((ROOT / name / "city.json").read_text(encoding="utf-8")))
    manifest, faults = read_manifest(ROOT / name)
    assert faults == []
    for layer, info in manifest.tables.items():
        kinds = dict(read_head(ROOT / name, info.file).columns)
        for column in layer_schema(layer)["columns"]:
            assert column["name"] in kinds or not column["required"]


def test_what_the_schema_of_city_json_forbids_is_refused(folder):
    rng, judge, forbidden = random.Random(5), validator("city.json"), 0
    for _ in range(600):
        made = changed(folder.json, rng)
        folder.write_json(json.dumps(made))
        faults = read_manifest(folder.path)[1]
        if not judge.is_valid(made):
            forbidden += 1
            assert faults, (made, next(judge.iter_errors(made)).message)
    assert forbidden > 300


def entry_cases():
    for field, kind in (
        ("file", "path"),
        ("source", "text"),
        ("count", "count"),
        ("drawn_from", "names"),
        ("overlapping", "truth"),
    ):
        yield from ((("layers", "pois", field), value, kind) for value in ODD)
    for field in ("level", "unit", "kind", "classes", "columns", "units", "ceiling"):
        yield from ((("labels", "shares", field), value, field) for value in ODD)
    for field in ("format", "name", "title", "crs", "regions", "layers", "labels"):
        yield from (((field,), value, field) for value in ODD)


def test_every_value_of_every_field_that_the_schema_forbids_is_refused(folder):
    judge, counted = validator("city.json"), 0
    for path, value, what in entry_cases():
        made = copy.deepcopy(folder.json)
        place = made
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        folder.write_json(json.dumps(made))
        faults = read_manifest(folder.path)[1]
        if not judge.is_valid(made):
            counted += 1
            assert faults, (path, value, what)
        elif path[-1] not in {"file", "layers", "labels", "regions", "kind"}:
            assert not faults, (path, value, faults)
    assert counted > 200


def test_what_the_schema_of_a_build_report_forbids_is_refused(folder):
    sound = {
        "files": {"a.csv": "12"},
        "report": [{"part": "pois", "deed": "kept", "why": "near", "count": 2, "ids": ["n1"]}],
    }
    rng, judge, forbidden = random.Random(3), validator("build_report.json"), 0
    judge.validate(sound)
    path = folder.path / "build_report.json"
    for _ in range(300):
        made = changed(sound, rng)
        path.write_text(json.dumps(made), encoding="utf-8")
        if not judge.is_valid(made):
            forbidden += 1
            assert build_report_faults(folder.path), made
    assert forbidden > 100
    path.write_text(json.dumps(sound), encoding="utf-8")
    assert build_report_faults(folder.path) == []
    path.write_text("{", encoding="utf-8")
    (fault,) = check_folder(folder.path)
    assert fault.startswith("build_report.json: expected valid JSON")
    path.unlink()
    path.mkdir()
    (fault,) = check_folder(folder.path)
    assert fault.endswith("Remove the file: nothing is read from it.")


def test_what_the_schema_of_metadata_forbids_is_refused(folder):
    judge, sound, forbidden = validator("geo"), {"encoding": "WKB", "crs": "EPSG:4326"}, 0
    head = read_head(folder.path, "pois.parquet")
    for field in part_of_schema("geo")["properties"]:
        for value in ODD:
            column = {**sound, field: value}
            head.metadata[b"geo"] = json.dumps({"columns": {"geometry": column}}).encode()
            if not judge.is_valid(column):
                forbidden += 1
                assert geo_column("pois.parquet", head)[1], column
    assert forbidden > 100


# Tables: every rule of the description, broken in one row or column, is refused; at its edge it holds.

LABELS = {
    "density": ("regression", "region"),
    "use": ("classification", "region"),
    "shares": ("composition", "region"),
    "function": ("classification", "building"),
    "scene": ("regression", "street_view"),
}
OTHER_TYPES = [pa.bool_(), pa.date32(), pa.timestamp("ms"), pa.list_(pa.int32()), pa.struct([("a", pa.int8())]), pa.binary(4), pa.decimal128(5)]  # fmt: skip
TYPES = {
    "string": pa.string(),
    "large_string": pa.large_string(),
    "string_view": pa.string_view(),
    "dictionary of text": pa.dictionary(pa.int8(), pa.string()),
    "binary": pa.binary(),
    "large_binary": pa.large_binary(),
    "double": pa.float64(),
    "float": pa.float32(),
    "halffloat": pa.float16(),
    "map<string, string>": pa.map_(pa.string(), pa.string()),
    "struct of text": pa.struct([("a", pa.string())]),
    "list of struct<key, value>": pa.list_(pa.struct([("key", pa.string()), ("value", pa.string())])),
    "list of pairs of text": pa.list_(pa.list_(pa.string())),
    "string (JSON object)": pa.string(),
    **{name: getattr(pa, name)() for name in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")},
}  # fmt: skip
TEXTS = {"string", "large_string", "string_view", "dictionary of text"}
SHAPES = {
    "Point": shapely.Point(9.001, 48.001),
    "MultiPoint": shapely.MultiPoint([(9.001, 48.001), (9.002, 48.001)]),
    "LineString": shapely.LineString([(9, 48), (9.01, 48)]),
    "MultiLineString": shapely.MultiLineString([[(9, 48), (9.01, 48)], [(9, 48.01), (9.01, 48.01)]]),
    "Polygon": shapely.box(9.0001, 48.0001, 9.0002, 48.0002),
    "MultiPolygon": shapely.MultiPolygon([shapely.box(9.0001, 48.0001, 9.0002, 48.0002), shapely.box(9.0003, 48.0001, 9.0004, 48.0002)]),
    "GeometryCollection": shapely.GeometryCollection([shapely.Point(9.001, 48.001)]),
}  # fmt: skip


def described(name):
    """Return the description of a table; the columns of a composition get their names."""
    if not name.startswith("labels/"):
        return layer_schema(name)
    found = label_schema(*LABELS[name.removeprefix("labels/")])
    columns = []
    for one in found["columns"]:
        columns += (
            [{**one, "name": name} for name in ("home", "work")] if one["name"] == "<columns>" else [one]
        )
    return {**found, "columns": columns}


TABLE_NAMES = [*TABLES, *(f"labels/{name}" for name in LABELS)]


def faults_of(folder, name):
    manifest, faults = read_manifest(folder.path)
    faults = faults + structure_faults(folder.path, manifest)[name]
    if faults:
        return faults
    regions = judge_layer(folder.path, manifest, "regions", None)[0]
    if name.startswith("labels/"):
        label = name.removeprefix("labels/")
        units = load_unit_ids(folder.path, manifest, manifest.labels[label].level)[0]
        return load_label(folder.path, manifest, label, units)[1]
    return judge_layer(folder.path, manifest, name, None if name == "regions" else regions)[1]


@pytest.fixture
def table(folder, request):
    """Give a table of the folder with the columns that may be left out, without stated counts."""
    name = request.param
    folder.json["regions"].pop("count")
    for entry in folder.json["labels"].values():
        entry.pop("units", None)
        entry.pop("classes", None)
    folder.write_json()
    for row in folder.rows[name] if name == "street_views" else []:
        row.update(heading=5.0, image=row["east"], location_id="here")
    for row in folder.rows[name] if name.startswith("labels/") else []:
        row.update(n=3, group="g", parcel="p")
    return Table(folder, name)


class Table:
    def __init__(self, folder, name):
        self.folder, self.name, self.told = folder, name, described(name)
        self.whole = self.stored()

    def stored(self):
        more = {"street_views": {"heading": pa.float64(), "image": pa.string(), "location_id": pa.string()}}
        labels = {"n": pa.int64(), "group": pa.string(), "parcel": pa.string()}
        extra = labels if self.name.startswith("labels/") else more.get(self.name, {})
        self.folder.save(self.name, schema={**self.folder.schemas[self.name], **extra})
        return pq.read_table(self.folder.path / f"{self.name}.parquet")

    def faults(self, table):
        kept = table.replace_schema_metadata(self.whole.schema.metadata)
        pq.write_table(kept, self.folder.path / f"{self.name}.parquet")
        return faults_of(self.folder, self.name)

    def with_column(self, name, column):
        return self.whole.set_column(self.whole.column_names.index(name), name, column)

    def with_value(self, name, value, row=0):
        values = self.whole[name].to_pylist()
        values[row] = value
        kind = pa.float64() if isinstance(value, float) else self.whole.schema.field(name).type
        return self.with_column(name, pa.array(values, kind))


every_table = pytest.mark.parametrize("table", TABLE_NAMES, indirect=True)


@every_table
def test_every_column_of_the_folder_is_described_and_sound(table):
    assert table.faults(table.whole) == []
    assert set(table.whole.column_names) == {column["name"] for column in table.told["columns"]}
    assert table.told["file"].replace("<name>", table.name.removeprefix("labels/")) == f"{table.name}.parquet"


@every_table
def test_columns_and_their_types_are_as_described(table):
    for column in table.told["columns"]:
        name = column["name"]
        left = table.whole.drop_columns([name])
        assert bool(table.faults(left)) == column["required"], name
        allowed = [column["arrow"], *column["also"]]
        for one in OTHER_TYPES:
            assert table.faults(table.with_column(name, pa.nulls(len(table.whole), one))), (name, one)
        strange = set(TYPES) - set(allowed) - {"binary", "large_binary", "string (JSON object)"}
        for word in strange - (TEXTS if column["type"] == "tags" else set()):
            nulls = pa.nulls(len(table.whole), TYPES[word])
            assert table.faults(table.with_column(name, nulls)), (name, word)


def test_every_type_that_is_described_is_read():
    for name in TABLES:
        for column, told in zip(TABLES[name].columns, layer_schema(name)["columns"], strict=True):
            for word in (told["arrow"], *told["also"]):
                assert fits(column.kind, TYPES[word]), (name, column.name, word)


@every_table
def test_null_and_empty_text_are_allowed_where_described(table):
    for column in table.told["columns"]:
        name = column["name"]
        assert bool(table.faults(table.with_value(name, None))) != column["null"], name
        if column["type"] in {"text", "id"} and pa.types.is_string(table.whole[name].type):
            assert bool(table.faults(table.with_value(name, ""))) == ("least_length" in column), name


@every_table
def test_numbers_hold_to_the_range_described(table):
    for column in table.told["columns"]:
        if "least" not in column:
            continue
        name = column["name"]
        for word, beyond in (("least", -np.inf), ("most", np.inf)):
            bound = float(column[word])
            if column["type"] == "integer":
                outside = table.with_column(name, pa.array([int(bound + np.sign(beyond))] * len(table.whole)))
                edge = table.with_column(name, pa.array([int(bound)] * len(table.whole)))
            else:
                outside = table.with_value(name, float(np.nextafter(bound, beyond)))
                edge = table.with_value(name, bound)
            assert table.faults(outside), (name, word)
            if table.name != "satellite" and "sum" not in table.told:
                assert table.faults(edge) == [], (name, word)


@every_table
def test_ids_are_unique_and_known_where_described(table):
    for column in table.told["columns"]:
        name = column["name"]
        if column.get("unique"):
            twice = pa.concat_tables([table.whole, table.whole.slice(0, 1)])
            assert table.faults(twice), name
        if "ids_of" in column:
            assert table.faults(table.with_value(name, "nobody")), name
            assert column["ids_of"] in TABLES


@every_table
def test_shapes_are_of_the_kinds_described(table):
    told = table.told.get("geometry")
    assert (told is not None) == ("geometry" in table.whole.column_names)
    for kind, shape in SHAPES.items() if told else ():
        allowed = kind in told["kinds"]
        assert bool(table.faults(table.with_value("geometry", shapely.to_wkb(shape)))) != allowed, kind
    if told:
        assert table.faults(table.with_value("geometry", shapely.to_wkb(shapely.Point(200, 48))))


@every_table
def test_rows_and_columns_that_have_to_be_there_are(table):
    if not table.name.startswith("labels/"):
        assert bool(table.faults(table.whole.slice(0, 0))) == (table.told["rows"]["at_least"] > 0)
    if "some_of" in table.told:
        assert table.faults(table.whole.drop_columns(table.told["some_of"]))
        for kept in table.told["some_of"]:
            left = [one for one in table.told["some_of"] if one != kept]
            filled = table.with_column(kept, pa.array(["views/v0e.png"] * len(table.whole)))
            assert table.faults(filled.drop_columns(left)) == [], kept
    if "sum" in table.told:
        within = table.told["sum"]["within"]
        assert table.faults(table.with_value("home", 0.25 + 2 * within))
        assert table.faults(table.with_value("home", 0.25 + within / 2)) == []


def test_rows_come_in_the_order_described(folder):
    city = City.open(folder.path)
    for name in TABLES:
        frame = getattr(city, name).reset_index()
        keys = [one for one in layer_schema(name)["order"] if one in frame]
        assert keys
        assert frame[keys].to_records(index=False).tolist() == sorted(
            frame[keys].to_records(index=False).tolist()
        )


def test_every_kind_and_level_of_label_is_described():
    told = part_of_schema("labels")
    for kind, levels in told.items():
        assert list(levels) == list(UNIT_LAYER)
        for level, table in levels.items():
            assert table == label_schema(kind, level)
            assert table["columns"][0]["ids_of"] == UNIT_LAYER[level]


@pytest.mark.skipif(not DOCS.is_dir(), reason="docs are not there")
def test_the_committed_schema_is_what_the_format_makes():
    wanted = {f"{name.removesuffix('.json')}.schema.json": make() for name, make in JSON_FILES.items()}
    wanted["tables.json"] = part_of_schema("tables")
    found = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in DOCS.glob("*.json")}
    assert set(found) == set(wanted)
    for name, schema in wanted.items():
        part = next(
            (one for one in JSON_FILES if name == f"{one.removesuffix('.json')}.schema.json"), "tables"
        )
        assert found[name] == schema, f"urbanbench data schema {part} --json > docs/schema/{name}"


@pytest.mark.parametrize("part", ["", *TABLES, "labels", "regression", "features", "tables", *JSON_FILES])
def test_the_command_prints_every_part(part, capsys):
    words = ["data", "schema", *([part] if part else [])]
    assert main(words) == 0
    text = capsys.readouterr().out
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == (part_of_schema(part) if part else schema_document())
    if part in TABLES:
        for column in layer_schema(part)["columns"]:
            assert f"\n{column['name']}{'*' if column['required'] else ''} " in text


def test_an_unknown_part_is_told_with_the_known_ones(capsys):
    assert main(["data", "schema", "poiss"]) == 2
    assert "Unknown part of the format 'poiss'. Did you mean 'pois'?" in capsys.readouterr().err
