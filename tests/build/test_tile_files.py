"""Where tiles lie, and what may be wrong with them: a folder, MBTiles, PMTiles; missing, damaged, packed to burst."""

import gzip
import random
import sqlite3
import sys

import numpy as np
import pytest
import shapely
from tests.tile_town import (
    BOX,
    CORNER,
    INNER,
    ZOOM,
    Town,
    openmaptiles_town,
    square,
    write_folder,
    write_mbtiles,
    write_pmtiles,
)

from urbanbench.build.report import Report
from urbanbench.build.tiles import mbtiles
from urbanbench.build.tiles.directory import read_directory
from urbanbench.build.tiles.map import TileMap
from urbanbench.build.tiles.store import open_tiles
from urbanbench.build.tiles.unpack import FaultyTile, unpacked
from urbanbench.errors import BadInput, DataMissing, ExtraMissing


@pytest.fixture(scope="module")
def tiles():
    return openmaptiles_town().tiles()


def read(path, box=INNER, zoom=None):
    report = Report()
    return TileMap(path, zoom).read(box, report), report.text()


def test_the_same_tiles_give_the_same_objects_wherever_they_lie(tiles, tmp_path):
    paths = [
        write_folder(tmp_path / "plain", tiles),
        write_folder(tmp_path / "packed", tiles, suffix=".mvt", packed=True),
        write_folder(tmp_path / "gz", tiles, suffix=".pbf.gz", packed=True),
        write_mbtiles(tmp_path / "town.mbtiles", tiles),
        write_pmtiles(tmp_path / "town.pmtiles", tiles),
    ]
    first, told = read(paths[0])
    assert {name: table.num_rows for name, table in first.layers.items()} == {
        "pois": 5,
        "buildings": 42,
        "roads": 41,
        "landuse": 3,
    }
    for path in paths[1:]:
        other, others = read(path)
        assert others == told
        assert all(other.layers[name].equals(table) for name, table in first.layers.items())
        assert list(other.files.values()) == list(first.files.values())
        assert TileMap(path).box() == pytest.approx(BOX, abs=1e-5)


def test_missing_tiles_of_the_area_are_counted_and_nothing_is_made_up(tiles, tmp_path):
    whole, _ = read(write_folder(tmp_path / "whole", tiles))
    rest = {place: data for place, data in tiles.items() if place != (1, 1)}
    path = write_pmtiles(tmp_path / "holed.pmtiles", rest)
    part, told = read(path)
    assert "tiles: dropped 1: not there, of those that the area and its margin touch" in told
    assert 0 < part.layers["buildings"].num_rows < whole.layers["buildings"].num_rows


def test_a_zoom_level_can_be_chosen_and_the_highest_is_taken(tiles, tmp_path):
    folder = write_folder(tmp_path / "tiles", tiles)
    lower = folder / "13" / str(CORNER[0] // 4) / f"{CORNER[1] // 4}.pbf"
    lower.parent.mkdir(parents=True)
    lower.write_bytes(next(iter(tiles.values())))
    assert any("of zoom 15" in line for line in read(folder)[1])
    assert any("of zoom 13" in line for line in read(folder, zoom=13)[1])
    with pytest.raises(BadInput, match=r"zoom 14 \(--zoom\), found those of 13, 15"):
        read(folder, zoom=14)


def test_an_area_without_tiles_is_told(tiles, tmp_path):
    with pytest.raises(BadInput, match="expected tiles of zoom 15 in the area"):
        read(write_mbtiles(tmp_path / "a.mbtiles", tiles), (10.0, 50.0, 10.01, 50.01))
    with pytest.raises(BadInput, match="a smaller --within, or a lower --zoom"):
        read(write_pmtiles(tmp_path / "a.pmtiles", tiles), (-170, -60, 170, 60))


@pytest.mark.parametrize(
    ("layers", "found"),
    [
        (["road", "poi_label", "building", "landuse"], "building, landuse, poi_label, road"),
        (["pois", "buildings", "streets", "land"], "buildings, land, pois, streets"),
        (["cadastre"], "cadastre"),
    ],
    ids=["mapbox streets", "shortbread", "own"],
)
def test_tiles_of_other_schemas_are_refused_by_their_layers(layers, found, tmp_path):
    town = Town()
    for name in layers:
        town.add(name, square(0.4, 0.4, 0.2), kind="x")
    with pytest.raises(BadInput, match=f"found {found}"):
        read(write_folder(tmp_path / "tiles", town.tiles()))


def test_what_is_no_tiles_is_told_in_a_sentence(tiles, tmp_path):
    with pytest.raises(DataMissing, match="Expected a folder"):
        open_tiles(tmp_path / "none.pmtiles")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="holds no vector tiles"):
        open_tiles(tmp_path / "empty")
    (tmp_path / "x.pmtiles").write_bytes(b"hello")
    with pytest.raises(BadInput, match="another kind of file"):
        open_tiles(tmp_path / "x.pmtiles")
    (tmp_path / "old.pmtiles").write_bytes(b"PM\x02\x00" + bytes(200))
    with pytest.raises(BadInput, match="pmtiles convert"):
        open_tiles(tmp_path / "old.pmtiles")
    with pytest.raises(BadInput, match="format 'png'"):
        open_tiles(write_mbtiles(tmp_path / "pictures.mbtiles", tiles, format="png"))
    sqlite3.connect(tmp_path / "other.mbtiles").execute("CREATE TABLE a (b)").connection.close()
    with pytest.raises(BadInput, match="no such table"):
        open_tiles(tmp_path / "other.mbtiles")
    data = bytearray(write_pmtiles(tmp_path / "raster.pmtiles", tiles).read_bytes())
    data[99] = 2
    (tmp_path / "raster.pmtiles").write_bytes(data)
    with pytest.raises(BadInput, match="type PNG"):
        open_tiles(tmp_path / "raster.pmtiles")


def test_a_missing_package_is_named_with_its_extra(tiles, tmp_path, monkeypatch):
    path = write_pmtiles(tmp_path / "a.pmtiles", tiles)
    folder = write_folder(tmp_path / "tiles", tiles)
    monkeypatch.setitem(sys.modules, "mapbox_vector_tile.decoder", None)
    with pytest.raises(ExtraMissing, match=r"urbanbench\[tiles\]"):
        read(folder)
    monkeypatch.setitem(sys.modules, "pmtiles", None)
    with pytest.raises(ExtraMissing, match=r"urbanbench\[tiles\]"):
        open_tiles(path)


# trust


def test_packed_bytes_unfold_to_a_limit_and_no_further():
    bomb = gzip.compress(bytes(60 * 2**20))
    with pytest.raises(FaultyTile, match="more than 16 MiB"):
        unpacked(bomb)
    assert unpacked(gzip.compress(b"abc")) == unpacked(b"abc") == b"abc"
    for broken in (gzip.compress(b"abc" * 99)[:-9], b"\x1f\x8b", b"\x1f\x8bxxxx"):
        with pytest.raises(FaultyTile, match="damaged gzip"):
            unpacked(broken)
    with pytest.raises(FaultyTile, match="damaged zstd"):
        unpacked(b"abc", "zstd")


def test_damaged_and_bursting_tiles_are_dropped_by_name(tiles, tmp_path):
    folder = write_folder(tmp_path / "tiles", tiles)
    names = [folder / str(ZOOM) / str(CORNER[0] + x) / f"{CORNER[1]}.pbf" for x in range(3)]
    names[0].write_bytes(names[0].read_bytes()[:-7])
    names[1].write_bytes(gzip.compress(bytes(40 * 2**20)))
    (tmp_path / "secret").write_bytes(names[2].read_bytes())
    names[2].unlink()
    names[2].symlink_to(tmp_path / "secret")
    objects, told = read(folder)
    text = "\n".join(told)
    assert f"bytes that are no vector tile ({ZOOM}/{CORNER[0]}/{CORNER[1]})" in text
    assert f"more than 16 MiB ({ZOOM}/{CORNER[0] + 1}/{CORNER[1]})" in text
    assert f"a link that leads out of the folder ({ZOOM}/{CORNER[0] + 2}/{CORNER[1]})" in text
    assert objects.layers["buildings"].num_rows > 10


def test_a_database_that_never_answers_is_given_up(tiles, tmp_path, monkeypatch):
    monkeypatch.setattr(mbtiles, "_STEPS", 1_000_000)
    path = write_mbtiles(tmp_path / "a.mbtiles", tiles)
    with sqlite3.connect(path) as base:
        base.execute("DROP TABLE tiles")
        base.execute(
            "CREATE VIEW tiles AS WITH RECURSIVE n(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n) "
            "SELECT 99 + 0 * k AS zoom_level, k AS tile_column, 1 AS tile_row, x'00' AS tile_data FROM n"
        )
    base.close()
    with pytest.raises(BadInput, match="interrupted"):
        open_tiles(path)


def test_a_directory_is_read_as_the_package_reads_it():
    from pmtiles.tile import Entry, deserialize_directory, find_tile, serialize_directory

    rng = random.Random(3)
    entries, number, offset = [], 0, 0
    for _ in range(400):
        number += rng.randrange(1, 9)
        length = rng.randrange(1, 5000)
        place = offset if rng.random() < 0.7 else rng.randrange(10**6)
        entries.append(Entry(number, place, length, rng.choice([1, 1, 3, 0])))
        offset = place + length
    packed = serialize_directory(entries)
    known, found = deserialize_directory(packed), read_directory(gzip.decompress(packed))
    assert [(one.tile_id, one.offset, one.length, one.run_length) for one in known] == list(
        zip(
            found.tile.tolist(), found.offset.tolist(), found.length.tolist(), found.run.tolist(), strict=True
        )
    )
    for number in range(entries[-1].tile_id + 3):
        entry = find_tile(known, number)
        told = None if entry is None else (entry.run_length, entry.offset, entry.length)
        assert found.find(number) == told


@pytest.mark.parametrize(
    "data", [b"", b"\x00", b"\xff" * 20, b"\x02\x01", b"\x01\x01\x01\x01\x00", bytes([1]) * 6]
)
def test_bytes_that_are_no_directory_are_told(data):
    with pytest.raises(FaultyTile, match="damaged directory"):
        read_directory(data)


def mutated(data, rng):
    """Change some bytes, cut some off, or put some in."""
    data = bytearray(data)
    kind = rng.randrange(3)
    for _ in range(rng.randrange(1, 12)):
        place = rng.randrange(len(data))
        if kind == 0:
            data[place] = rng.randrange(256)
        elif kind == 1:
            del data[place : place + rng.randrange(1, 40)]
        else:
            data[place:place] = rng.randbytes(rng.randrange(1, 20))
        if not data:
            break
    return bytes(data) or b"\x00"


def test_fifty_damaged_sets_of_tiles_are_faults_or_fewer_objects(tiles, tmp_path):
    """No traceback, and no end that does not come; half of the damage is in single tiles, half in the files around them."""
    rng = random.Random(20)
    whole = {
        kind: write(tmp_path / f"whole.{kind}", tiles).read_bytes()
        for kind, write in (("pmtiles", write_pmtiles), ("mbtiles", write_mbtiles))
    }
    said, sound = [], 0
    for k in range(50):
        if k % 2:
            damaged = {
                place: mutated(data, rng) if rng.random() < 0.5 else data for place, data in tiles.items()
            }
            path = write_folder(tmp_path / f"{k}", damaged)
        else:
            kind = ("pmtiles", "mbtiles")[k // 2 % 2]
            path = tmp_path / f"{k}.{kind}"
            path.write_bytes(mutated(whole[kind], rng))
        try:
            objects, _ = read(path)
        except BadInput as error:
            said.append(str(error))
        else:
            sound += 1
            for table in objects.layers.values():
                found = shapely.from_wkb(table["wkb"].to_numpy())
                assert shapely.is_valid(found).all()
                assert np.isfinite(shapely.get_coordinates(found)).all()
    assert sound > 20
    assert len(said) > 3
    assert not any("\n" in one for one in said)
