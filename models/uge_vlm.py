"""UGE as published: a vision-language model with LoRA whose last token is the vector of a picture, a text and a graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from urbanbench.card import ModelCard
from urbanbench.errors import BadInput, RunRefused, UnknownName
from urbanbench.model import Model
from urbanbench.models._uge_vlm.card import CARD

if TYPE_CHECKING:
    from urbanbench.city.item_view import ItemView
    from urbanbench.city.view import View
    from urbanbench.learned import Learned
    from urbanbench.models._uge_vlm.pretrain import Trained
    from urbanbench.space import EmbeddingSpace
    from urbanbench.units import Units

STAGES = ("pairs", "graphs")
CHOICES = ("margin", "loss")

_LEAST: Mapping[str, float] = {
    "rank": 1, "alpha": 1, "graph_dim": 1, "graph_layers": 0, "graph_heads": 1, "edge_dim": 1, "nodes": 1, "node_tokens": 1,
    "text_tokens": 1, "pixels": 28 * 28, "lr": 0, "lr_graph": 0, "lr_scale": 0, "weight_decay": 0, "batch": 2, "check_every": 1,
    "embed_batch": 1,
}  # fmt: skip

SMALL: dict[str, Any] = {
    "nodes": 64,
    "pixels": 224 * 224,
    "text_tokens": 128,
    "temperature": 0.05,
    "choose": "loss",
    "batch": 8,
    "epochs": None,
    "min_epochs": 1,
    "max_steps": 5_000,
}
"""Preset `small`: to the plateau, for small models. `quick` is the same for a first look, ended by a cap long before it has converged."""


@dataclass(frozen=True)
class UgeVLM(Model):
    """UGE on a vision-language model: two stages of contrastive training, then the state of an item's last token, of length 1.

    Stage "pairs" trains LoRA adapters on pictures and texts; stage "graphs" goes on with graphs among the tokens, a graph encoder at its
    own rate and adapters at a tenth of theirs. The weights come from a folder; nothing is fetched.

    Parameters
    ----------
    weights
        Folder with a Qwen2-VL, Qwen2.5-VL or LLaVA-NeXT-Mistral, as `save_pretrained` and the hub have it; safetensors only.
    adapters
        Folder with adapters that were trained before (adapter_model.safetensors, and perhaps graph_encoder.safetensors); then nothing is trained.
    stages
        Some of "pairs" and "graphs", in order; none for a model that is not trained. Graphs are read where their stage is
        trained: those of an encoder that nothing was taught would be noise among the tokens.
    rank, alpha, dropout
        Of LoRA; dropout is also that of the graph encoder.
    graph_dim, graph_layers, graph_heads, edge_dim
        Length of inner node vectors, layers of GATv2, heads, and length of an edge's vector.
    nodes, node_tokens, text_tokens, pixels
        Most nodes of a graph; most tokens of a node's text, and of an item's text or instruction; most pixels of a picture.
    temperature
        By which cosines are divided.
    choose
        By what the best step is chosen on held-out lessons: "margin", how far right answers are above wrong ones, or "loss".
    lr, lr_graph, lr_scale, weight_decay
        Rate of adapters, of the graph encoder, what the adapters' rate is multiplied by in stage "graphs", and decoupled decay.
    batch, epochs, min_epochs, max_steps, held_out, check_every, patience, precision
        Schedule, see `urbanbench.toolkit.training.schedule.Schedule`.
    warmup
        Share of the longest training over which rates rise.
    checkpointing
        Whether inner values are computed again for the gradient instead of kept.
    embed_batch
        Items that are read at once when vectors are asked for.
    """

    weights: str = ""
    adapters: str = ""
    stages: tuple[str, ...] = STAGES
    rank: int = 16
    alpha: int = 32
    dropout: float = 0.1
    graph_dim: int = 256
    graph_layers: int = 2
    graph_heads: int = 4
    edge_dim: int = 16
    nodes: int = 1000
    node_tokens: int = 128
    text_tokens: int = 512
    pixels: int = 448 * 448
    temperature: float = 0.01
    choose: str = "margin"
    lr: float = 5e-5
    lr_graph: float = 5e-5
    lr_scale: float = 0.1
    weight_decay: float = 0.1
    batch: int = 32
    epochs: int | None = 5
    min_epochs: int = 5
    max_steps: int | None = None
    warmup: float = 0.05
    held_out: float = 0.05
    check_every: int = 100
    patience: int = 6
    precision: str = "auto"
    checkpointing: bool = True
    embed_batch: int = 8

    card: ClassVar[ModelCard] = CARD
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "paper": {},
        "small": SMALL,
        "quick": SMALL | {"min_epochs": 0, "max_steps": 60},
    }

    def __post_init__(self) -> None:
        """Check what no part checks itself.

        Raises
        ------
        UnknownName
            No such stage or choice.
        BadInput
            Stages twice or in another order, a size below 1, or a number outside of its range.
        """
        for name in self.stages:
            if name not in STAGES:
                raise UnknownName("stage of uge-vlm", name, STAGES)
        if self.choose not in CHOICES:
            raise UnknownName("choice of uge-vlm", self.choose, CHOICES)
        if list(self.stages) != [one for one in STAGES if one in self.stages]:
            msg = f"Parameter 'stages' of UgeVLM is {self.stages}. Expected each once, in order. Mend: --set stages=pairs,graphs"
            raise BadInput(msg)
        for name, least in _LEAST.items():
            if getattr(self, name) < least:
                msg = f"Parameter {name!r} of UgeVLM is {getattr(self, name)}. Expected at least {least}."
                raise BadInput(msg)
        for name in ("dropout", "held_out", "warmup"):
            if not 0 <= getattr(self, name) < 1:
                msg = f"Parameter {name!r} of UgeVLM is {getattr(self, name)}. Expected a share in [0, 1)."
                raise BadInput(msg)
        if self.temperature <= 0:
            msg = f"Parameter 'temperature' of UgeVLM is {self.temperature}. Expected a number above 0."
            raise BadInput(msg)

    def embed(self, view: View, *, units: Units, seed: int, device: str) -> EmbeddingSpace:
        """Train on the view's lessons and return vectors (n, dim) of items.

        Raises
        ------
        RunRefused
            No weights are named, transformers has no class for the model, or there are too few lessons.
        ExtraMissing
            The package peft is not installed.
        DataMissing, BadInput
            A folder that is not there, or that holds something else.
        """
        from urbanbench.models._uge_vlm.readout import embed_items

        return embed_items(self, self.pretrain(view, seed=seed, device=device), units)

    def learn(self, view: View, *, seed: int, device: str) -> Learned:
        """Train on the view's lessons and return adapters and graph encoder."""
        from urbanbench.models._uge_vlm.transfer import learned_of

        return learned_of(self, self.pretrain(view, seed=seed, device=device))

    def embed_with(
        self, learned: Learned, view: View, *, units: Units, seed: int, device: str
    ) -> EmbeddingSpace:
        """Return vectors of any city's items from what was learned in one."""
        from urbanbench.models._uge_vlm.readout import embed_items
        from urbanbench.models._uge_vlm.transfer import trained_elsewhere

        trained = trained_elsewhere(self, learned, _items(view), seed=seed, device=device)
        return embed_items(self, trained, units)

    def pretrain(self, view: View, *, seed: int, device: str = "cpu") -> Trained:
        """Train on the view's lessons, or read adapters that were, and return the model with its losses."""
        from pathlib import Path

        from urbanbench.models._uge_vlm.adapters import read_adapters
        from urbanbench.models._uge_vlm.pretrain import pretrain
        from urbanbench.models._uge_vlm.transfer import trained_elsewhere

        if self.adapters:
            learned = read_adapters(Path(self.adapters))
            return trained_elsewhere(self, learned, _items(view), seed=seed, device=device)
        return pretrain(self, _items(view), seed=seed, device=device)

    def variant(self, view: View) -> Mapping[str, str]:
        """Name family, weights and adapters by what lies in their folders."""
        from pathlib import Path

        from urbanbench.models._uge_vlm.folder import choose_folder
        from urbanbench.toolkit.kept.weight_folders import folder_name

        del view
        made = {"vlm": choose_folder(self.weights).name}
        if self.adapters:
            return made | {"adapters": folder_name(Path(self.adapters))}
        return made if self.stages else made | {"adapters": "none (not trained)"}


def _items(view: View) -> ItemView:
    """Return a view of items.

    Raises
    ------
    RunRefused
        A view of anything else.
    """
    from urbanbench.city.item_view import ItemView

    if not isinstance(view, ItemView):
        msg = "Model 'uge-vlm' embeds the items of a retrieval task, and was given a city's layers. Expected a task such as geolocation. Mend: -t geolocation"
        raise RunRefused(msg)
    return view
