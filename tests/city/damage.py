"""Damage done to a city folder by a seed, and what comes of opening it; run as a program, so that a crash ends no test process.

``python damage.py SOUND WORK FIRST LAST`` copies the folder SOUND for each seed, damages the copy, checks and opens it, and prints
one JSON line a seed: what was done, how it ended, seconds, and how much the memory of the process grew, in MiB.
"""

import json
import random
import resource
import shutil
import struct
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

NESTING = 20_000
MEMORY = 8 * 2**30
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


def flip_bytes(rng, folder):
    path = rng.choice(sorted(path for path in folder.rglob("*") if path.is_file()))
    content = bytearray(path.read_bytes())
    footer = rng.random() < 0.4
    for _ in range(rng.choice([1, 1, 3, 20])):
        place = rng.randrange(max(0, len(content) - 800) if footer else 0, len(content))
        content[place] = rng.randrange(256)
    path.write_bytes(content)
    return path.name


def cut(rng, folder):
    path = rng.choice(sorted(path for path in folder.rglob("*") if path.is_file()))
    path.write_bytes(path.read_bytes()[: rng.randrange(path.stat().st_size)])
    return path.name


def misplace(rng, folder):
    """Put a folder, a link out of the folder, another table or nothing in a file's place."""
    path = rng.choice(sorted(path for path in folder.rglob("*") if path.is_file()))
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


WAYS = [
    flip_bytes,
    flip_bytes,
    cut,
    misplace,
    retype,
    replace_values,
    replace_values,
    replace_values,
    change_metadata,
    change_manifest,
]


def read_all(folder):
    """Check a folder, open it and touch all of it; return how it ended."""
    from urbanbench.city.city import City
    from urbanbench.city.faults.check import check_folder
    from urbanbench.errors import CityFaults, DataMissing, LayerMissing

    faults = check_folder(folder)
    for fault in faults:
        fault.encode("utf-8")
        assert "Traceback" not in fault
        assert len(fault) < 2000, fault[:3000]
    try:
        city = City.open(folder)
    except (CityFaults, DataMissing):
        assert faults, "the check is content with what cannot be opened"
        return "refused"
    refused = 0
    parts = [
        *city.layers,
        *(f"labels/{name}" for name in city.labels),
        *(f"features/{name}" for name in city.feature_layers),
    ]
    for part in parts:
        kind, _, name = part.rpartition("/")
        try:
            city.label(name) if kind == "labels" else city.features(name) if kind else getattr(city, name)
            city.digest([part])
        except (CityFaults, LayerMissing):
            refused += 1
    assert faults or not refused, "the check is content with what cannot be read"
    return "faults" if faults else "sound"


def damaged(seed, sound, work, ways=WAYS):
    """Damage a copy by a seed; return where it lies and what was done."""
    rng = random.Random(seed)
    folder = Path(shutil.copytree(sound, Path(work) / f"d{seed}"))
    way = rng.choice(ways)
    return folder, f"{way.__name__}: {way(rng, folder)}"


def peak_mib():
    """Return the most memory this program ever held; what `getrusage` says begins with the parent's."""
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="utf-8").splitlines() if status.exists() else []
    return sum(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))


def say(**facts):
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def main(sound, work, first, last, heavy):
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for seed in range(int(first), int(last)):
        folder, done = damaged(seed, sound, work, [unfold] if heavy == "heavy" else WAYS)
        say(seed=seed, done=ascii(done))
        before, start = peak_mib(), time.monotonic()
        try:
            ended = read_all(folder)
        except Exception as error:  # noqa: BLE001 - what is looked for
            import traceback

            where = traceback.extract_tb(error.__traceback__)[-1]
            ended = f"{type(error).__name__}: {ascii(str(error))[:200]} ({where.filename}:{where.lineno})"
        say(ended=ended, seconds=round(time.monotonic() - start, 2), mib=peak_mib() - before)
        shutil.rmtree(folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
