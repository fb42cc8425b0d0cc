"""Whole cities of vector tiles and of Overture: the same builder, the same commands, and scores."""

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from tests import overture_town, tile_town
from tests.overture_town import write_town
from tests.tile_town import openmaptiles_town, write_folder, write_mbtiles, write_pmtiles

from urbanbench.build.order import Order
from urbanbench.build.walk import REPORT_FILE, build, rehearse
from urbanbench.city.city import City
from urbanbench.city.faults.check import check_folder
from urbanbench.cli.app import main
from urbanbench.errors import BadInput
from urbanbench.result import RunSpec
from urbanbench.run.walk import execute
from urbanbench.run.workbench import Workbench


def districts(folder, box):
    """Twenty-five districts with a population, and a description of the numbers."""
    west, south, east, north = box
    x, y = np.linspace(west, east, 6), np.linspace(south, north, 6)
    boxes = [shapely.box(x[i], y[j], x[i + 1], y[j + 1]) for i in range(5) for j in range(5)]
    ids = [f"{k:02d}" for k in range(25)]
    gpd.GeoDataFrame({"code": ids}, geometry=boxes, crs=4326).to_file(folder / "districts.gpkg")
    people = np.random.default_rng(1).uniform(100, 900, 25).round()
    pd.DataFrame({"code": ids, "people": people}).to_csv(folder / "people.csv", index=False)
    (folder / "people.toml").write_text(
        '[popdensity]\nfile = "people.csv"\nid = "code"\ncolumn = "people"\nper_km2 = true\nfactor = 0.001\n'
        'unit = "thousand persons per km2"\nsource = "made"\ndate = "2024"\nlicence = "CC0"\n'
    )


@pytest.fixture
def tiles(tmp_path):
    districts(tmp_path, tile_town.INNER)
    return write_pmtiles(tmp_path / "town.pmtiles", openmaptiles_town().tiles())


@pytest.fixture
def overture(tmp_path):
    districts(tmp_path, overture_town.BOX)
    return write_town(tmp_path / "overture")


def words(folder, *more):
    return [
        "--regions",
        str(folder / "districts.gpkg"),
        "--id",
        "code",
        "--labels",
        str(folder / "people.toml"),
        *more,
    ]


def score(city, model):
    spec = RunSpec(model, "popdensity", str(city), head="ridge", seeds=(0,))
    return execute(spec, bench=Workbench(cache=None))


def test_tiles_make_a_sound_city_with_one_command(tiles, tmp_path, capsys):
    out = tmp_path / "city"
    assert main(["data", "tiles", "town", "--tiles", str(tiles), *words(tmp_path, "--out", str(out))]) == 0
    captured = capsys.readouterr()
    assert captured.out.strip() == str(out)
    assert check_folder(out) == []
    city = City.open(out)
    assert {name: len(getattr(city, name)) for name in ("pois", "buildings", "roads", "landuse")} == {
        "pois": 5,
        "buildings": 42,
        "roads": 41,
        "landuse": 3,
    }
    assert city.buildings["height_m"].max() == 31
    assert city.layers["roads"].attribution == "© OpenMapTiles, © OpenStreetMap contributors"
    assert "rounded to 0.2 m" in city.layers["pois"].note
    report = json.loads((out / REPORT_FILE).read_text())
    assert set(report["files"]) == {"town.pmtiles", "districts.gpkg", "people.csv"}


def test_overture_makes_a_sound_city_with_one_command(overture, tmp_path, capsys):
    out = tmp_path / "city"
    more = (
        "--min-confidence",
        "0.5",
        "--labels",
        "type=osm;column=building;unit=class;source=Overture;date=2025;licence=ODbL;least=5",
        "--out",
        str(out),
    )
    assert main(["data", "build", "town", "--overture", str(overture), *words(tmp_path, *more)]) == 0
    assert check_folder(out) == []
    city = City.open(out)
    assert {name: len(getattr(city, name)) for name in ("pois", "buildings", "roads", "landuse")} == {
        "pois": 32,
        "buildings": 36,
        "roads": 40,
        "landuse": 1,
    }
    assert city.pois.index[0] == overture_town.gers(400)
    assert city.layers["pois"].licence == "CDLA-Permissive-2.0"
    assert json.loads((out / "city.json").read_text())["labels"]["type"]["classes"] == {
        "apartments": 18,
        "retail": 18,
    }
    files = json.loads((out / REPORT_FILE).read_text())["files"]
    assert "theme=places/type=place/part-00000.zstd.parquet" in files
    capsys.readouterr()


def test_models_read_the_tags_of_both(tiles, tmp_path):
    write_town(tmp_path / "overture")
    build(Order("a", "grid:150", tiles=tiles), tmp_path / "tiles_city")
    build(Order("b", "grid:150", overture=tmp_path / "overture"), tmp_path / "overture_city")
    for city in (tmp_path / "tiles_city", tmp_path / "overture_city"):
        add_label(city)
        for model in ("poi-counts", "building-stats", "tfidf"):
            result = score(city, model)
            assert result.status == "ok", result.reason


def add_label(folder):
    """Put a population into a city that was built without labels."""
    ids = City.open(folder).regions.index
    (folder / "labels").mkdir()
    label = pd.DataFrame({"region_id": ids, "value": np.arange(len(ids), dtype=float)})
    label.to_parquet(folder / "labels" / "popdensity.parquet", index=False)
    told = json.loads((folder / "city.json").read_text())
    entry = {"file": "labels/popdensity.parquet", "level": "region", "unit": "x", "units": len(ids)}
    told["labels"]["popdensity"] = entry
    (folder / "city.json").write_text(json.dumps(told))


def test_places_of_both_are_places_with_texts_for_models(tiles, tmp_path):
    from urbanbench.city.folder.tags import tag_table
    from urbanbench.toolkit.texts.place_texts import is_place, place_texts

    write_town(tmp_path / "overture")
    build(Order("a", "grid:150", tiles=tiles), tmp_path / "a")
    build(Order("b", "grid:150", overture=tmp_path / "overture"), tmp_path / "b")
    of_tiles = tag_table(City.open(tmp_path / "a").pois["tags"])
    assert sorted(place_texts(of_tiles)) == [
        "amenity: bench",
        "amenity: bench",
        "name: Luna, amenity: cafe",
        "name: Sol, shop: supermarket",
        "shop: books",
    ]
    assert is_place(of_tiles).sum() == 3
    of_overture = tag_table(City.open(tmp_path / "b").pois["tags"])
    assert is_place(of_overture).sum() == 24  # crane services have no tag of OpenStreetMap
    assert "name: Place 400, amenity: restaurant" in place_texts(of_overture)


@pytest.mark.parametrize("regions", ["grid:250", "h3:9", "blocks"])
@pytest.mark.parametrize("kind", ["tiles", "overture"])
def test_regions_can_be_made_of_either_map_alone(kind, regions, tiles, tmp_path):
    if regions.startswith("h3"):
        pytest.importorskip("h3", reason="the extra h3 is not installed")
    path = tiles if kind == "tiles" else write_town(tmp_path / "overture")
    build(Order("x", regions, **{kind: path}), tmp_path / "city")
    assert check_folder(tmp_path / "city") == []
    assert len(City.open(tmp_path / "city").regions) > 5


def test_the_same_tiles_give_the_same_bytes(tmp_path):
    made = openmaptiles_town().tiles()
    write_mbtiles(tmp_path / "town.mbtiles", made)
    write_folder(tmp_path / "town", made)
    for name, path in (("a", "town.mbtiles"), ("b", "town.mbtiles"), ("c", "town")):
        build(
            Order("x", "grid:250", tiles=tmp_path / path, within=",".join(map(str, tile_town.INNER))),
            tmp_path / name,
        )
    for file in ("pois", "buildings", "roads", "landuse"):
        told = {(tmp_path / name / f"{file}.parquet").read_bytes() for name in "abc"}
        assert len(told) == 1
    assert (tmp_path / "a" / "city.json").read_bytes() == (tmp_path / "b" / "city.json").read_bytes()


def test_a_dry_run_of_either_writes_nothing(tiles, overture, tmp_path, capsys):
    before = sorted(path.name for path in tmp_path.iterdir())
    assert main(["data", "tiles", "x", "--tiles", str(tiles), "--regions", "grid:250", "--dry-run"]) == 0
    assert "buildings: kept 42" in capsys.readouterr().err
    assert (
        main(["data", "build", "x", "--overture", str(overture), "--regions", "grid:250", "--dry-run"]) == 0
    )
    assert "overture: read 36: features of the type building" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_what_is_known_of_the_map_goes_over_what_the_files_say(tiles, tmp_path):
    about = {"tiles": {"date": "2024-06", "attribution": "© Me"}}
    build(Order("x", "grid:250", tiles=tiles, about=about), tmp_path / "city")
    layer = City.open(tmp_path / "city").layers["pois"]
    assert (layer.date, layer.attribution, layer.licence) == ("2024-06", "© Me", "ODbL 1.0")


@pytest.mark.parametrize(
    ("more", "code", "told"),
    [
        (["--tiles", "none.pmtiles"], 3, "No tiles"),
        (["--zoom", "3"], 2, "--zoom got 3. Expected 0 to 30, with --tiles"),
        (["--min-confidence", "0.5"], 2, "with --overture FOLDER"),
        (["--overture", ".", "--min-confidence", "7"], 2, "Expected 0 to 1"),
        (["--overture", "none"], 3, "No folder"),
        (["--overture", ".", "--tiles", "a"], 2, "two maps of one city"),
        (["--osm", "a.osm", "--tiles", "a"], 2, "two maps of one city"),
        (["--regions", "blocks"], 2, "--regions blocks needs roads"),
    ],
)
def test_mistakes_are_one_sentence(more, code, told, tmp_path, capsys):
    districts(tmp_path, tile_town.INNER)
    assert main(["data", "build", "x", *words(tmp_path, "--out", str(tmp_path / "city")), *more]) == code
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("Error: ")
    assert told in error


def test_the_command_for_tiles_asks_for_tiles_and_regions(tiles, capsys):
    assert main(["data", "tiles", "x", "--regions", "grid:250"]) == 2
    assert "data tiles got no --tiles" in capsys.readouterr().err
    assert main(["data", "tiles", "x", "--tiles", str(tiles)]) == 2
    assert "data tiles got no --regions" in capsys.readouterr().err
    assert main(["data", "tiles", "x", "--tiles", str(tiles), "--regions", "grid:250", "--osm", "a"]) == 2
    assert "--osm" in capsys.readouterr().err


def test_regions_far_from_the_tiles_are_told(tiles, tmp_path):
    gpd.GeoDataFrame({"code": ["a"]}, geometry=[shapely.box(20, 10, 20.1, 10.1)], crs=4326).to_file(
        tmp_path / "far.gpkg"
    )
    with pytest.raises(BadInput, match="None of 1 regions"):
        rehearse(Order("x", str(tmp_path / "far.gpkg"), id_column="code", tiles=tiles))
