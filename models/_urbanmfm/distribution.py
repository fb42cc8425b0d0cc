"""How POIs and roads are spread over regions: what the macro scale compares regions by (Eqs. 17-20)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from urbanbench.errors import UnknownName
from urbanbench.models._urbanmfm.categories import CATEGORIES, place_categories
from urbanbench.models._urbanmfm.clusters import density_clusters
from urbanbench.models._urbanmfm.roads import has_drivable, road_distribution

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.toolkit.ground.places import Places

DBSCAN_UNITS = ("m", "deg")
METRES_PER_DEGREE = 111_320.0
"""Of latitude; the literal reading takes it for longitude too, as the authors' own conversion of lengths does."""


def gather_distributions(
    view: View,
    places: Places,
    *,
    eps_m: float = 50.0,
    min_pts: int = 2,
    log_density: bool = False,
    unit: str = "m",
) -> tuple[np.ndarray, np.ndarray | None]:
    """Describe the regions of a view by their POIs and roads.

    Returns
    -------
    F_p, F_r
        float64 (n_regions, 12), see `poi_distribution`; float64 (n_regions, 2), see `road_distribution`, or None where no
        road for cars can be seen, so that only POIs decide which regions are alike.
    """
    area_km2 = np.asarray(view.regions["area_km2"], dtype=np.float64)
    category = place_categories(view, places)
    by_poi = poi_distribution(
        places.xy,
        category,
        places.region,
        area_km2,
        eps_m=eps_m,
        min_pts=min_pts,
        log_density=log_density,
        unit=unit,
    )
    return by_poi, road_distribution(view.roads, view.regions) if has_drivable(view) else None


def poi_distribution(
    places_xy: np.ndarray,
    category: np.ndarray,
    region: np.ndarray,
    area_km2: np.ndarray,
    *,
    eps_m: float = 50.0,
    min_pts: int = 2,
    log_density: bool = False,
    unit: str = "m",
) -> np.ndarray:
    """Return F_p: per region and category, how far POIs reach from their middle and how dense they are (Eqs. 17-19).

    The middle is the unweighted mean of the centres of the category's clusters; POIs outside of all clusters are clusters of one.
    The reach is the largest distance of a POI from the middle, over the radius of the circle with the region's area.

    Parameters
    ----------
    places_xy
        float64 (n, 2): (easting, northing), metres.
    category
        int64 (n,): place in `CATEGORIES`, -1 for none.
    region
        int64 (n,): row of the region, -1 outside of all.
    area_km2
        float64 (n_regions,).
    eps_m, min_pts
        Of DBSCAN: largest distance of neighbours in metres, and how many make a cluster. The paper's ε = 0.05 is read as km.
    log_density
        Whether densities d enter as log1p(d), so that they do not drown the reaches.
    unit
        "m"; or "deg", the literal reading: a thousandth of `eps_m` counts as degrees (50 m become 0.05°, about 5.6 km), and most
        regions hold one cluster per category.

    Returns
    -------
    numpy.ndarray
        float64 (n_regions, 12): (reach, POIs per km²) of each category in turn; zeros for a category without POIs.

    Raises
    ------
    UnknownName
        No such unit.
    BadInput
        `eps_m` or `min_pts` out of range.
    """
    if unit not in DBSCAN_UNITS:
        raise UnknownName("unit of DBSCAN", unit, DBSCAN_UNITS)
    eps = eps_m if unit == "m" else eps_m / 1000.0 * METRES_PER_DEGREE
    kept = np.flatnonzero((category >= 0) & (region >= 0))
    xy, cell = places_xy[kept], region[kept] * len(CATEGORIES) + category[kept]
    n_cells = len(area_km2) * len(CATEGORIES)
    cluster = _noise_as_clusters(density_clusters(xy, cell, eps=eps, min_pts=min_pts))
    reach_km = _reach(xy, _middles(xy, cluster, cell, n_cells), cell) / 1000.0
    area = np.repeat(np.maximum(area_km2, 1e-6), len(CATEGORIES))
    density = np.bincount(cell, minlength=n_cells) / area
    columns = [np.sqrt(np.pi / area) * reach_km, np.log1p(density) if log_density else density]
    return np.stack(columns, axis=1).reshape(len(area_km2), 2 * len(CATEGORIES))


def _noise_as_clusters(cluster: np.ndarray) -> np.ndarray:
    """Give every point outside of all clusters, -1, a cluster of its own."""
    noise = cluster < 0
    first = cluster.max(initial=-1) + 1
    return np.where(noise, first + np.cumsum(noise) - 1, cluster)


def _middles(xy: np.ndarray, cluster: np.ndarray, cell: np.ndarray, n_cells: int) -> np.ndarray:
    """Return the mean of the clusters' centres in each cell, float64 (n_cells, 2); Eq. 18."""
    n_clusters = int(cluster.max(initial=-1)) + 1
    cell_of = np.empty(n_clusters, dtype=np.int64)
    cell_of[cluster] = cell
    return _means(_means(xy, cluster, n_clusters), cell_of, n_cells)


def _means(values: np.ndarray, group: np.ndarray, n_groups: int) -> np.ndarray:
    """Return the mean of the rows of `values` (m, 2) in each group, zeros for an empty one."""
    counts = np.maximum(np.bincount(group, minlength=n_groups), 1)
    sums = [np.bincount(group, weights=column, minlength=n_groups) for column in values.T]
    return np.stack(sums, axis=1) / counts[:, None]


def _reach(xy: np.ndarray, middle: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """Return the largest distance of a cell's points from its middle, in metres, 0 for an empty cell; float64 (n_cells,)."""
    reach = np.zeros(len(middle))
    np.maximum.at(reach, cell, np.hypot(*(xy - middle[cell]).T))
    return reach
