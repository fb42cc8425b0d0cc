"""CityFM: representations of OpenStreetMap objects, trained by three contrastive stages over texts, footprints and roads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from urbanbench.card import ModelCard
from urbanbench.errors import BadInput, UnknownName
from urbanbench.model import Model
from urbanbench.models._cityfm.card import CARD

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.learned import Learned
    from urbanbench.models._cityfm.pretrain import Pretrained
    from urbanbench.space import EmbeddingSpace
    from urbanbench.units import Units

STAGES = ("text", "shape", "road")
"""Stages in the order of training."""

CHOICES: Mapping[str, tuple[str, ...]] = {
    "poi_filter": ("paper", "all"),
    "grouping": ("auto", "road", "knn"),
    "region_polygons": ("tagged", "all"),
    "untagged": ("strict", "poi"),
}

SMALL: dict[str, Any] = {
    "dim": 256,
    "text_encoder": "minilm",
    "train_text_encoder": False,
    "image_encoder": "efficientnet-lite0",
    "train_image_encoder": False,
    "raster_size": 64,
    "empty_roads": False,
    "epochs": None,
    "min_steps": 500,
    "max_steps": 20_000,
    "lr_text": 1e-3,
    "lr_road": 1e-4,
}
"""Preset `small`: to the plateau on two cores. `quick` is the same for a first look, ended by a cap long before it has converged."""


@dataclass(frozen=True)
class CityFM(Model):
    """CityFM with its three stages, each starting from the weights of the one before.

    "text" pulls one text at a road and the mean of all texts at it together; "shape" a footprint and the text of what is inside,
    while texts stay as they are; "road" the contexts of roads that about as many bus routes use. All have the loss NT-Xent.

    Parameters
    ----------
    dim
        Length of a text's and of a footprint's vector.
    text_encoder, train_text_encoder
        Name or folder, see `urbanbench.toolkit.texts.text_encoders`; whether the stages "text" and "road" train it along.
    image_encoder, train_image_encoder, raster_size
        Name or folder, see `urbanbench.toolkit.pictures.image_encoders`; whether the stage "shape" trains it along; pixels per side of a
        drawn footprint.
    a_max_m2
        Surface that counts as 1, in m².
    stages
        Stages to train; those that the city or the run gives no data for are left out.
    poi_filter, use_name
        "paper" keeps POIs by their tags as the authors do, "all" every object with a primary OpenStreetMap key; whether names
        belong to the texts.
    untagged
        "strict" takes buildings as POIs whose tags tell their use, as the authors do; "poi" all of them, with their shape and the
        text "building" where no tag says more.
    grouping, road_radius_m, knn_neighbours, empty_roads
        "road", "knn" (a POI and its nearest others), or "auto" (by road where roads are seen); how far from a road its POIs lie,
        in metres; how many others with "knn"; whether roads without POIs are anchors.
    leave_one_out, mask_same_text
        Whether the mean of a road leaves the sampled text out; whether pairs with the same sampled text are no negatives.
    route_tolerance, road_batch
        Largest difference between the bus routes of paired roads, as a share of the largest number; roads per step among which
        pairs are made.
    temperature, chunk
        Of the loss; how many pairs see one another. A batch is cut into chunks, whose losses are averaged.
    batch, epochs, min_steps, max_steps, patience, precision
        Schedule of every stage, see `urbanbench.toolkit.training.schedule.Schedule`.
    lr_text, lr_shape, lr_shape_backbone, lr_road
        Learning rates: of the stages "text" and "road", of the projections and of the image encoder in the stage "shape".
    region_zero
        Whether the mean over the POIs of a region, or around a building, counts the text of no POI as one more, as the authors' does:
        its weight 1 / (n + 1) tells how many POIs there are.
    region_polygons
        Footprints in a region's vector: "tagged", those of POIs, or "all" buildings.
    context_radius_m
        How far from a building's centre the POIs around it are read, in metres.
    with_pe
        Whether vectors have the positional encoding of the unit's place, 256 numbers; needs the input `coordinates`.
    """

    dim: int = 768
    text_encoder: str = "bert-base-uncased"
    train_text_encoder: bool = True
    image_encoder: str = "resnet18"
    train_image_encoder: bool = True
    raster_size: int = 224
    a_max_m2: float = 5000.0
    stages: tuple[str, ...] = STAGES
    poi_filter: str = "paper"
    use_name: bool = True
    untagged: str = "strict"
    grouping: str = "auto"
    road_radius_m: float = 100.0
    knn_neighbours: int = 10
    empty_roads: bool = True
    leave_one_out: bool = False
    mask_same_text: bool = True
    route_tolerance: float = 0.02
    road_batch: int = 1024
    temperature: float = 0.5
    chunk: int = 64
    batch: int = 256
    epochs: int | None = 5
    min_steps: int = 0
    max_steps: int | None = 125
    patience: int = 6
    precision: str = "auto"
    lr_text: float = 1e-4
    lr_shape: float = 1e-3
    lr_shape_backbone: float = 1e-3
    lr_road: float = 1e-5
    region_zero: bool = True
    region_polygons: str = "tagged"
    context_radius_m: float = 100.0
    with_pe: bool = False

    card: ClassVar[ModelCard] = CARD
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "paper": {},
        "small": SMALL,
        "quick": SMALL | {"min_steps": 0, "max_steps": 60},
    }

    def __post_init__(self) -> None:
        """Check what no part checks itself.

        Raises
        ------
        UnknownName
            A stage or a word of another choice that does not exist.
        BadInput
            A size below its least value, a temperature or area that is not above 0, or a tolerance outside [0, 1].
        """
        for stage in self.stages:
            if stage not in STAGES:
                raise UnknownName("stage", stage, STAGES)
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise UnknownName(name.replace("_", " "), getattr(self, name), known)
        for name, least in (("dim", 1), ("raster_size", 1), ("knn_neighbours", 1), ("chunk", 2)):
            if getattr(self, name) < least:
                msg = f"Parameter {name!r} of CityFM is {getattr(self, name)}. Expected at least {least}."
                raise BadInput(msg)
        for name in ("temperature", "a_max_m2"):
            if not getattr(self, name) > 0:
                msg = f"Parameter {name!r} of CityFM is {getattr(self, name)}. Expected a number above 0."
                raise BadInput(msg)
        if not 0 <= self.route_tolerance <= 1:
            msg = f"Parameter 'route_tolerance' of CityFM is {self.route_tolerance}. Expected a share in [0, 1]."
            raise BadInput(msg)
        if self.with_pe:  # only then are coordinates among the inputs that tables set runs apart by
            object.__setattr__(self, "card", replace(CARD, needs=(*CARD.needs, "coordinates")))

    def embed(self, view: View, *, units: Units, seed: int, device: str) -> EmbeddingSpace:
        """Train on the view and return vectors of regions, buildings or POIs (see docs/models/cityfm.md for their parts)."""
        from urbanbench.models._cityfm.readout import embed_units

        return embed_units(self, self.pretrain(view, seed=seed, device=device), view, units)

    def learn(self, view: View, *, seed: int, device: str) -> Learned:
        """Train on the view and return the weights."""
        from urbanbench.models._cityfm.transfer import learned_of

        return learned_of(self, self.pretrain(view, seed=seed, device=device))

    def embed_with(
        self, learned: Learned, view: View, *, units: Units, seed: int, device: str
    ) -> EmbeddingSpace:
        """Return vectors of any city's units from weights learned in one."""
        from urbanbench.models._cityfm.readout import embed_units
        from urbanbench.models._cityfm.transfer import trained_elsewhere

        trained = trained_elsewhere(self, learned, view, seed=seed, device=device)
        return embed_units(self, trained, view, units)

    def pretrain(self, view: View, *, seed: int, device: str = "cpu") -> Pretrained:
        """Train the stages and return the trained parts with the losses of every step."""
        from urbanbench.models._cityfm.pretrain import pretrain

        return pretrain(self, view, seed=seed, device=device)

    def stages_in(self, view: View) -> tuple[str, ...]:
        """Return the stages this view has the data for, in the order of training; roads are read for their bus routes."""
        left_out = self._left_out(view)
        return tuple(stage for stage in STAGES if stage in self.stages and stage not in left_out)

    def variant(self, view: View) -> Mapping[str, str]:
        """Name the backbones, whether they are trained, how POIs are grouped, and which stages are left out and why."""
        from urbanbench.models._cityfm.contexts import grouping_in
        from urbanbench.toolkit.pictures.image_encoders import name_image_encoder
        from urbanbench.toolkit.texts.text_encoders import name_text_encoder

        stages = self.stages_in(view)
        trained = "trained" if self.train_text_encoder and {"text", "road"} & set(stages) else "frozen"
        made = {"text": f"{name_text_encoder(self.text_encoder)} ({trained})"}
        if "text" in stages:
            made["grouping"] = grouping_in(view, self.grouping)
        if view.has("polygon"):
            trained = "trained" if self.train_image_encoder and "shape" in stages else "frozen"
            made["image"] = f"{name_image_encoder(self.image_encoder)} ({trained}, {self.raster_size} px)"
        if left_out := self._left_out(view):
            made["left out"] = ", ".join(f"{stage} ({why})" for stage, why in left_out.items())
        return made

    def lacks(self, view: View) -> tuple[str, ...]:
        """Name the wanted stages that the view has no data for."""
        return tuple(f"no stage {stage}" for stage in self._left_out(view))

    def knows_place(self) -> str:
        """Name the positional encoding, where it is asked for."""
        return "position encoding" if self.with_pe else ""

    def _left_out(self, view: View) -> dict[str, str]:
        """Return the wanted stages that the view has no data for, and what is missing."""
        from urbanbench.models._cityfm.contexts import route_counts

        missing = {}
        if "shape" in self.stages and not view.has("polygon"):
            missing["shape"] = "no footprints"
        if "road" in self.stages:
            if not view.has("road"):
                missing["road"] = "no roads"
            elif not route_counts(view.roads).any():
                missing["road"] = "no bus routes"
        return missing
