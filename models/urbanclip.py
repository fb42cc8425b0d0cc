"""UrbanCLIP: region vectors from pictures from above, trained with sentences about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from urbanbench.card import ModelCard
from urbanbench.errors import BadInput, UnknownName
from urbanbench.model import Model
from urbanbench.models._urbanclip.card import CARD

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.learned import Learned
    from urbanbench.models._urbanclip.pretrain import Pretrained
    from urbanbench.space import EmbeddingSpace
    from urbanbench.units import Units

CHOICES: Mapping[str, tuple[str, ...]] = {
    "captions": ("auto", "precomputed", "template", "vlm"),
    "tile": ("bbox", "fixed_1km"),
}

_SIZES = (
    "dim", "size", "grid", "patch", "image_layers", "text_layers", "max_words", "heads", "queries", "decoder_layers", "caption_tokens",
)  # fmt: skip

SMALL: dict[str, Any] = {
    "dim": 256,
    "image_tower": "efficientnet-lite0",
    "train_image_tower": False,
    "text_tower": "scratch",
    "text_layers": 4,
    "max_words": 40,
    "heads": 4,
    "queries": 8,
    "decoder_layers": 2,
    "mask_same": True,
    "lr": 3e-4,
    "batch": 64,
    "epochs": None,
    "min_steps": 500,
    "max_steps": 20_000,
}
"""Preset `small`: to the plateau on two cores. `quick` is the same for a first look, ended by a cap long before it has converged."""


@dataclass(frozen=True)
class UrbanCLIP(Model):
    """A picture tower and a text tower with a contrastive loss, and a decoder that writes the caption: CoCa on tiles of a city.

    A region's vector is that of its tile after training, scaled to length 1; sentences are read in training only.

    Parameters
    ----------
    dim
        Length of picture and sentence vectors.
    image_tower, train_image_tower
        "clip:<folder or hub name>", a word or folder of `urbanbench.toolkit.pictures.image_encoders`, or "scratch" for a small vision
        transformer; whether its weights change (those of "scratch" always do).
    size, grid, patch, image_layers
        Pixels per side of a tile; parts per side that a frozen tower is read in; pixels per side of a patch and layers of "scratch".
    text_tower, train_text_tower
        "clip:<folder or hub name>", "scratch" for a causal transformer, or a frozen sentence encoder of
        `urbanbench.toolkit.texts.text_encoders`; whether CLIP's weights change.
    text_layers, max_words
        Layers of "scratch"; longest sentence in words (of CLIP in tokens), begin and end among them.
    heads, queries, decoder_layers
        Attention heads; picture vectors that the caption decoder sees; its layers.
    tile
        "bbox", the region's bounding box, or "fixed_1km", a square kilometre around its middle, put together from all pictures.
    captions, captioner, caption_tokens
        "precomputed" from the city; "template" from tags, roads and colours; "vlm" by an image-to-text model, whose folder or hub name
        `captioner` is, up to so many tokens; "auto" for the first where the city has captions, else the second. Never two in one run.
    drop_words
        Captions with one of these words are left out, such as the oceans that language models imagine.
    fixed_caption
        Whether a picture keeps one sentence in all epochs, as in the authors' code.
    mask_same
        Whether pairs of the same sentence or picture are no negatives of each other.
    caption_weight
        Weight of the caption loss beside the contrastive one.
    lr, weight_decay, batch, epochs, min_steps, max_steps, warmup, held_out, patience, precision
        Schedule, see `urbanbench.toolkit.training.schedule.Schedule`; weight decay is decoupled.
    """

    dim: int = 768
    image_tower: str = "clip:openai/clip-vit-large-patch14"
    train_image_tower: bool = True
    size: int = 224
    grid: int = 3
    patch: int = 32
    image_layers: int = 6
    text_tower: str = "clip:openai/clip-vit-large-patch14"
    train_text_tower: bool = True
    text_layers: int = 6
    max_words: int = 77
    heads: int = 8
    queries: int = 256
    decoder_layers: int = 12
    tile: str = "bbox"
    captions: str = "auto"
    captioner: str = ""
    caption_tokens: int = 128
    drop_words: tuple[str, ...] = ()
    fixed_caption: bool = False
    mask_same: bool = False
    caption_weight: float = 1.0
    lr: float = 3e-5
    weight_decay: float = 0.01
    batch: int = 128
    epochs: int | None = 100
    min_steps: int = 0
    max_steps: int | None = None
    warmup: int = 50
    held_out: float = 0.1
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
            A word of a choice that does not exist.
        BadInput
            A size below 1, heads that do not divide `dim`, or a weight below 0.
        """
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise UnknownName(name, getattr(self, name), known)
        for name in _SIZES:
            least = 3 if name == "max_words" else 1
            if getattr(self, name) < least:
                msg = f"Parameter {name!r} of UrbanCLIP is {getattr(self, name)}. Expected at least {least}."
                raise BadInput(msg)
        if self.dim % self.heads:
            msg = f"UrbanCLIP has dim={self.dim} and heads={self.heads}. Expected a dim that is a multiple of heads. For example --set dim={self.heads * 32}"
            raise BadInput(msg)
        for name in ("caption_weight", "weight_decay"):
            if getattr(self, name) < 0:
                msg = f"Parameter {name!r} of UrbanCLIP is {getattr(self, name)}. Expected 0 or more."
                raise BadInput(msg)

    def embed(self, view: View, *, units: Units, seed: int, device: str) -> EmbeddingSpace:
        """Train on the view and return the vectors (n, dim) of regions.

        Raises
        ------
        RunRefused
            Too few regions with picture and caption.
        """
        from urbanbench.models._urbanclip.pretrain import embed_units

        return embed_units(self, self.pretrain(view, seed=seed, device=device), view, units)

    def learn(self, view: View, *, seed: int, device: str) -> Learned:
        """Train on the view and return the weights of what looks at pictures."""
        from urbanbench.models._urbanclip.transfer import learned_of

        return learned_of(self, self.pretrain(view, seed=seed, device=device))

    def embed_with(
        self, learned: Learned, view: View, *, units: Units, seed: int, device: str
    ) -> EmbeddingSpace:
        """Return vectors of any city's units from what was learned in one."""
        from urbanbench.models._urbanclip.pretrain import embed_units
        from urbanbench.models._urbanclip.transfer import trained_elsewhere

        trained = trained_elsewhere(self, learned, view, seed=seed, device=device)
        return embed_units(self, trained, view, units)

    def pretrain(self, view: View, *, seed: int, device: str = "cpu") -> Pretrained:
        """Train and return the net with the losses of every step."""
        from urbanbench.models._urbanclip.pretrain import pretrain

        return pretrain(self, view, seed=seed, device=device)

    def variant(self, view: View) -> Mapping[str, str]:
        """Name the towers, where captions come from, what tiles show, and the kind of pictures."""
        from urbanbench.models._urbanclip.captions import name_source
        from urbanbench.models._urbanclip.towers import name_towers

        made = name_towers(self)
        made["captions"] = name_source(view, self.captions, self.captioner)
        made["tile"] = self.tile
        if view.kind("satellite"):
            made["satellite"] = view.kind("satellite")
        return made

    def lacks(self, view: View) -> tuple[str, ...]:
        """Say that sentences are written from a template, as where the city has no captions."""
        from urbanbench.models._urbanclip.captions import caption_source

        return ("template captions",) if caption_source(view, self.captions) == "template" else ()
