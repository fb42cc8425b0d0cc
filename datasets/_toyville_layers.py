"""The vector layers, flows and labels of toyville as files of a city folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from urbanbench.datasets._toyville_buildings import Buildings, building_tags
from urbanbench.datasets._toyville_labels import GROUPS, TARGETS, Labels, class_names
from urbanbench.datasets._toyville_latents import TYPES, Latents
from urbanbench.datasets._toyville_plan import Plan, block_rings, stream
from urbanbench.datasets._toyville_pois import Pois, poi_tags
from urbanbench.datasets._toyville_roads import Roads, road_tags
from urbanbench.datasets._toyville_words import PLACE_END, PLACE_STEM
from urbanbench.datasets._toyville_writing import ids, tag_array, write_geo, write_table

_LANDUSE_TAG = {
    "residential": ("landuse", "residential"),
    "mixed": ("landuse", "residential"),
    "commercial": ("landuse", "commercial"),
    "industrial": ("landuse", "industrial"),
    "educational": ("amenity", "school"),
    "civic": ("landuse", "institutional"),
    "transport": ("landuse", "railway"),
    "recreation": ("leisure", "park"),
}


def write_regions(folder: Path, plan: Plan) -> None:
    """Write regions.parquet."""
    rng = stream(plan.seed, "region names")
    count = len(plan.region_xy)
    rings = shapely.polygons(block_rings(plan, *plan.block_ij.T))
    order = np.argsort(plan.block_region, kind="stable")
    parts = np.split(rings[order], np.flatnonzero(np.diff(plan.block_region[order])) + 1)
    shapes = np.array([shapely.coverage_union_all(part) for part in parts], dtype=object)
    names = place_names(count, rng)
    columns = {"region_id": pa.array(plan.region_ids, pa.string()), "name": pa.array(names, pa.string())}
    write_geo(folder / "regions.parquet", columns, shapes)


def place_names(count: int, rng: np.random.Generator) -> NDArray[np.object_]:
    """Make place names of two syllables."""
    stem, end = (np.array(words, dtype=object) for words in (PLACE_STEM, PLACE_END))
    return np.asarray(stem[rng.integers(0, len(stem), count)] + end[rng.integers(0, len(end), count)])


def write_buildings(folder: Path, plan: Plan, buildings: Buildings) -> None:
    """Write buildings.parquet."""
    tags, height_m = building_tags(plan, buildings)
    columns = {
        "building_id": ids("b", len(height_m)),
        "tags": tag_array(tags),
        "height_m": pa.array(height_m.astype(np.float32), pa.float32(), from_pandas=True),
    }
    write_geo(folder / "buildings.parquet", columns, buildings.geometry)


def write_pois(folder: Path, plan: Plan, pois: Pois) -> None:
    """Write pois.parquet."""
    columns = {"poi_id": ids("p", len(pois.block)), "tags": tag_array(poi_tags(plan, pois))}
    write_geo(folder / "pois.parquet", columns, shapely.points(pois.xy))


def write_roads(folder: Path, plan: Plan, roads: Roads) -> None:
    """Write roads.parquet."""
    columns = {"road_id": ids("r", len(roads.kind)), "tags": tag_array(road_tags(plan, roads))}
    write_geo(folder / "roads.parquet", columns, roads.geometry)


def write_landuse(folder: Path, plan: Plan, latents: Latents) -> None:
    """Write landuse.parquet: nine blocks in ten with their type, and the water near the city."""
    rng = stream(plan.seed, "landuse layer")
    rows = np.flatnonzero(rng.random(len(plan.block_ij)) < 0.9)
    words = np.array([_LANDUSE_TAG[name] for name in TYPES], dtype=object)[latents.block_type[rows]]
    ground = shapely.polygons(block_rings(plan, *plan.block_ij[rows].T))
    water = water_bodies(plan)
    tags = np.concatenate([words, np.full((len(water), 2), ("natural", "water"), dtype=object)])
    columns = {"landuse_id": ids("l", len(tags)), "tags": tag_array([(tags[:, 0], tags[:, 1])])}
    write_geo(folder / "landuse.parquet", columns, np.concatenate([ground, water]))


def water_bodies(plan: Plan) -> NDArray[np.object_]:
    """Return the river and the bay, up to four blocks outside the city, as polygons in metres."""
    grown = plan.block_at >= 0
    for axis in (0, 1):
        wide = np.pad(grown, 4)
        grown = np.any([np.roll(wide, shift, axis) for shift in range(-4, 5)], axis=0)[4:-4, 4:-4]
    blocks = np.argwhere(grown & plan.water)
    merged = shapely.coverage_union_all(shapely.polygons(block_rings(plan, *blocks.T)))
    return np.asarray(shapely.get_parts(merged))


def write_labels(folder: Path, plan: Plan, labels: Labels, buildings: Buildings) -> dict[str, dict[str, Any]]:
    """Write every label; return what city.json says about each."""
    region = np.array(plan.region_ids, dtype=object)
    group = _district_names(plan)
    about: dict[str, dict[str, Any]] = {}
    for name, values in labels.numeric.items():
        rows = np.flatnonzero(~np.isnan(values))
        table = {"region_id": _text(region[rows]), "value": pa.array(values[rows].round(4), pa.float64())}
        if name in labels.support:
            table["n"] = pa.array(labels.support[name][rows], pa.int64())
        _write_label(folder, name, {**table, "group": _text(group[rows])})
        target = TARGETS[name]
        about[name] = {"unit": target.unit, "level": "region", "units": len(rows), "noise_sd": target.noise}
        about[name]["note"] = f"{target.note} group = district."
    names = class_names(labels.landuse, tuple(GROUPS))
    _write_label(
        folder, "landuse", {"region_id": _text(region), "value": _text(names), "group": _text(group)}
    )
    about["landuse"] = _classes(
        names, "region", "Land use of most blocks, 5 % redrawn at random. group = district."
    )
    columns = {key: pa.array(labels.composition[:, place], pa.float64()) for place, key in enumerate(GROUPS)}
    _write_label(folder, "landuse_shares", {"region_id": _text(region), **columns})
    about["landuse_shares"] = {"unit": "share of the blocks", "level": "region", "kind": "composition"}
    about["landuse_shares"] |= {"columns": list(GROUPS), "units": len(region), "note": "Shares add up to 1."}
    about["building_function"] = _write_functions(folder, plan, labels, buildings)
    return about


def _write_functions(folder: Path, plan: Plan, labels: Labels, buildings: Buildings) -> dict[str, Any]:
    block = buildings.block[labels.labelled]
    region = np.array(plan.region_ids, dtype=object)[plan.block_region[block]]
    names = class_names(labels.function, TYPES)
    building = ids("b", len(buildings.block)).take(pa.array(labels.labelled))
    parcel = ids("k", len(plan.block_ij)).take(pa.array(block))
    columns = {"building_id": building, "value": _text(names), "group": _text(region), "parcel": parcel}
    _write_label(folder, "building_function", columns)
    note = "Use of the building, 5 % redrawn at random. group = region_id; parcel = the block, often with several buildings."
    return _classes(names, "building", note)


def _classes(names: NDArray[np.object_], level: str, note: str) -> dict[str, Any]:
    found, many = np.unique(names.astype(str), return_counts=True)
    order = np.argsort(-many, kind="stable")
    classes = {str(found[place]): int(many[place]) for place in order}
    return {"unit": "class", "level": level, "units": len(names), "classes": classes, "note": note}


def _district_names(plan: Plan) -> NDArray[np.object_]:
    count = int(plan.district.max()) + 1
    width = max(2, len(str(count)))
    stems = place_names(count, stream(plan.seed, "district names"))
    return np.array([f"{stems[k]} D{k:0{width}d}" for k in range(count)], dtype=object)[plan.district]


def _text(values: NDArray[np.object_]) -> pa.Array:
    return pa.array(values, pa.string())


def _write_label(folder: Path, name: str, columns: dict[str, pa.Array]) -> None:
    write_table(folder / "labels" / f"{name}.parquet", pa.table(columns))
