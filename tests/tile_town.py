"""A made town with known geometry, written as vector tiles the way makers of tiles do: cut at a margin, rounded to the grid."""

import gzip
import math
import sqlite3
from dataclasses import dataclass, field

import numpy as np
import shapely

ZOOM = 15
CORNER = (17202, 11384)
"""Column and row of the town's north-western tile; the town has 3 by 3 of them, near longitude 9.0 and latitude 48.0."""

SIDE = 3
EXTENT = 4096
MARGIN = 64


def degrees(places):
    """Longitude and latitude of places, in tiles from the town's corner; written apart from the code under test."""
    x, y = (np.asarray(places, dtype=float) + CORNER).T / 2**ZOOM
    lon = x * 360 - 180
    lat = np.degrees(2 * np.arctan(np.exp(math.pi * (1 - 2 * y))) - math.pi / 2)
    return np.column_stack([lon, lat])


def on_earth(shape):
    return shapely.transform(shape, degrees)


BOX = (*degrees([[0, SIDE]])[0], *degrees([[SIDE, 0]])[0])
"""(west, south, east, north) of the town."""

INNER = (*degrees([[0.05, SIDE - 0.05]])[0], *degrees([[SIDE - 0.05, 0.05]])[0])


@dataclass
class Town:
    """Layers of features (shape in tiles from the corner, attributes, id or None)."""

    layers: dict = field(default_factory=dict)

    def add(self, layer, shape, number=None, **attributes):
        self.layers.setdefault(layer, []).append(
            (shape, {key.replace("__", ":"): value for key, value in attributes.items()}, number)
        )

    def shapes(self, layer):
        return [on_earth(shape) for shape, _, _ in self.layers[layer]]

    def tile(self, x, y, *, margin=MARGIN, extent=EXTENT):
        """The bytes of the tile that lies x columns and y rows from the corner."""
        import mapbox_vector_tile

        layers = []
        frame = shapely.box(-margin, -margin, extent + margin, extent + margin)
        for name, features in self.layers.items():
            cut = []
            for shape, attributes, number in features:
                placed = shapely.transform(shape, lambda xy: (xy - (x, y)) * extent)
                part = shapely.intersection(placed, frame)
                part = shapely.transform(part, np.rint)
                if shapely.is_empty(part) or part.geom_type == "GeometryCollection":
                    continue
                if shape.geom_type in ("Polygon", "MultiPolygon") and not part.area:
                    continue
                if "LineString" in shape.geom_type and not part.length:
                    continue
                cut.append({"geometry": part, "properties": attributes, **({"id": number} if number else {})})
            if cut:
                layers.append({"name": name, "features": cut})
        options = {"y_coord_down": True, "extents": extent}
        return mapbox_vector_tile.encode(layers, default_options=options) if layers else b""

    def tiles(self, **how):
        return {(x, y): self.tile(x, y, **how) for x in range(SIDE) for y in range(SIDE)}


def write_folder(folder, tiles, *, suffix=".pbf", packed=False):
    for (x, y), data in tiles.items():
        path = folder / str(ZOOM) / str(CORNER[0] + x) / f"{CORNER[1] + y}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(data, mtime=0) if packed else data)
    return folder


def write_mbtiles(path, tiles, **metadata):
    with sqlite3.connect(path) as base:
        base.execute("CREATE TABLE metadata (name text, value text)")
        base.execute(
            "CREATE TABLE tiles (zoom_level integer, tile_column integer, tile_row integer, tile_data blob)"
        )
        told = {"format": "pbf", "bounds": ",".join(f"{edge:.6f}" for edge in BOX), **metadata}
        base.executemany("INSERT INTO metadata VALUES (?, ?)", told.items())
        rows = [
            (ZOOM, CORNER[0] + x, 2**ZOOM - 1 - CORNER[1] - y, gzip.compress(data, mtime=0))
            for (x, y), data in tiles.items()
        ]
        base.executemany("INSERT INTO tiles VALUES (?, ?, ?, ?)", rows)
    base.close()
    return path


def write_pmtiles(path, tiles):
    from pmtiles.tile import Compression, TileType, zxy_to_tileid
    from pmtiles.writer import Writer

    with path.open("wb") as stream:
        writer = Writer(stream)
        numbered = {zxy_to_tileid(ZOOM, CORNER[0] + x, CORNER[1] + y): data for (x, y), data in tiles.items()}
        for number in sorted(numbered):
            writer.write_tile(number, gzip.compress(numbered[number], mtime=0))
        west, south, east, north = (round(edge * 1e7) for edge in BOX)
        header = {
            "tile_type": TileType.MVT, "tile_compression": Compression.GZIP, "min_zoom": ZOOM, "max_zoom": ZOOM,
            "min_lon_e7": west, "min_lat_e7": south, "max_lon_e7": east, "max_lat_e7": north,
            "center_zoom": ZOOM, "center_lon_e7": west, "center_lat_e7": south,
        }  # fmt: skip
        writer.finalize(header, {"name": "town"})
    return path


def square(x, y, side, *, holes=()):
    return shapely.Polygon(
        shapely.box(x, y, x + side, y + side).exterior, [shapely.box(*one).exterior for one in holes]
    )


def openmaptiles_town():
    """Buildings, streets, parks and places: inside of tiles, across one edge, across a corner of four."""
    town = Town()
    for k in range(36):
        row, column = divmod(k, 6)
        town.add("building", square(0.1 + 0.48 * column, 0.1 + 0.48 * row, 0.03), render_height=6 + k % 5)
    town.add("building", square(0.985, 0.985, 0.03, holes=[(0.995, 0.995, 1.005, 1.005)]), render_height=31)
    town.add("building", square(1.985, 0.5, 0.03), render_height=5)
    for k in range(4):  # a terrace along an edge: houses that share walls
        town.add("building", shapely.box(0.99, 1.4 + 0.01 * k, 1.012, 1.41 + 0.01 * k), render_height=9)
    town.add("landuse", square(0.6, 0.6, 1.2, holes=[(0.9, 1.2, 1.4, 1.6)]), **{"class": "residential"})
    town.add("landcover", square(0.7, 0.7, 0.2), **{"class": "grass", "subclass": "park"})
    town.add("landcover", square(1.9, 1.9, 0.2), **{"class": "wood", "subclass": "forest"})
    for k in range(4):
        at = 0.35 + 0.75 * k
        town.add("transportation", shapely.LineString([(0.1, at), (2.9, at)]), **{"class": "minor"})
        town.add("transportation", shapely.LineString([(at, 0.1), (at, 2.9)]), **{"class": "tertiary"})
        town.add(
            "transportation_name",
            shapely.LineString([(0.1, at), (2.9, at)]),
            name=f"Row {k}",
            **{"class": "minor"},
        )
    town.add(
        "transportation",
        shapely.LineString([(0.2, 0.97), (2.8, 1.06)]),
        brunnel="bridge",
        **{"class": "motorway"},
    )
    town.add(
        "transportation", shapely.LineString([(0.2, 0.2), (0.2, 2.8)]), subclass="rail", **{"class": "rail"}
    )
    town.add(
        "poi",
        shapely.Point(0.5, 0.5),
        name="Luna",
        name_en="Luna",
        rank=3,
        **{"class": "cafe", "subclass": "cafe"},
    )
    town.add(
        "poi",
        shapely.Point(1.005, 0.5),
        name="Sol",
        rank=1,
        **{"class": "grocery", "subclass": "supermarket"},
    )
    town.add("poi", shapely.Point(0.998, 1.997), rank=9, **{"class": "shop", "subclass": "books"})
    for k in range(2):
        town.add(
            "poi",
            shapely.Point(1.5 + 1.2 * k / EXTENT, 1.5),
            rank=k,
            **{"class": "bench", "subclass": "bench"},
        )
    town.add("water", square(0.2, 2.2, 0.1), **{"class": "lake"})
    return town
