"""``urbanbench data satellite``: pictures from above, cut from a GeoTIFF or tiles or drawn from the city's layers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from urbanbench.city.changing.drawn import RENDERED_MAP
from urbanbench.cli.printing import command, note, say
from urbanbench.errors import BadInput

if TYPE_CHECKING:
    from urbanbench.city.city import City
    from urbanbench.city.ground import Ground

__all__ = ["satellite"]

MAP = "map"


def satellite(
    city: Annotated[
        str,
        typer.Argument(help="A city: path, name (folders below URBANBENCH_DATA go by theirs), or name:size."),
    ],
    source: Annotated[
        str,
        typer.Option("--from", help="A GeoTIFF, a folder of GeoTIFFs or of tiles <zoom>/<x>/<y>, or `map`."),
    ],
    out: Annotated[Path, typer.Option("--out", help="New folder.")],
    size: Annotated[int, typer.Option("--size", help="Pixels per side.")] = 256,
    margin: Annotated[
        float, typer.Option("--margin", help="Ground beyond a region's square, as a share of its side.")
    ] = 0.05,
    kind: Annotated[
        str, typer.Option("--kind", help="What the pictures are; `rendered-map` for --from map.")
    ] = "",
    layers: Annotated[
        str, typer.Option("--layers", help="Layers that --from map draws.")
    ] = "landuse,buildings,roads",
    told_source: Annotated[str, typer.Option("--source", help="Where they come from, for city.json.")] = "",
    date: Annotated[str, typer.Option("--date", help="Their date, for city.json.")] = "",
    licence: Annotated[str, typer.Option("--licence", help="Their licence, for city.json.")] = "",
    attribution: Annotated[str, typer.Option("--attribution", help="Whom to credit, for city.json.")] = "",
) -> None:
    """Write the city with a picture from above for every region, in place of those it has."""
    from urbanbench.city.changing.overhead import Overhead, add_satellite
    from urbanbench.registry import open_city

    opened = open_city(city)
    if source == MAP and kind not in {"", RENDERED_MAP}:
        msg = f"--kind got {kind!r} for --from map. Expected {RENDERED_MAP!r}: a drawn map is no photograph."
        raise BadInput(msg)
    ground = _ground(opened, source, layers)
    told = {"source": told_source, "date": date, "licence": licence, "attribution": attribution}
    if source == MAP:
        told = _of_layers(opened, layers) | {name: text for name, text in told.items() if text}
    how = Overhead(kind or (RENDERED_MAP if source == MAP else "photograph"), size, margin, told)
    folder, many = add_satellite(opened, out, ground, how)
    say(folder)
    note(
        f"{many} of {len(opened.regions)} regions have a picture. Next: {command('data', 'show', folder, '--images')}"
    )


def _ground(city: City, source: str, layers: str) -> Ground:
    if source == MAP:
        from urbanbench.city.ground.rendered import RenderedMap

        return RenderedMap(city, [one.strip() for one in layers.split(",") if one.strip()])
    from urbanbench.build.satellite import open_ground

    return open_ground(Path(source), city.crs, "--from")


def _of_layers(city: City, layers: str) -> dict[str, str]:
    """Join what city.json says of the layers a map is drawn from."""
    drawn = [city.layers[one.strip()] for one in layers.split(",") if one.strip() in city.layers]
    fields = ("source", "date", "licence", "attribution")
    return {
        name: "; ".join(dict.fromkeys(filter(None, (getattr(one, name) for one in drawn)))) for name in fields
    }
