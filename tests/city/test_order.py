"""The order of rows in a city's files decides nothing: every layer is ordered by id when it is read."""

import json
import shutil

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from urbanbench.city.city import City
from urbanbench.city.folder.format import TABLES
from urbanbench.city.folder.order import in_order
from urbanbench.city.folder.read import column_of, read_frame
from urbanbench.datasets.toyville import Toyville
from urbanbench.models.area import Area
from urbanbench.models.building_stats import BuildingStats
from urbanbench.models.coordinates import Coordinates
from urbanbench.models.flow_rows import FlowRows
from urbanbench.models.geovectors import GeoVectors
from urbanbench.models.mean import Mean
from urbanbench.models.poi_counts import PoiCounts
from urbanbench.models.random import RandomVectors
from urbanbench.models.spatial_lag import SpatialLag
from urbanbench.models.tfidf import TfIdf
from urbanbench.units import Units

LEARNED = GeoVectors(
    tag_dim=12, tag_epochs=1, buckets=500, neighbours=8, walks=2, location_dim=6, epochs=1, max_nodes=400
)
MODELS = [kind() for kind in (Mean, RandomVectors, Coordinates, SpatialLag, Area, PoiCounts, TfIdf, BuildingStats, FlowRows)]  # fmt: skip


def permuted(folder, seed=0):
    """Write the rows of all tables in another order."""
    rng = np.random.default_rng(seed)
    for path in sorted(folder.rglob("*.parquet")):
        table = pq.read_table(path)
        order = rng.permutation(table.num_rows)
        if path.name == "captions.parquet":  # sentences of one region are in the order of the text
            order = (
                np.sort(order)[::-1]
                if len(set(table["region_id"].to_pylist())) == len(order)
                else np.sort(order)
            )
        pq.write_table(table.take(pa.array(order)), path)


@pytest.fixture(scope="module")
def towns(tmp_path_factory):
    """Give toyville as it is built, and with the rows of all tables in another order."""
    plain = tmp_path_factory.mktemp("toyville")
    Toyville(size="tiny", images=False).build(plain)
    mixed = shutil.copytree(plain, tmp_path_factory.mktemp("mixed") / plain.name)
    permuted(mixed)
    return City.open(plain), City.open(mixed)


@pytest.mark.parametrize("model", [*MODELS, LEARNED], ids=lambda model: type(model).__name__)
def test_models_give_the_same_bits_whatever_the_order_of_the_files(towns, model, own_cache):
    made = [
        model.embed(
            town.view(model.card.inputs),
            units=Units("region", towns[0].unit_ids("region")),
            seed=0,
            device="cpu",
        )
        for town in towns
    ]
    assert np.array_equal(made[0].vectors, made[1].vectors)
    assert np.array_equal(made[0].covered, made[1].covered)


def test_every_layer_and_label_comes_in_the_same_order(towns):
    plain, mixed = towns
    for name in ("regions", *plain.layers):
        first, second = getattr(plain, name), getattr(mixed, name)
        assert first.index.tolist() == second.index.tolist(), name
        columns = [column for column in first.columns if column not in {"geometry", "tags"}]
        pd.testing.assert_frame_equal(pd.DataFrame(first[columns]), pd.DataFrame(second[columns]))
        if "geometry" in first:
            assert shapely.equals_identical(np.asarray(first.geometry), np.asarray(second.geometry)).all(), (
                name
            )
        if "tags" in first:
            assert list(first["tags"]) == list(second["tags"]), name
    for name in plain.labels:
        pd.testing.assert_frame_equal(plain.label(name), mixed.label(name))
    for level in ("region", "building", "poi"):
        assert plain.unit_ids(level) == mixed.unit_ids(level) == tuple(sorted(plain.unit_ids(level)))


def test_ids_are_ordered_by_code_points_with_or_without_geometry(folder):
    for one, name in zip(folder.rows["buildings"], ("b10", "b9", "ß", "B", "é"), strict=True):
        one["building_id"] = name
    folder.save("buildings")
    wanted = ["B", "b10", "b9", "ß", "é"]
    city = City.open(folder.path)
    assert list(city.unit_ids("building")) == wanted
    assert city.buildings.index.tolist() == wanted
    assert City.open(folder.path).buildings["height_m"].tolist()[1] == 5.0


def test_a_point_in_several_regions_counts_for_the_first_id_whatever_the_file_says(folder):
    folder.json["regions"]["overlapping"] = True
    folder.write_json()
    folder.rows["regions"][3]["geometry"] = folder.rows["regions"][0]["geometry"]
    for _ in range(2):
        folder.rows["regions"].reverse()
        folder.save("regions")
        assert City.open(folder.path).pois["region_id"].tolist()[:2] == ["r00", "r00"]


def test_sentences_of_a_region_keep_the_order_of_the_text(folder):
    told = [("r10", "One."), ("r00", "B."), ("r10", "Two."), ("r00", "A."), ("r10", "Three.")]
    folder.rows["captions"] = [{"region_id": one, "caption": text, "source": None} for one, text in told]
    folder.save("captions")
    assert City.open(folder.path).captions["caption"].tolist() == ["B.", "A.", "One.", "Two.", "Three."]


def test_trips_are_ordered_by_pair_and_hour(folder):
    rows = [("r01", "r00", 3), ("r00", "r10", 5), ("r00", "r01", 9), ("r00", "r01", 2)]
    folder.rows["flows"] = [
        {"origin_id": a, "destination_id": b, "hour": hour, "trips": float(hour)} for a, b, hour in rows
    ]
    folder.save("flows")
    flows = City.open(folder.path).flows
    assert list(zip(flows["origin_id"], flows["destination_id"], flows["hour"], strict=True)) == sorted(rows)
    assert flows.index.tolist() == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="read-only"):
        flows["trips"].array[0] = 1.0


def test_rows_in_order_stay_the_frame_they_were(folder):
    frame, faults = read_frame(folder.path, "pois.parquet", TABLES["pois"], folder.json["crs"])
    assert faults == []
    assert in_order(frame) is frame
    turned = in_order(frame.iloc[::-1])
    assert turned.index.tolist() == frame.index.tolist()
    assert list(turned["tags"]) == list(frame["tags"])


def test_ordered_columns_cannot_be_written_into():
    index = pd.Index(["b", "a"], name="view_id")
    frame = pd.DataFrame({"heading": column_of(np.array([1.0, 2.0]), index), "image": column_of(np.array(["x", None], dtype=object), index)})  # fmt: skip
    ordered = in_order(frame)
    assert ordered["heading"].tolist() == [2.0, 1.0]
    assert ordered["image"].tolist() == [None, "x"]
    for name in ("heading", "image"):
        with pytest.raises(ValueError, match="read-only"):
            ordered[name].array[0] = 3.0


def test_faults_name_rows_as_the_file_has_them(folder):
    folder.rows["flows"].reverse()
    folder.rows["flows"][1]["trips"] = -1.0
    folder.save("flows")
    assert "1 row (row 1): expected trips of 0 or more" in City.open(folder.path).check()[0]


def test_features_are_ordered_by_id(folder):
    (folder.path / "features").mkdir()
    table = {"view_id": ["v1", "v0"], "vector": [[1.0, 2.0], [3.0, 4.0]]}
    pd.DataFrame(table).to_parquet(folder.path / "features/one.parquet", index=False)
    frame = City.open(folder.path).features("one")
    assert frame.index.tolist() == ["v0", "v1"]
    assert frame["vector"].tolist()[0].tolist() == [3.0, 4.0]


def test_the_entry_about_overlapping_regions_is_read(folder):
    assert not City.open(folder.path).manifest.tables["regions"].overlapping
    folder.json["regions"]["overlapping"] = True
    (folder.path / "city.json").write_text(json.dumps(folder.json), encoding="utf-8")
    assert City.open(folder.path).manifest.tables["regions"].overlapping
