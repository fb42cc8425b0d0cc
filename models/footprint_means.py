"""Floor: what a frozen image encoder says of footprints, averaged over a unit's buildings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from urbanbench.card import ModelCard
from urbanbench.errors import BadInput
from urbanbench.model import Model

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.space import EmbeddingSpace
    from urbanbench.units import Units

FOOTPRINTS = ("all", "places")


@dataclass(frozen=True)
class FootprintMeans(Model):
    """Vectors of drawn footprints by the frozen encoder that CityFM and UrbanMFM start from, with the surface behind them.

    A region has the mean over its footprints, and is not covered without any; a building has its own vector.

    Parameters
    ----------
    image_encoder
        Name or folder, see `urbanbench.toolkit.pictures.image_encoders`.
    raster_size
        Pixels per side of a drawn footprint.
    a_max_m2
        Surface that counts as 1, in m².
    footprints
        "all" footprints, or those of "places": buildings whose tags tell their use and buildings around POIs, which are all that
        CityFM and UrbanMFM read.
    pooling
        "mean"; or "sum": per km², each number x as sign(x) · log1p(|x|), where no footprint is zeros and covered.
    """

    image_encoder: str = "efficientnet-lite0"
    raster_size: int = 64
    a_max_m2: float = 5000.0
    footprints: str = "all"
    pooling: str = "mean"

    card: ClassVar[ModelCard] = ModelCard(
        title="Footprint vectors, averaged",
        summary="Mean of a frozen image encoder's vectors of drawn footprints, and of their surface.",
        needs=("polygon",),
        can_use=("poi",),
        embeds=("region", "building"),
        floor=True,
        family="attribution",
        transfers="fixed",
    )
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "paper": {"image_encoder": "resnet18", "raster_size": 224},
        "small": {},
    }

    def __post_init__(self) -> None:
        """Check the parameters.

        Raises
        ------
        UnknownName
            No such footprints or pooling.
        BadInput
            A size below 1, or a surface that is not above 0.
        """
        from urbanbench.toolkit.ground.objects import POOLINGS, check_choice

        check_choice("word for footprints", self.footprints, FOOTPRINTS)
        check_choice("pooling", self.pooling, POOLINGS)
        if self.raster_size < 1 or not self.a_max_m2 > 0:
            msg = f"FootprintMeans has raster_size={self.raster_size} and a_max_m2={self.a_max_m2}. Expected a size of at least 1 and a surface above 0."
            raise BadInput(msg)

    def embed(self, view: View, *, units: Units, seed: int, device: str) -> EmbeddingSpace:
        """Return (n, dim of the encoder + 1): features, then the surface share in [0, 1], each pooled."""
        import numpy as np

        from urbanbench.models._footprint_means.rows import building_rows, region_rows
        from urbanbench.space import EmbeddingSpace

        if units.level == "building":
            vectors, covered = building_rows(self, view, units, seed=seed, device=device)
        else:
            vectors, covered = region_rows(self, view, units, seed=seed, device=device)
        return EmbeddingSpace(units.level, np.array(units.ids), vectors.astype(np.float32), covered)

    def variant(self, view: View) -> Mapping[str, str]:
        """Name the encoder."""
        from urbanbench.toolkit.pictures.image_encoders import name_image_encoder

        del view
        return {"image": f"{name_image_encoder(self.image_encoder)} (frozen, {self.raster_size} px)"}
