"""Contents: what a view reads of a city, the contract between the two."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd
    import pandas as pd

    from urbanbench.city.folder.format import LayerInfo
    from urbanbench.city.folder.manifest import Manifest
    from urbanbench.city.rasters.embedding import EmbeddingRaster

__all__ = ["Contents"]


class Contents(Protocol):
    """Layers, tables and digests of an opened city; `urbanbench.city.city.City` has them all and says what they are."""

    @property
    def path(self) -> Path:
        """The city folder."""

    @property
    def manifest(self) -> Manifest:
        """What city.json says."""

    @property
    def name(self) -> str:
        """One word."""

    @property
    def crs(self) -> str:
        """The projected CRS of all geometry."""

    @property
    def layers(self) -> Mapping[str, LayerInfo]:
        """Layers that are there, without the regions."""

    @property
    def regions(self) -> gpd.GeoDataFrame:
        """Index region_id."""

    @property
    def pois(self) -> gpd.GeoDataFrame:
        """Index poi_id."""

    @property
    def buildings(self) -> gpd.GeoDataFrame:
        """Index building_id."""

    @property
    def roads(self) -> gpd.GeoDataFrame:
        """Index road_id."""

    @property
    def street_views(self) -> gpd.GeoDataFrame:
        """Index view_id."""

    @property
    def satellite(self) -> pd.DataFrame:
        """Index region_id."""

    @property
    def flows(self) -> pd.DataFrame:
        """Trips between regions."""

    @property
    def raster_embedding(self) -> EmbeddingRaster:
        """Pixels of an embedding raster."""

    @property
    def captions(self) -> pd.DataFrame:
        """Sentences about regions."""

    @property
    def feature_layers(self) -> Mapping[str, str]:
        """Name of each feature table to the layer it is of."""

    def unit_ids(self, level: str) -> tuple[str, ...]:
        """Return the ids of a level's units."""

    def tag_keys(self, layer: str) -> frozenset[str] | None:
        """Return the keys of a layer's tags; None where they cannot be told."""

    def features(self, name: str) -> pd.DataFrame:
        """Read a feature table."""

    def images(self, layer: str) -> frozenset[str]:
        """Return the picture paths that a layer names."""

    def picture_digest(self, paths: Sequence[str]) -> str:
        """Hash pictures."""

    def digest(self, layers: Iterable[str]) -> str:
        """Hash the content of layers."""
