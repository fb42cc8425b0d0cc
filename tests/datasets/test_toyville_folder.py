"""The folder that toyville writes: reproducible, complete, and consistent in itself."""

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from PIL import Image

from urbanbench.city.city import City
from urbanbench.datasets._toyville_plan import SIZES
from urbanbench.datasets._toyville_town import Town
from urbanbench.datasets.toyville import Toyville
from urbanbench.errors import UnknownName


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def regions_of(folder: Path) -> gpd.GeoDataFrame:
    return gpd.read_parquet(folder / "regions.parquet").to_crs("EPSG:32631").set_index("region_id")


def region_of_points(folder: Path, points: gpd.GeoSeries) -> pd.Series:
    """Return the region of each point by brute force, NaN outside."""
    regions = regions_of(folder)
    found = [regions.index[regions.covers(point).to_numpy()] for point in points.to_crs("EPSG:32631")]
    return pd.Series([names[0] if len(names) else None for names in found], index=points.index)


def test_same_seed_gives_the_same_bytes_of_every_file(tiny_toyville, tmp_path):
    Toyville(size="tiny").build(tmp_path)
    assert content(tmp_path) == content(tiny_toyville)


def test_another_seed_gives_another_city(tiny_toyville, tmp_path):
    Toyville(size="tiny", seed=1, images=False).build(tmp_path)
    other, first = content(tmp_path), content(tiny_toyville)
    assert all(other[name] != first[name] for name in other)


def test_images_can_be_left_out_without_changing_the_rest(tiny_toyville, tmp_path):
    Toyville(size="tiny", images=False).build(tmp_path)
    plain, full = content(tmp_path), content(tiny_toyville)
    del plain["city.json"]
    assert all(full[name] == plain[name] for name in plain)
    assert not any(name.endswith(".png") or name == "satellite.parquet" for name in plain)


def test_the_folder_has_every_layer_and_no_fault(tiny_toyville):
    city = City.open(tiny_toyville)
    assert city.check() == []
    assert {"pois", "buildings", "roads", "landuse", "street_views", "satellite", "flows"} <= set(city.layers)
    wanted = {"popdensity", "housing", "gdp", "income", "landuse", "landuse_shares", "building_function"}
    perceived = {f"perception_{word}" for word in ("safety", "lively", "wealthy", "beautiful")}
    assert set(city.labels) == wanted | perceived


@pytest.mark.parametrize("size", ["tiny", "small"])
def test_numbers_of_rows_are_exact(size):
    town, asked = Toyville(size=size).town(), SIZES[size]
    found = (len(town.plan.region_xy), len(town.pois.block), len(town.buildings.block))
    assert found == (asked.regions, asked.pois, asked.buildings)
    assert np.bincount(town.plan.block_region, minlength=asked.regions).min() >= 1


def test_regions_tile_without_overlap_and_some_have_parts_or_holes(tiny_toyville):
    regions = regions_of(tiny_toyville)
    assert regions.is_valid.all()
    assert np.isclose(regions.area.sum(), shapely.union_all(regions.geometry.to_numpy()).area, rtol=1e-6)
    holes = [
        ring for shape in regions.geometry for part in shapely.get_parts(shape) for ring in part.interiors
    ]
    assert holes
    assert (regions.geom_type == "MultiPolygon").any()
    filled = shapely.polygons([shapely.get_coordinates(ring) for ring in holes])
    assert any(
        shapely.equals_exact(shape, hole, 0.1, normalize=True)
        for shape in regions.geometry
        for hole in filled
    )


def test_layers_are_empty_exactly_where_data_is_planned_to_be_missing(tiny_toyville, tiny_town):
    missing, ids = tiny_town.latents.missing, np.array(tiny_town.plan.region_ids)
    pois = gpd.read_parquet(tiny_toyville / "pois.parquet")
    bare = set(ids) - set(region_of_points(tiny_toyville, pois.geometry).dropna())
    assert set(ids[missing["poi"]]) <= bare
    assert len(bare) <= 8
    views = pd.read_parquet(tiny_toyville / "street_views.parquet")
    assert set(ids) - set(views.region_id) == set(ids[missing["street_view"]])
    built = set(ids[tiny_town.plan.block_region[tiny_town.buildings.block]])
    assert not built & set(ids[missing["polygon"]])


def test_street_views_lie_in_their_region_and_buildings_in_the_city(tiny_toyville):
    views = gpd.read_parquet(tiny_toyville / "street_views.parquet")
    assert (region_of_points(tiny_toyville, views.geometry) == views.region_id).all()
    buildings = gpd.read_parquet(tiny_toyville / "buildings.parquet").to_crs("EPSG:32631")
    assert region_of_points(tiny_toyville, buildings.geometry.centroid).notna().all()
    assert buildings.height_m.isna().mean() == pytest.approx(1 / 3, abs=0.05)
    assert shapely.get_num_interior_rings(buildings.geometry.to_numpy()).max() == 1


def test_buildings_hardly_overlap(tiny_town):
    shapes = tiny_town.buildings.geometry
    one, two = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    pairs = one < two
    shared = shapely.area(shapely.intersection(shapes[one[pairs]], shapes[two[pairs]])).sum()
    assert shared < 0.01 * shapely.area(shapes).sum()


def test_half_of_the_places_lie_in_the_building_they_belong_to(tiny_town):
    pois, shapes = tiny_town.pois, tiny_town.buildings.geometry
    inside = pois.building >= 0
    assert 0.3 < inside.mean() < 0.6
    assert shapely.contains_xy(shapes[pois.building[inside]], *pois.xy[inside].T).all()


def test_streets_meet_at_shared_vertices(tiny_toyville):
    lines = gpd.read_parquet(tiny_toyville / "roads.parquet").geometry.to_numpy()
    vertices, owner = shapely.get_coordinates(lines, return_index=True)
    place, inverse = np.unique(vertices, axis=0, return_inverse=True)
    ways_at = np.bincount(np.unique(np.stack([inverse.ravel(), owner]), axis=1)[0], minlength=len(place))
    ends = np.append(np.flatnonzero(np.diff(owner)), len(owner) - 1)
    assert (ways_at[inverse.ravel()[ends]] >= 2).mean() > 0.9
    assert (ways_at >= 3).sum() > 50


def test_labels_name_units_that_exist_and_parcels_hold_several_buildings(tiny_toyville):
    ids = set(pd.read_parquet(tiny_toyville / "regions.parquet", columns=["region_id"]).region_id)
    popdensity = pd.read_parquet(tiny_toyville / "labels/popdensity.parquet")
    assert set(popdensity.region_id) == ids
    assert popdensity.group.nunique() >= 4
    assert (popdensity.value == 0).any()
    shares = pd.read_parquet(tiny_toyville / "labels/landuse_shares.parquet").drop(columns="region_id")
    assert np.allclose(shares.sum(axis=1), 1)
    functions = pd.read_parquet(tiny_toyville / "labels/building_function.parquet")
    assert set(functions.group) <= ids
    assert functions.groupby("parcel").size().max() >= 3
    assert functions.groupby("parcel").group.nunique().max() == 1
    flows = pd.read_parquet(tiny_toyville / "flows.parquet")
    assert set(flows.origin_id) | set(flows.destination_id) <= ids
    assert flows.hour.between(0, 23).all()
    assert (flows.trips > 0).all()


def test_satellite_images_cover_their_square_region(tiny_toyville):
    table = pd.read_parquet(tiny_toyville / "satellite.parquet").set_index("region_id")
    edges = regions_of(tiny_toyville).bounds
    assert np.allclose(table.maxx - table.minx, table.maxy - table.miny, atol=0.01)
    assert (table.minx < edges.minx).all()
    assert (table.maxy > edges.maxy).all()
    with Image.open(tiny_toyville / table.image.iloc[0]) as picture:
        assert (picture.size, picture.mode) == ((128, 128), "RGB")


def test_city_json_states_origin_and_ceiling_of_everything(tiny_toyville):
    about = json.loads((tiny_toyville / "city.json").read_text())
    assert about["format"] == 1
    for entry in [about["regions"], *about["layers"].values(), *about["labels"].values()]:
        assert {"file", "source", "date", "licence", "attribution", "note"} <= set(entry)
    for label in about["labels"].values():
        assert {"all_latents", "inputs", "this_city"} == set(label["ceiling"])
    assert "posterior" in about["ceiling_method"]


def test_key_names_size_seed_images_and_version():
    assert Toyville().key() == "toyville-v2-small-seed0-images"
    assert Toyville(size="metro", seed=3).key() == "toyville-v2-metro-seed3-noimages"


def test_unknown_size_is_refused_with_the_known_ones():
    with pytest.raises(UnknownName, match="metro"):
        Toyville(size="huge")


@pytest.mark.slow
def test_a_city_of_three_thousand_regions_is_sound(tmp_path):
    Toyville(size="city", images=False).build(tmp_path)
    assert City.open(tmp_path).check() == []


def test_town_draws_each_part_once():
    town = Town("tiny", 5)
    assert town.latents is town.latents
