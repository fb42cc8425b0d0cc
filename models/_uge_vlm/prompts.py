"""Items as a model reads them: words, and placeholders for pictures and for the nodes of graphs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from PIL.Image import Image

    from urbanbench.items import Item
    from urbanbench.models._uge_vlm.backbone import Backbone

__all__ = ["Asked", "Prompts", "Turns"]

WORD, PICTURE, NODE = 0, 1, 2
"""What a token is: a word, a placeholder of a picture's part, a placeholder of a node."""


@dataclass(frozen=True)
class Asked:
    """What a model is shown at once: words before and after, pictures, and how many nodes a graph has."""

    instruction: str
    text: str
    pictures: tuple[Image, ...]
    nodes: int

    @classmethod
    def of(cls, item: Item, pictures: Sequence[Image], nodes: int) -> Asked:
        """Return an item as it is shown with these pictures and so many nodes."""
        return cls(item.instruction, item.text, tuple(pictures), nodes)


@dataclass(frozen=True, eq=False)
class Turns:
    """Several items as tensors, each a row with padding behind it.

    Parameters
    ----------
    ids, attention, kind
        int64 (b, longest): tokens; 1 where there is one; `WORD`, `PICTURE` or `NODE`.
    last
        int64 (b,): the place of each row's last token.
    pixels
        What the image processor made of all pictures, in order; empty where there are none.
    """

    ids: Tensor
    attention: Tensor
    kind: Tensor
    last: Tensor
    pixels: dict[str, Tensor] = field(default_factory=dict)


class Prompts:
    """Writes items as turns of a user, closed by the token that ends a turn.

    Parameters
    ----------
    backbone
        Whose tokenizer and image processor are used.
    most_tokens
        Longest text and longest instruction, in tokens; what is longer is cut at its end.
    most_pixels
        Pictures with more pixels are made smaller, whatever the family.
    """

    def __init__(self, backbone: Backbone, *, most_tokens: int, most_pixels: int) -> None:
        self._family, self._tokenizer = backbone.family, backbone.tokenizer
        self._image_processor, self._config = backbone.image_processor, backbone.config
        self._most_tokens, self._most_pixels = most_tokens, most_pixels
        self._image_token = int(backbone.config.image_token_id)
        self._image_word = str(self._tokenizer.convert_ids_to_tokens(self._image_token))
        self._end = int(self._tokenizer.eos_token_id)
        pad = self._tokenizer.pad_token_id
        self._pad = self._end if pad is None else int(pad)
        self._counted: dict[tuple[int, int], int] = {}

    def turns(self, asked: Sequence[Asked]) -> Turns:
        """Write items as one batch."""
        pictures = [self._smaller(one) for each in asked for one in each.pictures]
        pixels = self._pixels(pictures)
        parts = iter(self._parts(pictures, pixels))
        rows = [self._row(one, [next(parts) for _ in one.pictures]) for one in asked]
        longest = max(len(ids) for ids, _ in rows)
        ids = np.full((len(rows), longest), self._pad, dtype=np.int64)
        kind, attention = np.zeros_like(ids), np.zeros_like(ids)
        for k, (tokens, kinds) in enumerate(rows):
            ids[k, : len(tokens)], kind[k, : len(tokens)], attention[k, : len(tokens)] = tokens, kinds, 1
        made = [torch.from_numpy(one) for one in (ids, attention, kind, attention.sum(axis=1) - 1)]
        return Turns(made[0], made[1], made[2], made[3], pixels)

    def words(self, text: str, most: int | None = None) -> list[int]:
        """Return the tokens of somebody's words; nothing in them is read as a sign of the model's own."""
        found: list[int] = self._tokenizer(text, add_special_tokens=False, split_special_tokens=True)[
            "input_ids"
        ]
        return found if most is None else found[:most]

    def _row(self, asked: Asked, parts: Sequence[int]) -> tuple[list[int], list[int]]:
        family, before, after = self._family, *self._family.picture
        begin = [int(self._tokenizer.bos_token_id)] if family.begins else []
        pieces: list[tuple[list[int], int]] = [(begin + self._signs(family.opening), WORD)]
        if asked.instruction:
            pieces.append((self._said(asked.instruction), WORD))
        for count in parts:
            pieces += [
                (self._signs(before), WORD),
                ([self._image_token] * count, PICTURE),
                (self._signs(after), WORD),
            ]
        if asked.nodes:
            pieces += [([self._pad] * asked.nodes, NODE), (self._signs("\n"), WORD)]
        if asked.text:
            pieces.append((self._said(asked.text), WORD))
        pieces.append(([*self._signs(family.closing), self._end], WORD))
        tokens = [token for some, _ in pieces for token in some]
        return tokens, [kind for some, kind in pieces for _ in some]

    def _said(self, text: str) -> list[int]:
        return [*self.words(text, self._most_tokens), *self._signs("\n")]

    def _signs(self, text: str) -> list[int]:
        """Return the tokens of the family's own words, its signs among them."""
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"]) if text else []

    def _smaller(self, picture: Image) -> Image:
        from PIL.Image import Resampling

        share = (self._most_pixels / (picture.width * picture.height)) ** 0.5
        if share >= 1:
            return picture
        size = (max(1, int(picture.width * share)), max(1, int(picture.height * share)))
        return picture.resize(size, Resampling.BICUBIC)

    def _pixels(self, pictures: Sequence[Image]) -> dict[str, Tensor]:
        if not pictures:
            return {}
        return dict(self._image_processor(images=list(pictures), return_tensors="pt"))

    def _parts(self, pictures: Sequence[Image], pixels: dict[str, Tensor]) -> list[int]:
        """Return how many placeholders each picture takes."""
        if "image_grid_thw" in pixels:
            merged = int(self._image_processor.merge_size) ** 2
            return [int(one) for one in (pixels["image_grid_thw"].prod(dim=1) // merged).tolist()]
        return [self._anyres_parts(one) for one in pictures]

    def _anyres_parts(self, picture: Image) -> int:
        """Return how many placeholders a picture of this size takes in LLaVA-NeXT, as its processor writes them."""
        if picture.size not in self._counted:
            made = self._anyres_processor()(images=picture, text=self._image_word)["input_ids"][0]
            self._counted[picture.size] = sum(token == self._image_token for token in made)
        return self._counted[picture.size]

    def _anyres_processor(self) -> Any:
        from transformers import LlavaNextProcessor

        vision = self._config.vision_config
        make: Any = LlavaNextProcessor  # transformers leaves it without types
        return make(
            self._image_processor, self._tokenizer, patch_size=vision.patch_size,
            vision_feature_select_strategy=self._config.vision_feature_select_strategy, num_additional_image_tokens=1,
            image_token=self._image_word,
        )  # fmt: skip
