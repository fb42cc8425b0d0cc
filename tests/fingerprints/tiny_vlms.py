"""Vision-language models of each family that UGE knows, tiny and random, saved with tokenizer and image processor as real ones are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SIGNS = {
    "qwen2_vl": [
        "<|im_start|>",
        "<|im_end|>",
        "<|vision_start|>",
        "<|vision_end|>",
        "<|image_pad|>",
        "<|video_pad|>",
    ],
    "llava_next": ["<s>", "</s>", "[INST]", "[/INST]", "<image>"],
}
"""Tokens of a family's own, each read whole."""
SIGNS["qwen2_5_vl"] = SIGNS["qwen2_vl"]

SPREAD = 0.3
"""Of first weights: as usually drawn (0.02), such small models hear nothing but their last token."""

_LANGUAGE = {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 2048,
    "initializer_range": SPREAD, "bos_token_id": None, "eos_token_id": None,
}  # fmt: skip


def make_vlm(folder: Path, kind: str) -> Path:
    """Save a model whose words are single bytes; nothing is fetched."""
    import transformers

    from urbanbench.toolkit.training import seeded_torch

    tokenizer = _tokenizer(SIGNS[kind], end="</s>" if kind == "llava_next" else "<|im_end|>")
    config, image_processor, model_class = _MADE[kind](tokenizer)
    with seeded_torch(1, "tiny-vlm", kind):
        model = getattr(transformers, model_class)(config)
        model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    image_processor.save_pretrained(folder)
    return folder


def _tokenizer(signs: list[str], end: str) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = {word: row for row, word in enumerate(["<pad>", *signs, *letters])}
    made = Tokenizer(models.BPE(words, []))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    own = {"bos_token": "<s>"} if "<s>" in signs else {}
    return PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", eos_token=end, additional_special_tokens=signs, **own
    )


def _qwen(tokenizer: Any, config_class: str, vision: dict[str, Any], text: str) -> Any:
    import transformers

    token = tokenizer.convert_tokens_to_ids
    rope = {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [1, 1, 2]}
    config = getattr(transformers, config_class)(
        text_config={"model_type": text, "vocab_size": len(tokenizer), "rope_parameters": rope, **_LANGUAGE},
        vision_config={"depth": 2, "num_heads": 2, "patch_size": 14, "spatial_merge_size": 2, "initializer_range": SPREAD, **vision},
        image_token_id=token("<|image_pad|>"), video_token_id=token("<|video_pad|>"),
        vision_start_token_id=token("<|vision_start|>"), vision_end_token_id=token("<|vision_end|>"),
        tie_word_embeddings=True, initializer_range=SPREAD,
    )  # fmt: skip
    return config, transformers.Qwen2VLImageProcessorPil(min_pixels=28 * 28, max_pixels=56 * 56)


def _qwen2_vl(tokenizer: Any) -> tuple[Any, Any, str]:
    vision = {"embed_dim": 16, "hidden_size": 32, "mlp_ratio": 2}
    return (*_qwen(tokenizer, "Qwen2VLConfig", vision, "qwen2_vl_text"), "Qwen2VLForConditionalGeneration")


def _qwen2_5_vl(tokenizer: Any) -> tuple[Any, Any, str]:
    vision = {
        "hidden_size": 16, "out_hidden_size": 32, "intermediate_size": 24, "window_size": 56,
        "fullatt_block_indexes": [1],
    }  # fmt: skip
    return (
        *_qwen(tokenizer, "Qwen2_5_VLConfig", vision, "qwen2_5_vl_text"),
        "Qwen2_5_VLForConditionalGeneration",
    )


def _llava_next(tokenizer: Any) -> tuple[Any, Any, str]:
    from transformers import LlavaNextConfig, LlavaNextImageProcessorPil

    vision = {
        "model_type": "clip_vision_model", "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
        "num_attention_heads": 2, "image_size": 28, "patch_size": 14, "projection_dim": 8,
        "initializer_range": SPREAD,
    }  # fmt: skip
    grid = [[28, 56], [56, 28], [56, 56]]
    config = LlavaNextConfig(
        vision_config=vision, text_config={"model_type": "mistral", "vocab_size": len(tokenizer), **_LANGUAGE},
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"), image_grid_pinpoints=grid, initializer_range=SPREAD,
    )  # fmt: skip
    side = {"height": 28, "width": 28}
    made = LlavaNextImageProcessorPil(image_grid_pinpoints=grid, size={"shortest_edge": 28}, crop_size=side)
    return config, made, "LlavaNextForConditionalGeneration"


_MADE = {"qwen2_vl": _qwen2_vl, "qwen2_5_vl": _qwen2_5_vl, "llava_next": _llava_next}
