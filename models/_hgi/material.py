"""What HGI's training reads of a city: graphs and tables as tensors, made once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
import torch
from torch import Tensor

from urbanbench.models._hgi.blocks import Block, region_blocks
from urbanbench.models._hgi.negatives import NegativeRegions, coarse_vectors, similar_regions
from urbanbench.models._hgi.propagation import as_tensor, normalised, spread_categories
from urbanbench.seeds import generator
from urbanbench.toolkit.ground.neighbours import adjacent_pairs

if TYPE_CHECKING:
    from scipy import sparse

    from urbanbench.models._hgi.delaunay import PlaceGraph
    from urbanbench.models._hgi.places import Places
    from urbanbench.models.hgi import HGI


@dataclass(frozen=True, eq=False)
class Material:
    """A city's POIs in runs by region, those outside of all regions last.

    Parameters
    ----------
    table
        Vectors of categories (c, features), fixed.
    category
        int64 (n,): category of every POI.
    poi_matrix
        Normalised adjacency of POIs, sparse (n, n).
    smoothed
        Product of `poi_matrix` and the POIs' features (n, features).
    blocks
        All g regions with the POIs inside, in order.
    region_matrix
        Normalised adjacency of regions, sparse (g, g).
    filled
        int64 (f,): regions with POIs.
    area_share
        (f,): their shares of the area of all filled regions.
    start, sizes
        int64 (f,): first POI and number of POIs of each filled region.
    negatives
        Draws other filled regions.
    """

    table: Tensor
    category: Tensor
    poi_matrix: Tensor
    smoothed: Tensor
    blocks: tuple[Block, ...]
    region_matrix: Tensor
    filled: Tensor
    area_share: Tensor
    start: np.ndarray
    sizes: np.ndarray
    negatives: NegativeRegions

    @property
    def n_inside(self) -> int:
        """Number of POIs inside of regions: they come first."""
        return int(self.sizes.sum())


def build_material(
    model: HGI,
    places: Places,
    graph: PlaceGraph,
    table: np.ndarray,
    shapes: np.ndarray,
    *,
    seed: int,
    device: str,
) -> Material:
    """Bring a city's POIs and regions into the form that training reads.

    Parameters
    ----------
    model
        Its parameters.
    places
        POIs.
    graph
        Their Delaunay graph.
    table
        Vectors of categories (c, features).
    shapes
        Polygons of all regions, object (g,).
    seed, device
        Seed of the regions that are compared; where tensors are.
    """
    sizes = places.sizes
    filled = np.flatnonzero(sizes)
    area = shapely.area(shapes[filled])
    features = torch.from_numpy(table).to(device)
    category = torch.from_numpy(places.categories.of_place).to(device)
    matrix = as_tensor(poi_matrix(graph), device)
    one, other = adjacent_pairs(shapes, gap_m=model.adjacent_gap_m)
    regions = normalised(one, other, np.ones(len(one)), len(shapes))
    return Material(
        table=features,
        category=category,
        poi_matrix=matrix,
        smoothed=spread_categories(matrix, category, features),
        blocks=region_blocks(sizes, device),
        region_matrix=as_tensor(regions, device),
        filled=torch.from_numpy(filled).to(device),
        area_share=torch.from_numpy((area / area.sum()).astype(np.float32)).to(device),
        start=(np.cumsum(sizes) - sizes)[filled],
        sizes=sizes[filled],
        negatives=_negatives(model, places, filled, seed),
    )


def poi_matrix(graph: PlaceGraph) -> sparse.csr_array:
    """Return the normalised adjacency matrix of a graph of places, weights rescaled to [0, 1]; sparse (n, n)."""
    return normalised(graph.rows, graph.neighbour, graph.rescaled(), len(graph))


def _negatives(model: HGI, places: Places, filled: np.ndarray, seed: int) -> NegativeRegions:
    row = np.full(places.n_regions + 1, -1, dtype=np.int64)  # the last entry is for places outside, region -1
    row[filled] = np.arange(len(filled))
    coarse = coarse_vectors(row[places.region], places.categories, len(filled))
    rng = generator(seed, "hgi", "similar regions")
    return NegativeRegions(similar_regions(coarse, model.hard_low, model.hard_high, rng), model.hard_share)
