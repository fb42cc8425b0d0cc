"""CLIP by folder or hub name: pictures and texts in one space."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from urbanbench.toolkit.pictures._image_nets import ImageEncoder

__all__ = ["Clip", "clip_is_here", "load_clip"]

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
"""Channel statistics of the pictures CLIP was trained with (Radford et al. 2021)."""


class Clip(ImageEncoder):
    """Image and text towers of CLIP, both up to the common space.

    Parameters
    ----------
    name
        Name for results.
    model, tokenizer
        Hugging Face's `CLIPModel` and its tokenizer.
    """

    mean, std = MEAN, STD

    def __init__(self, name: str, model: nn.Module, tokenizer: Any) -> None:
        super().__init__()
        self.name, self.model, self.tokenizer = name, model, tokenizer
        config: Any = model.config
        self.dim, self.size = int(config.projection_dim), int(config.vision_config.image_size)

    def forward(self, images: Tensor) -> Tensor:
        """Return picture vectors (n, dim) of length 1, of normalised images (n, 3, size, size)."""
        model: Any = self.model
        pooled = model.vision_model(pixel_values=images).pooler_output
        return nn.functional.normalize(model.visual_projection(pooled), dim=1)

    def encode_texts(self, texts: Sequence[str]) -> Tensor:
        """Return text vectors (n, dim) of length 1."""
        model: Any = self.model
        device = model.visual_projection.weight.device
        longest = int(model.config.text_config.max_position_embeddings)
        made = self.tokenizer(
            list(texts), padding=True, truncation=True, max_length=longest, return_tensors="pt"
        )
        tokens = {name: made[name].to(device) for name in ("input_ids", "attention_mask")}
        pooled = model.text_model(**tokens).pooler_output
        return nn.functional.normalize(model.text_projection(pooled), dim=1)


def clip_is_here(place: str) -> bool:
    """Tell whether a folder, or the local cache of the hub, holds the model's settings and weights."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    weights = ("model.safetensors", "model.safetensors.index.json")
    if Path(place).is_dir():
        return (Path(place) / "config.json").is_file() and any(
            (Path(place) / one).is_file() for one in weights
        )
    try:
        return isinstance(try_to_load_from_cache(place, "config.json"), str) and any(
            isinstance(try_to_load_from_cache(place, one), str) for one in weights
        )
    except HFValidationError:
        return False


def load_clip(name: str, place: str, *, local_only: bool) -> Clip:
    """Load CLIP from a folder or by its hub name; OSError when it is not there."""
    from transformers import CLIPModel, CLIPTokenizer

    from urbanbench.toolkit.texts._text_nets import quiet_transformers

    with quiet_transformers():
        tokenizer = CLIPTokenizer.from_pretrained(place, local_files_only=local_only)
        model = CLIPModel.from_pretrained(place, local_files_only=local_only, dtype=torch.float32)
    return Clip(name, model, tokenizer)
