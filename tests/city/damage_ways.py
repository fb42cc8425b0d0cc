"""Ways in which a city folder comes to harm, each driven by a seed; what was done is told as text."""

import json
import os
import struct

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

NESTING = 20_000
JSON_VALUES = [
    None,
    True,
    -1,
    10**400,
    1.5,
    "",
    "\ud800",
    "é",
    "x" * 5000,
    [],
    [[[]]],
    {},
    {"id": [1]},
    ["a", "a"],
    "../x",
    "\0",
]
TEXTS = [
    b"Caf\xe9",
    b"\xed\xa0\x80",
    b"\xff" * 9,
    b"",
    b" ",
    b"x" * 2_000_000,
    b"nan",
    b"\x00",
    "ß\u0301".encode(),
    b"../../up",
    b"/etc/passwd",
]
NUMBERS = [np.nan, np.inf, -np.inf, 1e300, -1e300, 1e18, -1.0, 0.0, 5e-324]
KINDS = [pa.int8(), pa.uint64(), pa.float16(), pa.float64(), pa.bool_(), pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(),
         pa.dictionary(pa.int8(), pa.string()), pa.timestamp("ns", "UTC"), pa.date32(), pa.duration("s"), pa.list_(pa.string()), pa.struct([("a", pa.string())]), pa.null()]  # fmt: skip


def nested_wkb(code, depth=NESTING):
    return struct.pack("<BII", 1, code, 1) * depth + struct.pack("<BIdd", 1, 1, 9.0, 48.0)


def odd_wkb(rng, whole):
    """Return bytes in place of a geometry: nested, lying about their counts, far away, invalid, of another kind."""
    lie = struct.pack("<BII", 1, rng.choice([2, 3, 4, 5, 6, 7]), rng.choice([2**31 - 1, 2**32 - 1, 10**6]))
    far = shapely.to_wkb(
        shapely.Point(rng.choice([1e300, np.inf, 181.0, -1e9]), rng.choice([1e300, np.nan, 0.0]))
    )
    inner = struct.pack("<BII", 1, 6, 2) + shapely.to_wkb(shapely.box(9, 48, 9.001, 48.001)) + nested_wkb(6)
    flipped = bytearray(whole)
    for _ in range(rng.randint(1, 4)):
        flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
    shape = rng.choice([
        shapely.Polygon([(9, 48), (9.01, 48.01), (9.01, 48), (9, 48.01)]), shapely.Polygon(), shapely.Point(9, 48, 5), shapely.box(-180, -90, 180, 90),
        shapely.LineString([(9, 48), (9, 48)]), shapely.GeometryCollection([shapely.Point(9, 48)]), shapely.MultiPoint([(9, 48), (9.01, 48)]),
        shapely.box(8.99, 47.99, 9.05, 48.05), shapely.Point(48.0, 9.0),
    ])  # fmt: skip
    written = shapely.to_wkb(shape, byte_order=rng.randrange(2), flavor=rng.choice(["iso", "extended"]))
    return rng.choice(
        [
            nested_wkb(7),
            nested_wkb(4),
            nested_wkb(6),
            nested_wkb(0x10006),
            nested_wkb(9),
            inner,
            lie,
            far,
            bytes(flipped),
            whole[: len(whole) // 2],
            written,
            b"",
        ]
    )


def tables(folder):
    return sorted(folder.rglob("*.parquet"))


def all_files(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def any_file(rng, folder):
    """Choose a file; pictures are many and seldom chosen."""
    files = all_files(folder)
    few = [path for path in files if path.suffix not in {".png", ".jpg", ".webp"}]
    return rng.choice(few if rng.random() < 0.8 else files)


def flip_bytes(rng, folder):
    path = any_file(rng, folder)
    content = bytearray(path.read_bytes())
    footer = rng.random() < 0.4
    for _ in range(rng.choice([1, 1, 3, 20])):
        place = rng.randrange(max(0, len(content) - 800) if footer else 0, len(content))
        content[place] = rng.randrange(256)
    path.write_bytes(content)
    return path.name


def cut(rng, folder):
    path = any_file(rng, folder)
    path.write_bytes(path.read_bytes()[: rng.randrange(path.stat().st_size)])
    return path.name


def misplace(rng, folder):
    """Put a folder, a link out of the folder, another table or nothing in a file's place."""
    path = any_file(rng, folder)
    what = rng.choice(["folder", "link", "loop", "other", "nothing"])
    other = rng.choice(tables(folder)).read_bytes()
    path.unlink()
    if what == "folder":
        path.mkdir()
    elif what in {"link", "loop"}:
        path.symlink_to(path.name if what == "loop" else "/etc/hostname")
    elif what == "other":
        path.write_bytes(other)
    return f"{what} {path.name}"


def retype(rng, folder):
    """Store a column as another type, with values that fit it or null."""
    path = rng.choice(tables(folder))
    table = pq.read_table(path)
    place, kind = rng.randrange(table.num_columns), rng.choice(KINDS)
    try:
        column = table.column(place).cast(kind)
    except (pa.ArrowException, ValueError):
        column = pa.nulls(table.num_rows, kind)
    name = table.column_names[place]
    pq.write_table(table.set_column(place, name, column), path)
    return f"{path.name} {name} {kind}"


def binary_of(values):
    """Return a string array of any bytes."""
    raw = [b"" if one is None else one for one in values]
    offsets = np.concatenate(([0], np.cumsum([len(one) for one in raw]))).astype(np.int32)
    return pa.StringArray.from_buffers(len(raw), pa.py_buffer(offsets.tobytes()), pa.py_buffer(b"".join(raw)))


def replace_values(rng, folder):
    """Put odd values into a column of their own type, or repeat and drop rows."""
    path = rng.choice(tables(folder))
    table = pq.read_table(path)
    metadata, count = table.schema.metadata, table.num_rows
    place = rng.randrange(table.num_columns)
    name, column = table.column_names[place], table.column(place)
    row = rng.randrange(count)
    if rng.random() < 0.15:
        rows = rng.choice([[], [row] * 3, list(range(count)) * 3, list(range(count))[::-1]])
        pq.write_table(table.take(pa.array(rows, pa.int64())).replace_schema_metadata(metadata), path)
        return f"rows of {path.name}"
    values = column.to_pylist()
    if pa.types.is_binary(column.type):
        values[row] = odd_wkb(rng, values[row])
        made = pa.array(values, column.type)
    elif pa.types.is_string(column.type):
        texts = [None if one is None else one.encode() for one in values]
        texts[row] = rng.choice(TEXTS)
        made = binary_of(texts)
    elif pa.types.is_map(column.type):
        maps = column.combine_chunks()
        parts = [maps.keys, maps.items]
        side = rng.randrange(2)
        texts = [one.encode() for one in parts[side].to_pylist()]
        if texts:
            texts[rng.randrange(len(texts))] = rng.choice(TEXTS)
        parts[side] = binary_of(texts)
        made = pa.MapArray.from_arrays(maps.offsets, *parts)
    elif pa.types.is_floating(column.type):
        values[row] = rng.choice([None, *NUMBERS])
        made = pa.array(values, column.type, from_pandas=False)
    else:
        values[row] = rng.choice([None, -1, 2**31 - 1]) if pa.types.is_integer(column.type) else None
        made = pa.array(values, column.type)
    pq.write_table(
        table.set_column(place, pa.field(name, made.type), made).replace_schema_metadata(metadata), path
    )
    return f"{path.name} {name}"


def inner_places(value, above=()):
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*above, key)
        yield from inner_places(inner, (*above, key))


def change_json(rng, value):
    path = rng.choice(list(inner_places(value)))
    place = value
    for key in path[:-1]:
        place = place[key]
    if rng.random() < 0.2:
        del place[path[-1]]
    else:
        place[path[-1]] = rng.choice(JSON_VALUES)
    return path


def change_metadata(rng, folder):
    path = rng.choice([one for one in tables(folder) if b"geo" in (pq.read_schema(one).metadata or {})])
    table = pq.read_table(path)
    geo = json.loads(table.schema.metadata[b"geo"])
    text, done = b"", rng.choice(["", "[" * 100_000, "\xff", "{}"])
    if rng.random() < 0.8:
        done = change_json(rng, geo)
        text = json.dumps(geo).encode()
    else:
        text = done.encode("latin-1")
    pq.write_table(table.replace_schema_metadata({b"geo": text}), path)
    return f"{path.name} {str(done)[:60]}"


def change_manifest(rng, folder):
    path = folder / "city.json"
    value = json.loads(path.read_text(encoding="utf-8"))
    done = change_json(rng, value)
    text = json.dumps(value)
    how = rng.choice(["utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "cut"])
    path.write_bytes(text.encode()[: rng.randrange(len(text))] if how == "cut" else text.encode(how))
    return f"{how} {done}"


def unfold(rng, folder):
    """Make a table of few bytes that claims many rows or long repeated values."""
    path = rng.choice(tables(folder))
    table = pq.read_table(path)
    metadata = table.schema.metadata
    if rng.random() < 0.5:
        many = rng.choice([10**5, 10**6])
        made = table.take(pa.array(np.zeros(many, dtype=np.int64)))
    else:
        texts = [name for name in table.column_names if pa.types.is_string(table[name].type)]
        word = "x" * rng.choice([10**6, 5 * 10**7])
        name = rng.choice(texts)
        rows = 3000 if len(word) < 10**7 else 40
        many = table.take(pa.array(np.zeros(rows, dtype=np.int64)))
        column = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, dtype=np.int32)), pa.array([word]))
        made = many.set_column(many.column_names.index(name), name, column)
    pq.write_table(made.replace_schema_metadata(metadata), path, store_schema=False)
    return path.name


def change_columns(rng, folder):
    """Drop or rename columns, or give one twice."""
    path = rng.choice(tables(folder))
    table = pq.read_table(path)
    place, how = rng.randrange(table.num_columns), rng.choice(["drop", "rename", "twice", "index"])
    name = table.column_names[place]
    if how == "drop":
        made = table.remove_column(place)
    elif how == "rename":
        new = rng.choice([name.upper(), f" {name}", "geom", "id", "", "é", "__index_level_0__", "value"])
        made = table.rename_columns([new if k == place else one for k, one in enumerate(table.column_names)])
    elif how == "twice":
        made = table.append_column(name, table.column(place))
    else:
        made = table.append_column("__index_level_0__", pa.array(range(table.num_rows)))
    pq.write_table(made.replace_schema_metadata(table.schema.metadata), path)
    return f"{how} {path.name} {name}"


def swap_files(rng, folder):
    """Put two files in each other's place, or a file where a folder was."""
    one, other = any_file(rng, folder), any_file(rng, folder)
    if rng.random() < 0.3:
        inner = [path for path in folder.iterdir() if path.is_dir()]
        if inner:
            place = rng.choice(inner)
            place.rename(folder / "elsewhere")
            place.write_bytes(one.read_bytes() if one.is_file() else b"")
            return f"{place.name} is a file"
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    return f"{one.name} and {other.name}"


def wrong_ids(rng, folder):
    """Give rows ids of nobody, of numbers, twice, or those of another table."""
    path = rng.choice(tables(folder))
    table = pq.read_table(path)
    keys = [name for name in table.column_names if name.endswith("_id")]
    if not keys or not table.num_rows:
        return cut(rng, folder)
    key, count = rng.choice(keys), table.num_rows
    made = rng.choice([
        lambda: pa.array(range(count)), lambda: pa.array(np.arange(count) + 0.0), lambda: pa.array(np.arange(count) + 0.5),
        lambda: pa.array(["same"] * count), lambda: pa.array([f"nobody{k}" for k in range(count)]), lambda: pa.array([b"\xff"] * count),
        lambda: pa.array([2**63 + k for k in range(count)], pa.uint64()), lambda: pa.array([[k] for k in range(count)]),
        lambda: pa.array([f"{k:03d}" for k in range(count)]), lambda: table[key].take(pa.array(list(range(count))[::-1])),
    ])()  # fmt: skip
    made = table.set_column(table.column_names.index(key), key, made)
    pq.write_table(made.replace_schema_metadata(table.schema.metadata), path)
    return f"{path.name} {key} {made[key].type}"


def trick_json(rng, folder):
    """Write JSON that parsers stumble over: keys twice, huge numbers, depth, other kinds at the top, other words for numbers."""
    path = folder / rng.choice(["city.json", "city.json", "build_report.json"])
    text = (folder / "city.json").read_text(encoding="utf-8")
    made = rng.choice([
        text.replace("{", '{"format": 1, "format": 2, ', 1), text.replace("{", '{"crs": "EPSG:3067", ', 1),
        text.replace('"format": 1', f'"format": {"1" * 5000}'), text.replace('"format": 1', '"format": 1e400'), text.replace('"format": 1', '"format": 1.0'),
        text.replace('"count"', '"count": 1, "more"', 1), "[" * 100_000, '{"a":' * 5000 + "1" + "}" * 5000, text + text, text[:-3], "null", "[]", '"x"', "1",
        text.replace("{", '{"more": NaN, ', 1), text.replace("{", '{"more": "\\ud800", ', 1), text.replace('"', "'"), "\ufeff\ufeff" + text, text.replace("}", ",}"),
        json.dumps({"files": {"a": [1]}, "report": [{"part": 1}]}), json.dumps({"files": [], "report": {}}), json.dumps({"report": [[]]}),
    ])  # fmt: skip
    path.write_text(made, encoding="utf-8")
    return f"{path.name} {made[:40]!r}"


def odd_crs(rng, folder):
    """Name a CRS of another place, of other units, of no place, or none at all."""
    words = [
        "EPSG:4326", "EPSG:3857", "EPSG:2263", "EPSG:4978", "EPSG:5773", "EPSG:32661", "EPSG:32717", "EPSG:32601", "EPSG:9999999", "IAU_2015:30100", "ESRI:102003",
        "epsg:3067", "EPSG: 3067", "EPSG:3067 ", "urn:ogc:def:crs:EPSG::3067", "+proj=utm +zone=35", "+proj=longlat +nadgrids=/etc/passwd", "EPSG:3067\n", "", "x" * 9000, "EPSG:" + "9" * 300, None, 3067,
        {"$schema": "x"}, {"type": "BoundCRS"}, {"id": {"authority": "EPSG", "code": 4326}}, {"id": {"authority": "EPSG", "code": "3067"}, "type": "ProjectedCRS"}, [4326],
    ]  # fmt: skip
    crs = rng.choice(words)
    if rng.random() < 0.4:
        raw = json.loads((folder / "city.json").read_text(encoding="utf-8"))
        raw["crs"] = crs
        (folder / "city.json").write_text(json.dumps(raw), encoding="utf-8")
        return f"city.json {str(crs)[:40]}"
    path = rng.choice([one for one in tables(folder) if b"geo" in (pq.read_schema(one).metadata or {})])
    table = pq.read_table(path)
    geo = json.loads(table.schema.metadata[b"geo"])
    geo["columns"]["geometry"]["crs"] = crs
    pq.write_table(table.replace_schema_metadata({b"geo": json.dumps(geo).encode()}), path)
    return f"{path.name} {str(crs)[:40]}"


def absurd_geometry(rng, folder):
    """Give many rows of a table absurd shapes, or all of them another encoding."""
    path = rng.choice([one for one in tables(folder) if "geometry" in pq.read_schema(one).names])
    table = pq.read_table(path)
    geo = json.loads(table.schema.metadata[b"geo"])
    values = table["geometry"].to_pylist()
    how = rng.choice(["many", "many", "all", "list", "scale", "sliver"])
    if how == "list":
        geo["columns"]["geometry"]["encoding"] = rng.choice(
            ["point", "linestring", "polygon", "multipolygon", "WKT"]
        )
        shapes = shapely.from_wkb(values)
        rings = [
            [[{"x": x, "y": y} for x, y in shapely.get_coordinates(one)[: rng.randint(0, 9)]]]
            for one in shapes
        ]
        made = pa.array(rings, pa.list_(pa.list_(pa.struct([("x", pa.float64()), ("y", pa.float64())]))))
    else:
        rows = (
            range(len(values))
            if how in {"all", "scale", "sliver"}
            else rng.sample(range(len(values)), min(5, len(values)))
        )
        factor = rng.choice([1e-12, 1e-7, 10.0, 1e6, 1e300, 0.0])
        same = odd_wkb(rng, values[0])
        for row in rows:
            if how in {"scale", "sliver"}:
                shape = shapely.from_wkb(values[row])
                grow = [factor, factor] if how == "scale" else [1.0, factor]
                corner = shapely.get_coordinates(shape)[0]
                with np.errstate(all="ignore"):
                    values[row] = shapely.to_wkb(
                        shapely.transform(shape, lambda xy, at=corner, g=grow: at + (xy - at) * g)
                    )
            else:
                values[row] = same if how == "all" else odd_wkb(rng, values[row])
        made = pa.array(values, pa.binary())
    made = table.set_column(table.column_names.index("geometry"), "geometry", made)
    pq.write_table(made.replace_schema_metadata({b"geo": json.dumps(geo).encode()}), path)
    return f"{how} {path.name}"


def odd_picture(rng, folder):
    """Put something that is no picture, or an absurd one, in a picture's place."""
    pictures = [path for path in all_files(folder) if path.suffix in {".png", ".jpg", ".webp"}]
    if not pictures:
        return flip_bytes(rng, folder)
    path = rng.choice(pictures)
    whole = path.read_bytes()
    size = struct.pack(">II", rng.choice([0, 1, 60_000, 2**31 - 1]), rng.choice([0, 1, 60_000, 2**31 - 1]))
    made = rng.choice([
        b"", b"text", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"GIF89a" + bytes(50), b"%PDF-1.4", b"BM" + bytes(60), whole[: len(whole) // 2], whole[:16] + size + whole[24:],
        b"\x89PNG\r\n\x1a\n" + bytes(40), b"\xff\xd8\xff" + bytes(99), b"RIFF\xff\xff\xff\xffWEBPVP8 " + bytes(60), whole * 3, b"II*\x00" + bytes(90),
    ])  # fmt: skip
    path.unlink()
    if rng.random() < 0.1:
        os.mkfifo(path)
        return f"{path.name} a pipe"
    path.write_bytes(made)
    return f"{path.name} {made[:12]!r}"


def stop_the_pipe(rng, folder):
    """Put a named pipe, which nobody writes into, in a file's place."""
    path = rng.choice([*tables(folder), folder / "city.json"])
    path.unlink()
    os.mkfifo(path)
    return path.name


def wrong_tags(rng, folder):
    """Store tags in another form, sound or not."""
    path = rng.choice([one for one in tables(folder) if "tags" in pq.read_schema(one).names])
    table = pq.read_table(path)
    tags = [dict(one) for one in table["tags"].to_pylist()]
    made = rng.choice([
        lambda: pa.array([json.dumps(one) for one in tags]), lambda: pa.array(["{" for _ in tags]), lambda: pa.array(["[" * 50_000 for _ in tags[:3]] + ["{}"] * (len(tags) - 3)),
        lambda: pa.array([list(map(list, one.items())) for one in tags], pa.list_(pa.list_(pa.string()))), lambda: pa.array([[["a"]]] * len(tags)),
        lambda: pa.array([{"amenity": None, "name": "é"}] * len(tags), pa.struct([("amenity", pa.string()), ("name", pa.string())])),
        lambda: pa.array([[{"key": None, "value": "b"}]] * len(tags), pa.list_(pa.struct([("key", pa.string()), ("value", pa.string())]))),
        lambda: pa.array([None] * len(tags), pa.map_(pa.string(), pa.string())), lambda: pa.array([[("a", None)]] * len(tags), pa.map_(pa.string(), pa.string())),
        lambda: pa.array([[("a", "b")] * 3] * len(tags), pa.map_(pa.string(), pa.string())), lambda: pa.array(['{"a": 1}'] * len(tags)), lambda: pa.array(['{"a": "\\ud800"}'] * len(tags)),
    ])()  # fmt: skip
    made = table.set_column(table.column_names.index("tags"), "tags", made)
    pq.write_table(made.replace_schema_metadata(table.schema.metadata), path)
    return f"{path.name} {made['tags'].type}"


FULL = [
    flip_bytes,
    cut,
    misplace,
    retype,
    replace_values,
    replace_values,
    change_metadata,
    change_manifest,
    change_columns,
    swap_files,
    wrong_ids,
    trick_json,
    odd_crs,
    absurd_geometry,
    absurd_geometry,
    odd_picture,
    stop_the_pipe,
    wrong_tags,
]
WAYS = {"full": FULL, "heavy": [unfold]}
