"""A made-up city of any size with the proportions of the paper's Singapore, for measurements; it shows itself as a view does."""

from functools import cached_property

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely
from PIL import Image

SINGAPORE = {"regions": 3056, "pois": 64_215, "polygons": 40_594, "points": 34_078}
"""UrbanMFM, Table II: POIs with those that are polygons; every point has four street views."""

REGION_M = 490.0  # 0.24 km², the mean region of Singapore
BLOCK_M = REGION_M / 5  # 50 ways and 20 km of them per km², as in Singapore's map
PER_POI = {name: count / SINGAPORE["pois"] for name, count in SINGAPORE.items()}
CRS = "EPSG:3414"
KINDS = (
    *("amenity=restaurant", "amenity=cafe", "amenity=school", "amenity=clinic", "amenity=bank"),
    *("shop=supermarket", "shop=clothes", "shop=bakery", "office=company", "office=lawyer"),
    *("tourism=hotel", "tourism=attraction", "leisure=park", "leisure=fitness_centre"),
)
BUILDINGS = ("apartments", "commercial", "industrial", "retail", "school", "house")
NAMES = (
    *("golden", "river", "tower", "garden", "north", "east", "plaza", "orchard"),
    *("harbour", "lotus", "jade", "marina", "central", "hill", "view", "court"),
    *("royal", "park", "sunrise", "dragon", "bay", "sentosa", "village", "temple"),
    *("green", "ocean", "pearl", "palm", "crescent", "avenue"),
)


class SyntheticCity:
    """n POIs (part of them footprints), regions, roads and street points in proportion, all drawn from a seed.

    Density differs between regions, and half of the POIs huddle around corners of streets; neither depends on n.
    """

    city_name, inputs = "synthetic", frozenset({"poi", "polygon", "road", "street_view", "satellite"})

    def __init__(self, n_pois, seed=0):
        self.n_pois, self.rng = n_pois, np.random.default_rng(seed)
        self.n_regions = max(16, round(n_pois * PER_POI["regions"]))
        self.columns = int(np.ceil(np.sqrt(self.n_regions)))
        self.n_buildings = round(n_pois * PER_POI["polygons"])
        self.weight = self.rng.gamma(0.5, size=self.n_regions)
        self.weight /= self.weight.sum()
        _ = self.regions, self.pois, self.buildings, self.roads, self.street_views, self.satellite

    def has(self, name):
        return name in self.inputs

    def has_features(self, name):
        return False

    @cached_property
    def region_ids(self):
        return tuple(f"r{row:06d}" for row in range(self.n_regions))

    @cached_property
    def regions(self):
        low = self._corner(np.arange(self.n_regions))
        boxes = shapely.box(*low.T, *(low + REGION_M).T)
        area = np.full(self.n_regions, REGION_M**2 / 1e6)
        return gpd.GeoDataFrame({"area_km2": area}, geometry=boxes, crs=CRS, index=list(self.region_ids))

    @cached_property
    def pois(self):
        xy, region = self._scattered(self.n_pois - self.n_buildings)
        kinds = np.array([kind.split("=") for kind in KINDS])[self.rng.integers(0, len(KINDS), len(xy))]
        return self._frame("p", shapely.points(xy), region, self._tags(kinds[:, 0], kinds[:, 1]))

    @cached_property
    def buildings(self):
        """Footprints with ten corners, which tell their use and so are POIs too."""
        xy, region = self._scattered(self.n_buildings)
        turn = np.sort(self.rng.random((len(xy), 10)), axis=1) * 2 * np.pi
        reach = self.rng.uniform(8, 40, (len(xy), 1)) * self.rng.uniform(0.7, 1.0, (len(xy), 10))
        rings = xy[:, None] + reach[..., None] * np.stack([np.cos(turn), np.sin(turn)], axis=2)
        shapes = shapely.polygons(np.concatenate([rings, rings[:, :1]], axis=1))
        uses = np.array(BUILDINGS)[self.rng.integers(0, len(BUILDINGS), len(xy))]
        tags = self._tags(np.full(len(xy), "building"), uses)
        frame = self._frame("b", shapes, region, tags)
        return frame.assign(area_m2=shapely.area(shapes))

    @cached_property
    def roads(self):
        """One way per side of a block, with two vertices between its corners; neighbouring ways share corners."""
        side = np.arange(self.columns * 5 + 1)
        corner = np.stack(np.meshgrid(side, side, indexing="ij"), axis=2) * BLOCK_M
        corner += self.rng.uniform(-20, 20, corner.shape)
        pairs = [(corner[:-1], corner[1:]), (corner[:, :-1], corner[:, 1:])]
        begin, end = (np.concatenate([pair[k].reshape(-1, 2) for pair in pairs]) for k in (0, 1))
        kept = np.sort(self.rng.permutation(len(begin))[: 50 * self.n_regions])
        begin, end = begin[kept], end[kept]
        share = np.array([0.0, 1 / 3, 2 / 3, 1.0])[None, :, None]
        lines = shapely.linestrings(begin[:, None] * (1 - share) + end[:, None] * share)
        tags = _maps(np.full((len(lines), 1), "highway"), np.full((len(lines), 1), "residential"))
        return gpd.GeoDataFrame({"tags": tags}, geometry=lines, crs=CRS)

    @cached_property
    def street_views(self):
        count = round(self.n_pois * PER_POI["points"])
        way = np.asarray(self.roads.geometry)[self.rng.integers(0, len(self.roads), count)]
        place = shapely.line_interpolate_point(way, self.rng.random(count), normalized=True)
        cell = np.clip(shapely.get_coordinates(place) // REGION_M, 0, self.columns - 1).astype(int)
        region = cell[:, 1] * self.columns + cell[:, 0]
        ids = np.array([*self.region_ids, None], dtype=object)
        sides = {
            side: [f"{side}/{k}.jpg" for k in range(count)] for side in ("east", "south", "west", "north")
        }
        rows = np.where(region < self.n_regions, region, -1)
        frame = {**sides, "image": [None] * count, "region_id": ids[rows]}
        return gpd.GeoDataFrame(frame, geometry=place, crs=CRS, index=[f"s{k}" for k in range(count)])

    @cached_property
    def satellite(self):
        ids = list(self.region_ids)
        return pd.DataFrame({"image": [f"satellite/{one}.jpg" for one in ids]}, index=ids)

    def open_image(self, path):
        """Give one of a hundred pictures of noise."""
        level = np.random.default_rng(len(path) * 7 + sum(map(ord, path[-8:])) % 100)
        return Image.fromarray(level.integers(0, 256, (8, 8, 3), dtype=np.uint8)).resize((224, 224))

    def picture_digest(self, paths):
        return f"{len(paths)} synthetic pictures"

    def _corner(self, region):
        return np.column_stack([region % self.columns, region // self.columns]) * REGION_M

    def _scattered(self, count):
        region = self.rng.choice(self.n_regions, count, p=self.weight)
        inside = self.rng.uniform(0, REGION_M, (count, 2))
        corner = np.round(inside / BLOCK_M) * BLOCK_M + self.rng.normal(0, 15, (count, 2))
        huddled = self.rng.random((count, 1)) < 0.5
        inside = np.clip(np.where(huddled, corner, inside), 0.0, REGION_M - 1e-6)
        return self._corner(region) + inside, region

    def _tags(self, key, value):
        """Give things a name and one more tag; six names of ten are met once and two of a hundred are long, as in Singapore's map."""
        words = np.array(NAMES)[self.rng.integers(0, len(NAMES), (len(key), 2))]
        number = np.where(self.rng.random(len(key)) < 0.6, np.arange(len(key)).astype(str), "")
        name = np.char.add(np.char.add(np.char.add(words[:, 0], " "), words[:, 1]), np.char.add(" ", number))
        name = name.astype(object)
        for row in np.flatnonzero(self.rng.random(len(key)) < 0.02).tolist():
            name[row] = " ".join([name[row], *np.array(NAMES)[self.rng.integers(0, len(NAMES), 10)]])
        names = np.stack([name, value.astype(object)], axis=1)
        return _maps(np.stack([np.full(len(key), "name"), key], axis=1), names)

    def _frame(self, letter, geometry, region, tags):
        ids = pd.Index([f"{letter}{row}" for row in range(len(region))], dtype=object)
        region_id = np.array(self.region_ids, dtype=object)[region]
        return gpd.GeoDataFrame(
            {"tags": tags.set_axis(ids), "region_id": region_id}, geometry=geometry, crs=CRS, index=ids
        )


def _maps(keys, values):
    """Return a series of tags from two tables of words, one row a thing."""
    offsets = pa.array(np.arange(len(keys) + 1, dtype=np.int32) * keys.shape[1])
    maps = pa.MapArray.from_arrays(offsets, pa.array(keys.ravel()), pa.array(values.ravel()))
    return pd.Series(pd.arrays.ArrowExtensionArray(maps))
