"""Urban2Vec: region vectors from street views by triplets of near and far pictures, moved by the words of the region's POIs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from urbanbench.card import ModelCard
from urbanbench.errors import BadInput, UnknownName
from urbanbench.model import Model
from urbanbench.models._urban2vec.card import CARD

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.models._urban2vec.pretrain import Pretrained
    from urbanbench.space import EmbeddingSpace
    from urbanbench.units import Units

CHOICES: Mapping[str, tuple[str, ...]] = {
    "pictures": ("auto", "street_view", "polygon", "none"),
    "negatives": ("derangement", "shuffle"),
    "poi_filter": ("paper", "all"),
}

LEAST: Mapping[str, int] = {
    "dim": 1,
    "street_size": 1,
    "raster_size": 1,
    "neighbours": 1,
    "pairs": 4,
    "held_out_pairs": 2,
    "region_shapes": 1,
    "min_count": 1,
    "min_name_count": 1,
    "max_name_count": 1,
}

SMALL: dict[str, Any] = {
    "image_encoder": "efficientnet-lite0",
    "train_image_encoder": False,
    "street_size": 96,
    "raster_size": 64,
    "pairs": 20_000,
    "held_out_pairs": 2_000,
    "batch": 256,
    "epochs": None,
    "patience": 6,
    "region_shapes": 32,
    "word_epochs": None,
    "word_patience": 6,
    "word_lr": 5e-3,
    "min_steps": 500,
    "max_steps": 20_000,
}
"""Preset `small`: to the plateau on two cores. `quick` is the same for a first look, ended by a cap long before it has converged."""


@dataclass(frozen=True)
class Urban2Vec(Model):
    """Urban2Vec in its two steps.

    Step 1 draws pictures taken near each other together and others apart; a region begins as the mean of its pictures. Step 2
    draws a region to the words of its POIs and away from words it does not have.

    Parameters
    ----------
    dim
        Length of picture, region and word vectors.
    pictures
        "street_view"; "polygon", drawings of footprints in their place; "auto", the first of the two that may be seen; or
        "none", words only.
    image_encoder, train_image_encoder
        Name or folder, see `urbanbench.toolkit.pictures.image_encoders`; whether step 1 trains it along.
    street_size, raster_size
        Pixels per side of street views and of drawn footprints.
    dropout
        Share of the encoder's features that step 1 leaves out at random.
    neighbours, allow_siblings
        How many nearest points, or footprints, are partners of each; whether pictures of the same point are partners, as the
        nearest pictures literally are.
    negatives
        "derangement", the batch's partners in an order in which no picture meets its own point or its partner's; or "shuffle",
        any order, as in the authors' code.
    pairs, held_out_pairs, held_out_share
        Pairs drawn for training and for checks, and the share of points kept for the checks.
    image_margin, word_margin
        By how much the false distance shall be larger than the true one, in the two steps.
    batch, epochs, lr, patience
        Schedule of step 1: pairs per batch, most passes over the pairs, learning rate, and checks without a gain before the rate falls, and
        after the last fall before the step ends (`urbanbench.toolkit.training.schedule.Schedule`).
    region_shapes
        Most footprints of a region that its first vector is a mean of and that pairs begin with, drawn at random; None for all.
    poi_filter, use_name
        "paper" keeps POIs by their tags as UrbanMFM's authors do, "all" every object with a primary OpenStreetMap key; whether
        words of names are words.
    min_count, min_name_count, max_name_count
        Fewest POIs of a tag's word; fewest and most POIs of a name's word.
    word_vectors
        "random", or a text file of vectors of length `dim` ("word 0.1 0.2 …", such as GloVe 6B) for the words of names.
    negative_power
        A false word is drawn in proportion to its count to this power.
    word_batch, word_epochs, word_lr, word_patience, word_held_out
        Schedule of step 2, and the share of pairs of region and word kept for its checks.
    min_steps, max_steps
        Fewest and most optimiser steps of each of the two steps; None for no limit but their epochs.
    adjacent_gap_m
        Regions no farther apart are neighbours, whose pictures stand in for missing ones, in metres.
    """

    dim: int = 200
    pictures: str = "auto"
    image_encoder: str = "inception_v3"
    train_image_encoder: bool = True
    street_size: int = 299
    raster_size: int = 299
    dropout: float = 0.5
    neighbours: int = 5
    allow_siblings: bool = False
    negatives: str = "derangement"
    pairs: int = 100_000
    held_out_pairs: int = 20_000
    held_out_share: float = 0.2
    image_margin: float = 5.0
    batch: int = 72
    epochs: int | None = 21
    lr: float = 5e-4
    patience: int = 11
    region_shapes: int | None = None
    poi_filter: str = "paper"
    use_name: bool = True
    min_count: int = 5
    min_name_count: int = 6
    max_name_count: int = 1500
    word_vectors: str = "random"
    negative_power: float = 0.5
    word_margin: float = 2.0
    word_batch: int = 512
    word_epochs: int | None = 11
    word_lr: float = 1e-3
    word_patience: int = 6
    word_held_out: float = 0.05
    min_steps: int = 0
    max_steps: int | None = None
    adjacent_gap_m: float = 1.0

    card: ClassVar[ModelCard] = CARD
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "paper": {},
        "small": SMALL,
        "quick": SMALL | {"min_steps": 0, "max_steps": 200},
    }

    def __post_init__(self) -> None:
        """Check what no part checks itself.

        Raises
        ------
        UnknownName
            A word of a choice that does not exist.
        BadInput
            A number outside its range.
        """
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise UnknownName(name.replace("_", " "), getattr(self, name), known)
        for name, least in LEAST.items():
            value = getattr(self, name)
            if value is not None and value < least:
                msg = f"Parameter {name!r} of Urban2Vec is {value}. Expected at least {least}."
                raise BadInput(msg)
        for name in ("held_out_share", "word_held_out"):
            if not 0 < getattr(self, name) < 1:
                msg = f"Parameter {name!r} of Urban2Vec is {getattr(self, name)}. Expected a share between 0 and 1."
                raise BadInput(msg)
        if not 0 <= self.dropout < 1:
            msg = f"Parameter 'dropout' of Urban2Vec is {self.dropout}. Expected a share in [0, 1)."
            raise BadInput(msg)

    def embed(self, view: View, *, units: Units, seed: int, device: str) -> EmbeddingSpace:
        """Train on the view and return vectors (n, dim) of regions, or of street views (step 1 only)."""
        from urbanbench.models._urban2vec.readout import embed_units

        return embed_units(self, view, units, seed=seed, device=device)

    def pretrain(self, view: View, *, seed: int, device: str = "cpu") -> Pretrained:
        """Train both steps and return the trained parts with the losses of every step."""
        from urbanbench.models._urban2vec.pretrain import pretrain

        return pretrain(self, view, seed=seed, device=device)

    def pictures_in(self, view: View) -> str:
        """Return which pictures this view gives: "street_view", "polygon" or "none"."""
        wanted = ("street_view", "polygon") if self.pictures == "auto" else (self.pictures,)
        return next((one for one in wanted if one != "none" and view.has(one)), "none")

    def variant(self, view: View) -> Mapping[str, str]:
        """Name the pictures, the encoder and whether it is trained, and the words."""
        from urbanbench.toolkit.pictures.image_encoders import name_image_encoder

        kind = self.pictures_in(view)
        told = {
            "street_view": f"street views, {self.street_size} px",
            "polygon": f"drawn footprints, {self.raster_size} px",
            "none": "none",
        }
        made = {"pictures": told[kind], "words": "OpenStreetMap tags" if view.has("poi") else "none"}
        if kind != "none":
            trained = "trained" if self.train_image_encoder else "frozen, head trained"
            made["image"] = f"{name_image_encoder(self.image_encoder)} ({trained})"
        if kind == "street_view" and view.kind("street_view"):
            made["street_view"] = view.kind("street_view")
        if view.has("poi"):
            from urbanbench.models._urban2vec.glove import name_word_vectors

            made["word vectors"] = name_word_vectors(self.word_vectors)
        return made

    def lacks(self, view: View) -> tuple[str, ...]:
        """Name what takes the place of street views that cannot be seen, and of words where POIs cannot."""
        kind, told = self.pictures_in(view), []
        if self.pictures in {"auto", "street_view"} and kind != "street_view":
            told.append("footprints for street views" if kind == "polygon" else "no street views")
        return (*told, *([] if view.has("poi") else ["no words"]))
