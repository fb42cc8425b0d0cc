"""UrbanMFM: a multiscale foundation model of a city, trained by contrastive objectives from POIs to their neighbourhoods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from urbanbench.card import ModelCard
from urbanbench.errors import BadInput, UnknownName
from urbanbench.model import Model

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.models._urbanmfm_pretrain import Pretrained
    from urbanbench.space import EmbeddingSpace
    from urbanbench.units import Units

STAGES = ("poi", "local")
"""Objectives in the order of training."""

POOLINGS = ("mean", "mean+density", "sum")


@dataclass(frozen=True)
class UrbanMFM(Model):
    """UrbanMFM's micro and local scale, which are the whole model when only POIs and polygons are seen (paper, Section V-A3).

    Training: `L_poi` pulls a POI's text and the mean of the other texts at its road together (Eqs. 6, 7); `L_local` does so with a
    POI's neighbourhood graph and the same graph with texts replaced by footprints (Eqs. 5, 15, 16). A region is the mean of its
    POIs; a building is its shape beside the texts around it.

    Parameters
    ----------
    dim
        d, length of the model's vectors.
    text_encoder
        Name or folder, see `urbanbench.toolkit.text_encoders`.
    text_pool
        "mean" over tokens, or "cls" as Eq. 3 is printed.
    train_text_encoder
        Whether `L_poi` trains the text encoder along.
    image_encoder
        Name or folder, see `urbanbench.toolkit.image_encoders`; stays frozen.
    raster_size
        Pixels per side of a footprint's picture.
    a_max_m2
        Surface that counts as 1 in Eq. 4; None for the largest footprint, as printed.
    stages
        Objectives to train, of "poi" and "local".
    poi_filter
        "paper" keeps POIs by their tags as the authors do; "all" keeps every object with a primary OpenStreetMap key.
    use_name
        Whether names belong to the texts.
    grouping
        "road", "knn", or "auto": by road where roads are seen.
    road_radius_m
        How far from a road its POIs lie.
    road_pois
        Most POIs of a road that enter its mean in one step; None for all.
    include_self
        Whether the mean of Eq. 6 includes the sampled POI, as printed.
    knn_neighbours
        Neighbours that stand for a road's POIs with ``grouping="knn"``.
    max_dist_m
        Radius of a neighbourhood (Eqs. 10, 15).
    max_neighbours
        Most neighbours in a local graph.
    drop_share
        Share of neighbours left out of a positive graph.
    heads, head_dim, gat_dropout
        Graph attention: heads of the first layer, length of each, dropout.
    readout
        "mean" over a graph's nodes or its "center".
    temperature
        τ of all losses.
    direction
        "both" (symmetric) or "query_to_key", as Eqs. 7 and 16 are printed.
    batch, epochs, max_steps, warmup, patience
        Schedule of every stage, see `urbanbench.toolkit.schedule.Schedule`.
    lr, lr_backbone
        Learning rates of the trained heads, and of a text encoder that is trained along.
    pooling
        "mean" over a region's POIs (Eq. 26); "mean+density", which appends what a mean forgets: how many POIs and buildings there
        are; or "sum": the POIs' vectors added up per km², signed log1p, for targets that count per area.
    graph_vector
        Whether a region's vector also has the mean of the local graph encoder's vectors.
    context_radius_m
        How far from a building's centre the POIs around it are read.
    """

    dim: int = 768
    text_encoder: str = "bert-base-uncased"
    text_pool: str = "mean"
    train_text_encoder: bool = True
    image_encoder: str = "resnet18"
    raster_size: int = 224
    a_max_m2: float | None = 5000.0
    stages: tuple[str, ...] = STAGES
    poi_filter: str = "paper"
    use_name: bool = True
    grouping: str = "auto"
    road_radius_m: float = 100.0
    road_pois: int | None = 32
    include_self: bool = False
    knn_neighbours: int = 10
    max_dist_m: float = 1000.0
    max_neighbours: int = 32
    drop_share: float = 0.1
    heads: int = 8
    head_dim: int = 8
    gat_dropout: float = 0.6
    readout: str = "mean"
    temperature: float = 0.5
    direction: str = "both"
    batch: int = 256
    epochs: int = 10
    max_steps: int | None = None
    warmup: float = 0.05
    patience: int = 3
    lr: float = 1e-4
    lr_backbone: float = 1e-5
    pooling: str = "mean"
    graph_vector: bool = False
    context_radius_m: float = 100.0

    card: ClassVar[ModelCard] = ModelCard(
        title="UrbanMFM",
        summary="Contrastive learning over POI texts, footprints and their neighbourhood graphs.",
        year=2025,
        paper="Zhang, Xie, Balsebre, Huang, Luo, Cong: UrbanMFM: Spatial Graph-based Multiscale Foundation Models for Learning Generalized Urban Representation (2025)",
        code="https://github.com/ZZQ-NTU/UrbanMFM (no licence; not used)",
        needs=("poi",),
        can_use=("polygon", "road"),
        embeds=("region", "building", "poi"),
        differs_from_paper=(
            "Micro-scale POI objective and local objective only; street views, satellite images and the global objective are not used.",
            "The gated fusion (Eqs. 23-25) belongs to the global objective; without it a POI's vector is the mean of its text and polygon vectors, each scaled to length 1.",
            "Text and image features pass projections to a common length before Eqs. 4-16; the paper omits them, which leaves the sizes undefined.",
            "Text features are the mean over tokens, not [CLS] (option text_pool).",
            "In Eq. 4 the factor 1/2 covers picture and surface, the surface passes a small network, and areas above 5000 m² count as 1 (option a_max_m2).",
            "The mean of Eq. 6 leaves the sampled POI out (option include_self); at most 32 other POIs of a road enter it at each step (option road_pois).",
            "Losses are symmetric (option direction) and skip candidates whose POI has the same text.",
            "Edge weights are scaled to sum 1 per graph and enter the attention; graphs have at most 32 neighbours and are read out by the mean over nodes (option readout).",
            "The image backbone stays frozen; distances and areas are measured in the city's projected CRS.",
            "Without roads, a POI's nearest neighbours take the place of the POIs at its road (option grouping).",
            "Training stops early on a held-out part of each objective's anchors.",
        ),
    )
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "paper": {},
        "small": {
            "dim": 256,
            "text_encoder": "minilm",
            "train_text_encoder": False,
            "image_encoder": "efficientnet-lite0",
            "raster_size": 64,
            "epochs": 30,
            "max_neighbours": 16,
            "max_steps": 300,
            "lr": 1e-3,
        },
    }

    def __post_init__(self) -> None:
        """Check what no part checks itself.

        Raises
        ------
        UnknownName
            A stage or pooling that does not exist.
        BadInput
            A size below 1.
        """
        for stage in self.stages:
            if stage not in STAGES:
                raise UnknownName("stage", stage, STAGES)
        if self.pooling not in POOLINGS:
            raise UnknownName("pooling", self.pooling, POOLINGS)
        for name in ("dim", "raster_size", "max_neighbours", "knn_neighbours"):
            if getattr(self, name) < 1:
                msg = f"Parameter {name!r} of UrbanMFM is {getattr(self, name)}. Expected at least 1."
                raise BadInput(msg)

    def embed(self, view: View, *, units: Units, seed: int, device: str) -> EmbeddingSpace:
        """Train on the view and return vectors of regions, buildings or POIs; (n, dim) for regions with the default pooling."""
        from urbanbench.models._urbanmfm_readout import embed_units

        return embed_units(self, self.pretrain(view, seed=seed, device=device), view, units)

    def pretrain(self, view: View, *, seed: int, device: str = "cpu") -> Pretrained:
        """Train the stages and return the trained parts together with the losses of every step."""
        from urbanbench.models._urbanmfm_pretrain import pretrain

        return pretrain(self, view, seed=seed, device=device)

    def variant(self, view: View) -> Mapping[str, str]:
        """Name the backbones, whether they are trained, and how POIs are grouped."""
        from urbanbench.models._urbanmfm_places import grouping_in
        from urbanbench.toolkit.image_encoders import name_image_encoder
        from urbanbench.toolkit.text_encoders import name_text_encoder

        trained = "trained" if self.train_text_encoder and "poi" in self.stages else "frozen"
        made = {
            "text": f"{name_text_encoder(self.text_encoder)} ({trained})",
            "grouping": grouping_in(view, self.grouping),
        }
        if view.has("polygon"):
            made["image"] = f"{name_image_encoder(self.image_encoder)} (frozen, {self.raster_size} px)"
        return made
