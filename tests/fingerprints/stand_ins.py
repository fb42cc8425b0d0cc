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


def add_raster(folder: Path, *, side: float = 25.0, bands: int = 5) -> None:
    """Give a city folder an embedding raster by AlphaEarth's law: two int8 files that overlap, one bottom up, with holes and ground left out."""
    import numpy as np
    import rasterio
    from affine import Affine

    from urbanbench.city.city import City

    city = City.open(folder)
    west, south, east, north = city.regions.total_bounds
    left, top = np.floor(west / side) * side, np.ceil(north / side) * side
    rows, columns = (
        int((top - south) / side) + 1,
        int((east - left) / side) - 3,
    )  # the easternmost ground is left out
    row, column, band = np.meshgrid(np.arange(rows), np.arange(columns), np.arange(bands), indexing="ij")
    waves = (
        np.sin(row * 0.11 * (band + 1)) + np.cos(column * 0.07 * (band + 2)) + np.sin(row * column * 0.003)
    )
    stored = np.rint(waves * 42).astype(np.int8)
    stored[(row[..., 0] * 7 + column[..., 0] * 3) % 11 == 0] = -128
    kind = {"driver": "GTiff", "count": bands, "dtype": "int8", "nodata": -128, "crs": city.crs}
    half = columns // 2
    (folder / "raster_embedding").mkdir()
    for name, first, behind, up in (("west", 0, half + 9, False), ("east", half, columns, True)):
        place = Affine(
            side, 0, left + first * side, 0, side if up else -side, top - rows * side if up else top
        )
        part = stored[:: -1 if up else 1, first:behind].transpose(2, 0, 1)
        size = {"width": behind - first, "height": rows}
        with rasterio.open(
            folder / f"raster_embedding/{name}.tif", "w", transform=place, **kind, **size
        ) as file:
            file.write(np.ascontiguousarray(part))
    told = json.loads((folder / "city.json").read_text(encoding="utf-8"))
    files = [f"raster_embedding/{name}.tif" for name in ("west", "east")]
    told["layers"]["raster_embedding"] = {
        "files": files,
        "law": "alphaearth",
        "date": "2024",
        "source": "a test",
    }
    (folder / "city.json").write_text(json.dumps(told), encoding="utf-8")
