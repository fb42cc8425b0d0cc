"""Targets of tasks: what keeps street views of one point on one side of a split."""

import numpy as np
import pandas as pd
import pytest

from urbanbench.card import TaskCard
from urbanbench.city.city import City
from urbanbench.scoring.protocol import Protocol
from urbanbench.scoring.splits import make_splits
from urbanbench.task import Task


class Scene(Task):
    """Which letter?"""

    card = TaskCard(
        title="Scene", question="Which letter?", label="scene", kind="classification", level="street_view"
    )


@pytest.fixture
def streets(tmp_path, village):
    """A village with 60 labelled views at 30 points, two each; views 40 to 59 name no point but stand at the same place."""
    import json
    import shutil

    import geopandas as gpd
    from PIL import Image

    folder = tmp_path / "village"
    shutil.copytree(village, folder)
    (folder / "views").mkdir()
    Image.new("RGB", (2, 2)).save(folder / "views/v.png")
    point = np.arange(60) // 2
    x, y = 500_100 + 60.0 * (point % 6), 5_000_100 + 60.0 * (point // 6)
    x[:40:2] += 3.0  # a named point may scatter
    table = {
        "view_id": [f"v{k:02d}" for k in range(60)],
        "image": "views/v.png",
        "location_id": [f"p{one}" if k < 40 else None for k, one in enumerate(point)],
    }
    frame = gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(x, y), crs="EPSG:32631").to_crs(4326)
    frame.to_parquet(folder / "street_views.parquet")
    label = pd.DataFrame({"view_id": table["view_id"], "value": list("abcabcabcabc" * 5)})
    label.to_parquet(folder / "labels/scene.parquet", index=False)
    manifest = json.loads((folder / "city.json").read_text())
    manifest["layers"]["street_views"] = {"file": "street_views.parquet", "kind": "photograph"}
    manifest["labels"]["scene"] = {"file": "labels/scene.parquet", "unit": "class", "level": "view"}
    (folder / "city.json").write_text(json.dumps(manifest))
    return folder


@pytest.mark.parametrize("split", ["random", "block"])
def test_views_of_one_point_stay_on_one_side(streets, split):
    targets = Scene().targets(City.open(streets))
    assert len(set(targets.parcels)) == 30
    for one in make_splits(targets, Protocol(split, "mean", (0, 1, 2), block_size_m=100.0)):
        side = np.empty(60, dtype=int)
        for number, rows in enumerate((one.train, one.val, one.test)):
            side[rows] = number
        assert (side[::2] == side[1::2]).all()


def test_views_without_any_named_point_go_by_their_place(streets):
    import pyarrow.parquet as pq

    path = streets / "street_views.parquet"
    pq.write_table(pq.read_table(path).drop_columns("location_id"), path)
    parcels = Scene().targets(City.open(streets)).parcels
    assert len(set(parcels)) == 40 + 10
    assert (parcels[40::2] == parcels[41::2]).all()


def test_parcels_of_the_label_come_first(streets):
    path = streets / "labels/scene.parquet"
    pd.read_parquet(path).assign(parcel=[f"k{k // 20}" for k in range(60)]).to_parquet(path, index=False)
    assert set(Scene().targets(City.open(streets)).parcels) == {"k0", "k1", "k2"}


def test_labels_of_regions_have_no_parcels_of_their_own(village):
    class Density(Task):
        card = TaskCard(title="D", question="How many?", label="popdensity", kind="regression")

    assert Density().targets(City.open(village)).parcels is None


@pytest.mark.parametrize("table_is_there", [True, False])
def test_an_absent_label_says_whether_the_table_or_only_its_entry_is_missing(
    village, tmp_path, table_is_there
):
    import shutil

    from urbanbench.errors import RunRefused
    from urbanbench.registry import load_task

    folder = tmp_path / "village"
    shutil.copytree(village, folder)
    if table_is_there:
        shutil.copy(folder / "labels/income.parquet", folder / "labels/poverty.parquet")
    with pytest.raises(RunRefused) as told:
        load_task("poverty").targets(City.open(folder))
    entry = '"poverty": {"file": "labels/poverty.parquet", "level": "region", "unit": "UNIT"} under \'labels\' in city.json'
    assert entry in str(told.value)
    assert ("is there, but city.json does not name it" in str(told.value)) == table_is_there
    assert ("add labels/poverty.parquet, and" in str(told.value)) == (not table_is_there)


def test_targets_stand_in_the_order_of_ids(village, tmp_path):
    import shutil

    from urbanbench.registry import load_task

    folder = tmp_path / "village"
    shutil.copytree(village, folder)
    path = folder / "labels/income.parquet"
    pd.read_parquet(path).sample(frac=1, random_state=1).to_parquet(path, index=False)
    one, two = (load_task("income").targets(City.open(one)) for one in (village, folder))
    assert two.ids.tolist() == sorted(two.ids)
    assert one.digest() == two.digest()
