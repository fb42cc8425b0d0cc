"""Embedding rasters for tests, and their means over polygons by the plainest way: the area every pixel shares with a polygon."""

import numpy as np
import shapely

NOTHING = np.int8(-128)


def write_raster(path, stored, west, north, dx, dy=None, *, crs="EPSG:32632", bottom_up=False, **more):
    """Write (bands, rows, columns), north up, as a GeoTIFF; `bottom_up` stores the southernmost row first, as AlphaEarth's files do."""
    import rasterio
    from affine import Affine

    dy = dx if dy is None else dy
    bands, rows, columns = stored.shape
    place = Affine(dx, 0, west, 0, dy, north - rows * dy) if bottom_up else Affine(dx, 0, west, 0, -dy, north)
    kind = {"driver": "GTiff", "width": columns, "height": rows, "count": bands, "dtype": stored.dtype.name}
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(path, "w", **kind, crs=crs, transform=place, **more) as file:
        file.write(stored[:, ::-1] if bottom_up else stored)
    return path


def pixel_boxes(rows, columns, west, north, dx, dy=None):
    """Every pixel as a polygon, (rows, columns)."""
    dy = dx if dy is None else dy
    x, y = west + np.arange(columns) * dx, north - np.arange(rows) * dy
    return shapely.box(x[None, :], y[:, None] - dy, x[None, :] + dx, y[:, None])


def plain_statistics(shapes, values, known, boxes):
    """Return mean, standard deviation (n, bands) and covered share (n,) of polygons from values (bands, rows, columns), pixel by pixel."""
    mean, spread, share = [], [], []
    for shape in shapes:
        weight = shapely.area(shapely.intersection(boxes, shape)) * known
        total = weight.sum()
        share.append(total / shape.area)
        one = (values * weight).sum(axis=(1, 2)) / total if total else np.zeros(len(values))
        away = values - one[:, None, None]
        mean.append(one)
        spread.append(
            np.sqrt((away**2 * weight).sum(axis=(1, 2)) / total) if total else np.zeros(len(values))
        )
    return np.array(mean), np.array(spread), np.array(share)


def alphaearth_value(stored):
    """What an int8 number of AlphaEarth stands for."""
    q = stored.astype(np.float64)
    return np.sign(q) * (q / 127.5) ** 2


def odd_polygons(rng, west, south, east, north, count):
    """Polygons of every kind inside of a box: many corners, holes, several parts, slivers, specks."""
    made = []
    size = min(east - west, north - south)
    for k in range(count):
        x, y = rng.uniform(west, east), rng.uniform(south, north)
        angle = np.sort(rng.uniform(0, 2 * np.pi, 9))
        reach = rng.uniform(0.03, 0.3, 9) * size
        ring = np.column_stack([x + reach * np.cos(angle), y + reach * np.sin(angle)])
        shape = shapely.make_valid(shapely.Polygon(ring))
        if k % 4 == 1:
            shape = shape.difference(shapely.Point(x, y).buffer(0.05 * size))
        if k % 4 == 2:
            shape = shape.union(shapely.box(x, y, x + 0.11 * size, y + 0.003 * size))
        if k % 4 == 3:
            shape = shapely.Point(x, y).buffer(0.004 * size)
        parts = [one for one in shapely.get_parts(shape) if one.geom_type == "Polygon"]
        made.append(shapely.MultiPolygon(parts) if len(parts) > 1 else parts[0])
    return np.array(made, dtype=object)
