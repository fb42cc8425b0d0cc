"""A build, told in a paragraph: regions, map, labels, pictures, flows, and the folder that holds them."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from urbanbench.build.files import there
from urbanbench.build.flows import read_flows
from urbanbench.build.folder import Manifest, write_layer, write_regions, write_rows
from urbanbench.build.labels.make import make_label
from urbanbench.build.labels.places import Places
from urbanbench.build.map.layers import city_layers
from urbanbench.build.order import BLOCKS, Order
from urbanbench.build.rasters.cut import cut_rasters, open_rasters
from urbanbench.build.regions.choose import choose_regions
from urbanbench.build.report import Report
from urbanbench.build.satellite import open_ground
from urbanbench.build.sources import map_source
from urbanbench.build.street_views import check_street_views, copy_street_views
from urbanbench.city.folder.format import REPORT_FILE
from urbanbench.city.folder.new_folder import new_folder
from urbanbench.city.folder.paths import last_part
from urbanbench.hashing import file_digest

__all__ = ["build", "rehearse"]


def build(order: Order, out: Path) -> Report:
    """Build a city folder, whole or not at all. The same files and order give the same bytes.

    Parameters
    ----------
    order
        What is asked for.
    out
        A new folder.

    Returns
    -------
    Report
        What was read, kept, dropped and mended; it is also in the folder as ``build_report.json``.

    Raises
    ------
    DataMissing, BadInput, ExtraMissing
        Of the files that are read; the folder exists.
    """
    report = Report()
    _check_given(order)
    with new_folder(out) as part:
        if order.satellite is None:
            _write(order, part, report)
        else:
            _write_with_pictures(order, part, report)
    return report


def rehearse(order: Order) -> Report:
    """Do everything but keep the folder and cut satellite pictures and rasters."""
    report = Report()
    _check_given(order)
    with tempfile.TemporaryDirectory(prefix="urbanbench-build-") as folder:
        _write(order, Path(folder), report, keep=False)
    return report


def _check_given(order: Order) -> None:
    """Tell a file that is not there, or an extra, before minutes are spent on the others."""
    if order.satellite is not None:
        open_ground(order.satellite, "EPSG:4326")
    if order.street_views is not None:
        check_street_views(order.street_views)
    if order.flows is not None:
        there(order.flows, "flows")
    if order.raster_embedding is not None:
        open_rasters(order.raster_embedding, order.raster_embedding_law)


def _write_with_pictures(order: Order, part: Path, report: Report) -> None:
    """Write the city, then its copy with pictures, and keep the copy."""
    from urbanbench.city.changing.overhead import Overhead, add_satellite
    from urbanbench.city.city import City

    bare, whole = part / "bare", part / "whole"
    bare.mkdir()
    crs, files = _write(order, bare, report)
    told = order.told("satellite", source=_name(order.satellite))
    kind = order.about.get("satellite", {}).get("kind", "photograph")
    how = Overhead(kind, order.picture_size, told={key: text for key, text in told.items() if key != "note"})
    city = City.open(bare)
    _, many = add_satellite(city, whole, open_ground(order.satellite or Path(), crs), how)
    report.add("satellite", "kept", "regions with a picture", count=many)
    report.add(
        "satellite", "dropped", "the source shows less than half of it", count=len(city.regions) - many
    )
    shutil.rmtree(bare)
    for one in whole.iterdir():
        one.rename(part / one.name)
    whole.rmdir()
    _write_report(order, part, report, files)


def _write(order: Order, folder: Path, report: Report, *, keep: bool = True) -> tuple[str, Mapping[str, str]]:
    """Write all but the satellite pictures, and rasters only to keep them; return the CRS, and the digests of the map's files."""
    source = map_source(order)
    regions, crs, objects = choose_regions(order, source, report)
    report.add("regions", "kept", f"in {crs}", count=len(regions))
    manifest = Manifest(order.name, order.title, crs)
    given = "" if order.made_regions else _name(Path(order.regions))
    manifest.regions(len(regions), order.told("regions", source=given, note=_how_made(order)))
    write_regions(folder, regions)
    layers, files = {}, {}
    if source is not None and objects is not None:
        layers = city_layers(objects, regions, crs, order.reach_m, report)
        source.tell(layers, report)
        files = dict(objects.files)
        for name, table in layers.items():
            write_layer(folder, name, table)
            manifest.layer(name, table.num_rows, _map_words(order, source.part, objects.words[name]))
    places = Places(regions, crs, layers.get("buildings"))
    _write_rest(order, folder, manifest, places, report)
    if order.raster_embedding is not None:
        rasters = open_rasters(order.raster_embedding, order.raster_embedding_law)
        target = folder if keep else None
        entry = cut_rasters(rasters, places.metric, order.reach_m, target, report)
        told = order.told("raster_embedding", source=_name(order.raster_embedding))
        manifest.raster("raster_embedding", entry, told)
    manifest.write(folder)
    _write_report(order, folder, report, files)
    return crs, files


def _write_rest(order: Order, folder: Path, manifest: Manifest, places: Places, report: Report) -> None:
    for wish in order.labels:
        frame, entry = make_label(wish, places, report)
        write_rows(folder, f"labels/{wish.name}.parquet", frame)
        manifest.label(wish.name, entry)
    if order.street_views is not None:
        views = copy_street_views(order.street_views, folder, report)
        write_layer(folder, "street_views", views)
        kind = order.about.get("street_views", {}).get("kind", "photograph")
        told = order.told("street_views", source=_name(order.street_views))
        manifest.layer("street_views", views.num_rows, told, kind=kind)
    if order.flows is not None:
        flows = read_flows(order.flows, places.ids("region"), report)
        write_rows(folder, "flows.parquet", flows)
        manifest.layer("flows", len(flows), order.told("flows", source=_name(order.flows)))


def _map_words(order: Order, part: str, known: Mapping[str, str]) -> dict[str, str]:
    near = f"What lies within {order.reach_m:g} m of a region."
    told = order.told(part, **{key: text for key, text in known.items() if key != "note"})
    return {**told, "note": " ".join(filter(None, [known["note"], near, told.get("note", "")]))}


def _how_made(order: Order) -> str:
    if order.regions == BLOCKS:
        return "Blocks: the ground between the roads of the map."
    kind, _, size = order.regions.partition(":")
    words = {
        "grid": f"Squares of {size} m, at multiples of it in the CRS.",
        "h3": f"H3 hexagons of resolution {size}.",
    }
    return words[kind] if order.made_regions else ""


def _name(path: Path | None) -> str:
    return "" if path is None else last_part(path)


def _write_report(order: Order, folder: Path, report: Report, files: Mapping[str, str]) -> None:
    given = [None if order.made_regions else Path(order.regions), order.flows, order.raster_embedding]
    given += [one.file for one in order.labels if one.how != "osm"]
    read = {path.name: file_digest(path) for path in given if path is not None and path.is_file()}
    content = {"files": {**files, **read}, "report": report.records()}
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    (folder / REPORT_FILE).write_text(text, encoding="utf-8")
