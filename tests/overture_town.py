"""A made town in the schema of Overture's releases, written as they are: GeoParquet by theme and type, with a column bbox."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import shapely

BOX = (9.0, 48.0, 9.02, 48.02)

_BBOX = pa.struct([(edge, pa.float32()) for edge in ("xmin", "xmax", "ymin", "ymax")])
_NAMES = pa.struct(
    [
        ("primary", pa.string()),
        ("common", pa.map_(pa.string(), pa.string())),
        (
            "rules",
            pa.list_(
                pa.struct(
                    [
                        ("variant", pa.string()),
                        ("language", pa.string()),
                        ("value", pa.string()),
                        ("between", pa.list_(pa.float64())),
                        ("side", pa.string()),
                    ]
                )
            ),
        ),
    ]
)
_SOURCES = pa.list_(
    pa.struct(
        [
            ("property", pa.string()),
            ("dataset", pa.string()),
            ("license", pa.string()),
            ("record_id", pa.string()),
            ("update_time", pa.string()),
            ("confidence", pa.float64()),
        ]
    )
)
_COMMON = {
    "id": pa.string(),
    "geometry": pa.binary(),
    "bbox": _BBOX,
    "version": pa.int32(),
    "sources": _SOURCES,
    "names": _NAMES,
}
_BETWEEN = ("between", pa.list_(pa.float64()))

SCHEMAS = {
    "place": {
        **_COMMON,
        "categories": pa.struct([("primary", pa.string()), ("alternate", pa.list_(pa.string()))]),
        "basic_category": pa.string(),
        "taxonomy": pa.struct([("primary", pa.string()), ("hierarchy", pa.list_(pa.string())), ("alternates", pa.list_(pa.string()))]),
        "confidence": pa.float64(),
        "websites": pa.list_(pa.string()),
        "socials": pa.list_(pa.string()),
        "emails": pa.list_(pa.string()),
        "phones": pa.list_(pa.string()),
        "brand": pa.struct([("wikidata", pa.string()), ("names", _NAMES)]),
        "addresses": pa.list_(pa.struct([(one, pa.string()) for one in ("freeform", "locality", "postcode", "region", "country")])),
        "operating_status": pa.string(),
    },
    "building": {
        **_COMMON,
        "level": pa.int32(), "subtype": pa.string(), "class": pa.string(), "height": pa.float64(), "is_underground": pa.bool_(),
        "num_floors": pa.int32(), "num_floors_underground": pa.int32(), "min_height": pa.float64(), "min_floor": pa.int32(),
        "facade_color": pa.string(), "facade_material": pa.string(), "roof_material": pa.string(), "roof_shape": pa.string(),
        "roof_direction": pa.float64(), "roof_orientation": pa.string(), "roof_color": pa.string(), "roof_height": pa.float64(),
        "has_parts": pa.bool_(),
    },
    "segment": {
        **_COMMON,
        "subtype": pa.string(), "class": pa.string(), "subclass": pa.string(),
        "connectors": pa.list_(pa.struct([("connector_id", pa.string()), ("at", pa.float64())])),
        "road_surface": pa.list_(pa.struct([("value", pa.string()), _BETWEEN])),
        "road_flags": pa.list_(pa.struct([("values", pa.list_(pa.string())), _BETWEEN])),
        "speed_limits": pa.list_(pa.struct([("max_speed", pa.struct([("value", pa.int32()), ("unit", pa.string())])), ("when", pa.struct([("heading", pa.string()), ("during", pa.string())])), _BETWEEN])),
        "access_restrictions": pa.list_(pa.struct([("access_type", pa.string()), ("when", pa.struct([("heading", pa.string()), ("mode", pa.list_(pa.string()))])), _BETWEEN])),
        "width_rules": pa.list_(pa.struct([("value", pa.float64()), _BETWEEN])),
        "routes": pa.list_(pa.struct([("name", pa.string()), ("network", pa.string()), ("ref", pa.string()), _BETWEEN])),
    },
    "land_use": {**_COMMON, "subtype": pa.string(), "class": pa.string(), "surface": pa.string(), "source_tags": pa.map_(pa.string(), pa.string())},
}  # fmt: skip

THEMES = {"place": "places", "building": "buildings", "segment": "transportation", "land_use": "base"}


def table_of(kind, rows, *, without=()):
    """A table of the type; rows are dicts with `geometry` as a shape, and whatever columns they fill."""
    schema = {name: field for name, field in SCHEMAS[kind].items() if name not in without}
    columns = {}
    for name, field in schema.items():
        values = [row.get(name) for row in rows]
        if name == "geometry":
            values = [one if isinstance(one, bytes) or one is None else shapely.to_wkb(one) for one in values]
        if name == "bbox":
            values = [_edges(row.get("geometry")) for row in rows]
        columns[name] = pa.array(values, field)
    geo = {
        "version": "1.1.0",
        "primary_column": "geometry",
        "columns": {
            "geometry": {
                "encoding": "WKB",
                "geometry_types": [],
                "covering": {"bbox": {edge: ["bbox", edge] for edge in ("xmin", "ymin", "xmax", "ymax")}},
            }
        },
    }
    return pa.table(columns).replace_schema_metadata({"geo": json.dumps(geo)})


def _edges(shape):
    if not isinstance(shape, shapely.Geometry):
        return None
    west, south, east, north = shape.bounds
    return {"xmin": west, "ymin": south, "xmax": east, "ymax": north}


def write(
    folder, kind, rows, *, name="part-00000.zstd.parquet", without=(), partitioned=True, row_group_size=None
):
    path = folder / f"theme={THEMES[kind]}" / f"type={kind}" / name if partitioned else folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(
        table_of(kind, rows, without=without), path, compression="zstd", row_group_size=row_group_size
    )
    return path


def gers(number):
    return f"08f{number:029x}"


def place(number, lon, lat, category, **more):
    """A place in the words of a release that has both taxonomies."""
    return {
        "id": gers(number), "geometry": shapely.Point(lon, lat), "confidence": 0.9, "operating_status": "open",
        "names": {"primary": f"Place {number}", "common": None, "rules": None},
        "categories": {"primary": category, "alternate": None}, "basic_category": None, "taxonomy": None,
        "sources": [{"property": "", "dataset": "meta", "license": "CDLA-Permissive-2.0", "update_time": "2025-02-24T08:00:00.000Z"}],
        **more,
    }  # fmt: skip


def building(number, west, south, side=0.0005, **more):
    return {
        "id": gers(number), "geometry": shapely.box(west, south, west + side, south + side),
        "sources": [{"property": "", "dataset": "OpenStreetMap", "license": "ODbL-1.0", "update_time": "2024-05-01T00:00:00.000Z"}], **more,
    }  # fmt: skip


def segment(number, places, connectors, kind="residential", **more):
    told = [{"connector_id": one, "at": at} for one, at in connectors]
    return {
        "id": gers(number),
        "geometry": shapely.LineString(places),
        "subtype": "road",
        "class": kind,
        "connectors": told,
        **more,
    }


def write_town(folder):
    """Four by four streets, houses between them, places, a park; everything near `BOX`."""
    streets, at = [], [0.002 + 0.005 * k for k in range(4)]
    for k in range(4):
        across = [(9.0 + x, 48.0 + at[k]) for x in (0.001, 0.019)]
        down = [(9.0 + at[k], 48.0 + y) for y in (0.001, 0.019)]
        shares = [(one - 0.001) / 0.018 for one in at]
        streets.append(segment(100 + k, across, [(f"c{k}{j}", share) for j, share in enumerate(shares)]))
        streets.append(
            segment(200 + k, down, [(f"c{j}{k}", share) for j, share in enumerate(shares)], "tertiary")
        )
    houses = [
        building(
            300 + k,
            9.0025 + 0.0025 * (k % 6),
            48.0025 + 0.0025 * (k // 6),
            **{"class": ("apartments", "retail")[k % 2]},
            subtype="residential",
            num_floors=1 + k % 4,
        )
        for k in range(36)
    ]
    words = ["thai_restaurant", "coffee_shop", "supermarket", "crane_services"]
    places = [
        place(400 + k, 9.001 + 0.0022 * (k % 8), 48.0012 + 0.0045 * (k // 8), words[k % 4]) for k in range(32)
    ]
    park = {
        "id": gers(500),
        "geometry": shapely.box(9.012, 48.012, 9.0165, 48.0165),
        "subtype": "park",
        "class": "park",
        "source_tags": {"leisure": "park", "name": "Green"},
        "names": {"primary": "Green", "common": {"de": "Grün"}, "rules": None},
    }
    for kind, rows in (("segment", streets), ("building", houses), ("place", places), ("land_use", [park])):
        write(folder, kind, rows)
    return folder
