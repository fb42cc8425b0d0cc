"""HGI: region vectors by hierarchical graph infomax over POIs, regions and the city."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from urbanbench.card import ModelCard
from urbanbench.errors import BadInput, UnknownName
from urbanbench.model import Model
from urbanbench.models._hgi.card import CARD

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.learned import Learned
    from urbanbench.models._hgi.pretrain import Pretrained
    from urbanbench.space import EmbeddingSpace
    from urbanbench.units import Units

CHOICES: Mapping[str, tuple[str, ...]] = {
    "features": ("walks", "one-hot"),
    "region_vector": ("graph", "pooled"),
    "poi_filter": ("paper", "all"),
    "untagged": ("strict", "poi"),
}

SMALL: dict[str, Any] = {
    "category_epochs": 400,
    "category_batch": 1024,
    "category_lr": 5e-3,
    "max_steps": 50_000,
}
"""Preset `small`: to the plateau on two cores. `quick` is the same for a first look, ended by a cap long before it has converged."""


@dataclass(frozen=True)
class HGI(Model):
    """HGI: a graph convolution over POIs, attention pooling into regions, one over regions, and a summary of the city.

    Parameters
    ----------
    dim
        Length of category, POI and region vectors.
    heads
        Attention heads of the pooling.
    alpha
        Share of the loss between POIs and regions; the rest is between regions and the city.
    min_steps, lr, warmup_epochs, max_norm
        Full-batch training: fewest passes over the city, a step each; learning rate, passes over which it rises from 0, longest gradient.
    max_steps, patience
        Most optimiser steps of each of the two stages; checks without a gain before a stage's rate falls, and after the last fall before
        it ends, see `urbanbench.toolkit.training.schedule.Schedule`.
    hard_share, hard_low, hard_high
        Chance that a region's negative is a region of similar categories, and the cosines that count as similar.
    cross_region
        Factor of edges between POIs of different regions.
    max_edge_m
        Longer edges between POIs are left out, in metres; None for none.
    adjacent_gap_m
        Regions no farther apart are neighbours, in metres.
    features
        What a POI starts from: "walks", vectors of its category learned on walks, or "one-hot", its category as such.
    walks, walk_length, return_bias, far_bias
        Walks from every POI, their POIs, and the factors of steps back and of steps away (1/p and 1/q of node2vec).
    negatives, hierarchy
        Negatives per pair of skip-gram; λ of the term that draws categories of one first level together.
    category_epochs, category_batch, category_lr
        Schedule of the categories' vectors: most passes over the walks, walks per batch, learning rate.
    min_count
        Rarer second-level categories of one first level are one.
    region_vector
        "graph", a region's vector after the graph of regions, as in the paper; "pooled", what the attention makes of its own POIs.
    poi_filter
        "paper" keeps POIs by their tags as UrbanMFM's authors do; "all" keeps every object with a key of the first level.
    untagged
        Buildings that are POIs themselves: "strict", those whose tags tell their use; "poi", all, with the category ``building=yes`` where
        no tag says more.
    """

    dim: int = 64
    heads: int = 4
    alpha: float = 0.5
    min_steps: int = 2000
    lr: float = 0.006
    warmup_epochs: int = 40
    max_norm: float = 0.9
    max_steps: int | None = 20_000
    patience: int = 10
    hard_share: float = 0.25
    hard_low: float = 0.6
    hard_high: float = 0.8
    cross_region: float = 0.4
    max_edge_m: float | None = None
    adjacent_gap_m: float = 1.0
    features: str = "walks"
    walks: int = 5
    walk_length: int = 10
    return_bias: float = 2.0
    far_bias: float = 2.0
    negatives: int = 5
    hierarchy: float = 1e-8
    category_epochs: int = 100
    category_batch: int = 128
    category_lr: float = 5e-4
    min_count: int = 5
    region_vector: str = "graph"
    poi_filter: str = "paper"
    untagged: str = "strict"

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
            A size that is too small, heads that do not divide `dim`, or a share outside [0, 1].
        """
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise UnknownName(name.replace("_", " "), getattr(self, name), known)
        least = {"walk_length": 2, "warmup_epochs": 0, "min_steps": 0}
        for name in (
            "dim",
            "heads",
            "min_steps",
            "walks",
            "walk_length",
            "negatives",
            "min_count",
            "warmup_epochs",
        ):
            if getattr(self, name) < least.get(name, 1):
                msg = f"Parameter {name!r} of HGI is {getattr(self, name)}. Expected at least {least.get(name, 1)}."
                raise BadInput(msg)
        if self.dim % self.heads:
            msg = f"HGI has dim={self.dim} and heads={self.heads}. Expected a dim that is a multiple of heads. For example --set dim={self.heads * 16}"
            raise BadInput(msg)
        for name in ("alpha", "hard_share"):
            if not 0 <= getattr(self, name) <= 1:
                msg = f"Parameter {name!r} of HGI is {getattr(self, name)}. Expected a share in [0, 1]."
                raise BadInput(msg)
        for name in ("cross_region", "return_bias", "far_bias"):
            if not getattr(self, name) > 0:
                msg = f"Parameter {name!r} of HGI is {getattr(self, name)}. Expected a factor above 0."
                raise BadInput(msg)

    def embed(self, view: View, *, units: Units, seed: int, device: str) -> EmbeddingSpace:
        """Train on the view and return vectors (n, dim) of regions, POIs or buildings."""
        from urbanbench.models._hgi.readout import check_units, embed_units

        check_units(view, units)
        return embed_units(self, self.pretrain(view, seed=seed, device=device), view, units, seed=seed)

    def learn(self, view: View, *, seed: int, device: str) -> Learned:
        """Train on the view and return the vectors of categories and the weights."""
        from urbanbench.models._hgi.transfer import learned_of

        return learned_of(self, self.pretrain(view, seed=seed, device=device))

    def embed_with(
        self, learned: Learned, view: View, *, units: Units, seed: int, device: str
    ) -> EmbeddingSpace:
        """Return vectors of any city's units from what was learned in one."""
        from urbanbench.models._hgi.readout import check_units, embed_units
        from urbanbench.models._hgi.transfer import trained_elsewhere

        check_units(view, units)
        trained = trained_elsewhere(self, learned, view, seed=seed, device=device)
        return embed_units(self, trained, view, units, seed=seed)

    def pretrain(self, view: View, *, seed: int, device: str = "cpu") -> Pretrained:
        """Train both stages and return the trained parts with the losses of every step."""
        from urbanbench.models._hgi.pretrain import pretrain

        return pretrain(self, view, seed=seed, device=device)

    def variant(self, view: View) -> Mapping[str, str]:
        """Name where categories come from and what the POIs are."""
        buildings = "all buildings" if self.untagged == "poi" else "tagged buildings"
        nodes = f"POIs and {buildings}" if view.has("polygon") else "POIs"
        return {"categories": "OpenStreetMap tags", "nodes": nodes}

    def knows_place(self) -> str:
        """Name the graph of neighbouring regions, which mixes into a region's vector what lies around it."""
        return "graph of neighbouring regions" if self.region_vector == "graph" else ""
