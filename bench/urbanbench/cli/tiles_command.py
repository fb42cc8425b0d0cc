"""``urbanbench data tiles``: a city of your own whose map is vector tiles."""

from __future__ import annotations

import inspect
from typing import Annotated, Any

import typer

from urbanbench.cli.build_command import build
from urbanbench.errors import BadInput

__all__ = ["tiles"]

_NOT_OF_TILES = ("osm", "overture", "min_confidence", "size", "seed")
"""Options of `build` for other maps, and for generated cities."""


def tiles(**given: Any) -> None:
    """Build a city folder whose map is vector tiles of OpenMapTiles or Protomaps; the same as data build NAME --tiles FILE."""
    if given["tiles"] is None or not given["regions"]:
        lacking = "--tiles" if given["tiles"] is None else "--regions"
        msg = f"data tiles got no {lacking}. Expected vector tiles and regions: urbanbench data tiles NAME --tiles FILE --regions grid:500 (or h3:9, blocks, or FILE --id COLUMN)."
        raise BadInput(msg)
    build(**given)


def _signature() -> inspect.Signature:
    """Return the options of `build` that have to do with tiles."""
    whole = inspect.signature(build, eval_str=True)
    kept = {name: one for name, one in whole.parameters.items() if name not in _NOT_OF_TILES}
    name = Annotated[str, typer.Argument(help="Name of your city.")]
    kept["name"] = kept["name"].replace(annotation=name, default=inspect.Parameter.empty)
    return whole.replace(parameters=list(kept.values()))


tiles.__signature__ = _signature()  # type: ignore[attr-defined] # typer reads the options from here
