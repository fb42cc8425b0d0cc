"""``urbanbench data regions``: the same city in hexagons, in larger units, or in anybody's polygons."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from urbanbench.cli import options
from urbanbench.cli.beside import check_needed
from urbanbench.cli.printing import command, note, say
from urbanbench.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

    from urbanbench.city.city import City

__all__ = ["regions", "tell_what_was_carried"]


def regions(
    context: typer.Context,
    city: Annotated[
        str,
        typer.Argument(help="A city: path, name (folders below URBANBENCH_DATA go by theirs), or name:size."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="New folder.")],
    hexagons: Annotated[
        str,
        typer.Option(
            "--hexagons",
            help="Flat-top hexagons by the length of an edge or by area: 500m, 1.2km, 1km2, 25ha.",
        ),
    ] = "",
    by: Annotated[
        str,
        typer.Option(
            "--by",
            help="Join regions by a column of the table of regions, or by LABEL.group, such as popdensity.group.",
        ),
    ] = "",
    polygons: Annotated[
        Path | None, typer.Option("--polygons", help="A vector file of other regions, with --id.")
    ] = None,
    id_column: Annotated[str, typer.Option("--id", help="Of --polygons: the column of ids.")] = "",
    rule: options.Rules = [],  # noqa: B006 - typer reads the default, nothing changes it
    name: Annotated[
        str, typer.Option("--name", help="Name of the new city; made of the old one's and what is asked for.")
    ] = "",
) -> None:
    """Write the city with other regions; labels are carried as their kind and unit allow, and what cannot be is left out and said."""
    from urbanbench.city.changing.label_rules import read_rules
    from urbanbench.city.changing.merge import join_regions
    from urbanbench.city.changing.redraw import redraw_regions
    from urbanbench.registry import open_city

    given = [
        word for word, value in (("--hexagons", hexagons), ("--by", by), ("--polygons", polygons)) if value
    ]
    if len(given) != 1:
        msg = f"{' and '.join(given) or 'No regions'} given. Expected one of --hexagons 500m, --by COLUMN and --polygons FILE --id COLUMN."
        raise BadInput(msg)
    check_needed(context, {"id_column": "--id"}, "--polygons", polygons is not None)
    opened = open_city(city)
    rules = read_rules(rule, opened.labels)
    if by:
        made = join_regions(opened, out, _groups(opened, by), by=by, name=name, rules=rules)
    else:
        shapes, how, word = (
            _hexagons(opened, hexagons) if hexagons else _polygons(opened, polygons, id_column)
        )
        made = redraw_regions(opened, out, shapes, how=how, name=name or f"{opened.name}-{word}", rules=rules)
    say(made)
    tell_what_was_carried(made)
    note(f"Next: {command('data', 'show', options.as_path(out))}")


def _hexagons(city: City, word: str) -> tuple[pd.Series, str, str]:
    from urbanbench.city.changing.hexagons import edge_of, hexagon_regions

    edge = edge_of(word)
    return (
        hexagon_regions(city.regions, edge),
        f"hexagons with edges of {edge:g} m",
        f"hexagons-{word.replace(' ', '')}",
    )


def _polygons(city: City, file: Path | None, id_column: str) -> tuple[pd.Series, str, str]:
    from urbanbench.build.regions.drawn import drawn_regions
    from urbanbench.build.report import Report

    path = Path(file or "")
    report = Report()
    found = drawn_regions(path, report, id_column=id_column, ask_crs="")
    for line in report.text():
        note(line)
    return found.geometry.to_crs(city.crs), f"the polygons of {path.name}", path.stem


def _groups(city: City, word: str) -> dict[str, str | None]:
    """Return the group of every region: a column of the table of regions, or of a label."""
    label, dot, column = word.rpartition(".")
    frame = city.label(label) if dot else _own_columns(city)
    level = city.labels[label].level if dot else "region"
    if column not in frame.columns or level != "region":
        where = f"label {label!r}" if dot else "the table of regions"
        fault = f"has no column {column!r}" if level == "region" else f"is of {level}s"
        known = ", ".join([*map(str, _own_columns(city).columns), *_groups_of_labels(city)])
        msg = f"--by {word}: {where} of {city.name!r} {fault}. Expected one of: {known or 'none'}."
        raise BadInput(msg)
    found = frame[column].reindex(list(city.unit_ids("region")))
    return {str(one): None if value is None or value != value else str(value) for one, value in found.items()}  # noqa: PLR0124 - NaN


def _groups_of_labels(city: City) -> list[str]:
    """Return the words for groups of regions that labels of regions have."""
    regional = [name for name, info in city.labels.items() if info.level == "region"]
    return [f"{name}.group" for name in regional if "group" in city.label(name).columns]


def _own_columns(city: City) -> pd.DataFrame:
    """Read the table of regions with all columns that somebody gave it."""
    import pandas as pd
    import pyarrow.parquet as pq

    file = city.path / city.manifest.tables["regions"].file
    names = [one for one in pq.read_schema(file).names if one != "geometry"]
    frame = pd.read_parquet(file, columns=names)
    return frame.set_index(frame["region_id"].astype(str)).drop(columns="region_id")


def tell_what_was_carried(folder: Path) -> None:
    """Print what a city folder made of another says of itself: how many regions, and what was left out."""
    import json

    note(str(json.loads((folder / "city.json").read_text(encoding="utf-8"))["note"]))
