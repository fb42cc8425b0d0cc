"""Embedding rasters put into a built city: cut, turned north up, pixels as they were; and what cannot be."""

import json

import geopandas as gpd
import numpy as np
import pytest
import shapely
from tests.made_rasters import alphaearth_value, pixel_boxes, plain_statistics, write_raster

pytest.importorskip("rasterio", reason="the extra raster is not installed")
pytest.importorskip("exactextract", reason="the extra raster is not installed")

from urbanbench.build.order import Order
from urbanbench.build.rasters.cut import open_rasters
from urbanbench.build.walk import REPORT_FILE, build, rehearse
from urbanbench.city.city import City
from urbanbench.city.faults.check import check_folder
from urbanbench.cli.app import main
from urbanbench.errors import BadInput, DataMissing, UnknownName

CRS = "EPSG:32632"
WEST, NORTH, SIZE = 500_000.0, 5_300_000.0, 10.0
ROWS, COLUMNS, BANDS = 320, 300, 3
REACH = 200.0
INNER = (WEST + 1000, NORTH - 1400, WEST + 1900, NORTH - 500)
"""Box of the regions, well inside of the raster."""


@pytest.fixture(scope="module")
def stored():
    rng = np.random.default_rng(6)
    numbers = rng.integers(-127, 128, (BANDS, ROWS, COLUMNS)).astype(np.int8)
    numbers[:, rng.random((ROWS, COLUMNS)) < 0.1] = -128
    return numbers


@pytest.fixture
def world(tmp_path):
    """Nine districts."""
    x, y = np.linspace(INNER[0], INNER[2], 4), np.linspace(INNER[1], INNER[3], 4)
    cells = [shapely.box(x[i], y[j], x[i + 1], y[j + 1]) for i in range(3) for j in range(3)]
    gpd.GeoDataFrame({"code": [f"d{k}" for k in range(9)]}, geometry=cells, crs=CRS).to_file(
        tmp_path / "districts.gpkg"
    )
    return tmp_path


def order(world, path, law="", **more):
    return Order(
        "mine",
        str(world / "districts.gpkg"),
        id_column="code",
        crs=CRS,
        raster_embedding=path,
        raster_embedding_law=law,
        **more,
    )


def built(world, path, law="", **more):
    report = build(order(world, path, law, **more), world / "city")
    assert check_folder(world / "city") == []
    return City.open(world / "city"), report.text()


def regions_statistics(city, values, known):
    boxes = pixel_boxes(ROWS, COLUMNS, WEST, NORTH, SIZE)
    rows, columns = slice(40, 160), slice(90, 200)  # what can meet a region
    return plain_statistics(
        np.asarray(city.regions.geometry),
        values[:, rows, columns],
        known[rows, columns],
        boxes[rows, columns],
    )


def assert_like(city, wanted):
    found = city.raster_embedding.zonal(np.asarray(city.regions.geometry), spread=True)
    np.testing.assert_allclose(found.mean, wanted[0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.spread, wanted[1], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.share, wanted[2], rtol=1e-5)


@pytest.mark.parametrize("bottom_up", [False, True])
def test_a_published_file_is_cut_to_the_city_and_says_the_same(world, stored, bottom_up):
    import rasterio

    write_raster(world / "aef.tif", stored, WEST, NORTH, SIZE, nodata=-128, bottom_up=bottom_up)
    (world / "about.toml").write_text(
        '[raster_embedding]\nsource = "AlphaEarth Foundations"\ndate = "2023"\nlicence = "CC-BY 4.0"\n'
    )
    words = [
        "data",
        "build",
        "mine",
        "--regions",
        str(world / "districts.gpkg"),
        "--id",
        "code",
        "--out",
        str(world / "city"),
    ]
    words += [
        "--raster-embedding",
        str(world / "aef.tif"),
        "--raster-embedding-law",
        "alphaearth",
        "--about",
        str(world / "about.toml"),
    ]
    assert main(words) == 0
    assert check_folder(world / "city") == []
    city = City.open(world / "city")
    info = city.layers["raster_embedding"]
    assert (info.law, info.bands, info.dtype, info.date, info.source, info.licence) == (
        "alphaearth",
        3,
        "int8",
        "2023",
        "AlphaEarth Foundations",
        "CC-BY 4.0",
    )
    assert info.files == ("raster_embedding/000-aef.tif",)
    assert_like(city, regions_statistics(city, alphaearth_value(stored), stored[0] != -128))
    with rasterio.open(world / "city" / info.files[0]) as file:
        west, south, east, north = INNER[0] - REACH, INNER[1] - REACH, INNER[2] + REACH, INNER[3] + REACH
        assert tuple(file.bounds) == pytest.approx((west, south, east, north), abs=3 * SIZE)
        assert (file.transform.e, file.nodata) == (-SIZE, -128)
        rows = round((NORTH - file.bounds.top) / SIZE)
        columns = round((file.bounds.left - WEST) / SIZE)
        assert (file.read() == stored[:, rows : rows + file.height, columns : columns + file.width]).all()
    told = json.loads((world / "city" / REPORT_FILE).read_text())
    assert set(told["files"]) == {"districts.gpkg", "aef.tif"}
    mended = [one for one in told["report"] if one["deed"] == "mended"]
    assert [one["ids"] for one in mended] == ([["aef.tif"]] if bottom_up else [])
    assert sorted(one.name for one in (world / "city/raster_embedding").iterdir()) == ["000-aef.tif"]


def test_tiles_that_do_not_meet_the_city_stay_away(world, stored):
    folder = world / "tiles" / "2023"
    for row in range(2):
        for column in range(2):
            part = stored[:, row * 160 : row * 160 + 160, column * 150 : column * 150 + 150]
            write_raster(
                folder / f"t{row}{column}.tiff",
                part,
                WEST + column * 1500,
                NORTH - row * 1600,
                SIZE,
                nodata=-128,
            )
    city, told = built(world, world / "tiles", "alphaearth")
    assert [one[-7:] for one in city.layers["raster_embedding"].files] == ["t00.tif", "t01.tif"]
    assert "raster_embedding: dropped 2: rasters that do not meet the city's box (t10.tiff, t11.tiff)" in told
    assert_like(city, regions_statistics(city, alphaearth_value(stored), stored[0] != -128))


def test_a_dry_run_tells_the_same_and_writes_no_raster(world, stored, monkeypatch):
    from urbanbench.build.rasters import cut

    write_raster(world / "aef.tif", stored, WEST, NORTH, SIZE, nodata=-128)
    told = build(order(world, world / "aef.tif", "alphaearth"), world / "city").text()
    monkeypatch.setattr(cut, "_created", None)
    assert rehearse(order(world, world / "aef.tif", "alphaearth")).text() == told


def test_the_same_rasters_give_the_same_bytes(world, stored):
    write_raster(world / "aef.tif", stored, WEST, NORTH, SIZE, nodata=-128)
    paths = [
        build(order(world, world / "aef.tif", "alphaearth"), world / name)
        and world / name / "raster_embedding/000-aef.tif"
        for name in "ab"
    ]
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize("scaled", [True, False], ids=["int8 and scales", "float32"])
@pytest.mark.parametrize("bottom_up", [False, True])
def test_arrays_of_tesseras_downloads_go_in_as_they_are(world, stored, scaled, bottom_up):
    """`X.npy` (rows, columns, bands), `X_scales.npy` and a GeoTIFF of the same name that says where they lie."""
    top = world / "london_arrays"
    tile = top / "global_0.1_degree_representation/2024/grid_0.15_52.05"
    tile.mkdir(parents=True)
    rng = np.random.default_rng(0)
    scales = rng.uniform(0.001, 0.02, (ROWS, COLUMNS)).astype(np.float32)
    scales[::5] = np.nan
    values = stored * scales
    north_up = (
        (stored.transpose(1, 2, 0), scales)
        if scaled
        else (values.astype(np.float32).transpose(1, 2, 0), None)
    )
    for name, numbers in (("", north_up[0]), ("_scales", north_up[1])):
        if numbers is not None:
            np.save(tile / f"grid_0.15_52.05{name}.npy", numbers[::-1] if bottom_up else numbers)
    write_raster(
        top / "global_0.1_degree_tiff_all/grid_0.15_52.05.tiff",
        np.ones((1, ROWS, COLUMNS), dtype=np.uint8),
        WEST,
        NORTH,
        SIZE,
        bottom_up=bottom_up,
    )
    city, _ = built(world, top)
    info = city.layers["raster_embedding"]
    assert info.law == ("pixel-scale" if scaled else "float")
    assert len(info.scales) == (1 if scaled else 0)
    assert_like(city, regions_statistics(city, np.nan_to_num(values), np.isfinite(scales)))


def test_scales_beside_a_geotiff_are_taken_and_name_the_law(world, stored):
    scales = np.random.default_rng(0).uniform(0.001, 0.02, (1, ROWS, COLUMNS)).astype(np.float32)
    write_raster(world / "t/a.tif", stored, WEST, NORTH, SIZE)
    write_raster(world / "t/a_scales.tif", scales, WEST, NORTH, SIZE, bottom_up=True)
    city, _ = built(world, world / "t")
    assert (city.layers["raster_embedding"].law, city.layers["raster_embedding"].scales) == (
        "pixel-scale",
        ("raster_embedding/000-a_scales.tif",),
    )
    assert_like(city, regions_statistics(city, stored * scales.astype(np.float64), np.ones((ROWS, COLUMNS))))


@pytest.mark.parametrize("own", [True, False])
def test_a_linear_law_is_named_or_stated_by_the_files(world, stored, own):
    import rasterio

    write_raster(world / "a.tif", stored, WEST, NORTH, SIZE, nodata=-128)
    if own:
        with rasterio.open(world / "a.tif", "r+") as file:
            file.scales, file.offsets = [0.5, 0.25, 2.0], [1.0] * 3
    scale = np.array([0.5, 0.25, 2.0] if own else [0.5] * 3)[:, None, None]
    city, _ = built(world, world / "a.tif", "linear" if own else "linear:0.5,1")
    assert city.layers["raster_embedding"].scale == ((0.5, 0.25, 2.0) if own else (0.5,))
    assert_like(city, regions_statistics(city, stored * scale + 1.0, stored[0] != -128))


def test_what_a_files_own_mask_hides_has_no_data(world, stored):
    import rasterio

    known = np.random.default_rng(1).random((ROWS, COLUMNS)) > 0.3
    write_raster(world / "a.tif", stored.astype(np.float32), WEST, NORTH, SIZE)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(world / "a.tif", "r+") as file:
        file.write_mask(known)
    city, _ = built(world, world / "a.tif")
    assert_like(city, regions_statistics(city, stored.astype(float), known))


def test_a_raster_in_degrees_is_cut_where_the_city_lies(world):
    numbers = np.random.default_rng(0).normal(size=(2, 300, 300)).astype(np.float32)
    write_raster(world / "a.tif", numbers, 8.99, 47.86, 0.0002, crs="EPSG:4326")
    city, _ = built(world, world / "a.tif")
    share = city.raster_embedding.zonal(np.asarray(city.regions.geometry)).share
    np.testing.assert_allclose(share, 1, atol=1e-5)
    west, south, east, north = city.raster_embedding.heads[0].box
    assert east - west < 0.03
    assert north - south < 0.03


def test_pictures_and_rasters_go_into_one_city(world, stored):
    write_raster(world / "aef.tif", stored, WEST, NORTH, SIZE, nodata=-128)
    write_raster(world / "photo.tif", np.full((3, ROWS, COLUMNS), 90, dtype=np.uint8), WEST, NORTH, SIZE)
    city, _ = built(world, world / "aef.tif", "alphaearth", satellite=world / "photo.tif", picture_size=16)
    assert {"satellite", "raster_embedding"} == set(city.layers)


LACKING = {
    "nothing there": (lambda _: None, "none", "", DataMissing, r"--raster-embedding got '.*none', which is not there"),
    "a folder of other files": (lambda folder: (folder / "x.txt").write_text("x"), ".", "", BadInput, r"holds no raster\. Expected files with suffix \.tif, \.tiff"),
    "another law": (lambda folder: write(folder / "a.tif"), "a.tif", "tessera", UnknownName, r"Unknown law \(--raster-embedding-law\) 'tessera'"),
    "int8 without a law": (lambda folder: write(folder / "a.tif"), "a.tif", "", BadInput, r"a\.tif holds numbers of type int8, which stand for others\. Expected the law by which, --raster-embedding-law one of alphaearth:"),
    "int8 as float": (lambda folder: write(folder / "a.tif"), "a.tif", "float", BadInput, "Expected floating-point numbers for the law 'float'"),
    "no scales": (lambda folder: write(folder / "a.tif"), "a.tif", "pixel-scale", BadInput, r"a\.tif has no file of scales\. Expected a_scales\.tif beside it"),
    "linear without numbers": (lambda folder: write(folder / "a.tif"), "a.tif", "linear", BadInput, r"expected one scale and offset in all files for the law 'linear', found none\. Mend: --raster-embedding-law linear:SCALE,OFFSET"),
    "linear with words": (lambda folder: write(folder / "a.tif"), "a.tif", "linear:x", BadInput, "got 'linear:x'. Expected linear:SCALE or linear:SCALE,OFFSET"),
    "floats by AlphaEarth's law": (lambda folder: write(folder / "a.tif", np.float32), "a.tif", "alphaearth", BadInput, r"a\.tif: expected int8 numbers for the law 'alphaearth', found float32"),
    "tiles of two models": (lambda folder: (write(folder / "a.tif"), write(folder / "b.tif", bands=4)), ".", "alphaearth", BadInput, r"b\.tif: expected 3 bands as a\.tif has, found 4\. Leave files of another model"),
    "two years": (lambda folder: (write(folder / "2023/a.tif"), write(folder / "2024/a.tif")), ".", "alphaearth", BadInput, r"holds the years 2023, 2024\. Expected one\. Name its folder: --raster-embedding .*2024"),
    "no CRS": (lambda folder: write(folder / "a.tif", crs=None), "a.tif", "alphaearth", BadInput, r"a\.tif: expected a CRS, found none\. Mend: gdal_edit"),
    "another place": (lambda folder: write(folder / "a.tif", west=WEST + 90_000), "a.tif", "alphaearth", BadInput, r"a\.tif show no ground of the city\. Expected ground in 500800, 5298400, 502100, 5299700 .*, got 590000, "),
    "an array that lies nowhere": (lambda folder: np.save(folder / "a.npy", np.zeros((4, 4, 2), dtype=np.int8)), "a.npy", "alphaearth", BadInput, r"a\.npy: expected a GeoTIFF that says where the array lies, found none\. Put a\.tif beside it"),
    "an array of another size": (lambda folder: (np.save(folder / "a.npy", np.zeros((4, 4, 2), dtype=np.int8)), write(folder / "a.tif")), "a.npy", "alphaearth", BadInput, r"a\.npy: expected numbers \(rows, columns, bands\) for the 320 x 300 pixels of a\.tif, found int8 \(4, 4, 2\)"),
    "an array of objects": (lambda folder: (np.save(folder / "a.npy", np.array([{}], dtype=object)), write(folder / "a.tif")), "a.npy", "alphaearth", BadInput, r"a\.npy: expected an array of numbers \(\.npy\), found a file that cannot be read"),
}  # fmt: skip


def write(path, dtype=np.int8, bands=BANDS, west=WEST, **more):
    return write_raster(path, np.ones((bands, ROWS, COLUMNS), dtype=dtype), west, NORTH, SIZE, **more)


@pytest.mark.parametrize("case", LACKING)
def test_what_cannot_be_is_one_sentence_and_leaves_nothing(world, case):
    make, name, law, error, said = LACKING[case]
    folder = world / "given"
    folder.mkdir()
    make(folder)
    with pytest.raises(error, match=said):
        build(order(world, folder / name, law), world / "city")
    assert not (world / "city").exists()


def test_mistakes_with_rasters_are_told_before_anything_is_read(world, monkeypatch):
    from urbanbench.build import walk

    monkeypatch.setattr(walk, "choose_regions", None)
    with pytest.raises(DataMissing):
        build(order(world, world / "none.tif"), world / "city")


def test_rasters_are_judged_without_reading_a_pixel(world, stored, monkeypatch):
    from urbanbench.build.rasters import sources

    write_raster(world / "aef.tif", stored, WEST, NORTH, SIZE, nodata=-128)
    monkeypatch.setattr(sources, "read_window", None)
    assert open_rasters(world / "aef.tif", "alphaearth").heads[0].bands == 3


def test_the_option_without_regions_says_what_is_missing(world, capsys):
    assert main(["data", "build", "x", "--raster-embedding", str(world / "a.tif")]) == 2
    assert "--raster-embedding given without regions" in capsys.readouterr().err
