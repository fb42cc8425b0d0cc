"""UGE in a form for a CPU: one space for street views, texts and the spatial graphs around pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from urbanbench.card import ModelCard
from urbanbench.errors import BadInput, UnknownName
from urbanbench.model import Model
from urbanbench.models._uge.card import CARD

if TYPE_CHECKING:
    from urbanbench.city.item_view import ItemView
    from urbanbench.city.view import View
    from urbanbench.learned import Learned
    from urbanbench.models._uge.pretrain import Trained
    from urbanbench.space import EmbeddingSpace
    from urbanbench.units import Units

STAGES = ("text", "graph")

SMALL: dict[str, Any] = {
    "train_image_encoder": False,
    "nodes": 160,
    "joined": 24,
    "graph_dim": 128,
    "batch": 64,
    "epochs": None,
    "lr": 1e-3,
    "graph_lr": 1e-3,
    "dropout": 0.4,
    "min_steps": 100,
    "max_steps": 5000,
    "check_every": 40,
    "patience": 4,
}
"""Preset `small`: to the plateau on two cores, with a frozen picture encoder. `quick` is the same for a first look, ended by a cap."""


@dataclass(frozen=True)
class UGE(Model):
    """Towers for images, texts and graphs, trained to find what belongs together: first images and texts, then with graphs.

    An item's vector is that of all it consists of, of length 1. Lessons of the view are all it learns from. A region is the mean over the vectors
    of its street views with what lies around them (our extension); where a city is shown, captions and ways of its street views are the lessons.

    Parameters
    ----------
    dim
        Length of all vectors.
    image_encoder, train_image_encoder, size
        A word or folder of `urbanbench.toolkit.pictures.image_encoders`; whether its weights change; pixels per side.
    text_encoder
        A word or folder of `urbanbench.toolkit.texts.text_encoders`; frozen.
    nodes, joined
        Nodes that are read of a sub-graph; the first so many of them, of the fewest hops, attend to one another along edges.
    graph_dim, heads, graph_layers, edge_dim
        Of the graph encoder: length of node vectors, heads of attention, layers (0: nodes see no other), length of an edge's vector.
    node_place, edge_features
        Whether it reads where nodes lie, and distance and bearing of edges.
    stages
        Those of "text" (images and texts) and "graph" that are trained, in this order; without "graph" no graph is read, and with none of
        them the towers stay as they were drawn.
    temperature
        By which cosines are divided.
    drop_graph, drop_image
        Share of pictures that lose their graph at a step, and of the others that lose the picture.
    lr, graph_lr, lr_scale, weight_decay
        Rate of the first stage; of graph encoder and fusion in the second; by what that is multiplied for the other towers there.
    dropout
        In all towers.
    batch, epochs, min_steps, max_steps, warmup, held_out, check_every, patience, precision
        Schedule of each stage, see `urbanbench.toolkit.training.schedule.Schedule`.
    """

    dim: int = 256
    image_encoder: str = "efficientnet-lite0"
    train_image_encoder: bool = True
    size: int = 224
    text_encoder: str = "minilm"
    nodes: int = 1000
    joined: int = 1000
    graph_dim: int = 256
    heads: int = 4
    graph_layers: int = 2
    edge_dim: int = 16
    node_place: bool = True
    edge_features: bool = True
    stages: tuple[str, ...] = STAGES
    temperature: float = 0.05
    drop_graph: float = 0.25
    drop_image: float = 0.5
    lr: float = 5e-5
    graph_lr: float = 5e-5
    lr_scale: float = 0.1
    weight_decay: float = 0.1
    dropout: float = 0.1
    batch: int = 64
    epochs: int | None = 100
    min_steps: int = 0
    max_steps: int | None = None
    warmup: int = 50
    held_out: float = 0.1
    check_every: int = 20
    patience: int = 6
    precision: str = "auto"

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
            A stage that does not exist.
        BadInput
            A number that is not possible.
        """
        for stage in self.stages:
            if stage not in STAGES:
                raise UnknownName("stage", stage, STAGES)
        for name, least in (
            ("dim", 1), ("size", 1), ("nodes", 1), ("joined", 1), ("graph_dim", 1), ("heads", 1), ("graph_layers", 0), ("edge_dim", 1),
        ):  # fmt: skip
            self._check(name, getattr(self, name) >= least, f"at least {least}")
        for name in ("temperature", "lr", "graph_lr", "lr_scale"):
            self._check(name, getattr(self, name) > 0, "a number above 0")
        for name in ("drop_graph", "drop_image", "dropout"):
            self._check(name, 0 <= getattr(self, name) < 1, "a share in [0, 1)")
        self._check("weight_decay", self.weight_decay >= 0, "0 or more")

    def _check(self, name: str, fits: bool, expected: str) -> None:
        if not fits:
            msg = f"Parameter {name!r} of UGE is {getattr(self, name)}. Expected {expected}."
            raise BadInput(msg)

    @property
    def reads_graphs(self) -> bool:
        """Whether the graph encoder is there: it is, unless the first stage is trained alone."""
        return "graph" in self.stages or not self.stages

    def embed(self, view: View, *, units: Units, seed: int, device: str) -> EmbeddingSpace:
        """Learn from the view's lessons and return the vectors (n, dim) of items, or of regions as the mean over their street views.

        Raises
        ------
        RunRefused
            Too few pictures with lessons.
        """
        from urbanbench.models._uge.surroundings import items_of

        items = items_of(view, self.nodes, self.joined)
        return self._vectors(self.pretrain(items, seed=seed, device=device), items, view, units)

    def learn(self, view: View, *, seed: int, device: str) -> Learned:
        """Learn from the view's lessons and return the weights of the towers."""
        from urbanbench.models._uge.transfer import learned_of

        return learned_of(self, self.pretrain(view, seed=seed, device=device))

    def embed_with(
        self, learned: Learned, view: View, *, units: Units, seed: int, device: str
    ) -> EmbeddingSpace:
        """Return vectors of any city's items or regions from what was learned in one; its lessons are not read."""
        from urbanbench.models._uge.surroundings import items_of
        from urbanbench.models._uge.transfer import trained_elsewhere

        trained = trained_elsewhere(self, learned, seed=seed, device=device)
        return self._vectors(trained, items_of(view, self.nodes, self.joined), view, units)

    def pretrain(self, view: View, *, seed: int, device: str = "cpu") -> Trained:
        """Learn from the view's lessons and return the towers with the losses of every step."""
        from urbanbench.models._uge.pretrain import pretrain
        from urbanbench.models._uge.surroundings import items_of

        return pretrain(self, items_of(view, self.nodes, self.joined), seed=seed, device=device)

    def _vectors(self, trained: Trained, items: ItemView, view: View, units: Units) -> EmbeddingSpace:
        from urbanbench.models._uge.pretrain import embed_items
        from urbanbench.models._uge.surroundings import mean_of_views
        from urbanbench.units import Units

        if units.level != "region":
            return embed_items(self, trained, items, units)
        return mean_of_views(
            view, embed_items(self, trained, items, Units("item", tuple(items.items))), units
        )

    def variant(self, view: View) -> Mapping[str, str]:
        """Name the encoders of pictures and texts."""
        from urbanbench.toolkit.pictures.image_encoders import name_image_encoder
        from urbanbench.toolkit.texts.text_encoders import name_text_encoder

        how = "trained" if self.train_image_encoder and self.stages else "frozen"
        made = {"text": f"{name_text_encoder(self.text_encoder)} (frozen)"}
        if view.has("street_view"):
            made["image"] = f"{name_image_encoder(self.image_encoder)} ({how})"
        return made

    def lacks(self, view: View) -> tuple[str, ...]:
        """Say which of the two stages has nothing to read."""
        needs = {"text": "street_view", "graph": "graph"}
        return tuple(
            f"no stage {stage}" for stage in STAGES if stage in self.stages and not view.has(needs[stage])
        )
