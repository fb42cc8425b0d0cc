"""Towers by name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from urbanbench.errors import BadInput, ExtraMissing
from urbanbench.hashing import code_digest, value_digest
from urbanbench.models._urbanclip.image_towers import (
    FrozenTokens,
    ImageTower,
    ScratchImage,
    TunedTokens,
    encode_all,
)
from urbanbench.models._urbanclip.net import CoCa
from urbanbench.models._urbanclip.text_towers import ClipText, FrozenText, ScratchText, TextTower
from urbanbench.models._urbanclip.words import read_sentences
from urbanbench.toolkit.features.encoded import text_features
from urbanbench.toolkit.kept.feature_store import cached_features, encoder_digest
from urbanbench.toolkit.pictures.image_encoders import load_image_encoder, name_image_encoder
from urbanbench.toolkit.pictures.pixel_store import open_pixel_store
from urbanbench.toolkit.pictures.table import PictureTable
from urbanbench.toolkit.texts.text_encoders import (
    load_text_encoder,
    name_text_encoder,
    read_weights,
)
from urbanbench.toolkit.training import seeded_torch

if TYPE_CHECKING:
    from urbanbench.models._urbanclip.tiles import Tiles
    from urbanbench.models.urbanclip import UrbanCLIP
    from urbanbench.toolkit.pictures._clip_nets import Clip
    from urbanbench.toolkit.pictures._image_nets import ImageEncoder

SCRATCH = "scratch"
CLIP = "clip:"
"""Word for a tower trained from nothing, and beginning of words that name a folder or hub name of a CLIP."""


class TowerMaker:
    """Makes the two towers of a model; a CLIP that both of them name is loaded once.

    Parameters
    ----------
    model
        Its parameters.
    seed
        Seed of first weights.
    device
        Where the towers will compute.
    """

    def __init__(self, model: UrbanCLIP, *, seed: int, device: str) -> None:
        self.model, self.seed, self.device = model, seed, device
        self._clips: dict[str, Clip] = {}

    def net(self, image: ImageTower, text: TextTower) -> CoCa:
        """Put two towers together, with first weights of what stands over them."""
        model = self.model
        with seeded_torch(self.seed, "urbanclip", "weights"):
            return CoCa(
                image,
                text,
                dim=model.dim,
                heads=model.heads,
                queries=model.queries,
                layers=model.decoder_layers,
            ).to(self.device)

    def image(self, tiles: Tiles, tiles_digest: str) -> ImageTower:
        """Make the tower that looks at tiles; a frozen encoder's features are kept in the cache folder."""
        model, size = self.model, self.model.size
        trained = model.image_tower == SCRATCH or model.train_image_tower
        store = open_pixel_store(tiles_digest, len(tiles), size) if trained else None
        pictures = PictureTable(tiles.opener(size), tiles.names, size, store=store)
        with seeded_torch(self.seed, "urbanclip", "image"):
            if model.image_tower == SCRATCH:
                return ScratchImage(
                    pictures,
                    dim=model.dim,
                    heads=model.heads,
                    layers=model.image_layers,
                    patch=model.patch,
                    device=self.device,
                )
            encoder = self._image_encoder()
        if trained:
            return TunedTokens(encoder, pictures, self.device)
        return self._frozen(encoder, pictures, tiles_digest)

    def text(self, sentences: tuple[str, ...]) -> TextTower:
        """Make the tower that reads sentences."""
        model, word = self.model, self.model.text_tower
        with seeded_torch(self.seed, "urbanclip", "text"):
            if word.startswith(CLIP):
                return ClipText(
                    self._clip(word),
                    sentences,
                    most=model.max_words,
                    trained=model.train_text_tower,
                    device=self.device,
                )
            read, _ = read_sentences(sentences, model.max_words)
            if word == SCRATCH:
                return ScratchText(
                    read, dim=model.dim, heads=model.heads, layers=model.text_layers, device=self.device
                )
            encoder = load_text_encoder(word)
            features = text_features(encoder, sentences, device=self.device)
            return FrozenText(read, features, dim=model.dim, device=self.device)

    def _frozen(self, encoder: ImageEncoder, pictures: PictureTable, tiles_digest: str) -> FrozenTokens:
        grid, here = self.model.grid, Path(__file__)
        code = code_digest(here.with_name("image_towers.py"), here.with_name("tiles.py"))
        features = cached_features(
            "tile",
            encoder_digest(encoder, self.device),
            value_digest([tiles_digest, pictures.size, grid, code]),
            lambda: encode_all(encoder, pictures, grid, self.device),
        )
        tokens = grid**2 + int(self.model.image_tower.startswith(CLIP))
        return FrozenTokens(features, tokens, self.device)

    def _image_encoder(self) -> ImageEncoder:
        word, size = self.model.image_tower, self.model.size
        if not word.startswith(CLIP):
            return load_image_encoder(word)
        clip = self._clip(word)
        if clip.size != size:
            msg = f"{clip.name!r} reads pictures of {clip.size} pixels per side, urbanclip was given {size}. Expected the same. Mend: --set size={clip.size}"
            raise BadInput(msg)
        return clip

    def _clip(self, word: str) -> Clip:
        if word not in self._clips:
            self._clips[word] = load_clip_tower(word)
        return self._clips[word]


def load_clip_tower(word: str) -> Clip:
    """Load the CLIP that ``clip:<folder or hub name>`` names.

    Raises
    ------
    ExtraMissing
        The weights are not on this machine and cannot be fetched.
    """
    from urbanbench.toolkit.pictures._clip_nets import load_clip

    place = word.removeprefix(CLIP)
    try:
        return read_weights(
            word,
            place,
            lambda local_only: load_clip(name_image_encoder(place), place, local_only=local_only).eval(),
        )
    except ExtraMissing as error:
        reason = str(error.__cause__).splitlines()[0][:160]
        msg = (
            f"CLIP {place!r} cannot be loaded ({reason}). Expected config.json, tokenizer.json and model.safetensors in a folder, the "
            "local cache or on the hub. Mend: --set image_tower=clip:/path/to/folder --set text_tower=clip:/path/to/folder, or --preset small."
        )
        raise ExtraMissing(msg) from error


def name_towers(model: UrbanCLIP) -> dict[str, str]:
    """Return the honest names of both towers, for results."""
    image, text = model.image_tower, model.text_tower
    trained = image == SCRATCH or model.train_image_tower
    seen = "vit from scratch" if image == SCRATCH else name_image_encoder(image.removeprefix(CLIP))
    if text == SCRATCH:
        read = f"transformer-{model.text_layers} from scratch (trained)"
    elif text.startswith(CLIP):
        read = f"{name_image_encoder(text.removeprefix(CLIP))} ({'trained' if model.train_text_tower else 'frozen'})"
    else:
        read = f"{name_text_encoder(text)} (frozen)"
    return {"image": f"{seen} ({'trained' if trained else 'frozen'}, {model.size} px)", "text": read}
