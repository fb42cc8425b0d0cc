"""A large city with pictures that are on no disk: tables of street views and satellite images beside the city's own, and noise where a picture is opened."""

import json
import os
import shutil
import zlib
from pathlib import Path

import numpy as np


def pictured(word, folder):
    """Make the folder of a toyville size with its layers of pictures, and return its path."""
    from urbanbench.datasets._toyville_folder import IMAGE_LAYERS, _origin
    from urbanbench.datasets._toyville_town import Town
    from urbanbench.registry import city_folder

    own, folder, town = Path(city_folder(word)), Path(folder), Town(word.partition(":")[2], 0)
    for file in own.rglob("*"):
        if file.is_file():
            (folder / file.relative_to(own)).parent.mkdir(parents=True, exist_ok=True)
            _linked(file, folder / file.relative_to(own))
    about = json.loads((own / "city.json").read_text(encoding="utf-8"))
    about["layers"] |= {name: {**layer, **_origin(town)} for name, layer in IMAGE_LAYERS.items()}
    (folder / "city.json").unlink()
    (folder / "city.json").write_text(json.dumps(about), encoding="utf-8")
    street_views(folder, town)
    satellite(folder, town.plan)
    return folder


def _linked(file, place):
    try:
        os.link(file, place)
    except OSError:  # another file system
        shutil.copy(file, place)


def street_views(folder, town):
    """Write the table of street views as toyville does, three points a region in four directions."""
    import pyarrow as pa
    import shapely

    from urbanbench.datasets._toyville_streets import HEADINGS, choose_points
    from urbanbench.datasets._toyville_writing import ids, write_geo

    points = choose_points(town.plan, town.latents, town.roads)
    names = ids("v", len(points.region))
    regions = np.array(town.plan.region_ids, dtype=object)[points.region]
    columns = {"view_id": names, "region_id": pa.array(regions, pa.string())}
    for heading in HEADINGS:
        paths = [f"street_views/{name}_{heading}.png" for name in names.to_pylist()]
        columns[heading] = pa.array(paths, pa.string())
    write_geo(folder / "street_views.parquet", columns, shapely.points(points.xy))


def satellite(folder, plan):
    """Write the table of pictures from above, one a region."""
    import pyarrow as pa

    from urbanbench.datasets._toyville_satellite import _squares
    from urbanbench.datasets._toyville_writing import write_table

    images = [f"satellite/{region}.png" for region in plan.region_ids]
    edges = dict(zip(("minx", "miny", "maxx", "maxy"), map(pa.array, _squares(plan).T), strict=True))
    columns = {"region_id": pa.array(plan.region_ids, pa.string()), "image": pa.array(images, pa.string())}
    write_table(folder / "satellite.parquet", pa.table(columns | edges))


def shows_noise():
    """Let every picture be there: grains of its own colour, at the size toyville draws, and the hash of its path for that of its file."""
    from urbanbench.city import city, view
    from urbanbench.city.faults import content
    from urbanbench.city.folder.paths import spelling_fault
    from urbanbench.hashing import value_digest

    content.path_faults = lambda _folder, paths: [spelling_fault(path) for path in paths]
    view.open_picture = noise
    city.City._picture_digest = lambda _city, path: value_digest(path)


def noise(path):
    from PIL import Image

    luck = np.random.default_rng(zlib.crc32(str(path).encode()))
    width, height = (128, 128) if path.parent.name == "satellite" else (96, 64)
    colour, grain = luck.integers(0, 256, 3), luck.integers(-40, 40, (height // 8, width // 8, 1))
    small = np.clip(colour + grain, 0, 255).astype(np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.NEAREST)
