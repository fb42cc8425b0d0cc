"""The vision-language models that UGE is published on, as transformers knows them, and those that it does not know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["FAMILIES", "WITHOUT_CLASS", "Family"]


@dataclass(frozen=True)
class Family:
    """A family of models: its classes in transformers, and how a turn of a user is written for it.

    Parameters
    ----------
    title
        Name for people.
    kind, language
        `model_type` of its config.json and of the language model in it.
    model_class, image_class
        Classes of transformers: of the model, and of what makes pixels of a picture without torchvision.
    opening, closing
        Words around what a user shows and says.
    picture
        Words around a picture's placeholders.
    begins
        Whether the tokenizer's first token stands before all.
    public
        Public names of weights of this family.
    """

    title: str
    kind: str
    language: str
    model_class: str
    image_class: str
    opening: str
    closing: str
    picture: tuple[str, str]
    begins: bool
    public: tuple[str, ...]


_QWEN: Mapping[str, object] = {
    "image_class": "Qwen2VLImageProcessorPil",
    "opening": "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n",
    "closing": "<|im_end|>\n<|im_start|>assistant\n",
    "picture": ("<|vision_start|>", "<|vision_end|>"),
    "begins": False,
}

FAMILIES: Mapping[str, Family] = {
    one.kind: one
    for one in (
        Family(
            title="Qwen2-VL",
            kind="qwen2_vl",
            language="qwen2_vl_text",
            model_class="Qwen2VLForConditionalGeneration",
            public=("Qwen/Qwen2-VL-2B-Instruct", "Qwen/Qwen2-VL-7B-Instruct"),
            **_QWEN,  # type: ignore[arg-type]  # words of both families, typed above
        ),
        Family(
            title="Qwen2.5-VL",
            kind="qwen2_5_vl",
            language="qwen2_5_vl_text",
            model_class="Qwen2_5_VLForConditionalGeneration",
            public=("Qwen/Qwen2.5-VL-3B-Instruct", "Qwen/Qwen2.5-VL-7B-Instruct"),
            **_QWEN,  # type: ignore[arg-type]  # same
        ),
        Family(
            title="LLaVA-NeXT-Mistral",
            kind="llava_next",
            language="mistral",
            model_class="LlavaNextForConditionalGeneration",
            image_class="LlavaNextImageProcessorPil",
            opening="[INST] ",
            closing=" [/INST]",
            picture=("", "\n"),
            begins=True,
            public=("llava-hf/llava-v1.6-mistral-7b-hf",),
        ),
    )
}
"""Families by `model_type`."""

WITHOUT_CLASS: Mapping[str, str] = {"phi3_v": "Phi-3-Vision"}
"""Models of the paper that transformers has no class for: their folders bring code of their own, which is never run."""
