"""Fingerprints of models: the vectors of every registered model on a tiny city, briefly trained."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from fingerprint_book import Fingerprint, Numbers, summary
from fingerprint_cities import city, inputs_there
from stand_ins import add_captions, add_raster, make_clip, make_resnet
from tiny_vlms import make_vlm

from urbanbench.checks.practice import embeds_items, practice
from urbanbench.city.city import City
from urbanbench.registry import load_model, names
from urbanbench.units import Units

BRIEF = {
    "epochs": 1, "max_steps": 2, "text_encoder": "hashing", "raster_size": 32, "size": 32, "street_size": 32, "overhead_size": 32,
    "walks": 1, "category_epochs": 1, "tag_epochs": 1, "word_epochs": 1, "pairs": 500, "held_out_pairs": 100,
}  # fmt: skip
"""Small values of parameters, for models that have them: what a model computes shows in two steps as in a thousand."""
OWN: Mapping[str, Mapping[str, Any]] = {
    "geovectors": {"words": "city"},
    "text-mean": {"text_encoder": "minilm"},
    "urbanmfm": {"epochs": 1},
}
"""Values of single models: `text-mean` shows what the packaged text encoder gives, `geovectors` needs no package that may be missing."""
FURTHER: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "building-stats": {"no heights": {"heights": False}},
    "places-counts": {"kept": {"objects": "kept"}, "every footprint": {"objects": "footprints"}},
    "neighbour-counts": {"together": {"neighbours": "together"}},
    "random-codes": {"sums": {"pooling": "sum"}},
    "text-codes": {"zero place": {"zero_place": True}},
    "footprint-means": {"sums of places": {"footprints": "places", "pooling": "sum"}},
    "cityfm": {"without the zero place": {"region_zero": False}, "every footprint": {"untagged": "poi"}},
    "hgi": {"pooled": {"region_vector": "pooled"}, "every footprint": {"untagged": "poi"}},
    "raster-embedding": {"spread": {"pooling": "mean+std"}},
    "urbanmfm": {
        "sums": {"pooling": "sum"},
        "mean": {"poi_vector": "mean"},
        "concat, raw": {"poi_vector": "concat", "raw_length": True},
        "graphs": {"graph_vector": True},
        "every footprint": {"untagged": "poi"},
    },
}
"""Settings beside the first, by name."""
FURTHER_INPUTS = {"urbanmfm": frozenset({"poi", "polygon"})}
"""Narrower views that some models read in another way."""
WEIGHTS: Mapping[str, tuple[str, Callable[[Path], Path]]] = {
    "clip": ("image_encoder", make_clip),
    "resnet18": ("image_encoder", make_resnet),
    "uge-vlm": ("weights", lambda folder: make_vlm(folder, "qwen2_vl")),
}
"""Models that name no packaged encoder, the parameter that names one, and what makes a small one for each."""
LEVELS = ("region", "building")
BUILDINGS = 60
LEARNED, COUNTED = 2e-3, 2e-5
ENCODED = {"text-codes", "footprint-means"}
"""Floors with an encoder, whose sums come out as processors add them."""


def model_fingerprints() -> Iterator[Fingerprint]:
    """One for every registered model."""
    for name in names("model"):
        card = load_model(name).card
        raised = f"`version` in the ModelCard of {name!r}"
        tolerance = COUNTED if card.floor and name not in ENCODED else LEARNED
        version = getattr(card, "version", 1)
        if "region" in card.embeds or "building" in card.embeds:
            yield Fingerprint("model", name, version, raised, lambda name=name: _model(name), tolerance)
        if embeds_items(card):
            told = lambda name=name: _items(name)  # noqa: E731
            yield Fingerprint("model", f"{name}, items", version, raised, told, LEARNED)


def _model(name: str) -> Numbers:
    told = {}
    for what, model in _settings(name).items():
        view = _seen(model).view(model.card.inputs & _there(model))
        for level in LEVELS if what == "small" else LEVELS[:1]:
            if level in model.card.embeds:
                told[f"{what} · {level}"] = _vectors(model, view, level)
    if name in FURTHER_INPUTS:
        view = city().view(FURTHER_INPUTS[name])
        told["few inputs · region"] = _vectors(_settings(name)["small"], view, "region")
    return told


def _items(name: str) -> Numbers:
    """Embed pictures, texts and graphs of a small exam."""
    view, units = practice(city(), load_model(name).card)
    space = _settings(name)["small"].embed(view, units=units, seed=0, device="cpu")
    return {"items": summary(space.vectors) | {"covered": float(space.mask.sum())}}


def _settings(name: str) -> dict[str, Any]:
    model = load_model(name)
    model = model.from_settings("small") if "small" in model.presets else model()
    known = {one.name for one in dataclasses.fields(model)}
    changed = {field: value for field, value in {**BRIEF, **OWN.get(name, {})}.items() if field in known}
    if model.card.floor:
        changed = {}
    if name in WEIGHTS:
        changed[WEIGHTS[name][0]] = str(_weights(name))
    brief = dataclasses.replace(model, **changed)
    return {"small": brief} | {
        what: dataclasses.replace(brief, **more) for what, more in FURTHER.get(name, {}).items()
    }


def _vectors(model, view, level: str) -> dict[str, float]:
    ids = view.region_ids if level == "region" else tuple(city().unit_ids("building")[:BUILDINGS])
    space = model.embed(view, units=Units(level, tuple(ids)), seed=0, device="cpu")
    covered = np.asarray(space.mask, dtype=float)
    return summary(space.vectors) | {"covered": float(covered.sum())}


def _there(model) -> frozenset[str]:
    return inputs_there() | (model.card.inputs & {*ADDED})


def _seen(model) -> City:
    lacking = sorted(model.card.inputs & {*ADDED})
    return _with(lacking[0]) if lacking else city()


@cache
def _weights(name: str) -> Path:
    return WEIGHTS[name][1](city().path.with_name(f"weights of {name}"))


@cache
def _with(name: str) -> City:
    """The city with a layer it lacks."""
    folder = shutil.copytree(city().path, city().path.with_name(f"with {name}"))
    ADDED[name](folder)
    return City.open(folder)


def _captioned(folder: Path) -> None:
    add_captions(
        folder, [(one, f"Sentence {k} of a place.") for one in city().regions.index for k in range(3)]
    )


ADDED: Mapping[str, Callable[[Path], None]] = {"captions": _captioned, "raster_embedding": add_raster}
"""Inputs that the generated city lacks, and what adds their layer to a folder."""
