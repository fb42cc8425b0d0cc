"""Where a label comes from, against where the inputs come from, by what city.json says."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING

from urbanbench.inputs import LAYER_OF
from urbanbench.leaks.finding import WARNING, Finding

if TYPE_CHECKING:
    from urbanbench.city.city import City

__all__ = ["source_findings"]

_PUBLISHERS = {
    "OpenStreetMap": r"openstreetmap|\bosm\b",
    "Overture Maps": r"\boverture\b",
    "Microsoft's building footprints": r"microsoft.{0,20}(building|footprint)",
    "Google's open buildings": r"google.{0,10}open buildings",
    "Sentinel-2": r"sentinel-?2",
    "Landsat": r"\blandsat\b",
}
"""Publishers of inputs, and how a source names them."""

_MODELS = {
    "WorldPop": (r"worldpop", {"polygon", "road", "satellite", "raster_embedding"}),
    "LandScan": (r"landscan", {"polygon", "road", "satellite", "raster_embedding"}),
    "GHS-POP": (r"ghs-?pop|\bghsl\b", {"polygon", "satellite", "raster_embedding"}),
    "Meta's population density": (
        r"(meta|facebook|hrsl).{0,40}population",
        {"polygon", "satellite", "raster_embedding"},
    ),
    "night-time lights": (r"night-?(time)? ?lights?|\bviirs\b|\bdmsp\b", {"satellite", "raster_embedding"}),
    "ODIAC": (r"\bodiac\b", {"satellite", "raster_embedding"}),
}
"""Labels that are models themselves, how a source names them, and the inputs that such models are made from."""


def source_findings(city: City, label: str, inputs: Collection[str], n: int) -> list[Finding]:
    """Tell where a label and an input that models may see have the same publisher, or the label is a model made from such inputs.

    Parameters
    ----------
    city, label
        The city and the name of a label.
    inputs
        What models may see.
    n
        Number of labelled units.
    """
    info = city.labels[label]
    seen = {name: city.layers[LAYER_OF[name]] for name in sorted(inputs) if LAYER_OF.get(name) in city.layers}
    found = []
    for publisher, form in _PUBLISHERS.items():
        if _names(form, info.source):
            shared = [name for name, layer in seen.items() if _names(form, layer.source)]
            if shared:
                told = f"label {label!r} and input {_listed(shared)} come from {publisher}"
                mend = "Hold the answer back (withholds in the task's card), or compare with --inputs that leave it out."
                found.append(Finding(WARNING, "same source", n, n, told, mend))
    for model, (form, made_from) in _MODELS.items():
        shared = [name for name in seen if name in made_from]
        if _names(form, f"{info.source} {info.note}") and shared:
            told = (
                f"label {label!r} is itself a model ({model}), made from what input {_listed(shared)} shows"
            )
            mend = "Compare with --inputs that leave it out, and say so beside the score."
            found.append(Finding(WARNING, "modelled label", n, n, told, mend))
    return found


def _names(form: str, source: str) -> bool:
    return re.search(form, source, re.IGNORECASE) is not None


def _listed(names: Collection[str]) -> str:
    return " and ".join(repr(name) for name in names)
