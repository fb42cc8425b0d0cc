"""A copy of a city folder with a picture from above for every region."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.city.changing.drawn import DRAWN_FROM, RENDERED_MAP
from urbanbench.city.folder.new_folder import new_folder
from urbanbench.city.folder.paths import path_fault
from urbanbench.city.ground.rendered import RenderedMap
from urbanbench.errors import BadInput
from urbanbench.progress import tracking

if TYPE_CHECKING:
    from urbanbench.city.city import City
    from urbanbench.city.ground import Box, Ground

__all__ = ["Overhead", "add_satellite", "region_boxes"]

LEAST_KNOWN = 0.5
"""Share of a picture that the source must show; regions with less get none."""

_PLAIN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


@dataclass(frozen=True)
class Overhead:
    """How pictures are cut.

    Parameters
    ----------
    kind
        What they are, for city.json: "photograph", "rendered-map", …
    size
        Pixels per side.
    margin
        Ground shown beyond the square around a region, as a share of its side.
    told
        Further words of the layer's entry: source, date, licence, attribution.

    Raises
    ------
    BadInput
        A size outside of 16 to 4096, a negative margin, or no kind.
    """

    kind: str
    size: int = 256
    margin: float = 0.05
    told: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 16 <= self.size <= 4096 or not 0 <= self.margin <= 10 or not self.kind:
            msg = f"Pictures of size {self.size}, margin {self.margin:g} and kind {self.kind!r}. Expected 16 to 4096 pixels, a margin of 0 to 10 and a kind in words."
            raise BadInput(msg)


def add_satellite(city: City, folder: Path, ground: Ground, how: Overhead) -> tuple[Path, int]:
    """Write a copy of a city with new pictures from above in place of those it had.

    Feature tables of the old pictures are left out. Ground that the source does not show is black; regions of which it shows less than half
    get no picture.

    Parameters
    ----------
    city
        Its folder is only read.
    folder
        A new folder, written whole or not at all. The same city, ground and settings give the same bytes.
    ground
        What shows the ground.
    how
        Size, margin and kind.

    Returns
    -------
    folder, regions
        The folder, and how many regions have a picture.

    Raises
    ------
    BadInput
        The folder exists, or the source shows no region.
    """
    with new_folder(folder) as part:
        _copy(city, part)
        frame = _write_pictures(city, part, ground, how)
        if not len(frame):
            msg = f"The source shows none of the {len(city.regions)} regions of {city.name!r}. Expected ground inside of {_around(city)}."
            raise BadInput(msg)
        frame.to_parquet(part / "satellite.parquet", index=False, compression="zstd")
        _write_manifest(city, part, ground, how, len(frame))
    return folder, len(frame)


def region_boxes(regions: Any, margin: float) -> np.ndarray:
    """Return the square around each region with a margin, float64 (r, 4): minx, miny, maxx, maxy, to the millimetre."""
    bounds = regions.geometry.bounds.to_numpy()
    low, high = bounds[:, :2], bounds[:, 2:]
    half = (0.5 + margin) * (high - low).max(axis=1, keepdims=True)
    middle = 0.5 * (low + high)
    return np.asarray(np.hstack([middle - half, middle + half]).round(3))


def _copy(city: City, target: Path) -> None:
    """Copy a folder without its pictures from above, their table and features, and links that lead out of it."""
    gone = {"city.json"}
    if "satellite" in city.layers:
        streets = city.images("street_views") if "street_views" in city.layers else frozenset()
        gone |= {city.layers["satellite"].file, *(city.images("satellite") - streets)}
        gone |= {
            f"features/{name}.parquet" for name, layer in city.feature_layers.items() if layer == "satellite"
        }
    for path in sorted(city.path.rglob("*")):
        file = path.relative_to(city.path).as_posix()
        if file not in gone and not path.is_dir() and not path_fault(city.path, file):
            (target / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target / file)


def _write_pictures(city: City, target: Path, ground: Ground, how: Overhead) -> Any:
    import pandas as pd

    ids = [str(one) for one in city.regions.index]
    names = ids if all(map(_PLAIN_ID.fullmatch, ids)) else [f"{row:06d}" for row in range(len(ids))]
    place = next(one for one in map(_place, count(1)) if not (target / one).exists())
    (target / place).mkdir()
    suffix = "png" if how.kind == RENDERED_MAP else "jpg"
    rows = []
    with tracking(f"cut {len(ids)} pictures", len(ids)) as bar:
        for one, name, box in zip(ids, names, region_boxes(city.regions, how.margin).tolist(), strict=True):
            pixels, known = ground.picture(_box(box), how.size)
            if known.mean() >= LEAST_KNOWN:
                image = f"{place}/{name}.{suffix}"
                _save(np.where(known[..., None], pixels, 0).astype(np.uint8), target / image)
                rows.append((one, image, *box))
            bar.advance()
    return pd.DataFrame(rows, columns=["region_id", "image", "minx", "miny", "maxx", "maxy"])


def _place(k: int) -> str:
    return "satellite" if k == 1 else f"satellite{k}"


def _save(pixels: np.ndarray, path: Path) -> None:
    """Write a picture; photographs as JPEG, in which the eye sees no loss and which take a fifth of the space."""
    from PIL import Image

    if path.suffix == ".jpg":
        Image.fromarray(pixels).save(path, quality=92, subsampling=0)
    else:
        Image.fromarray(pixels).save(path)


def _box(values: list[float]) -> Box:
    west, south, east, north = values
    return west, south, east, north


def _write_manifest(city: City, target: Path, ground: Ground, how: Overhead, many: int) -> None:
    raw = json.loads((city.path / "city.json").read_text(encoding="utf-8-sig"))
    lacking = len(city.regions) - many
    note = f"{ground.words} The square around each region with a margin of {how.margin:.0%} on each side, north up."
    if lacking:
        note += f" {lacking} regions have no picture, as the source shows less than half of their ground."
    raw.setdefault("layers", {})["satellite"] = {
        "file": "satellite.parquet",
        "kind": how.kind,
        "count": many,
        "size": [how.size, how.size],
        "bounds_crs": city.crs,
        **({DRAWN_FROM: list(ground.layers)} if isinstance(ground, RenderedMap) else {}),
        **{name: text for name, text in how.told.items() if text},
        "note": note,
    }
    text = json.dumps(raw, indent=1, ensure_ascii=False) + "\n"
    (target / "city.json").write_text(text, encoding="utf-8")


def _around(city: City) -> str:
    west, south, east, north = city.regions.to_crs(4326).total_bounds
    return f"longitude {west:.4f} to {east:.4f}, latitude {south:.4f} to {north:.4f}"
