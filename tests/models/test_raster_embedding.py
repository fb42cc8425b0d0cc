"""The model raster-embedding: means of a city's embedding raster over regions and buildings, from the folder to a score."""

import shutil

import numpy as np
import pytest
import shapely

from urbanbench.city.city import City
from urbanbench.errors import InputMasked, UnknownName
from urbanbench.registry import load_model
from urbanbench.result import RunSpec
from urbanbench.run.walk import execute
from urbanbench.run.workbench import Workbench
from urbanbench.units import Units


@pytest.fixture(scope="module")
def city(tiny_toyville, add_raster, tmp_path_factory):
    folder = tmp_path_factory.mktemp("rastered") / "town"
    shutil.copytree(tiny_toyville, folder)
    add_raster(folder)
    return City.open(folder)


def embedded(city, level="region", pooling="mean", inputs=("raster_embedding", "polygon")):
    ids = city.unit_ids(level)[:150]
    model = load_model("raster-embedding")(pooling=pooling)
    return model.embed(city.view(set(inputs)), units=Units(level, ids), seed=0, device="cpu")


def by_pixel(city, shapes):
    """Mean, standard deviation and known area of polygons, pixel by pixel; where the two files overlap the first counts."""
    import rasterio

    taken, values, boxes = set(), [], []
    for name in city.layers["raster_embedding"].files:
        with rasterio.open(city.path / name) as file:
            stored, at = file.read(), file.transform
        for row in range(stored.shape[1]):
            for column in range(stored.shape[2]):
                (x0, y0), (x1, y1) = (at @ (column, row)), (at @ (column + 1, row + 1))
                key = round(min(x0, x1)), round(min(y0, y1))
                q = stored[:, row, column].astype(float)
                if key in taken or (q == -128).any():
                    continue
                taken.add(key)
                values.append(np.sign(q) * (q / 127.5) ** 2)
                boxes.append((min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)))
    values, boxes = np.array(values), shapely.box(*np.array(boxes).T)
    tree, made = shapely.STRtree(boxes), []
    for shape in shapes:
        near = tree.query(shape)
        weight = shapely.area(shapely.intersection(boxes[near], shape))
        total = weight.sum()
        if total < 1e-6 * shape.area:
            made.append((np.zeros(values.shape[1]), np.zeros(values.shape[1]), 0.0))
            continue
        mean = weight @ values[near] / total
        made.append((mean, np.sqrt(weight @ (values[near] - mean) ** 2 / total), total))
    return [np.array(one) for one in zip(*made, strict=True)]


@pytest.mark.parametrize("level", ["region", "building"])
def test_vectors_are_means_and_spreads_of_pixels(city, level):
    space = embedded(city, level, "mean+std")
    shapes = np.asarray((city.regions if level == "region" else city.buildings).geometry)[:150]
    mean, spread, area = by_pixel(city, shapes)
    np.testing.assert_allclose(space.vectors[:, :5], mean, rtol=1e-4, atol=2e-6)
    np.testing.assert_allclose(space.vectors[:, 5:], spread, rtol=1e-3, atol=1e-4)
    assert (space.mask == (area > 0)).all()


def test_units_without_a_pixel_with_data_are_zero_and_not_covered(city):
    space = embedded(city, "building")
    assert 0 < (~space.mask).sum() < len(space)
    assert not space.vectors[~space.mask].any()
    assert space.vectors[space.mask].any(axis=1).all()


def test_the_mean_is_the_first_half_of_mean_and_spread(city):
    assert (embedded(city).vectors == embedded(city, pooling="mean+std").vectors[:, :5]).all()


def test_regions_need_nothing_but_the_raster(city):
    view = city.view({"raster_embedding"})
    model = load_model("raster-embedding")()
    model.embed(view, units=Units("region", view.region_ids), seed=0, device="cpu")
    assert view.touched == {"raster_embedding"}
    with pytest.raises(InputMasked):
        model.embed(view, units=Units("building", city.unit_ids("building")[:3]), seed=0, device="cpu")


def test_another_pooling_is_told():
    with pytest.raises(UnknownName, match="Unknown pooling 'max'"):
        load_model("raster-embedding")(pooling="max")


@pytest.mark.parametrize("task", ["popdensity", "building-function"])
def test_a_run_scores_it_and_names_the_raster(city, task):
    spec = RunSpec(
        "raster-embedding",
        task,
        str(city.path),
        head="ridge",
        seeds=(0, 1),
        inputs="raster_embedding,polygon",
    )
    result = execute(spec, bench=Workbench(cache=None))
    assert result.status == "ok", result.reason
    assert result.model["variant"] == {"raster": "a test, 2024, alphaearth"}
    polygons = {"polygon"} if task == "building-function" else set()
    assert set(result.model["inputs_touched"]) == {"raster_embedding", *polygons}
    assert result.model["dim"] == 5


def test_a_city_without_a_raster_refuses_it(tiny_toyville):
    result = execute(
        RunSpec("raster-embedding", "popdensity", str(tiny_toyville), head="ridge", seeds=(0,)),
        bench=Workbench(cache=None),
    )
    assert result.status == "refused"
    assert "needs input 'raster_embedding'. City 'toyville" in result.reason


def test_inputs_that_leave_it_out_refuse_it(city):
    spec = RunSpec(
        "raster-embedding", "popdensity", str(city.path), head="ridge", seeds=(0,), inputs="poi,polygon"
    )
    result = execute(spec, bench=Workbench(cache=None))
    assert (result.status, "which --inputs poi,polygon masks" in result.reason) == ("refused", True)


def test_a_damaged_file_is_a_failed_row_with_its_name(city, tmp_path):
    folder = shutil.copytree(city.path, tmp_path / "town")
    (folder / "raster_embedding/east.tif").write_bytes(b"II*\0" + b"\0" * 50)
    result = execute(
        RunSpec("raster-embedding", "popdensity", str(folder), head="ridge", seeds=(0,)),
        bench=Workbench(cache=None),
    )
    assert result.status == "failed"
    assert "raster_embedding/east.tif: expected a GeoTIFF" in result.reason
