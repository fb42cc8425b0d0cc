"""Captions by an image-to-text model of a folder or the hub."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from urbanbench.errors import BadInput, ExtraMissing
from urbanbench.hashing import code_digest, value_digest
from urbanbench.progress import tracking
from urbanbench.toolkit.kept.feature_store import cached_features, encoder_digest
from urbanbench.toolkit.pictures.image_encoders import name_image_encoder
from urbanbench.toolkit.pictures.table import PictureTable, normalise
from urbanbench.toolkit.texts._text_nets import quiet_transformers
from urbanbench.toolkit.texts.text_encoders import read_weights

if TYPE_CHECKING:
    from urbanbench.models._urbanclip.tiles import Tiles

BATCH = 8
NOTHING = -1
"""Stands where a caption has no more tokens."""


class Captioner(nn.Module):
    """A model that writes about a picture from its pixels alone, such as BLIP, GIT or ViT-GPT2.

    Parameters
    ----------
    name
        Name for results.
    model, tokenizer
        A Hugging Face image-to-text model and its tokenizer.
    size
        Pixels per side that it reads.
    mean, std
        Channel statistics of the pictures it was trained with.
    longest
        Most tokens of a caption.
    """

    def __init__(
        self,
        name: str,
        model: nn.Module,
        tokenizer: Any,
        *,
        size: int,
        mean: tuple[float, ...],
        std: tuple[float, ...],
        longest: int,
    ) -> None:
        super().__init__()
        self.name, self.model, self.tokenizer = name, model, tokenizer
        self.size, self.mean, self.std, self.longest = size, mean, std, longest

    def forward(self, images: Tensor) -> Tensor:
        """Return token ids (n, longest) of normalised images, the most likely token at each place; `NOTHING` after the end."""
        model: Any = self.model
        made = model.generate(pixel_values=images, max_new_tokens=self.longest, do_sample=False, num_beams=1)
        ids = torch.full((len(images), self.longest + 1), NOTHING, dtype=torch.int64)
        ids[:, : made.shape[1]] = made[:, : self.longest + 1].cpu()
        return ids

    def text(self, ids: np.ndarray) -> str:
        """Return the words of a row of token ids."""
        told = [int(one) for one in ids if one >= 0]
        return str(self.tokenizer.decode(told, skip_special_tokens=True)).strip()


def load_captioner(word: str, *, longest: int) -> Captioner:
    """Load an image-to-text model from a folder or by its hub name.

    Raises
    ------
    BadInput
        No model is named.
    ExtraMissing
        The weights are not on this machine and cannot be fetched.
    """
    if not word:
        msg = "Captions are to be written by a vision language model, but none is named. Expected a folder or a name on the hub. For example --set captioner=/path/to/blip"
        raise BadInput(msg)
    try:
        return read_weights(word, word, lambda local_only: _read(word, longest, local_only=local_only))
    except ExtraMissing as error:
        msg = (
            f"Image-to-text model {word!r} cannot be loaded ({str(error.__cause__).splitlines()[0][:160]}). Expected config.json, "
            "preprocessor_config.json, a tokenizer and model.safetensors of a model such as BLIP, in a folder, the local cache or on the hub. "
            "Mend: --set captioner=/path/to/folder, or --set captions=template."
        )
        raise ExtraMissing(msg) from error


def written_captions(tiles: Tiles, pictures_digest: str, captioner: Captioner, device: str) -> list[str]:
    """Return what the model says of every tile, "" where the picture cannot be opened; kept in the cache folder."""
    table = PictureTable(tiles.opener(captioner.size), tiles.names, captioner.size)
    ids = cached_features(
        "caption",
        encoder_digest(captioner, device),
        value_digest([pictures_digest, _settings(captioner), code_digest(Path(__file__))]),
        lambda: _generate(captioner, table, device),
    )
    return ["" if np.isnan(row).any() else captioner.text(row) for row in ids]


def _settings(captioner: Captioner) -> list[str]:
    """Return how the model's folder wants text to be generated: penalties and forbidden tokens change what it says."""
    given = (getattr(one, "generation_config", None) for one in captioner.model.modules())
    return [str(one.to_json_string(use_diff=False)) for one in given if one is not None]


@torch.inference_mode()
def _generate(captioner: Captioner, table: PictureTable, device: str) -> np.ndarray:
    """Return token ids as float32, exact below 2^24; NaN for pictures that cannot be opened."""
    made = np.empty((len(table), captioner.longest + 1), dtype=np.float32)
    captioner.eval().to(device)
    start = 0
    with tracking(f"caption {len(table)} pictures", len(table)) as bar:
        for pixels, ok in table.batches(np.arange(len(table)), BATCH):
            images = normalise(torch.from_numpy(pixels).to(device), captioner.mean, captioner.std)
            ids = captioner(images.contiguous()).numpy()
            made[start : start + len(ids)] = np.where(ok[:, None], ids, np.nan)
            start += len(ids)
            bar.advance(len(ids))
    return made


def _read(place: str, longest: int, *, local_only: bool) -> Captioner:
    from transformers import AutoModelForImageTextToText, AutoTokenizer
    from transformers.image_processing_utils import BaseImageProcessor

    with quiet_transformers():
        told, _ = BaseImageProcessor.get_image_processor_dict(place, local_files_only=local_only)
        tokenizer = AutoTokenizer.from_pretrained(place, local_files_only=local_only)
        model = AutoModelForImageTextToText.from_pretrained(
            place, local_files_only=local_only, dtype=torch.float32
        )
    side = told["size"]
    return Captioner(
        name_image_encoder(place),
        model,
        tokenizer,
        size=int(side if isinstance(side, int) else side.get("height", side.get("shortest_edge"))),
        mean=tuple(told["image_mean"]),
        std=tuple(told["image_std"]),
        longest=longest,
    )
