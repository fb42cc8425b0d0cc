"""The same city in other regions: hexagons, or anybody's polygons, with labels carried by areal interpolation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.city.changing.carried import carry_labels, joined, tell_labels
from urbanbench.city.changing.merge_files import (
    carry_file,
    carry_table,
    feature_files,
    is_by_region,
    save_frame,
)
from urbanbench.city.changing.merge_pictures import redrawn_satellite
from urbanbench.city.changing.overlay import pieces_of, polygons_only, shared_values
from urbanbench.city.folder.new_folder import new_folder
from urbanbench.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

    from urbanbench.city.changing.label_rules import Rule
    from urbanbench.city.city import City

__all__ = ["redraw_regions"]

_LEAST_COVERED = 0.5
"""Share of a new region that the old ones have to cover, and that labelled ones have to cover of what they do."""
_OF_REGIONS = ("flows", "captions")
"""Tables of regions that say nothing of where in a region something is."""


def redraw_regions(
    city: City,
    folder: Path,
    shapes: pd.Series,
    *,
    how: str,
    name: str,
    rules: Mapping[str, Rule] | None = None,
) -> Path:
    """Write a new city folder with other regions.

    What lies at a place keeps it. Labels of regions are carried by overlay (`urbanbench.city.changing.relabel`), as their unit allows;
    overhead pictures are put together anew. Trips, captions and tables of one vector a region say nothing of where in a region something is and are left
    out, which the note says. A new region of which the old ones cover less than half is left out.

    Parameters
    ----------
    city
        The city; its folder is only read.
    folder
        A new folder, written whole or not at all. The same city and regions give the same bytes.
    shapes
        Polygons of the new regions by region_id, in the city's CRS; they do not overlap.
    how
        What they are, for the note: "hexagons with edges of 500 m".
    name
        Name of the new city.
    rules
        Rules of labels that come before what units say.

    Raises
    ------
    BadInput
        The folder exists, or no region is left.
    CityFaults
        The city has faults.
    """
    import shapely

    old = city.regions.geometry
    pieces = pieces_of(shapes, old)
    covered = pieces.groupby("new")["area"].sum().reindex(shapes.index, fill_value=0.0)
    kept = shapes[(covered / shapely.area(shapes.to_numpy()) >= _LEAST_COVERED).to_numpy()]
    if not len(kept):
        msg = f"None of {len(shapes)} new regions has half of its ground in the regions of {city.name!r}. Expected polygons of this city."
        raise BadInput(msg)
    pieces = pieces[pieces["new"].isin(kept.index)]
    with new_folder(folder) as part:
        _write(city, part, kept, pieces, how, name, rules or {})
    return folder


def _write(
    city: City,
    target: Path,
    shapes: pd.Series,
    pieces: pd.DataFrame,
    how: str,
    name: str,
    rules: Mapping[str, Rule],
) -> None:
    raw = json.loads((city.path / "city.json").read_text(encoding="utf-8-sig"))
    rows, left_out = _write_layers(city, target, shapes)
    order = [str(one) for one in shapes.index]
    labels = carry_labels(city, target, pieces, order, rules=rules, new_id=None, least=_LEAST_COVERED)
    left_out += _carry_others(city, target)
    note = f"Regions redrawn as {how}: {len(shapes)} in place of the {len(city.regions)} of {city.name}."
    if left_out:
        note += f" Left out, as they say nothing of where in a region something is: {', '.join(left_out)}."
    told = tell_labels(raw.get("labels", {}), labels, "Redrawn regions")
    if alike := shared_values(pieces):
        told += (
            f" {alike} of {len(shapes)} new regions lie in one old region that holds others too, and have one label value between them: "
            "what is learned of one is known of its neighbours, so split by blocks larger than the old regions."
        )
    whole = _manifest(city, raw, rows, f"{note} {told.strip()}".strip(), left_out)
    whole["name"], whole["title"] = name, f"{city.title}, {how}"
    whole["redrawn"] = {"from": city.name, "as": how, "regions": len(city.regions)}
    text = json.dumps(whole, indent=1, ensure_ascii=False) + "\n"
    (target / "city.json").write_text(text, encoding="utf-8")


def _write_layers(city: City, target: Path, shapes: pd.Series) -> tuple[dict[str, int], list[str]]:
    """Write all tables of the format but the labels; give the rows of those that changed, and the files left out."""
    rows, left_out = {}, []
    for name, info in city.manifest.tables.items():
        if name == "regions":
            frame = _regions(shapes, city.crs)
        elif name == "satellite":
            frame = redrawn_satellite(city.path, city.satellite, shapes, target)
        elif name in _OF_REGIONS:
            left_out.append(info.file)
            continue
        else:
            carry_table(city.path, target, info.file, None)
            continue
        save_frame(frame, target, info.file)
        rows[name] = len(frame)
    for raster in city.manifest.rasters.values():
        for file in (*raster.files, *raster.scales):
            carry_file(city.path, target, file)
    for image in sorted(city.images("street_views")) if "street_views" in city.layers else ():
        if (city.path / image).is_file():
            carry_file(city.path, target, image)
    return rows, left_out


def _regions(shapes: pd.Series, crs: str) -> Any:
    """Return the table of regions; rounding to degrees may cross the sides of a narrow corner, which is made valid."""
    import geopandas as gpd
    import shapely

    placed = np.array(gpd.GeoSeries(shapes.to_numpy(), crs=crs).to_crs("EPSG:4326"))
    bad = ~shapely.is_valid(placed)
    placed[bad] = polygons_only(shapely.make_valid(placed[bad]))
    names = [str(one) for one in shapes.index]
    frame = gpd.GeoDataFrame({"name": names}, geometry=placed, index=shapes.index, crs="EPSG:4326")
    return frame.rename_axis("region_id")


def _carry_others(city: City, target: Path) -> list[str]:
    """Copy features and layers the format does not know; name those that hold a row a region."""
    files = {*feature_files(city.path), *(info.file for info in city.extras.values())}
    left_out = sorted(file for file in files if is_by_region(city.path / file))
    for file in sorted(files - set(left_out)):
        if file.endswith(".parquet"):
            carry_table(city.path, target, file, None)
        else:
            carry_file(city.path, target, file)
    return left_out


def _manifest(
    city: City, raw: dict[str, Any], rows: Mapping[str, int], note: str, left_out: list[str]
) -> dict[str, Any]:
    """Bring city.json up to date: counts, notes, and what is there no more."""
    raw["note"] = joined(raw.get("note"), note)
    raw["regions"] = {**raw.get("regions", {"file": "regions.parquet"}), "count": rows["regions"]}
    raw["regions"]["note"] = joined(raw["regions"].get("note"), note)
    layers = raw.get("layers", {})
    named = {**city.manifest.tables, **city.extras}
    for name in [name for name in layers if name in named and named[name].file in left_out]:
        del layers[name]
    if "satellite" in layers:
        # What these told of the files' names and colours no longer holds.
        layers["satellite"] = {k: v for k, v in layers["satellite"].items() if k not in {"images", "mode"}}
        if "count" in layers["satellite"]:
            layers["satellite"]["count"] = rows["satellite"]
        words = "Pictures of redrawn regions are put together from those of the old ones."
        layers["satellite"]["note"] = joined(layers["satellite"].get("note"), words)
    return raw
