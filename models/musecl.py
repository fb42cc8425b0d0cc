"""MuseCL: pictures of like regions drawn together, from the street and from above, fused and aligned with the words of POIs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from urbanbench.card import ModelCard
from urbanbench.errors import BadInput, UnknownName
from urbanbench.model import Model
from urbanbench.models._musecl.card import CARD

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.learned import Learned
    from urbanbench.models._musecl.pretrain import Pretrained
    from urbanbench.space import EmbeddingSpace
    from urbanbench.units import Units

CHOICES: Mapping[str, tuple[str, ...]] = {
    "sv_positive": ("poi", "mobility", "spatial", "auto"),
    "fusion_loss": ("infonce", "mse"),
    "align": ("attention", "projections"),
    "poi_mean": ("unique", "counts"),
}

SMALL: dict[str, Any] = {
    "street_encoder": "efficientnet-lite0",
    "overhead_encoder": "efficientnet-lite0",
    "train_encoders": False,
    "street_size": 96,
    "overhead_size": 224,
    "street_batch": 64,
    "street_epochs": None,
    "overhead_batch": 64,
    "overhead_epochs": None,
    "fusion_epochs": None,
    "min_steps": 500,
    "max_steps": 20_000,
}
"""Preset `small`: to the plateau on two cores. `quick` is the same for a first look, ended by a cap long before it has converged."""


@dataclass(frozen=True)
class MuseCL(Model):
    """MuseCL: triplets of street views, triplets of satellite pictures, word vectors of POIs, and attention over both kinds of pictures.

    Parameters
    ----------
    dim
        Length of all vectors.
    sv_positive
        Which regions' street views belong together: those with like "poi"s, with like "mobility" (input `flow`), or the "spatial"ly
        nearest; "auto" is mobility where the city has trips and POIs elsewhere.
    top_k
        Positives are drawn from so many most alike regions.
    spared
        Share of the other regions that are too alike to be negatives.
    street_encoder, overhead_encoder
        Names or folders, see `urbanbench.toolkit.pictures.image_encoders`.
    train_encoders
        Whether the encoders are trained along, on pictures that are mirrored (street) or turned (overhead).
    street_size, overhead_size
        Pixels per side.
    margin
        By which pictures of unlike regions shall be farther apart.
    lr, triplets
        Adam's learning rate and triplets per epoch of both kinds.
    street_batch, street_epochs, overhead_batch, overhead_epochs
        Triplets per step, and most epochs.
    word_epochs, word_min_count
        Passes over the POIs of word2vec; rarer words have no vector.
    poi_mean
        A region's POI vector is the mean over its "unique" words, as in the code, or over all of them, by "counts".
    fusion_loss, temperature
        "infonce", the paper's contrast with the POI vectors of other regions, and its temperature; "mse", the code's.
    align
        What the fusion trains: the "attention" that weighs the kinds of pictures, as in the code, or also the "projections", the layers
        between features and vectors.
    fusion_batch, fusion_epochs, fusion_lr
        Regions per step, most passes over the regions and learning rate of the fusion.
    min_steps, max_steps, patience
        Fewest and most optimiser steps of each stage (None for no limit but the epochs); checks without a gain before a stage's rate
        falls, and after the last fall before it ends, see `urbanbench.toolkit.training.schedule.Schedule`.
    """

    dim: int = 128
    sv_positive: str = "poi"
    top_k: int = 1
    spared: float = 0.1
    street_encoder: str = "inception_v3"
    overhead_encoder: str = "resnet18"
    train_encoders: bool = True
    street_size: int = 299
    overhead_size: int = 256
    margin: float = 5.0
    lr: float = 5e-4
    triplets: int = 10_000
    street_batch: int = 16
    street_epochs: int | None = 20
    overhead_batch: int = 32
    overhead_epochs: int | None = 200
    word_epochs: int = 20
    word_min_count: int = 5
    poi_mean: str = "unique"
    fusion_loss: str = "infonce"
    temperature: float = 0.1
    align: str = "attention"
    fusion_batch: int = 256
    fusion_epochs: int | None = 50
    fusion_lr: float = 1e-3
    min_steps: int = 0
    max_steps: int | None = None
    patience: int = 6

    card: ClassVar[ModelCard] = CARD
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "paper": {"sv_positive": "auto"},
        "small": SMALL,
        "quick": SMALL | {"min_steps": 0, "max_steps": 100},
    }

    def __post_init__(self) -> None:
        """Check what no part checks itself.

        Raises
        ------
        UnknownName
            A word of a choice that does not exist.
        BadInput
            A size or number below 1, or a share outside [0, 0.5].
        """
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise UnknownName(name.replace("_", " "), getattr(self, name), known)
        for name in (
            "dim", "top_k", "street_size", "overhead_size", "triplets", "word_epochs", "word_min_count",
        ):  # fmt: skip
            if getattr(self, name) < 1:
                msg = f"Parameter {name!r} of MuseCL is {getattr(self, name)}. Expected at least 1."
                raise BadInput(msg)
        for name in ("margin", "temperature"):
            if not getattr(self, name) > 0:
                msg = f"Parameter {name!r} of MuseCL is {getattr(self, name)}. Expected a number above 0."
                raise BadInput(msg)
        if not 0 <= self.spared <= 0.5:
            msg = f"Parameter 'spared' of MuseCL is {self.spared}. Expected a share in [0, 0.5]."
            raise BadInput(msg)

    def embed(self, view: View, *, units: Units, seed: int, device: str) -> EmbeddingSpace:
        """Train on the view and return vectors (n, dim) of regions."""
        from urbanbench.models._musecl.readout import check_units, embed_regions

        check_units(view, units)
        return embed_regions(self.pretrain(view, seed=seed, device=device), view, units)

    def learn(self, view: View, *, seed: int, device: str) -> Learned:
        """Train on the view and return the weights."""
        from urbanbench.models._musecl.transfer import learned_of

        return learned_of(self, self.pretrain(view, seed=seed, device=device))

    def embed_with(
        self, learned: Learned, view: View, *, units: Units, seed: int, device: str
    ) -> EmbeddingSpace:
        """Return vectors of any city's units from what was learned in one."""
        from urbanbench.models._musecl.readout import check_units, embed_regions
        from urbanbench.models._musecl.transfer import trained_elsewhere

        check_units(view, units)
        return embed_regions(trained_elsewhere(self, learned, view, seed=seed, device=device), view, units)

    def pretrain(self, view: View, *, seed: int, device: str = "cpu") -> Pretrained:
        """Train all stages and return the trained parts with the losses of every step."""
        from urbanbench.models._musecl.pretrain import pretrain

        return pretrain(self, view, seed=seed, device=device)

    def street_likeness(self, view: View) -> str:
        """Return what makes street views of two regions alike in this view: "poi", "mobility" or "spatial"."""
        if self.sv_positive == "auto":
            return "mobility" if view.has("flow") else "poi"
        return self.sv_positive

    def variant(self, view: View) -> Mapping[str, str]:
        """Name the encoders, what is shown, what makes street views alike, and what is left out or stands in for something."""
        from urbanbench.toolkit.pictures.image_encoders import name_image_encoder

        how = "trained" if self.train_encoders else "frozen"
        made, left_out = {}, []
        if view.has("street_view"):
            encoder = name_image_encoder(self.street_encoder)
            made["street image"] = f"{encoder} ({how}, {self.street_size} px)"
            alike = self.street_likeness(view)
            risk = " (trips are near to population: leak risk)" if alike == "mobility" else ""
            made["street positives"] = alike + risk
            if view.kind("street_view"):
                made["street_view"] = view.kind("street_view")
        else:
            left_out.append("street views")
        if view.has("satellite") or view.has("polygon"):
            encoder = name_image_encoder(self.overhead_encoder)
            made["overhead image"] = f"{encoder} ({how}, {self.overhead_size} px)"
            kind = (view.kind("satellite") or "satellite") if view.has("satellite") else ""
            made["overhead"] = kind or "building footprints drawn from polygons, in place of satellite"
        else:
            left_out.append("satellite pictures")
        made["fusion"] = f"{self.fusion_loss} ({self.align})"
        return made | ({"left out": ", ".join(left_out)} if left_out else {})

    def lacks(self, view: View) -> tuple[str, ...]:
        """Name the kinds of pictures that cannot be seen, and what takes their place; with one kind there is nothing to fuse."""
        street, overhead = view.has("street_view"), view.has("satellite") or view.has("polygon")
        told = [] if view.has("satellite") or not overhead else ["footprint maps for satellite"]
        return (*told, *([] if street and overhead else ["one kind of picture, no fusion"]))
