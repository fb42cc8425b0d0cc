"""Small stand-ins for what cannot lie in a repository: weights of picture networks, and captions of regions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path


def make_clip(folder: Path) -> Path:
    """Save a small random CLIP as real ones are saved."""
    import torch
    from transformers import CLIPConfig, CLIPModel, CLIPTokenizer

    from urbanbench.toolkit.pictures.scenes import SCENES
    from urbanbench.toolkit.training import seeded_torch

    letters = sorted({one for name in SCENES for one in name if one != " "} | set("scene:"))
    words = [*letters, *(f"{one}</w>" for one in letters), "<|startoftext|>", "<|endoftext|>"]
    sizes = {
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "projection_dim": 8,
    }
    config = CLIPConfig(
        text_config={
            **sizes,
            "vocab_size": len(words),
            "max_position_embeddings": 40,
            "bos_token_id": len(words) - 2,
            "eos_token_id": len(words) - 1,
            "pad_token_id": len(words) - 1,
        },
        vision_config={**sizes, "image_size": 16, "patch_size": 8},
        projection_dim=8,
    )
    with seeded_torch(1, "tiny-clip"):
        model = CLIPModel(config)
        with torch.no_grad():
            for one in model.parameters():
                one.add_(0.5 * torch.randn_like(one))  # as first drawn, all pictures look alike to it
        model.save_pretrained(folder)
    vocab = {word: row for row, word in enumerate(words)}
    CLIPTokenizer(vocab=vocab, merges=[]).save_pretrained(folder)
    return folder


def make_resnet(folder: Path) -> Path:
    """Save a small random ResNet as real ones are saved."""
    from transformers import ResNetConfig, ResNetModel

    from urbanbench.toolkit.training import seeded_torch

    with seeded_torch(0, "tiny-resnet"):
        config = ResNetConfig(embedding_size=8, hidden_sizes=[8, 12], depths=[1, 1], layer_type="basic")
        ResNetModel(config).save_pretrained(folder)
    return folder


def add_captions(folder: Path, rows: Sequence[tuple[str, str]]) -> None:
    """Give a city folder a layer of captions: pairs of region and sentence."""
    import pandas as pd

    pd.DataFrame(rows, columns=["region_id", "caption"]).to_parquet(folder / "captions.parquet", index=False)
    told = json.loads((folder / "city.json").read_text(encoding="utf-8"))
    told["layers"]["captions"] = {"file": "captions.parquet", "count": len(rows)}
    (folder / "city.json").write_text(json.dumps(told), encoding="utf-8")
