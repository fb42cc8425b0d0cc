"""The writing side: a folder with what a view shows."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.city.exchange.frames import write_frame
from urbanbench.city.folder.format import DIRECTIONS, RASTERS
from urbanbench.city.item_view import ItemView
from urbanbench.inputs import LAYER_OF

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.items import LocalGraph

__all__ = ["EXAM", "FACTS", "GRAPHS", "PLACES", "write_view"]

FACTS, EXAM = "view.json", "exam.json"
PLACES = "places"
"""Folder of layers that are not shown, of which the input `coordinates` tells where their units lie."""
GRAPHS = "graphs.json"

_PICTURED = {"street_views": ("image", *DIRECTIONS), "satellite": ("image",)}


def write_view(view: View, folder: Path) -> None:
    """Write what a view shows: masked inputs and what is withheld are not there, and neither are names of files that the view hides.

    Parameters
    ----------
    view
        Nothing of it counts as touched.
    folder
        An empty folder.
    """
    shown = view.without()  # what is touched of a copy is not counted
    facts: dict[str, Any] = {
        "city": shown.city_name,
        "crs": shown.crs,
        "inputs": sorted(shown.inputs),
        "data_key": view.data_key,
        "layers": _layers(shown),
        "features": {},
        "items": isinstance(shown, ItemView),
    }
    write_frame(shown.regions, folder / "regions.parquet")
    if isinstance(shown, ItemView):
        _write_exam(shown, folder)
    for name in sorted(shown.inputs):
        if name in LAYER_OF and shown.has(name):
            _write_layer(shown, LAYER_OF[name], folder, facts)
    if "coordinates" in shown.inputs:
        _write_places(shown, folder)
    (folder / FACTS).write_text(json.dumps(facts), encoding="utf-8")


def _layers(view: View) -> dict[str, str]:
    """Name the city's layers, with the kind of those that are shown."""
    city = view._city  # noqa: SLF001 - a view's city is private to models, not to this package
    shown = {LAYER_OF[name] for name in view.inputs if name in LAYER_OF}
    return {name: info.kind if name in shown else "" for name, info in city.layers.items()}


def _write_layer(view: View, layer: str, folder: Path, facts: dict[str, Any]) -> None:
    if layer in RASTERS:
        facts["raster"] = _written_raster(view, folder)
        return
    frame = getattr(view, layer)
    write_frame(frame, folder / f"{layer}.parquet")
    if layer not in _PICTURED:
        return
    _copy_pictures(view, frame, _PICTURED[layer], folder)
    city = view._city  # noqa: SLF001 - as above
    for name in (one for one, of in city.feature_layers.items() if of == layer):
        write_frame(view.features(name), folder / "features" / f"{name}.parquet")
        facts["features"][name] = layer


def _copy_pictures(view: View, frame: Any, columns: tuple[str, ...], folder: Path) -> None:
    """Copy pictures under the paths that the view shows; one that cannot be read is not there, and opening it says so."""
    city = view._city  # noqa: SLF001 - as above
    named = {path for column in columns if column in frame for path in frame[column].dropna()}
    for path in sorted(named):
        source = view._file(path) if isinstance(view, ItemView) else path  # noqa: SLF001 - as above
        _copy(city.path / source, folder / path)


def _written_raster(view: View, folder: Path) -> dict[str, Any]:
    raster = view.raster_embedding
    for name in (*raster.info.files, *raster.info.scales):
        _copy(raster.folder / name, folder / name)
    return {"info": asdict(raster.info), "moves": [list(one) for one in raster._moves]}  # noqa: SLF001 - the same


def _write_places(view: View, folder: Path) -> None:
    """Write where units of layers lie that are not shown themselves, as points."""
    import shapely

    city = view._city  # noqa: SLF001 - as above
    for layer in ("buildings", "pois", "street_views"):
        if layer in city.layers and not (folder / f"{layer}.parquet").exists():
            frame = view._shown_pois() if layer == "pois" else getattr(city, layer)  # noqa: SLF001 - as above
            bare = frame[["geometry"]]
            write_frame(
                bare.set_geometry(shapely.centroid(bare.geometry.to_numpy()), crs=bare.crs),
                folder / PLACES / f"{layer}.parquet",
            )


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError):
        shutil.copyfile(source, target)


def _write_exam(view: ItemView, folder: Path) -> None:
    """Write items, lessons and graphs as they are shown."""
    told = {
        "items": {name: asdict(item) for name, item in view.items.items()},
        "sides": dict(view.sides),
        "lessons": [asdict(one) for one in view.lessons],
    }
    (folder / EXAM).write_text(json.dumps(told), encoding="utf-8")
    if view.has("graph"):
        graphs = {key: _graph(one) for key, one in view.exam.graphs.items()}
        (folder / GRAPHS).write_text(json.dumps(graphs), encoding="utf-8")


def _graph(graph: LocalGraph) -> dict[str, Any]:
    arrays = ("kind", "offset_m", "hops", "source", "target", "relation", "distance_m", "bearing")
    made: dict[str, Any] = {name: getattr(graph, name).tolist() for name in arrays}
    return made | {"text": list(graph.text)}
