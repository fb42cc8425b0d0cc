"""What an embedding raster, such as AlphaEarth or TESSERA, says of a place: its pixels averaged over the unit's polygon."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from urbanbench.card import ModelCard
from urbanbench.errors import UnknownName
from urbanbench.model import Model

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.space import EmbeddingSpace
    from urbanbench.units import Units

POOLINGS = ("mean", "mean+std")


@dataclass(frozen=True)
class RasterEmbedding(Model):
    """Mean of a city's embedding raster over a region or building; nothing is trained.

    Each pixel counts by the share of it that lies in the polygon, de-quantised first; pixels without data do not count. Units without a
    pixel with data are not covered.

    Parameters
    ----------
    pooling
        "mean" (a number a band), or "mean+std" with the standard deviation of each band behind.
    """

    pooling: str = "mean"

    card: ClassVar[ModelCard] = ModelCard(
        title="Raster embedding",
        summary="Mean over a unit's polygon of an embedding raster that comes with the city (AlphaEarth, TESSERA, …), without training.",
        year=2025,
        paper="Brown et al.: AlphaEarth Foundations, arXiv:2507.22291; Feng et al.: TESSERA, arXiv:2506.20380",
        needs=("raster_embedding",),
        can_use=("polygon",),
        embeds=("region", "building"),
        transfers="fixed",
        extra="raster",
        differs_from_paper=(
            "The raster is its makers': pretrained on satellite archives up to and around the year that the result names, and on what else they used.",
            "Averaging over polygons is ours: means of unit vectors are shorter than 1 and are not brought back to it.",
        ),
    )
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"paper": {}, "small": {}}

    def __post_init__(self) -> None:
        """Check the parameter.

        Raises
        ------
        UnknownName
            No such pooling.
        """
        if self.pooling not in POOLINGS:
            kind = "pooling"
            raise UnknownName(kind, self.pooling, POOLINGS)

    def embed(self, view: View, *, units: Units, seed: int, device: str) -> EmbeddingSpace:
        """Return means (n, bands), or means and standard deviations (n, 2 * bands).

        Raises
        ------
        CityFaults
            The raster's files do not fit, or cannot be read.
        ExtraMissing
            The packages that read rasters are not installed.
        """
        import numpy as np

        from urbanbench.space import EmbeddingSpace

        del seed, device
        spread = self.pooling == "mean+std"
        found = view.raster_embedding.zonal(view.unit_geometry(units), spread=spread)
        vectors = np.hstack([found.mean, found.spread]) if spread else found.mean
        return EmbeddingSpace(units.level, np.array(units.ids), vectors.astype(np.float32), found.share > 0)

    def variant(self, view: View) -> Mapping[str, str]:
        """Name the raster: source, date and law as city.json says them."""
        info = view.raster_embedding.info
        told = (info.source or "source not stated", info.date or "date not stated", info.law)
        return {"raster": ", ".join(told)}
