"""Image-to-text models of transformers: loading, one picture to one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor

from urbanbench.graph._picture_words import KINDS, PictureWords
from urbanbench.toolkit.kept.weight_folders import folder_name

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Captioner", "read_captioner"]

QUESTION = "Describe this street view in one or two sentences. Do not guess where it is."
"""Asked of models that chat; others only see the picture."""

MOST_TOKENS = 60


class Captioner:
    """A model that says in a sentence what a picture shows; the likeliest words, so that the same picture gives the same sentence.

    Parameters
    ----------
    model, processor
        Of transformers.
    used
        What was loaded, in words.
    device
        Where it computes.
    """

    def __init__(self, model: Any, processor: Any, used: str, device: str) -> None:
        self._model, self._processor, self.used, self._device = model, processor, used, device

    def say(self, picture: Image) -> str:
        """Return what the model says of a picture, on one line."""
        asked = self._asked(picture).to(self._device)
        with torch.inference_mode():
            made = self._model.generate(**asked, max_new_tokens=MOST_TOKENS, do_sample=False, num_beams=1)
        given = asked.get("input_ids")
        # Models of one row of tokens repeat what they were asked; those with a decoder of their own do not.
        if (
            given is not None
            and made.shape[1] > given.shape[1]
            and torch.equal(made[:, : given.shape[1]], given)
        ):
            made = made[:, given.shape[1] :]
        return " ".join(self._processor.batch_decode(made, skip_special_tokens=True)[0].split())

    def _asked(self, picture: Image) -> Any:
        if not getattr(self._processor, "chat_template", None):
            return self._processor(images=picture, return_tensors="pt")
        turn = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": QUESTION}]}
        words = self._processor.apply_chat_template([turn], add_generation_prompt=True, tokenize=False)
        return self._processor(images=picture, text=words, return_tensors="pt")


def read_captioner(folder: Path, device: str) -> Captioner:
    """Read model and processor from a folder; errors are those of transformers."""
    processor = _processor(folder)
    model: Any = AutoModelForImageTextToText.from_pretrained(
        folder, local_files_only=True, trust_remote_code=False, use_safetensors=True
    )
    weights = sum(one.numel() for one in model.parameters())
    used = f"model {folder_name(folder)} ({type(model).__name__}, {weights:,} weights)"
    return Captioner(model.eval().to(device), processor, used, device)


def _processor(folder: Path) -> Any:
    # transformers leaves some of its functions without types.
    read_config: Any = AutoConfig.from_pretrained
    if read_config(folder, local_files_only=True, trust_remote_code=False).model_type in KINDS:
        return PictureWords(folder)
    read_processor: Any = AutoProcessor.from_pretrained
    return read_processor(folder, local_files_only=True, trust_remote_code=False)
