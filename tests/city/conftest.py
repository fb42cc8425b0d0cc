"""A small sound city folder, written with numpy, shapely and pyarrow, for tests to break."""

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from PIL import Image

TAGS = pa.map_(pa.string(), pa.string())
WEST, SOUTH, STEP = 9.0, 48.0, 0.01
SCHEMAS = {
    "regions": {"region_id": pa.string(), "name": pa.string(), "geometry": pa.binary()},
    "pois": {"poi_id": pa.string(), "tags": TAGS, "geometry": pa.binary()},
    "buildings": {
        "building_id": pa.string(),
        "tags": TAGS,
        "height_m": pa.float32(),
        "geometry": pa.binary(),
    },
    "roads": {"road_id": pa.string(), "tags": TAGS, "geometry": pa.binary()},
    "landuse": {"landuse_id": pa.string(), "tags": TAGS, "geometry": pa.binary()},
    "street_views": {
        "view_id": pa.string(),
        **dict.fromkeys(("east", "south", "west", "north"), pa.string()),
        "geometry": pa.binary(),
    },
    "satellite": {
        "region_id": pa.string(),
        "image": pa.string(),
        **dict.fromkeys(("minx", "miny", "maxx", "maxy"), pa.float64()),
    },
    "captions": {"region_id": pa.string(), "caption": pa.string(), "source": pa.string()},
    "flows": {
        "origin_id": pa.string(),
        "destination_id": pa.string(),
        "trips": pa.float64(),
        "hour": pa.int32(),
    },
    "labels/density": {
        "region_id": pa.string(),
        "value": pa.float64(),
        "n": pa.int64(),
        "group": pa.string(),
    },
    "labels/use": {"region_id": pa.string(), "value": pa.string()},
    "labels/shares": {"region_id": pa.string(), "home": pa.float64(), "work": pa.float64()},
    "labels/function": {"building_id": pa.string(), "value": pa.string()},
    "labels/scene": {"view_id": pa.string(), "value": pa.float64()},
}
IDS = ("r00", "r01", "r10", "r11")


def square(column, row, inset=0.0, step=STEP):
    west, south = WEST + column * step, SOUTH + row * step
    return shapely.box(west + inset, south + inset, west + step - inset, south + step - inset)


def _rows():
    """Rows of every table; region r11 has a hole and an island."""
    r11 = square(1, 1).difference(shapely.box(9.014, 48.014, 9.016, 48.016))
    shapes = (
        square(0, 0),
        square(0, 1),
        square(1, 0),
        shapely.union(r11, shapely.box(9.03, 48.03, 9.031, 48.031)),
    )
    cells = [(0, 0), (0, 1), (1, 0), (1, 1)]
    houses = [shapely.box(9.002 + k * 0.003, 48.002, 9.003 + k * 0.003, 48.003) for k in range(5)]
    spots = [
        (9.0025, 48.0025),
        (9.003, 48.0025),
        (9.008, 48.008),
        (9.015, 48.015),
        (9.012, 48.018),
        (9.05, 48.05),
    ]
    kinds = ["cafe", "school", "cafe", "bank", "cafe", "bank"]
    return {
        "regions": [
            {"region_id": i, "name": f"Region {i}", "geometry": s} for i, s in zip(IDS, shapes, strict=True)
        ],
        "pois": [
            {
                "poi_id": f"p{k}",
                "tags": [("amenity", kinds[k]), ("name", f"N{k}")],
                "geometry": shapely.Point(at),
            }
            for k, at in enumerate(spots)
        ]
        + [
            {
                "poi_id": "p6",
                "tags": [("landuse", "retail"), ("name", "Mall")],
                "geometry": shapely.Point(9.0055, 48.0025),
            }
        ],
        "buildings": [
            {"building_id": f"b{k}", "tags": tags, "height_m": height, "geometry": house}
            for k, (house, tags, height) in enumerate(
                zip(
                    houses,
                    (
                        [("building", "yes")],
                        [("building", "yes"), ("landuse", "retail")],
                        [],
                        [("name", "Hall")],
                        [],
                    ),
                    (5.0, None, 12.5, None, 3.0),
                    strict=True,
                )
            )
        ],
        "roads": [
            {
                "road_id": f"w{k}",
                "tags": [("highway", kind)],
                "geometry": shapely.LineString([(9.0, y), (9.02, y)]),
            }
            for k, (kind, y) in enumerate((("primary", 48.005), ("service", 48.015)))
        ],
        "landuse": [{"landuse_id": "l0", "tags": [("landuse", "forest")], "geometry": square(0, 0, 0.001)}],
        "street_views": [
            {
                "view_id": f"v{k}",
                "east": f"views/v{k}e.png",
                "south": None,
                "west": None,
                "north": None,
                "geometry": g,
            }
            for k, g in enumerate((shapely.Point(9.001, 48.001), shapely.Point(9.015, 48.002)))
        ],
        "satellite": [
            {"region_id": i, "image": f"satellite/{i}.png", **_box(cell)}
            for i, cell in zip(IDS, cells, strict=True)
        ],
        "captions": [
            {"region_id": "r00", "caption": text, "source": "hand"} for text in ("Two shops.", "A school.")
        ],
        "flows": [
            {"origin_id": a, "destination_id": b, "trips": 2.0, "hour": 8}
            for a, b in (("r00", "r01"), ("r01", "r00"))
        ],
        "labels/density": [
            {"region_id": i, "value": 1.5 * k, "n": 10, "group": "g"} for k, i in enumerate(IDS)
        ],
        "labels/use": [
            {"region_id": i, "value": v} for i, v in zip(IDS, ("home", "work", "home", "home"), strict=True)
        ],
        "labels/shares": [{"region_id": i, "home": 0.25, "work": 0.75} for i in IDS],
        "labels/function": [
            {"building_id": "b0", "value": "civic"},
            {"building_id": "b2", "value": "retail"},
        ],
        "labels/scene": [{"view_id": "v0", "value": 1.0}],
    }


def _box(cell):
    from pyproj import Transformer

    corners = square(*cell).bounds
    x, y = Transformer.from_crs(4326, "EPSG:32632", always_xy=True).transform(corners[0::2], corners[1::2])
    return {"minx": x[0], "miny": y[0], "maxx": x[1], "maxy": y[1]}


def _entries():
    layers = {
        name: {
            "file": f"{name}.parquet",
            "source": "a test",
            "date": "2024",
            "licence": "CC0",
            "attribution": "tests",
        }
        for name in SCHEMAS
        if "/" not in name and name != "regions"
    }
    layers["satellite"]["kind"] = "rendered-map"
    labels = {
        "density": {"unit": "persons per km2", "level": "region", "units": 4},
        "use": {"unit": "class", "level": "region", "classes": {"home": 3, "work": 1}},
        "shares": {"unit": "share", "level": "region", "kind": "composition", "columns": ["home", "work"]},
        "function": {"unit": "class", "level": "building", "classes": ["civic", "retail", "other"]},
        "scene": {"unit": "score", "level": "view", "ceiling": {"r2": 0.9}},
    }
    return layers, {name: {"file": f"labels/{name}.parquet", **entry} for name, entry in labels.items()}


class CityFolder:
    """The folder and what was written into it; `save` and `write_json` change one thing."""

    schemas = SCHEMAS

    def __init__(self, path: Path) -> None:
        self.path = path
        layers, labels = _entries()
        self.json = {
            "format": 1,
            "name": "testville",
            "title": "Testville",
            "crs": "EPSG:32632",
            "regions": {"file": "regions.parquet", "count": 4},
            "layers": layers,
            "labels": labels,
        }
        self.rows = _rows()

    def write(self) -> None:
        """Write everything."""
        for name in SCHEMAS:
            self.save(name)
        for views in ("views/v0e.png", "views/v1e.png", *(f"satellite/{one}.png" for one in IDS)):
            self.picture(views)
        self.write_json()

    def write_json(self, text: str | None = None) -> None:
        (self.path / "city.json").write_text(
            json.dumps(self.json) if text is None else text, encoding="utf-8"
        )

    def save(self, name: str, *, geo: object = "4326", schema: dict | None = None) -> None:
        """Write `rows[name]`; geometry may be shapely, bytes or None."""
        kinds = SCHEMAS[name] if schema is None else schema
        columns = {key: [_cell(row.get(key)) for row in self.rows[name]] for key in kinds}
        table = pa.table({key: pa.array(column, kinds[key]) for key, column in columns.items()})
        if "geometry" in kinds and geo is not None:
            table = table.replace_schema_metadata({"geo": json.dumps(_geo(geo))})
        target = self.path / f"{name}.parquet"
        target.parent.mkdir(exist_ok=True)
        pq.write_table(table, target)

    def picture(self, relative: str, value: int = 120) -> None:
        target = self.path / relative
        target.parent.mkdir(exist_ok=True)
        Image.fromarray(np.full((4, 4, 3), value, dtype=np.uint8)).save(target)


def _cell(value: object) -> object:
    return shapely.to_wkb(value) if isinstance(value, shapely.Geometry) else value


def _geo(crs: object) -> object:
    if not isinstance(crs, str):
        return crs
    from pyproj import CRS

    column = {"encoding": "WKB", "geometry_types": [], "crs": CRS.from_user_input(crs).to_json_dict()}
    return {"version": "1.0.0", "primary_column": "geometry", "columns": {"geometry": column}}


@pytest.fixture(scope="session")
def sound_folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("sound") / "testville"
    place.mkdir()
    CityFolder(place).write()
    return place


@pytest.fixture
def folder(tmp_path, sound_folder):
    """Give a sound city folder with every layer, to be broken."""
    return CityFolder(Path(shutil.copytree(sound_folder, tmp_path / "testville")))
