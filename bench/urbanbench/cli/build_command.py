"""``urbanbench data build``: a generated city, or a city of your own from the files you have."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from urbanbench.cli import options
from urbanbench.cli.beside import check_alone, check_needed, given_options
from urbanbench.cli.printing import command, note, print_json, say
from urbanbench.errors import BadInput, UnknownName

if TYPE_CHECKING:
    from urbanbench.build.order import Order

__all__ = ["build"]

_OF_A_SOURCE = ("name", "size", "seed", "out", "regions")
_OF_A_FILE = {
    "id_column": "--id",
    "region_name": "--region-name",
    "layer": "--layer",
    "file_crs": "--file-crs",
}


def build(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(help="Name of your city; without --regions a city source, such as toyville.")
    ] = "toyville",
    regions: Annotated[
        str,
        typer.Option(
            "--regions",
            help="Your regions: a vector file, grid:METRES, h3:RESOLUTION, or blocks (the ground between roads).",
        ),
    ] = "",
    id_column: Annotated[str, typer.Option("--id", help="Column of ids in the file of regions.")] = "",
    osm: Annotated[
        Path | None, typer.Option("--osm", help="OpenStreetMap extract, .osm.pbf or .osm (extra osm).")
    ] = None,
    tiles: Annotated[
        Path | None,
        typer.Option(
            "--tiles",
            help="Vector tiles of OpenMapTiles or Protomaps: a folder <zoom>/<x>/<y>, .mbtiles or .pmtiles (extra tiles).",
        ),
    ] = None,
    zoom: Annotated[
        int | None, typer.Option("--zoom", help="Of --tiles: the zoom level; the highest when left out.")
    ] = None,
    overture: Annotated[
        Path | None, typer.Option("--overture", help="A folder of Overture's GeoParquet files.")
    ] = None,
    min_confidence: Annotated[
        float, typer.Option("--min-confidence", help="Of --overture: places below it are left out, 0 to 1.")
    ] = 0.0,
    labels: Annotated[
        list[str],
        typer.Option(
            "--labels",
            help="A TOML file that describes labels, a table with one beside it, or 'NAME=FILE;key=value;…'. Repeats.",
        ),
    ] = [],  # noqa: B006 - typer reads the default, nothing changes it
    street_views: Annotated[
        Path | None, typer.Option("--street-views", help="A folder of pictures with a metadata.csv.")
    ] = None,
    satellite: Annotated[
        Path | None,
        typer.Option("--satellite", help="A GeoTIFF, a folder of GeoTIFFs or of tiles <zoom>/<x>/<y>."),
    ] = None,
    raster_embedding: Annotated[
        Path | None,
        typer.Option(
            "--raster-embedding",
            help="An embedding raster: a GeoTIFF, a folder of them, or TESSERA's arrays (extra raster).",
        ),
    ] = None,
    raster_embedding_law: Annotated[
        str,
        typer.Option(
            "--raster-embedding-law",
            help="How its numbers become values: alphaearth, linear:SCALE,OFFSET, linear (as its files say), pixel-scale or float.",
        ),
    ] = "",
    flows: Annotated[
        Path | None, typer.Option("--flows", help="A table of origin_id, destination_id, trips.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="New folder; below the current one when left out.")
    ] = None,
    title: Annotated[str, typer.Option("--title", help="The city's name for people.")] = "",
    region_name: Annotated[
        str, typer.Option("--region-name", help="Column of names in the file of regions.")
    ] = "",
    layer: Annotated[str, typer.Option("--layer", help="Layer of the file of regions.")] = "",
    file_crs: Annotated[
        str,
        typer.Option(
            "--file-crs",
            help="CRS of a file of regions that names none; GeoJSON in its usual CRS counts as such.",
        ),
    ] = "",
    within: Annotated[
        str,
        typer.Option("--within", help="The area: W,S,E,N in degrees or a vector file; the map's box else."),
    ] = "",
    min_area: Annotated[float, typer.Option("--min-area", help="Smallest region, in km2.")] = 0.0,
    max_area: Annotated[float, typer.Option("--max-area", help="Largest region, in km2.")] = float("inf"),
    crs: Annotated[
        str, typer.Option("--crs", help="Projected CRS in metres; the UTM zone when left out.")
    ] = "",
    reach: Annotated[
        float, typer.Option("--reach", help="How far from the regions map objects are kept, in metres.")
    ] = 200.0,
    picture_size: Annotated[
        int, typer.Option("--picture-size", help="Pixels per side of --satellite.")
    ] = 256,
    about: Annotated[
        Path | None,
        typer.Option(
            "--about",
            help="TOML: source, date, licence, attribution of [regions], [osm], [tiles], [satellite], …",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read everything, print the report, and keep nothing.")
    ] = False,
    size: Annotated[str, typer.Option("--size", help="Of a city source: its size.")] = "",
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of a city source: seed of the generator.")] = 0,
    as_json: options.Json = False,
) -> None:
    """Build a city folder: your own from files (--regions, --osm, --labels, …), or a generated one."""
    if not regions:
        _generated(name, size, seed, out, _own_options(context))
        return
    from urbanbench.build.labels.read import read_wishes
    from urbanbench.build.order import Order, read_about

    order = Order(
        name=name,
        title=title,
        regions=regions,
        osm=osm,
        tiles=tiles,
        zoom=zoom,
        overture=overture,
        least_confidence=min_confidence,
        id_column=id_column,
        name_column=region_name,
        layer=layer,
        file_crs=file_crs,
        within=within,
        least_km2=min_area,
        most_km2=max_area,
        crs=crs,
        reach_m=reach,
        labels=tuple(read_wishes(labels)),
        street_views=street_views,
        satellite=satellite,
        flows=flows,
        picture_size=picture_size,
        raster_embedding=raster_embedding,
        raster_embedding_law=raster_embedding_law,
        about=read_about(about) if about is not None else {},
    )
    _check_needed(context, regions, raster=raster_embedding is not None, satellite=satellite is not None)
    _own(order, None if dry_run else out or Path(name), as_json=as_json)


def _own_options(context: typer.Context) -> list[str]:
    """Return the options on the command line that only a city of one's own has."""
    known = {str(one.name): one.opts[0] for one in context.command.params}
    return given_options(
        context, {name: option for name, option in known.items() if name not in _OF_A_SOURCE}
    )


def _check_needed(context: typer.Context, regions: str, *, raster: bool, satellite: bool) -> None:
    from urbanbench.build.order import are_made

    check_alone(context, {"size": "--size", "seed": "--seed"}, "--regions", True)
    check_needed(
        context,
        _OF_A_FILE,
        "a file of regions (grid:500, h3:9 and blocks are made, not read)",
        not are_made(regions),
    )
    check_needed(context, {"raster_embedding_law": "--raster-embedding-law"}, "--raster-embedding", raster)
    check_needed(context, {"picture_size": "--picture-size"}, "--satellite", satellite)


def _generated(name: str, size: str, seed: int, out: Path | None, given: list[str]) -> None:
    from urbanbench.registry import build_city, make_source

    if given:
        msg = f"{' and '.join(given)} given without regions. Expected --regions FILE --id COLUMN, --regions grid:500, --regions h3:9 or --regions blocks."
        raise BadInput(msg)
    _check_source(name)
    fields: dict[str, object] = {"seed": seed} if seed else {}
    if size:
        fields["size"] = size
    source = make_source(name, **fields)
    folder = build_city(source, out if out is not None else Path(source.key()))
    say(folder)
    note(f"Next: {command('data', 'show', folder)}")


def _check_source(name: str) -> None:
    """Refuse a name that no city source has, and say where a city of that name is or comes from."""
    from urbanbench.build.fetch.catalogue import recipe_named
    from urbanbench.registry import is_source_file, known_folders, names

    sources, word = names("city"), name.partition(":")[0]
    if is_source_file(name) or word.replace("_", "-") in sources:
        return
    own = "Your own needs --regions: a vector file with --id COLUMN, grid:500, h3:9 or blocks."
    if name in known_folders():
        msg = f"City {name!r} is there already, in {str(known_folders()[name])!r}. Expected a city source ({', '.join(sources)}) to build. See it: {command('data', 'show', name)}. {own}"
        raise BadInput(msg)
    if recipe := recipe_named(name):
        msg = (
            f"City {name!r} is made of its publishers' files. Mend: {command('data', 'fetch', recipe)}. {own}"
        )
        raise BadInput(msg)
    kind = "city source"
    raise UnknownName(kind, word, sources, own)


def _own(order: Order, out: Path | None, *, as_json: bool) -> None:
    from urbanbench.build.walk import build as build_folder
    from urbanbench.build.walk import rehearse

    report = rehearse(order) if out is None else build_folder(order, out)
    if as_json:
        print_json({"folder": str(out) if out is not None else None, "report": report.records()})
    else:
        for line in report.text():
            note(line)
    if out is None:
        note("Nothing was written (--dry-run).")
    else:
        if not as_json:
            say(out)
        note(f"Next: {command('data', 'check', options.as_path(out))}")
