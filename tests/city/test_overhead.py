"""Pictures from above: cut from GeoTIFFs and tiles where they lie, drawn from layers, written as a new city folder."""

import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from pyproj import Transformer

from urbanbench.city.changing.drawn import drawn_away
from urbanbench.city.changing.overhead import Overhead, add_satellite, region_boxes
from urbanbench.city.city import City
from urbanbench.city.faults.check import check_folder
from urbanbench.city.ground.rendered import BUILDING, GROUND, LAND, ROADS, RenderedMap
from urbanbench.city.ground.tiles import HALF_WORLD_M, Tiles
from urbanbench.cli.app import main
from urbanbench.errors import BadInput, ExtraMissing, LayerMissing

CRS = "EPSG:32632"
WEST, SOUTH, EAST, NORTH = 8.99, 47.99, 9.05, 48.05
SIZE = 64


def painted(lon, lat):
    """A colour that tells where it is: red grows to the east, green to the north, blue is constant."""
    red = (np.asarray(lon) - WEST) / (EAST - WEST) * 255
    green = (np.asarray(lat) - SOUTH) / (NORTH - SOUTH) * 255
    return np.stack([red, green, np.full_like(red, 77.0)], axis=-1).clip(0, 255)


def places(box, size):
    """Longitude and latitude of the middle of each pixel of a picture of a box."""
    x = box[0] + (np.arange(size) + 0.5) * (box[2] - box[0]) / size
    y = box[3] - (np.arange(size) + 0.5) * (box[3] - box[1]) / size
    return Transformer.from_crs(CRS, 4326, always_xy=True).transform(*np.meshgrid(x, y))


def corner_box(lon, lat, side_m):
    x, y = Transformer.from_crs(4326, CRS, always_xy=True).transform(lon, lat)
    return (x, y, x + side_m, y + side_m)


@pytest.fixture(scope="module")
def sound_tiles(tmp_path_factory):
    """Tiles of zoom 12 and 14 around the test city."""
    folder = tmp_path_factory.mktemp("web") / "tiles"
    to_web = Transformer.from_crs(4326, 3857, always_xy=True)
    back = Transformer.from_crs(3857, 4326, always_xy=True)
    low, high = to_web.transform(WEST, SOUTH), to_web.transform(EAST, NORTH)
    for zoom in (12, 14):
        side = 2 * HALF_WORLD_M / 2**zoom
        for x in range(int((low[0] + HALF_WORLD_M) // side), int((high[0] + HALF_WORLD_M) // side) + 1):
            for y in range(int((HALF_WORLD_M - high[1]) // side), int((HALF_WORLD_M - low[1]) // side) + 1):
                east = -HALF_WORLD_M + (x + (np.arange(256) + 0.5) / 256) * side
                north = HALF_WORLD_M - (y + (np.arange(256) + 0.5) / 256) * side
                pixels = painted(*back.transform(*np.meshgrid(east, north)))
                path = folder / f"{zoom}/{x}/{y}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(np.rint(pixels).astype(np.uint8)).save(path)
    return folder


@pytest.fixture
def tiles(sound_tiles, tmp_path):
    """A copy of them, to be harmed."""
    return shutil.copytree(sound_tiles, tmp_path / "tiles")


@pytest.mark.parametrize("side_m", [150.0, 900.0, 2500.0], ids=["finer", "as fine", "coarser"])
def test_tiles_show_the_ground_where_it_lies(tiles, side_m):
    box = corner_box(9.0, 48.0, side_m)
    pixels, known = Tiles(tiles, CRS).picture(box, SIZE)
    assert known.all()
    assert np.abs(pixels - painted(*places(box, SIZE))).max() < 1.6


def test_the_coarsest_level_that_is_fine_enough_is_read(tiles):
    ground = Tiles(tiles, CRS)
    assert ground._zoom(corner_box(9.0, 48.0, 300.0), SIZE)[0] == 14
    assert ground._zoom(corner_box(9.0, 48.0, 2000.0), SIZE)[0] == 12
    assert ground._zoom(corner_box(9.0, 48.0, 20.0), SIZE)[0] == 14


def test_tiles_that_lack_or_break_show_nothing(tiles):
    every = sorted((tiles / "14").glob("*/*.png"))
    box = corner_box(9.0, 48.0, 600.0)
    for path in every:
        if int(path.stem) % 2:
            path.unlink()
        else:
            path.write_bytes(b"broken")
    pixels, known = Tiles(tiles, CRS).picture(corner_box(9.0, 48.0, 200.0), SIZE)
    assert not known.any()
    assert not pixels.any()
    for path in sorted((tiles / "12").glob("*/*.png"))[1:]:
        path.unlink()
    _, known = Tiles(tiles, CRS).picture(box, 8)
    assert not known.all()


def test_a_folder_without_tiles_is_refused(tmp_path):
    (tmp_path / "15/1").mkdir(parents=True)
    with pytest.raises(BadInput, match="holds no tiles"):
        Tiles(tmp_path, CRS)
    (tmp_path / "15/1/2.png").write_bytes(b"words")
    with pytest.raises(BadInput, match=r"15/1/2.png: expected a tile"):
        Tiles(tmp_path, CRS)


def raster(path, bands, *, crs="EPSG:4326", bounds=(WEST, SOUTH, EAST, NORTH), **more):
    rasterio = pytest.importorskip("rasterio")
    from rasterio.transform import from_bounds

    count, height, width = bands.shape
    place = from_bounds(*bounds, width, height)
    about = {"driver": "GTiff", "dtype": bands.dtype, "count": count, "height": height, "width": width}
    with rasterio.open(path, "w", **about, crs=crs, transform=place, **more) as file:
        file.write(bands)
    return path


def degrees(width=600, height=500, bounds=(WEST, SOUTH, EAST, NORTH)):
    lon = bounds[0] + (np.arange(width) + 0.5) * (bounds[2] - bounds[0]) / width
    lat = bounds[3] - (np.arange(height) + 0.5) * (bounds[3] - bounds[1]) / height
    return np.moveaxis(painted(*np.meshgrid(lon, lat)), -1, 0)


def geotiffs(*paths):
    from urbanbench.city.ground.geotiff import GeoTiffs

    return GeoTiffs(paths, CRS)


@pytest.mark.parametrize("side_m", [200.0, 2500.0], ids=["finer", "coarser"])
def test_a_geotiff_in_another_crs_shows_the_ground_where_it_lies(tmp_path, side_m):
    path = raster(tmp_path / "a.tif", np.rint(degrees()).astype(np.uint8))
    box = corner_box(9.0, 48.0, side_m)
    pixels, known = geotiffs(path).picture(box, SIZE)
    assert known.all()
    assert np.abs(pixels - painted(*places(box, SIZE))).max() < 2.1


def test_several_geotiffs_complete_each_other(tmp_path):
    whole = np.rint(degrees()).astype(np.uint8)
    middle = (WEST + EAST) / 2
    west = raster(tmp_path / "w.tif", whole[:, :, :300], bounds=(WEST, SOUTH, middle, NORTH))
    east = raster(tmp_path / "e.tif", whole[:, :, 300:], bounds=(middle, SOUTH, EAST, NORTH))
    box = corner_box(9.018, 48.0, 600.0)
    half, known = geotiffs(west).picture(box, SIZE)
    assert 0.1 < known.mean() < 0.9
    pixels, known = geotiffs(west, east).picture(box, SIZE)
    assert known.mean() > 0.99
    good = known.copy()
    assert np.abs(pixels[good] - painted(*places(box, SIZE))[good]).max() < 4
    assert not half[:, -1].any()


def test_deep_values_are_stretched_alike_everywhere(tmp_path):
    path = raster(tmp_path / "deep.tif", np.rint(degrees() * 40 + 300).astype(np.uint16))
    ground = geotiffs(path)
    one, _ = ground.picture(corner_box(9.0, 48.0, 500.0), SIZE)
    other, _ = ground.picture(corner_box(9.03, 48.03, 500.0), SIZE)
    assert one[..., 0].mean() < 60 < 150 < other[..., 0].mean()


def test_palettes_and_grey_bands_become_colours(tmp_path):
    rasterio = pytest.importorskip("rasterio")
    path = raster(tmp_path / "palette.tif", np.full((1, 50, 50), 3, dtype=np.uint8), nodata=None)
    with rasterio.open(path, "r+") as file:
        file.write_colormap(1, {3: (10, 20, 30, 255)})
    pixels, known = geotiffs(path).picture(corner_box(9.0, 48.0, 500.0), SIZE)
    assert known.all()
    assert (pixels == (10, 20, 30)).all()
    grey = raster(tmp_path / "grey.tif", np.full((1, 50, 50), 99, dtype=np.uint8))
    assert (geotiffs(grey).picture(corner_box(9.0, 48.0, 500.0), SIZE)[0] == 99).all()


def test_nodata_is_not_shown(tmp_path):
    bands = np.rint(degrees()).astype(np.uint8).clip(1)
    bands[:, :, :300] = 0
    path = raster(tmp_path / "holes.tif", bands, nodata=0)
    _, known = geotiffs(path).picture(corner_box(9.0, 48.0, 500.0), SIZE)
    assert not known.any()


def test_files_that_are_no_raster_or_lack_a_crs_are_refused(tmp_path):
    pytest.importorskip("rasterio")
    (tmp_path / "words.tif").write_bytes(b"words")
    with pytest.raises(BadInput, match=r"words.tif: expected a GeoTIFF, found a file that cannot be read"):
        geotiffs(tmp_path / "words.tif")
    bare = raster(tmp_path / "bare.tif", np.zeros((1, 5, 5), dtype=np.uint8), crs=None)
    with pytest.raises(BadInput, match=r"bare.tif: expected a GeoTIFF with a CRS"):
        geotiffs(bare)


def test_a_virtual_raster_under_the_name_of_a_geotiff_reads_no_other_file(tmp_path):
    rasterio = pytest.importorskip("rasterio")
    from rasterio.shutil import copy
    from rasterio.vrt import WarpedVRT

    hidden = raster(tmp_path / "hidden.tif", np.full((3, 50, 50), 7, dtype=np.uint8))
    (tmp_path / "given").mkdir()
    with rasterio.open(hidden) as file, WarpedVRT(file) as virtual:
        copy(virtual, tmp_path / "given/a.tif", driver="VRT")
    assert b"hidden.tif" in (tmp_path / "given/a.tif").read_bytes()
    with pytest.raises(BadInput, match=r"a.tif: expected a GeoTIFF, found a file that cannot be read"):
        geotiffs(tmp_path / "given/a.tif")


def test_boxes_are_squares_around_regions(folder):
    regions = City.open(folder.path).regions
    for box, shape in zip(region_boxes(regions, 0.1), regions.geometry, strict=True):
        west, south, east, north = shape.bounds
        side = 1.2 * max(east - west, north - south)
        middle = ((west + east) / 2, (south + north) / 2)
        wanted = [middle[0] - side / 2, middle[1] - side / 2, middle[0] + side / 2, middle[1] + side / 2]
        np.testing.assert_allclose(box, wanted, atol=1e-3)


def test_a_map_shows_layers_where_they_lie(folder):
    city = City.open(folder.path)
    side = 200.0
    house = city.buildings.geometry.iloc[0].centroid
    box = (house.x - side / 2, house.y - side / 2, house.x + side / 2, house.y + side / 2)
    pixels, known = RenderedMap(city).picture(box, SIZE)
    assert known.all()
    assert tuple(pixels[SIZE // 2, SIZE // 2]) == BUILDING
    assert tuple(pixels[2, 2]) == GROUND["forest"]
    bare, _ = RenderedMap(city, ["roads"]).picture(box, SIZE)
    assert tuple(bare[2, 2]) == LAND
    road = city.roads.geometry.iloc[0].interpolate(0.3, normalized=True)
    box = (road.x - side / 2, road.y - side / 2, road.x + side / 2, road.y + side / 2)
    pixels, _ = RenderedMap(city, ["roads"]).picture(box, SIZE)
    assert tuple(pixels[SIZE // 2, SIZE // 2]) == ROADS["primary"][1]
    across = (pixels[:, SIZE // 4] != LAND).any(axis=1).sum() * side / SIZE
    assert abs(across - ROADS["primary"][0]) < 2 * side / SIZE


def test_layers_that_cannot_be_drawn_are_refused(folder, village):
    with pytest.raises(BadInput, match="Layer 'pois' cannot be drawn"):
        RenderedMap(City.open(folder.path), ["roads", "pois"])
    with pytest.raises(LayerMissing):
        RenderedMap(City.open(village), ["roads"])


def test_the_new_folder_is_sound_and_has_pictures_of_all_regions(folder, tiles, tmp_path, capsys):
    (folder.path / "features").mkdir()
    pd.DataFrame({"region_id": ["r00"], "x": [1.0]}).to_parquet(folder.path / "features/old.parquet")
    pd.DataFrame({"view_id": ["v0"], "scene": ["road"]}).to_parquet(folder.path / "features/scenes.parquet")
    out = tmp_path / "new"
    words = ["data", "satellite", str(folder.path), "--from", str(tiles), "--out", str(out), "--size", "48"]
    assert main([*words, "--kind", "photograph", "--licence", "CC0"]) == 0
    assert "4 of 4 regions have a picture" in capsys.readouterr().err
    assert check_folder(out) == []
    city = City.open(out)
    entry = json.loads((out / "city.json").read_text())["layers"]["satellite"]
    assert (entry["kind"], entry["licence"], entry["size"]) == ("photograph", "CC0", [48, 48])
    assert sorted(path.name for path in (out / "features").iterdir()) == ["scenes.parquet"]
    assert not list(out.glob("satellite/*.png"))
    for name, row in city.satellite.iterrows():
        box = row[["minx", "miny", "maxx", "maxy"]].to_numpy(dtype=float)
        np.testing.assert_array_equal(box, region_boxes(city.regions, 0.05)[city.regions.index.get_loc(name)])
        shown = np.asarray(Image.open(out / row["image"])).astype(float)
        assert np.abs(shown - painted(*places(box, 48))).mean() < 3  # JPEG
    assert (out / "pois.parquet").read_bytes() == (folder.path / "pois.parquet").read_bytes()


def test_a_map_is_written_as_such_and_twice_the_same(folder, tmp_path):
    words = ["data", "satellite", str(folder.path), "--from", "map", "--size", "32"]
    for name in ("a", "b"):
        assert main([*words, "--out", str(tmp_path / name)]) == 0
    assert check_folder(tmp_path / "a") == []
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert all((tmp_path / "a" / one).read_bytes() == (tmp_path / "b" / one).read_bytes() for one in files)
    info = City.open(tmp_path / "a").layers["satellite"]
    assert (info.kind, info.attribution) == ("rendered-map", "tests")
    assert drawn_away(City.open(tmp_path / "a"), ("landuse",)) == {"satellite"}
    assert main([*words, "--layers", "roads,buildings", "--out", str(tmp_path / "c")]) == 0
    assert drawn_away(City.open(tmp_path / "c"), ("landuse",)) == set()
    assert re.match("Not a photograph: a map drawn from the layers landuse, buildings, roads", info.note)


def test_a_failure_leaves_no_folder(folder, tiles, tmp_path, capsys):
    words = ["data", "satellite", str(folder.path), "--out", str(tmp_path / "new")]
    assert main([*words, "--from", str(tiles), "--size", "3"]) == 2
    assert main([*words, "--from", str(tmp_path / "none.tif")]) == 2
    assert main([*words, "--from", "map", "--kind", "photograph"]) == 2
    for path in sorted(tiles.glob("*/*/*.png"))[1:]:
        path.write_bytes(path.read_bytes()[:60])
    assert main([*words, "--from", str(tiles)]) == 2
    assert "shows none of the 4 regions" in capsys.readouterr().err
    assert not [path for path in tmp_path.iterdir() if "new" in path.name]
    assert main(["data", "satellite", str(folder.path), "--from", "map", "--out", str(folder.path)]) == 2


def test_regions_that_are_hardly_shown_get_no_picture(folder, tmp_path):
    class East:
        words = "Only the east."

        def picture(self, box, size):
            lon, _ = places(box, size)
            return np.full((size, size, 3), 9, dtype=np.uint8), np.asarray(lon) > 9.0099

    city = City.open(folder.path)
    _, many = add_satellite(city, tmp_path / "new", East(), Overhead("photograph", 16, 0.0))
    assert many == 2
    made = City.open(tmp_path / "new")
    assert made.satellite.index.tolist() == ["r10", "r11"]
    assert "2 regions have no picture" in made.layers["satellite"].note


def test_without_rasterio_the_extra_is_named(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "rasterio", None)
    with pytest.raises(ExtraMissing, match=r"pip install 'urbanbench\[raster\]'"):
        geotiffs(tmp_path / "a.tif")
