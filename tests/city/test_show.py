"""Descriptions count what is there; maps are reproducible pictures."""

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from PIL import Image
from scipy import ndimage

from urbanbench.city.city import City
from urbanbench.city.drawing.show import describe_city, draw_map, draw_values
from urbanbench.errors import BadInput, DataMissing


@pytest.fixture
def city(folder):
    return City.open(folder.path)


def test_describe_counts_and_covers(city):
    facts = describe_city(city)
    assert json.loads(json.dumps(facts)) == facts
    assert facts["regions"]["count"] == 4
    assert facts["regions"]["area_km2"]["total"] == pytest.approx(city.regions["area_km2"].sum())
    coverage = {name: (layer["rows"], layer["coverage"]) for name, layer in facts["layers"].items()}
    assert coverage == {
        "pois": (7, 0.5),
        "buildings": (5, 0.5),
        "roads": (2, 1.0),
        "landuse": (1, 0.25),
        "street_views": (2, 0.5),
        "satellite": (4, 1.0),
        "captions": (2, 0.25),
        "flows": (2, 0.5),
    }
    labels = facts["labels"]
    assert labels["density"]["values"] == {"smallest": 0.0, "median": 2.25, "largest": 4.5, "zeros": 1}
    assert labels["use"]["classes"] == {"home": 3, "work": 1}
    assert labels["shares"]["mean_shares"] == {"home": 0.25, "work": 0.75}
    assert (labels["function"]["units"], labels["function"]["unlabelled"]) == (2, 3)


@pytest.mark.parametrize("suffix", ["png", "svg"])
@pytest.mark.parametrize("column", [None, "use", "shares", "shares:work", "function", "scene"])
def test_a_map_of_every_kind_of_label_is_drawn(city, tmp_path, suffix, column):
    target = tmp_path / f"map.{suffix}"
    draw_map(city, target, column)
    if suffix == "png":
        with Image.open(target) as picture:
            assert np.asarray(picture.convert("L")).std() > 5
    else:
        assert b"<svg" in target.read_bytes()


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_the_same_map_has_the_same_bytes(city, tmp_path, suffix):
    draw_map(city, tmp_path / f"a.{suffix}")
    draw_map(city, tmp_path / f"b.{suffix}")
    assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()


def test_a_bare_city_can_be_drawn(folder, tmp_path):
    folder.json = {"format": 1, "crs": "EPSG:32632"}
    folder.write_json()
    draw_map(City.open(folder.path), tmp_path / "map.png")
    assert (tmp_path / "map.png").stat().st_size > 1000


def test_regions_without_value_are_grey_and_holes_are_open(tmp_path):
    ring = shapely.box(0, 0, 1000, 1000).difference(shapely.box(250, 250, 750, 750))
    regions = gpd.GeoDataFrame({"geometry": [ring]}, index=["r"], crs="EPSG:32632")
    draw_values(regions, pd.Series({"other": 1.0}), tmp_path / "map.png", "Values")
    pixels = np.asarray(Image.open(tmp_path / "map.png").convert("RGB"))
    grey = (pixels == 0xE4).all(axis=2)
    parts, count = ndimage.label((pixels == 255).all(axis=2))
    hole = max((int((parts == k).sum()) for k in range(1, count + 1) if k != parts[0, 0]), default=0)
    assert hole / (hole + grey.sum()) == pytest.approx(0.25, abs=0.02)


def _is_diverging(path):
    pixels = np.asarray(Image.open(path).convert("RGB")).reshape(-1, 3).astype(int)
    return bool(((pixels[:, 0] > 120) & (pixels[:, 2] < 60) & (pixels[:, 1] < 60)).any())


def test_signed_values_get_a_diverging_scale(city, tmp_path):
    draw_values(
        city.regions, np.array([-1.0, 0.5, 1.0, np.nan]), tmp_path / "signed.png", "Residuals", unit="m"
    )
    draw_values(city.regions, np.array([0.0, 0.5, 1.0, np.nan]), tmp_path / "plain.png", "Values")
    draw_values(
        city.regions, np.array([0.0, 0.5, 1.0, np.nan]), tmp_path / "forced.png", "Values", signed=True
    )
    assert [_is_diverging(tmp_path / f"{name}.png") for name in ("signed", "plain", "forced")] == [
        True,
        False,
        True,
    ]


def test_values_that_are_all_missing_or_equal_are_drawn(city, tmp_path):
    draw_values(city.regions, np.full(4, np.nan), tmp_path / "none.png", "None")
    draw_values(city.regions, np.zeros(4), tmp_path / "zero.svg", "Zero", signed=True)
    assert (tmp_path / "none.png").exists()


def test_wrong_requests_are_told(city, tmp_path):
    with pytest.raises(BadInput, match=r"has suffix '.jpg'. Expected .png, .svg or .pdf"):
        draw_map(city, tmp_path / "map.jpg")
    with pytest.raises(DataMissing, match="has no label 'gdp'"):
        draw_map(city, tmp_path / "map.png", "gdp")
    with pytest.raises(BadInput, match=r"has no column 'play'. Its columns: home, work"):
        draw_map(city, tmp_path / "map.png", "shares:play")
    with pytest.raises(BadInput, match=r"shape \(3,\) do not fit 4 regions"):
        draw_values(city.regions, np.zeros(3), tmp_path / "map.png", "x")
    assert not list(tmp_path.glob("map*"))
