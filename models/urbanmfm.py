"""UrbanMFM: a multiscale foundation model of a city, trained by five contrastive objectives from POIs to the whole city."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from urbanbench.card import ModelCard
from urbanbench.errors import BadInput, UnknownName
from urbanbench.model import Model
from urbanbench.models._urbanmfm.card import CARD

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.learned import Learned
    from urbanbench.models._urbanmfm.pretrain import Pretrained
    from urbanbench.space import EmbeddingSpace
    from urbanbench.units import Units

STAGES: Mapping[str, tuple[str, ...]] = {
    "poi": (),
    "svi": ("street_view",),
    "local": (),
    "macro": ("satellite",),
    "global": ("satellite",),
}
"""Objectives in the order of training, and the inputs each cannot do without beside POIs."""

CHOICES: Mapping[str, tuple[str, ...]] = {
    "mode": ("stagewise", "joint"),
    "loss_weights": ("equal", "uncertainty", "dwa"),
    "street_prior": ("literal", "log"),
    "dbscan_unit": ("m", "deg"),
    "pooling": ("mean", "mean+density", "sum"),
    "poi_vector": ("auto", "fused", "mean", "concat"),
    "untagged": ("strict", "poi"),
}

SMALL: dict[str, Any] = {
    "dim": 256,
    "text_encoder": "minilm",
    "train_text_encoder": False,
    "image_encoder": "efficientnet-lite0",
    "train_image_encoder": False,
    "raster_size": 64,
    "street_size": 96,
    "epochs": None,
    "max_neighbours": 16,
    "max_street_views": 8,
    "region_pois": 8,
    "max_adjacent": 8,
    "fusion_heads": 8,
    "min_steps": 2000,
    "max_steps": 20_000,
    "lr": 1e-3,
    "lr_new": 1e-3,
}
"""Preset `small`: to the plateau on two cores. `quick` is the same for a first look, ended by a cap long before it has converged."""


@dataclass(frozen=True)
class UrbanMFM(Model):
    """UrbanMFM with all its objectives (paper, Section IV).

    `L_poi` pulls a POI's text and the mean of the other texts at its road together (Eqs. 6, 7); `L_svi` the views of one street
    view point (Eq. 9); `L_local` a POI's neighbourhood graph and the same graph with texts replaced by footprints and street
    views (Eqs. 10-16); `L_macro` satellite images of regions with similar POIs and roads (Eqs. 17-22); `L_global` the graph of
    adjacent satellite images and the same graph with images replaced by what the POIs inside say (Eqs. 23-27).

    Parameters
    ----------
    dim
        d, length of the model's vectors.
    text_encoder, text_pool, train_text_encoder
        Name or folder, see `urbanbench.toolkit.texts.text_encoders`; "mean" over tokens, or "cls" as Eq. 3 is printed; whether
        `L_poi` trains the encoder along.
    image_encoder, train_image_encoder
        Name or folder, see `urbanbench.toolkit.pictures.image_encoders`, one for footprints, street views and satellite images;
        whether `L_svi` and `L_macro` train it along.
    raster_size, street_size, satellite_size
        Pixels per side of a footprint's drawing, of street views and of satellite images.
    a_max_m2
        Surface that counts as 1 in Eq. 4; None for the largest footprint, as printed.
    stages, mode, loss_weights
        Objectives to train; "stagewise", one after the other, or "joint", one batch of each per step with the losses weighted
        "equal", by "uncertainty" (Kendall et al. 2018) or by "dwa" (Liu et al. 2019).
    sample_share
        Share of each objective's anchors that is trained on.
    poi_filter, use_name
        "paper" keeps POIs by their tags as the authors do, "all" every object with a primary OpenStreetMap key; whether names
        belong to the texts.
    untagged
        "strict" takes buildings as POIs whose tags tell their use, as the authors do; "poi" all of them, with their shape and the
        text "building" where no tag says more.
    grouping, road_radius_m, road_pois, include_self, knn_neighbours
        `L_poi`: "road", "knn", or "auto" (by road where roads are seen); how far from a road its POIs lie; most POIs of a road
        in its mean at one step, None for all; whether the mean includes the sampled POI, as printed; neighbours with "knn".
    scene, scene_encoder, literal_views
        `L_svi`: where scene labels come from, "auto", "precomputed", "clip", "kmeans" or "none"; the CLIP model's name or
        folder; whether Eq. 9 is taken with the candidates as printed.
    max_dist_m, max_neighbours, max_street_views, street_prior, drop_share
        `L_local`: radius of Eqs. 10 and 15; most neighbours and street view points of a POI for a radius of 1 km, more and fewer with
        the square of another radius; how distance enters Eq. 13, "literal" or added as a "log"; share of neighbours left out of a
        positive graph.
    dbscan_eps_m, dbscan_unit, min_pts, cosine_threshold, log_density, similar_regions
        `L_macro`: ε in metres (or thousandths of a degree with "deg") and MinPts of Eq. 17; threshold of Eq. 21; whether
        densities in F_p are log1p; most partners kept per region.
    region_pois, adjacent_gap_m, max_adjacent, fusion_heads, fusion_dropout, gate_relu, flows, lr_global
        `L_global`: POIs of a region read at one step; how close regions are neighbours, and how many; the fusion's attention
        heads and dropout; the ReLU inside Eq. 24, as printed; whether trips between regions are a third source (Section V-D);
        learning rate of the projections, which the stages before have trained.
    heads, head_dim, gat_dropout, readout
        Graph attention: heads of the first layer, length of each, dropout; "mean" over a graph's nodes or its "center".
    temperature, direction
        τ of all losses; "both" (symmetric) or "query_to_key", as printed.
    batch, epochs, min_steps, max_steps, warmup, patience, precision, lr, lr_new, lr_backbone
        Schedule of every stage, see `urbanbench.toolkit.training.schedule.Schedule`; learning rates of the projections, of what only
        `L_local` and `L_global` train (gates, fusions, graph encoders), and of encoders that are trained along.
    poi_vector, raw_length
        A POI's vector: "fused", E_j of Eqs. 23-25, which needs `L_global`; "mean" of its text, footprint and street view vectors;
        "concat", these side by side, zeros where there is none; "auto", fused where `L_global` was trained and else the mean. Whether
        vectors keep the lengths they come with instead of 1. All are read from the same trained stages.
    pooling
        "mean" over a region's POIs (Eq. 26); "mean+density", which appends what a mean forgets: how many POIs and buildings there
        are; or "sum": the POIs' vectors added up per km², signed log1p, for targets that count per area.
    graph_vector
        Whether a region's vector also has the graph encoders' vectors.
    with_pe
        Whether vectors have the positional encoding of the unit's place, 256 numbers, which the authors' head reads; needs the input
        `coordinates`.
    context_radius_m
        How far from a building's centre the POIs around it are read.
    """

    dim: int = 768
    text_encoder: str = "bert-base-uncased"
    text_pool: str = "mean"
    train_text_encoder: bool = True
    image_encoder: str = "resnet18"
    train_image_encoder: bool = True
    raster_size: int = 224
    street_size: int = 224
    satellite_size: int = 224
    a_max_m2: float | None = 5000.0
    stages: tuple[str, ...] = tuple(STAGES)
    mode: str = "stagewise"
    loss_weights: str = "equal"
    sample_share: float = 1.0
    poi_filter: str = "paper"
    use_name: bool = True
    untagged: str = "strict"
    grouping: str = "auto"
    road_radius_m: float = 100.0
    road_pois: int | None = 32
    include_self: bool = False
    knn_neighbours: int = 10
    scene: str = "auto"
    scene_encoder: str = "openai/clip-vit-base-patch32"
    literal_views: bool = False
    max_dist_m: float = 1000.0
    max_neighbours: int = 32
    max_street_views: int = 16
    street_prior: str = "literal"
    drop_share: float = 0.1
    dbscan_eps_m: float = 50.0
    dbscan_unit: str = "m"
    min_pts: int = 2
    cosine_threshold: float = 0.95
    log_density: bool = False
    similar_regions: int = 64
    region_pois: int = 64
    adjacent_gap_m: float = 100.0
    max_adjacent: int = 16
    fusion_heads: int = 32
    fusion_dropout: float = 0.2
    gate_relu: bool = False
    flows: bool = False
    lr_global: float = 1e-4
    heads: int = 8
    head_dim: int = 8
    gat_dropout: float = 0.6
    readout: str = "mean"
    temperature: float = 0.5
    direction: str = "both"
    batch: int = 256
    epochs: int | None = 10
    min_steps: int = 0
    max_steps: int | None = None
    warmup: int = 50
    patience: int = 6
    precision: str = "auto"
    lr: float = 1e-4
    lr_new: float = 1e-4
    lr_backbone: float = 1e-4
    poi_vector: str = "auto"
    raw_length: bool = False
    pooling: str = "mean"
    graph_vector: bool = False
    with_pe: bool = False
    context_radius_m: float = 100.0

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
            A size below 1, or a share outside (0, 1].
        """
        for stage in self.stages:
            if stage not in STAGES:
                raise UnknownName("stage", stage, STAGES)
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise UnknownName(name.replace("_", " "), getattr(self, name), known)
        if self.road_pois is not None and self.road_pois < 1:
            msg = f"Parameter 'road_pois' of UrbanMFM is {self.road_pois}. Expected at least 1, or none for all."
            raise BadInput(msg)
        for name in (
            "dim",
            "raster_size",
            "street_size",
            "satellite_size",
            "max_neighbours",
            "knn_neighbours",
            "max_street_views",
            "region_pois",
            "max_adjacent",
            "min_pts",
            "similar_regions",
        ):
            if getattr(self, name) < 1:
                msg = f"Parameter {name!r} of UrbanMFM is {getattr(self, name)}. Expected at least 1."
                raise BadInput(msg)
        if not 0 < self.sample_share <= 1:
            msg = f"Parameter 'sample_share' of UrbanMFM is {self.sample_share}. Expected a share above 0 and at most 1."
            raise BadInput(msg)
        if self.poi_vector == "fused" and "global" not in self.stages:
            msg = f"Parameter 'poi_vector' of UrbanMFM is 'fused', but the stages {', '.join(self.stages) or 'none'} train no fusion. Expected 'global' among them, or --set poi_vector=mean"
            raise BadInput(msg)
        if self.flows and self.poi_vector not in {"auto", "fused"}:
            msg = f"Parameter 'poi_vector' of UrbanMFM is {self.poi_vector!r} with flows=true. Expected 'auto' or 'fused': trips are fused with fused vectors only."
            raise BadInput(msg)
        if self.with_pe:  # only then are coordinates among the inputs that tables set runs apart by
            object.__setattr__(self, "card", replace(CARD, needs=(*CARD.needs, "coordinates")))

    def embed(self, view: View, *, units: Units, seed: int, device: str) -> EmbeddingSpace:
        """Train on the view and return vectors of regions, buildings or POIs (see docs/models/urbanmfm.md for their parts)."""
        from urbanbench.models._urbanmfm.readout import embed_units

        return embed_units(self, self.pretrain(view, seed=seed, device=device), view, units)

    def learn(self, view: View, *, seed: int, device: str) -> Learned:
        """Train the stages on the view, or read stages trained before, and return the weights."""
        from urbanbench.models._urbanmfm.transfer import learned_of

        return learned_of(self, self.pretrain(view, seed=seed, device=device))

    def embed_with(
        self, learned: Learned, view: View, *, units: Units, seed: int, device: str
    ) -> EmbeddingSpace:
        """Return vectors of any city's units from weights learned in one."""
        from urbanbench.models._urbanmfm.readout import embed_units
        from urbanbench.models._urbanmfm.transfer import trained_elsewhere

        trained = trained_elsewhere(self, learned, view, seed=seed, device=device)
        return embed_units(self, trained, view, units)

    def pretrain(self, view: View, *, seed: int, device: str = "cpu") -> Pretrained:
        """Train the stages, or read stages trained before, and return the trained parts with the losses of every step."""
        from urbanbench.models._urbanmfm.pretrain import pretrain

        return pretrain(self, view, seed=seed, device=device)

    def stages_in(self, view: View) -> tuple[str, ...]:
        """Return the objectives this view has the data for, in the order of training."""
        return tuple(
            stage
            for stage, inputs in STAGES.items()
            if stage in self.stages and all(view.has(one) for one in inputs)
        )

    def variant(self, view: View) -> Mapping[str, str]:
        """Name the backbones, whether they are trained, how POIs are grouped, and which objectives are left out for want of data."""
        from urbanbench.models._urbanmfm.groups import grouping_in
        from urbanbench.toolkit.pictures.image_encoders import name_image_encoder
        from urbanbench.toolkit.pictures.scenes import scene_provider
        from urbanbench.toolkit.texts.text_encoders import name_text_encoder

        stages = self.stages_in(view)
        trained = "trained" if self.train_text_encoder and "poi" in stages else "frozen"
        made = {
            "text": f"{name_text_encoder(self.text_encoder)} ({trained})",
            "grouping": grouping_in(view, self.grouping),
        }
        sizes = {
            "polygon": f"{self.raster_size} px",
            "street_view": f"street views {self.street_size} px",
            "satellite": f"satellite {self.satellite_size} px",
        }
        if seen := [words for one, words in sizes.items() if view.has(one)]:
            trained = "trained" if self.train_image_encoder and {"svi", "macro"} & set(stages) else "frozen"
            made["image"] = f"{name_image_encoder(self.image_encoder)} ({trained}, {', '.join(seen)})"
        for one in ("street_view", "satellite"):
            if view.has(one) and view.kind(one):
                made[one] = view.kind(one)
        if "svi" in stages:
            has_given = view.has_features("scenes")
            provider = scene_provider(self.scene, has_given=has_given, encoder=self.scene_encoder)
            made["scene"] = (
                f"clip ({name_image_encoder(self.scene_encoder)})" if provider == "clip" else provider
            )
        if left_out := [stage for stage in self.stages if stage not in stages]:
            made["left out"] = ", ".join(left_out)
        return made

    def lacks(self, view: View) -> tuple[str, ...]:
        """Name the wanted objectives that the view has no data for."""
        there = self.stages_in(view)
        absent = [stage for stage in STAGES if stage in self.stages and stage not in there]
        return (f"no stage {'+'.join(absent)}",) if absent else ()

    def knows_place(self) -> str:
        """Name the positional encoding and the graphs of neighbours, where they are asked for."""
        told = ["position encoding"] if self.with_pe else []
        return ", ".join([*told, "graphs of neighbours"] if self.graph_vector else told)
