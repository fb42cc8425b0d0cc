"""Embedding rasters over polygons: the same numbers as pixel by pixel, whatever the law, orientation, type, CRS and cut into files."""

import itertools

import numpy as np
import pytest
import shapely
from tests.made_rasters import (
    NOTHING,
    alphaearth_value,
    odd_polygons,
    pixel_boxes,
    plain_statistics,
    write_raster,
)

pytest.importorskip("rasterio", reason="the extra raster is not installed")
pytest.importorskip("exactextract", reason="the extra raster is not installed")

from urbanbench.city.folder.format import RasterInfo
from urbanbench.city.rasters import grids, zonal
from urbanbench.city.rasters.embedding import EmbeddingRaster
from urbanbench.errors import BadInput, CityFaults

CRS = "EPSG:32632"
WEST, NORTH, SIZE = 500_000.0, 5_300_000.0, 10.0
ROWS, COLUMNS, BANDS = 37, 45, 3
EAST, SOUTH = WEST + COLUMNS * SIZE, NORTH - ROWS * SIZE
BOXES = pixel_boxes(ROWS, COLUMNS, WEST, NORTH, SIZE)
SHAPES = odd_polygons(np.random.default_rng(4), WEST, SOUTH, EAST, NORTH, 24)
CLOSE = {"rtol": 2e-6, "atol": 2e-7}
"""exactextract knows shares of pixels to 24 bits."""


def opened(folder, files=("a.tif",), law="alphaearth", crs=CRS, **more):
    return EmbeddingRaster(
        "testville", folder, crs, RasterInfo("raster_embedding", files[0], files=files, law=law, **more)
    )


def drawn(seed=0):
    """Numbers as AlphaEarth stores them, a third of the pixels without data."""
    rng = np.random.default_rng(seed)
    stored = rng.integers(-127, 128, (BANDS, ROWS, COLUMNS)).astype(np.int8)
    known = rng.random((ROWS, COLUMNS)) > 1 / 3
    return np.where(known, stored, NOTHING).astype(np.int8), known


def assert_like(found, wanted):
    np.testing.assert_allclose(found.mean, wanted[0], **CLOSE)
    np.testing.assert_allclose(found.spread, wanted[1], **CLOSE)
    np.testing.assert_allclose(found.share, wanted[2], **CLOSE)


@pytest.fixture(scope="module")
def one_file(tmp_path_factory):
    """The raster as one file, and its statistics pixel by pixel."""
    folder = tmp_path_factory.mktemp("one")
    stored, known = drawn()
    write_raster(folder / "a.tif", stored, WEST, NORTH, SIZE, nodata=-128)
    return folder, plain_statistics(SHAPES, alphaearth_value(stored), known, BOXES)


def test_means_and_spreads_are_those_of_a_loop_over_pixels(one_file):
    folder, wanted = one_file
    assert (wanted[2] > 0).sum() > 0
    assert_like(opened(folder).zonal(SHAPES, spread=True), wanted)


def test_numbers_are_turned_back_before_they_are_averaged(one_file):
    folder, wanted = one_file
    stored, known = drawn()
    averaged_first = plain_statistics(SHAPES, stored.astype(float), known, BOXES)[0]
    wrong = np.sign(averaged_first) * (averaged_first / 127.5) ** 2
    found = opened(folder).zonal(SHAPES).mean
    assert np.abs(found - wanted[0]).max() < 1e-5 < 0.02 < np.abs(wrong - wanted[0]).max()


def test_pixels_without_data_do_not_count(one_file):
    folder, _ = one_file
    stored, _ = drawn()
    everywhere = plain_statistics(SHAPES, alphaearth_value(stored), np.ones((ROWS, COLUMNS)), BOXES)
    found = opened(folder).zonal(SHAPES)
    assert np.abs(found.mean - everywhere[0]).max() > 0.05
    assert (found.share < 0.99 * everywhere[2]).any()


@pytest.mark.parametrize("bottom_up", [False, True])
@pytest.mark.parametrize(
    "layout", [{}, {"tiled": True, "blockxsize": 16, "blockysize": 16, "interleave": "band"}]
)
def test_files_whose_first_row_is_the_southernmost_show_the_same(one_file, tmp_path, bottom_up, layout):
    folder, wanted = one_file
    write_raster(
        tmp_path / "a.tif", drawn()[0], WEST, NORTH, SIZE, nodata=-128, bottom_up=bottom_up, **layout
    )
    found = opened(tmp_path).zonal(SHAPES, spread=True)
    assert_like(found, wanted)
    assert found.mean.tobytes() == opened(folder).zonal(SHAPES, spread=True).mean.tobytes()


CUTS = {
    "four quarters": [(0, 19, 0, 20), (0, 19, 20, 45), (19, 37, 0, 20), (19, 37, 20, 45)],
    "strips that overlap": [(0, 15, 0, 45), (10, 30, 0, 45), (25, 37, 0, 45)],
    "one inside of the other": [(5, 12, 8, 30), (0, 37, 0, 45)],
}


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("bottom_up", [False, True])
def test_one_file_or_many_give_the_same_bits(one_file, tmp_path, cut, bottom_up):
    stored = drawn()[0]
    names = []
    for k, (top, bottom, left, right) in enumerate(CUTS[cut]):
        names.append(f"t{k}.tif")
        part = stored[:, top:bottom, left:right]
        place = WEST + left * SIZE, NORTH - top * SIZE
        write_raster(
            tmp_path / names[-1], part, *place, SIZE, nodata=-128, bottom_up=bottom_up and k % 2 == 0
        )
    whole = opened(one_file[0]).zonal(SHAPES, spread=True)
    for order in itertools.islice(itertools.permutations(names), 3):
        found = opened(tmp_path, files=order).zonal(SHAPES, spread=True)
        for one, other in zip(
            (whole.mean, whole.spread, whole.share), (found.mean, found.spread, found.share), strict=True
        ):
            assert one.tobytes() == other.tobytes()


def test_where_files_overlap_the_first_with_data_counts(tmp_path):
    first = np.full((1, 4, 4), 51, dtype=np.int8)
    first[0, :, :2] = NOTHING
    write_raster(tmp_path / "a.tif", first, WEST, NORTH, SIZE)
    write_raster(tmp_path / "b.tif", np.full((1, 4, 4), -51, dtype=np.int8), WEST, NORTH, SIZE)
    halves = np.array(
        [
            shapely.box(WEST, NORTH - 40, WEST + 20, NORTH),
            shapely.box(WEST + 20, NORTH - 40, WEST + 40, NORTH),
        ]
    )
    found = opened(tmp_path, files=("a.tif", "b.tif")).zonal(halves)
    np.testing.assert_allclose(found.mean[:, 0], [-0.16, 0.16])
    np.testing.assert_allclose(found.share, 1)


LAWS = {
    "linear": (np.int16, {"scale": (0.01,), "offset": (-3.0,), "nodata": -999.0}),
    "linear, each band its own": (np.uint8, {"scale": (0.01, 0.5, -2.0), "offset": (0.0, 1.0, 2.0)}),
    "pixel-scale": (np.int8, {"scales": ("s.tif",)}),
    "float": (np.float32, {}),
    "float, 64 bits": (np.float64, {"nodata": -9999.0}),
}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("bottom_up", [False, True])
def test_every_law_gives_the_numbers_of_a_loop(tmp_path, law, bottom_up):
    dtype, more = LAWS[law]
    rng = np.random.default_rng(7)
    known = rng.random((ROWS, COLUMNS)) > 0.2
    stored = rng.integers(0, 100, (BANDS, ROWS, COLUMNS)).astype(dtype)
    values = stored.astype(np.float64)
    if law.startswith("linear"):
        values = values * np.array(more["scale"])[:, None, None] + np.array(more["offset"])[:, None, None]
    if law == "pixel-scale":
        scales = rng.uniform(0.001, 0.02, (ROWS, COLUMNS)).astype(np.float32)
        values = values * scales
        lost = np.where(np.arange(COLUMNS) % 3 == 0, np.nan, np.where(np.arange(COLUMNS) % 3 == 1, 0.0, -1.0))
        write_raster(
            tmp_path / "s.tif",
            np.where(known, scales, lost).astype(np.float32)[None],
            WEST,
            NORTH,
            SIZE,
            bottom_up=not bottom_up,
        )
    elif "nodata" in more:
        stored[0][~known] = more["nodata"]  # one band without data is enough
    elif law.startswith("float"):
        stored[1][~known] = np.nan
    else:
        known[:] = True
    write_raster(tmp_path / "a.tif", stored.astype(dtype), WEST, NORTH, SIZE, bottom_up=bottom_up)
    found = opened(tmp_path, law=law.partition(",")[0], **more).zonal(SHAPES, spread=True)
    wanted = plain_statistics(SHAPES, values, known, BOXES)
    np.testing.assert_allclose(found.mean, wanted[0], rtol=2e-6, atol=1e-5)
    np.testing.assert_allclose(found.spread, wanted[1], rtol=2e-5, atol=1e-5)
    np.testing.assert_allclose(found.share, wanted[2], **CLOSE)


def test_a_mask_inside_of_the_file_counts(tmp_path):
    import rasterio

    stored, known = drawn()
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        path = write_raster(tmp_path / "a.tif", stored.astype(np.float32), WEST, NORTH, SIZE)
        with rasterio.open(path, "r+") as file:
            file.write_mask(known)
    found = opened(tmp_path, law="float").zonal(SHAPES, spread=True)
    assert_like(found, plain_statistics(SHAPES, stored.astype(float), known, BOXES))


@pytest.mark.parametrize(
    ("dtype", "nodata"), [(np.float32, -3.4028234663852886e38), (np.float32, 1e20), (np.float64, -np.inf)]
)
def test_numbers_for_no_data_are_those_that_the_type_can_hold(tmp_path, dtype, nodata):
    stored = np.ones((2, 4, 4), dtype=dtype)
    stored[:, :2] = nodata
    write_raster(tmp_path / "a.tif", stored, WEST, NORTH, SIZE, nodata=nodata)
    found = opened(tmp_path, law="float").zonal(np.array([shapely.box(WEST, NORTH - 40, WEST + 40, NORTH)]))
    assert found.mean.tolist() == [[1.0, 1.0]]
    assert found.share.tolist() == [0.5]


def test_polygons_are_brought_to_the_crs_of_the_raster(tmp_path):
    from pyproj import Transformer

    rng = np.random.default_rng(2)
    west, north, dx, dy = 8.99, 47.86, 0.0002, 0.0001
    stored = rng.normal(size=(2, 60, 70)).astype(np.float32)
    write_raster(tmp_path / "a.tif", stored, west, north, dx, dy, crs="EPSG:4326")
    to_degrees = Transformer.from_crs(CRS, 4326, always_xy=True)
    shapes = odd_polygons(rng, 499_500.0, 5_299_900.0, 500_100.0, 5_300_300.0, 12)
    there = np.array(
        [
            shapely.transform(
                shapely.segmentize(one, 20.0), lambda xy: np.column_stack(to_degrees.transform(*xy.T))
            )
            for one in shapes
        ]
    )
    wanted = plain_statistics(
        there, stored.astype(float), np.ones((60, 70)), pixel_boxes(60, 70, west, north, dx, dy)
    )
    assert (wanted[2] > 0.9).sum() >= 6
    found = opened(tmp_path, law="float").zonal(shapes, spread=True)
    np.testing.assert_allclose(found.mean, wanted[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.share, wanted[2], rtol=1e-4, atol=1e-6)


def test_long_edges_bend_with_the_crs(tmp_path):
    """A straight edge of 60 km between two places of one latitude lies up to 77 m north of the parallel, not on it."""
    from pyproj import Transformer

    stored = np.zeros((1, 200, 200), dtype=np.float32)
    stored[0, :100] = 1.0  # north of the parallel
    lat, ends = 48.0, (8.6, 9.4)
    write_raster(tmp_path / "a.tif", stored, 8.5, 48.1, 0.005, 0.001, crs="EPSG:4326")
    to_metres = Transformer.from_crs(4326, CRS, always_xy=True)
    x, y = to_metres.transform(ends, (lat, lat))
    shape = shapely.Polygon([(x[0], y[0]), (x[1], y[1]), (x[1], y[1] - 5000), (x[0], y[0] - 5000)])
    edge = np.linspace((x[0], y[0]), (x[1], y[1]), 2001)
    north_m = (to_metres.transform(*edge.T, direction="INVERSE")[1] - lat) * 111_200
    found = opened(tmp_path, law="float").zonal(np.array([shape])).mean[0, 0]
    assert found == pytest.approx(north_m.mean() / 5000, rel=0.01)
    assert found > 0.01


def test_lattices_of_two_crs_share_the_ground_between_them(tmp_path):
    """Rasters of two UTM zones overlap: the second counts for the ground alone that the first does not show."""
    from pyproj import Transformer

    to_33 = Transformer.from_crs(CRS, "EPSG:32633", always_xy=True)
    first = np.full((1, 40, 40), 51, dtype=np.int8)
    first[0, :, 30:] = NOTHING
    west, north = 720_000.0, 5_300_000.0
    write_raster(tmp_path / "z32.tif", first, west, north, SIZE)
    corner = to_33.transform(west - 500, north + 500)
    write_raster(
        tmp_path / "z33.tif", np.full((1, 200, 200), -51, dtype=np.int8), *corner, SIZE, crs="EPSG:32633"
    )
    shapes = np.array([
        shapely.box(west + 10, north - 390, west + 290, north - 10),  # known to the first alone
        shapely.box(west + 200, north - 390, west + 400, north - 10),  # half known to it
        shapely.box(west + 320, north - 390, west + 390, north - 10),  # not known to it
        shapely.box(west + 350, north - 390, west + 700, north - 10),  # reaches beyond it
    ])  # fmt: skip
    found = opened(tmp_path, files=("z32.tif", "z33.tif")).zonal(shapes)
    np.testing.assert_allclose(found.mean[:, 0], [0.16, 0.0, -0.16, -0.16], atol=2e-5)
    np.testing.assert_allclose(found.share, 1, atol=2e-5)
    other = opened(tmp_path, files=("z33.tif", "z32.tif")).zonal(shapes)
    np.testing.assert_allclose(other.mean[:, 0], -0.16, atol=1e-9)


def test_lattices_beside_each_other_by_half_a_pixel_are_two(tmp_path):
    write_raster(tmp_path / "a.tif", np.full((1, 4, 4), 51, dtype=np.int8), WEST, NORTH, SIZE)
    write_raster(tmp_path / "b.tif", np.full((1, 8, 8), -51, dtype=np.int8), WEST + 25, NORTH, SIZE)
    shapes = np.array(
        [
            shapely.box(WEST, NORTH - 40, WEST + 105, NORTH),
            shapely.box(WEST + 30, NORTH - 40, WEST + 40, NORTH),
        ]
    )
    found = opened(tmp_path, files=("a.tif", "b.tif")).zonal(shapes, spread=True)
    np.testing.assert_allclose(found.mean[:, 0], [(40 - 65) / 105 * 0.16, 0.16], atol=1e-7)
    np.testing.assert_allclose(found.spread[0, 0], 0.16 * np.sqrt(1 - (25 / 105) ** 2), atol=1e-7)


def test_a_polygon_beside_or_on_the_border_of_the_raster_is_not_covered(one_file):
    shapes = np.array([
        shapely.box(EAST + 50, SOUTH, EAST + 90, NORTH),
        shapely.box(EAST, SOUTH, EAST + 40, NORTH),  # touches
        shapely.box(WEST - 30, NORTH, EAST, NORTH + 7),  # touches
    ])  # fmt: skip
    found = opened(one_file[0]).zonal(shapes, spread=True)
    assert not found.share.any()
    assert not found.mean.any()
    assert not found.spread.any()


def test_blocks_of_any_size_give_the_same_numbers(one_file, monkeypatch):
    whole = opened(one_file[0]).zonal(SHAPES, spread=True)
    monkeypatch.setattr(zonal, "block_side", lambda _bands: 8)
    found = opened(one_file[0]).zonal(SHAPES, spread=True)
    np.testing.assert_allclose(found.mean, whole.mean, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.spread, whole.spread, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.share, whole.share, rtol=1e-6)


def test_spreads_of_values_far_from_zero_keep_their_digits(tmp_path):
    rng = np.random.default_rng(3)
    stored = 1e6 + rng.normal(size=(1, ROWS, COLUMNS))
    write_raster(tmp_path / "a.tif", stored, WEST, NORTH, SIZE)
    found = opened(tmp_path, law="float").zonal(SHAPES, spread=True)
    wanted = plain_statistics(SHAPES, stored, np.ones((ROWS, COLUMNS)), BOXES)
    np.testing.assert_allclose(found.spread, wanted[1], rtol=1e-4, atol=1e-6)


def test_memory_is_that_of_a_block_whatever_the_raster(tmp_path, monkeypatch):
    """Of 8192 x 8192 pixels and 64 bands (4 GiB of numbers) only the blocks that polygons meet are ever read, one at a time."""
    import rasterio
    from affine import Affine

    kind = {
        "driver": "GTiff",
        "width": 8192,
        "height": 8192,
        "count": 64,
        "dtype": "int8",
        "nodata": -128,
        "crs": CRS,
    }
    layout = {"tiled": True, "blockxsize": 256, "blockysize": 256, "compress": "deflate", "SPARSE_OK": True}
    with rasterio.open(
        tmp_path / "a.tif", "w", transform=Affine(10, 0, WEST, 0, -10, NORTH), **kind, **layout
    ) as file:
        window = rasterio.windows.Window(4000, 4000, 300, 300)
        file.write(np.full((64, 300, 300), 51, dtype=np.int8), window=window)
    sizes = []
    read = zonal.read_block

    def noted(*words):
        block = read(*words)
        sizes.append(block.values.nbytes)
        return block

    monkeypatch.setattr(zonal, "read_block", noted)
    shapes = np.array(
        [
            shapely.box(WEST + 40_000, NORTH - 42_000, WEST + 42_000, NORTH - 40_000),
            shapely.box(WEST, NORTH - 10, WEST + 10, NORTH),
        ]
    )
    found = opened(tmp_path).zonal(shapes)
    np.testing.assert_allclose(found.mean[0], 0.16)
    assert found.share.tolist() == [1.0, 0.0]
    assert len(sizes) == 5
    assert max(sizes) <= 8 * grids._BLOCK_NUMBERS


def test_other_geometries_are_refused(one_file):
    with pytest.raises(BadInput, match=r"no polygons.*buffer\(METRES\)"):
        opened(one_file[0]).zonal(np.array([shapely.Point(0, 0)]))


def test_numbers_that_no_embedding_has_are_told_with_the_mend(tmp_path):
    stored = np.ones((1, 4, 4), dtype=np.float32)
    stored[0, 0, 0] = -3.4e38
    write_raster(tmp_path / "a.tif", stored, WEST, NORTH, SIZE)
    with pytest.raises(
        CityFaults,
        match=r"a\.tif: expected the values of an embedding, found -3\.4e\+38\. .*gdal_edit\.py -a_nodata",
    ):
        opened(tmp_path, law="float").zonal(np.array([shapely.box(WEST, NORTH - 40, WEST + 40, NORTH)]))


def test_a_file_cut_off_is_told(one_file, tmp_path):
    whole = (one_file[0] / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CityFaults, match=r"a\.tif: expected"):
        opened(tmp_path).zonal(SHAPES)


def test_a_moved_city_reads_the_same_pixels(one_file):
    here = opened(one_file[0])
    offset = (8192.0, -16384.0)
    there = here.moved(offset).zonal(shapely.transform(SHAPES, lambda xy: xy + offset), spread=True)
    np.testing.assert_allclose(there.mean, here.zonal(SHAPES, spread=True).mean, atol=1e-6)


def test_damaged_files_are_told_and_nothing_else_happens(tmp_path):
    rng = np.random.default_rng(11)
    told, read = [], []
    for k in range(60):
        layout = {"compress": "deflate", "tiled": True, "blockxsize": 16, "blockysize": 16} if k % 2 else {}
        (tmp_path / "a.tif").unlink(missing_ok=True)
        path = write_raster(tmp_path / "a.tif", drawn()[0], WEST, NORTH, SIZE, nodata=-128, **layout)
        content = bytearray(path.read_bytes())
        for _ in range(rng.integers(1, 6)):
            content[rng.integers(0, min(700, len(content)))] = rng.choice([0, 1, 127, 128, 255])
        path.write_bytes(bytes(content))
        try:
            found = opened(tmp_path).zonal(SHAPES[:4], spread=True)
        except CityFaults as error:
            told += error.faults
        else:
            read.append(found.mean)
    assert told
    assert all(one.startswith("a.tif") and len(one) < 600 for one in told)
    assert read
    assert np.isfinite(read).all()
