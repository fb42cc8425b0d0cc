"""Real city folders, found through URBANBENCH_DATA, hold the format and the numbers their notes state."""

import os
from pathlib import Path

import numpy as np
import pytest

from urbanbench.city.city import City
from urbanbench.city.folder.tags import tag_table

ROOT = Path(os.environ.get("URBANBENCH_DATA", "/nonexistent"))
CITIES = ("singapore", "helsinki", "shenzhen")

pytestmark = pytest.mark.realdata


def open_city(name):
    if not (ROOT / name / "city.json").is_file():
        pytest.skip(f"no {name} under URBANBENCH_DATA")
    return City.open(ROOT / name)


@pytest.mark.parametrize("name", CITIES)
def test_real_folders_have_no_faults(name):
    assert open_city(name).check() == []


@pytest.mark.slow
def test_the_largest_real_folder_has_no_faults():
    assert open_city("new_york").check() == []


def test_singapore_holds_what_its_notes_state():
    city = open_city("singapore")
    assert city.regions["area_km2"].sum() == pytest.approx(784.8, abs=0.05)
    assert len(city.pois) == 38_986
    assert city.pois["region_id"].notna().sum() == 38_930
    assert len(set(city.regions.index) - set(city.pois["region_id"])) == 7
    assert city.buildings["height_m"].notna().sum() == 19_640
    assert city.buildings["region_id"].notna().all()
    table = tag_table(city.pois["tags"])
    assert table.rows.max() == len(city.pois) - 1


def test_regions_of_shenzhen_views_agree_with_the_file():
    import pyarrow.parquet as pq

    city = open_city("shenzhen")
    stated = pq.read_table(city.path / "street_views.parquet", columns=["region_id"])["region_id"].to_pylist()
    assert city.street_views["region_id"].tolist() == stated
    assert city.labels["street_function"].level == "street_view"
    assert list(city.extras) == ["street_features"]
    view = city.view({"street_view"})
    assert view.open_image(view.street_views["image"].iloc[0]).mode == "RGB"
    assert np.isfinite(city.label("gdp_placed")["value"]).all()
