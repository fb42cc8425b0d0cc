"""The inputs a model may see, and the words that choose among them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from urbanbench.errors import BadInput, UnknownName

__all__ = ["FULL", "INPUTS", "LAYER_OF", "format_inputs", "parse_inputs"]

INPUTS: Mapping[str, str] = {
    "poi": "points of interest: place, tags and the text made of them",
    "polygon": "building footprints: shape, size, height and tags",
    "road": "the road network",
    "street_view": "street-level pictures with their place and heading",
    "satellite": "overhead pictures, one per region (photograph or rendered map)",
    "raster_embedding": "pixels of an embedding raster, made from satellite archives by somebody else's model",
    "flow": "trips between regions",
    "captions": "sentences about regions, written from their pictures",
    "graph": "what lies around a street view, and how far and in which direction; shown by tasks that ask about pictures",
    "coordinates": "where a unit lies, used as a feature in itself",
}

LAYER_OF: Mapping[str, str] = {
    "poi": "pois",
    "polygon": "buildings",
    "road": "roads",
    "street_view": "street_views",
    "satellite": "satellite",
    "raster_embedding": "raster_embedding",
    "flow": "flows",
    "captions": "captions",
}
"""Which layer of a city folder an input reads. `coordinates` needs only the regions, and `graph` is made by the task."""

FULL = "full"


def parse_inputs(words: str | Iterable[str]) -> frozenset[str] | None:
    """Turn ``"poi,polygon"`` into a set of inputs; ``"full"`` gives None, meaning all a model can use.

    Examples
    --------
    >>> sorted(parse_inputs("poi, polygon"))
    ['poi', 'polygon']
    >>> parse_inputs("full") is None
    True

    Raises
    ------
    UnknownName
        A word is no input.
    BadInput
        No word is left.
    """
    parts = words.split(",") if isinstance(words, str) else list(words)
    names = [part.strip() for part in parts if part.strip()]
    if names == [FULL]:
        return None
    if not names:
        msg = f"No inputs given. Expected 'full' or a list of: {', '.join(INPUTS)}. For example --inputs poi,polygon."
        raise BadInput(msg)
    for name in names:
        if name not in INPUTS:
            raise UnknownName("input", name, (*INPUTS, FULL))
    return frozenset(names)


def format_inputs(inputs: Iterable[str]) -> str:
    """Write a set of inputs in the fixed order of `INPUTS`.

    Examples
    --------
    >>> format_inputs({"road", "poi"})
    'poi,road'
    """
    chosen = set(inputs)
    return ",".join(name for name in INPUTS if name in chosen) or "none"
