"""Words and pictures for models of the Qwen-VL family, without the processor of transformers, which needs torchvision for films."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import transformers
from transformers import AutoTokenizer, BatchFeature

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["KINDS", "PictureWords"]

KINDS = frozenset({"qwen2_vl", "qwen2_5_vl"})
"""`model_type` of models that it writes for."""

_PLACE = "<|image_pad|>"
_PLAIN = "<|im_start|>user\n<|vision_start|>" + _PLACE + "<|vision_end|>{}<|im_end|>\n<|im_start|>assistant\n"


class PictureWords:
    """Writes a question about a picture as the model reads it, with as many placeholders as the picture has parts.

    Parameters
    ----------
    folder
        Has the tokenizer's and the image processor's files.
    """

    chat_template = "the tokenizer's"

    def __init__(self, folder: Path) -> None:
        # transformers leaves some of its functions without types.
        read: Any = AutoTokenizer.from_pretrained
        self.tokenizer = read(folder, local_files_only=True, trust_remote_code=False)
        self.image_processor: Any = transformers.Qwen2VLImageProcessorPil.from_pretrained(
            folder, local_files_only=True
        )

    def apply_chat_template(self, turns: list[dict[str, Any]], **settings: Any) -> str:
        """Return a turn in words: as the tokenizer's template has it, or in the family's plain form where it has none."""
        if getattr(self.tokenizer, "chat_template", None):
            return str(self.tokenizer.apply_chat_template(turns, **settings))
        return _PLAIN.format(" ".join(part["text"] for part in turns[0]["content"] if part["type"] == "text"))

    def __call__(self, *, images: Image, text: str, return_tensors: str) -> BatchFeature:
        """Return what the model takes for one picture and the words around it."""
        pixels = self.image_processor(images=[images], return_tensors=return_tensors)
        parts = int(pixels["image_grid_thw"].prod()) // int(self.image_processor.merge_size) ** 2
        words = self.tokenizer(text.replace(_PLACE, _PLACE * parts), return_tensors=return_tensors)
        place = self.tokenizer.convert_tokens_to_ids(_PLACE)
        kind = (words["input_ids"] == place).int()
        return BatchFeature({**words, **pixels, "mm_token_type_ids": kind})

    def batch_decode(self, tokens: Any, **settings: Any) -> list[str]:
        """Return tokens as words."""
        made: list[str] = self.tokenizer.batch_decode(tokens, **settings)
        return made
