"""Overhead pictures of merged regions, put together from the pictures the city has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.city.pictures import FaultyPicture, open_picture
from urbanbench.errors import CityFaults

if TYPE_CHECKING:
    import pandas as pd
    from PIL.Image import Image

    from urbanbench.city.changing.merge_plan import Merging

__all__ = ["Mosaic", "merged_satellite", "redrawn_satellite"]

Box = tuple[float, float, float, float]
"""(minx, miny, maxx, maxy) in metres."""
_BOUNDS = ["minx", "miny", "maxx", "maxy"]
_KEPT = 256
"""Decoded pictures kept: neighbours are needed again soon."""


def merged_satellite(source: Path, frame: pd.DataFrame, merging: Merging, target: Path) -> pd.DataFrame:
    """Write the pictures of merged regions and give the new table; pictures of lone regions are only named.

    Parameters
    ----------
    source
        The folder of the pictures that `frame` names.
    frame
        The layer, as `City.satellite`.
    merging
        Which regions become one.
    target
        The new city folder.

    Returns
    -------
    DataFrame
        Columns as `frame`, index region_id; regions none of whose parts has a picture are left out.

    Raises
    ------
    CityFaults
        A picture that cannot be decoded.
    """
    import pandas as pd

    mosaic, place = Mosaic(source, frame), _new_place(frame["image"])
    rows: dict[str, Mapping[str, Any]] = {}
    for row, (name, group) in enumerate(zip(merging.ids, merging.groups, strict=True)):
        parts = [one for one in group if one in frame.index]
        if len(group) == 1 and parts:
            [rows[name]] = [
                {str(key): one for key, one in row.items()} for row in frame.loc[parts].to_dict("records")
            ]
        elif parts:
            picture, box = mosaic.compose(parts)
            image = f"{place}/{row:05d}.png"
            (target / place).mkdir(parents=True, exist_ok=True)
            picture.save(target / image, format="PNG")
            rows[name] = {"image": image} | dict(zip(_BOUNDS, box, strict=True))
    made = pd.DataFrame.from_dict(dict(rows), orient="index", columns=["image", *_BOUNDS])
    return made.rename_axis("region_id")


def redrawn_satellite(source: Path, frame: pd.DataFrame, shapes: pd.Series, target: Path) -> pd.DataFrame:
    """Write pictures of new regions, put together from those of the old ones, and give the new table.

    Parameters
    ----------
    source, frame, target
        As in `merged_satellite`.
    shapes
        Polygons of the new regions by region_id, in the CRS of the pictures' bounds.

    Returns
    -------
    DataFrame
        Columns as `frame`, index region_id; regions whose ground no picture shows are left out.

    Raises
    ------
    CityFaults
        A picture that cannot be decoded.
    """
    import pandas as pd

    mosaic, place = Mosaic(source, frame), _new_place(frame["image"])
    rows: dict[str, Mapping[str, Any]] = {}
    (target / place).mkdir(parents=True, exist_ok=True)
    for row, (name, shape) in enumerate(shapes.items()):
        made = mosaic.of_ground(shape.bounds)
        if made is not None:
            image = f"{place}/{row:05d}.png"
            made[0].save(target / image, format="PNG")
            rows[str(name)] = {"image": image} | dict(zip(_BOUNDS, made[1], strict=True))
    table = pd.DataFrame.from_dict(dict(rows), orient="index", columns=["image", *_BOUNDS])
    return table.rename_axis("region_id")


class Mosaic:
    """The pictures of a city as one map.

    Parameters
    ----------
    folder
        The city folder.
    frame
        The layer `satellite`.
    """

    def __init__(self, folder: Path, frame: pd.DataFrame) -> None:
        self._images = frame["image"].to_dict()
        self._boxes: dict[str, Box] = dict(
            zip(frame.index, frame[_BOUNDS].itertuples(index=False, name=None), strict=True)
        )
        self._bounds = frame[_BOUNDS].to_numpy()
        self._names = np.asarray(frame.index)
        self._open = lru_cache(maxsize=_KEPT)(lambda name: _opened(folder, self._images[name]))

    def compose(self, parts: Sequence[str]) -> tuple[Image, Box]:
        """Put the pictures of some regions together.

        The picture covers the boxes of the parts, widened to the shape of the part with the most pixels, whose size it has. What the
        parts do not show is taken from other regions' pictures of the same ground, else painted in the parts' mean colour.

        Parameters
        ----------
        parts
            Regions with a picture.

        Returns
        -------
        picture, box
            RGB picture and the ground it shows.
        """
        hull = _hull([self._boxes[one] for one in parts])
        return self._painted(hull, parts)

    def of_ground(self, bounds: Box) -> tuple[Image, Box] | None:
        """Put together what pictures show of some ground, widened to the shape of the largest of them; None where none shows any."""
        met = self._meeting(bounds)
        return self._painted(bounds, met) if met else None

    def _painted(self, ground: Box, parts: Sequence[str]) -> tuple[Image, Box]:
        from PIL import Image

        pictures = [self._open(one) for one in parts]
        size = max((one.size for one in pictures), key=lambda size: size[0] * size[1])
        box = _widened(ground, size[0] / size[1])
        mean = np.mean([np.asarray(one).mean(axis=(0, 1)) for one in pictures], axis=0)
        canvas = Image.new("RGB", size, tuple(int(part) for part in mean.round()))
        others = [one for one in self._meeting(box) if one not in set(parts)]
        for name in (*self._coarse_first(others), *self._coarse_first(parts)):
            _paste(canvas, box, self._open(name), self._boxes[name])
        return canvas, box

    def _meeting(self, box: Box) -> list[str]:
        mine = self._bounds
        met = (mine[:, 0] < box[2]) & (mine[:, 2] > box[0]) & (mine[:, 1] < box[3]) & (mine[:, 3] > box[1])
        return [str(one) for one in self._names[met]]

    def _coarse_first(self, names: Sequence[str]) -> list[str]:
        """Sort by metres per pixel, so that fine pictures lie on top."""

        def metres_per_pixel(name: str) -> float:
            west, _, east, _ = self._boxes[name]
            return (east - west) / self._open(name).width

        return sorted(names, key=lambda name: (-metres_per_pixel(name), name))


def _opened(folder: Path, image: str) -> Image:
    try:
        return open_picture(folder / image)
    except FaultyPicture as error:
        raise CityFaults(folder.name, [f"{image}: expected a picture that opens, found {error}."]) from error


def _new_place(images: Any) -> str:
    """Name a folder in which none of the pictures lies."""
    taken = {str(image).partition("/")[0] for image in images}
    return next(f"merged{k}" for k in count(1) if f"merged{k}" not in taken)


def _hull(boxes: Sequence[Box]) -> Box:
    west, south, east, north = np.asarray(boxes).T
    return float(west.min()), float(south.min()), float(east.max()), float(north.max())


def _widened(box: Box, ratio: float) -> Box:
    """Widen a box around its centre to width / height = ratio."""
    west, south, east, north = box
    width = max(east - west, (north - south) * ratio)
    height = width / ratio
    x, y = (west + east) / 2, (south + north) / 2
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def _paste(canvas: Image, box: Box, picture: Image, ground: Box) -> None:
    """Draw a picture of some ground where it belongs on a canvas of another; what lies outside is cut."""
    from PIL.Image import Resampling

    across, down = canvas.width / (box[2] - box[0]), canvas.height / (box[3] - box[1])
    left, right = (ground[0] - box[0]) * across, (ground[2] - box[0]) * across
    top, bottom = (box[3] - ground[3]) * down, (box[3] - ground[1]) * down
    x0, x1 = max(0, round(left)), min(canvas.width, round(right))
    y0, y1 = max(0, round(top)), min(canvas.height, round(bottom))
    if x0 >= x1 or y0 >= y1:
        return
    fx, fy = picture.width / (right - left), picture.height / (bottom - top)
    part = (
        max(0.0, (x0 - left) * fx),
        max(0.0, (y0 - top) * fy),
        min(float(picture.width), (x1 - left) * fx),
        min(float(picture.height), (y1 - top) * fy),
    )
    canvas.paste(picture.resize((x1 - x0, y1 - y0), Resampling.BILINEAR, box=part), (x0, y0))
