"""``urbanbench data graph``: the spatial graph of a city, with sub-graphs, paths and captions of its street views."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from urbanbench.cli import options
from urbanbench.cli.printing import note, print_facts, print_json
from urbanbench.progress import pulse

__all__ = ["graph"]


def graph(
    city: Annotated[
        str,
        typer.Argument(help="A city: path, name (folders below URBANBENCH_DATA go by theirs), or name:size."),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="New folder.")],
    captions: Annotated[
        Path | None,
        typer.Option("--captions", help="A table with view_id and caption, beside those by template."),
    ] = None,
    captioner: Annotated[
        Path | None,
        typer.Option("--captioner", help="A folder with an image-to-text model that writes captions, too."),
    ] = None,
    foot_ways: Annotated[
        bool, typer.Option("--foot-ways", help="Cycleways, footways and steps are streets, too.")
    ] = False,
    hops: Annotated[int, typer.Option("--hops", min=1, help="Edges from an image within its sub-graph.")] = 3,
    most_nodes: Annotated[int, typer.Option("--most-nodes", min=2, help="Nodes of a sub-graph.")] = 500,
    paths: Annotated[int, typer.Option("--paths", min=0, help="Paths of an image, at most.")] = 8,
    drawn: Annotated[
        str,
        typer.Option(
            "--draw", help="Node whose sub-graph is drawn, such as image/v1; the first image when left out."
        ),
    ] = "",
    seed: Annotated[int, typer.Option("--seed", min=0, help="Draws the paths.")] = 0,
    device: options.Device = "auto",
    as_json: options.Json = False,
) -> None:
    """Build, check and count the graph of a city: POIs, areas, streets, crossings and street views, and draw one sub-graph."""
    from urbanbench.graph.folder import Wanted, write_folder
    from urbanbench.graph.plan import GraphPlan
    from urbanbench.registry import open_city

    plan = GraphPlan(foot_ways=foot_ways, hops=hops, most_nodes=most_nodes, paths=paths, seed=seed)
    where = options.read_device(device if captioner is not None else "cpu")
    opened = open_city(city)
    with pulse(f"Graph of {opened.name}"):
        told = write_folder(opened, out, plan, Wanted(captions, captioner, where, drawn))
    if as_json:
        print_json(told)
    else:
        print_facts({"city": told["city"], **told["counts"]})
    note(f"Folder: {out}. Picture: {out / 'subgraph.png'}")
    if not told["counts"]["nodes"]["image"]:
        note(
            f"{opened.name} has no street views, so there are no sub-graphs, paths and captions; graph.json is whole."
        )
