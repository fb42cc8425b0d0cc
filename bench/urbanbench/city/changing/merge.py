"""The same city with coarser regions: neighbours merged two or three at a time, every layer and label carried over."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.city.changing.merge_files import (
    carry_file,
    carry_table,
    feature_files,
    is_by_region,
    merged_flows,
    merged_shapes,
    save_frame,
)
from urbanbench.city.changing.merge_labels import merged_label
from urbanbench.city.changing.merge_pictures import merged_satellite
from urbanbench.city.changing.merge_plan import merging_of
from urbanbench.city.folder.new_folder import new_folder

if TYPE_CHECKING:
    from urbanbench.city.changing.merge_plan import Merging
    from urbanbench.city.city import City

__all__ = ["merge_regions"]


def merge_regions(city: City, folder: Path, *, seed: int = 0, name: str = "") -> Path:
    """Write a new city folder in which neighbouring regions are merged two or three at a time.

    The granularity experiment of UrbanMFM (table 3, "merged"): regions are visited in random order, each still free takes one or two
    free neighbours, longest shared border first. Tables that do not name regions are copied as they are. Overhead pictures are put
    together, flows added up, labels of regions averaged by area; tables of one vector a region are left out, which the note says.

    Parameters
    ----------
    city
        What is merged; its folder is only read.
    folder
        A new folder, written whole or not at all. The same city and seed give the same bytes.
    seed
        Draws the order and the number of neighbours.
    name
        Name of the new city; "<city>-merged-<seed>" when left out.

    Raises
    ------
    BadInput
        The folder exists.
    CityFaults
        The city has faults.
    """
    with new_folder(folder) as part:
        _write(city, part, seed, name or f"{city.name}-merged-{seed}")
    return folder


def _write(city: City, target: Path, seed: int, name: str) -> None:
    merging = merging_of(city.regions, seed)
    raw = json.loads((city.path / "city.json").read_text(encoding="utf-8-sig"))
    rows = _write_layers(city, target, merging) | _write_labels(city, target, merging)
    left_out = _carry_others(city, target, merging)
    note = f"Regions merged two or three at a time: {len(merging.ids)} from the {len(merging.new_id)} of {city.name}, seed {seed}."
    if left_out:
        note += f" Left out, as they hold one row a region that cannot be merged: {', '.join(left_out)}."
    told = _manifest(city, raw, rows, note, left_out)
    told["name"], told["title"] = name, f"{city.title}, regions merged"
    told["merged"] = {"from": city.name, "seed": seed, "regions": len(merging.new_id)}
    text = json.dumps(told, indent=1, ensure_ascii=False) + "\n"
    (target / "city.json").write_text(text, encoding="utf-8")


def _write_layers(city: City, target: Path, merging: Merging) -> dict[str, int]:
    """Write all tables of the format but the labels; give the rows of those that changed."""
    rows = {}
    for name, info in city.manifest.tables.items():
        if name == "regions":
            frame = merged_shapes(city.path, info.file, merging)
        elif name == "satellite":
            frame = merged_satellite(city.path, city.satellite, merging, target)
            _carry_pictures(city, target, city.images("satellite") & set(frame["image"]))
        elif name == "flows":
            frame = merged_flows(city.flows, merging.new_id)
        else:
            carry_table(city.path, target, info.file, merging.new_id)
            continue
        save_frame(frame, target, info.file)
        rows[name] = len(frame)
    for raster in city.manifest.rasters.values():
        for file in (*raster.files, *raster.scales):
            carry_file(city.path, target, file)
    if "street_views" in city.layers:
        _carry_pictures(city, target, city.images("street_views"))
    return rows


def _carry_pictures(city: City, target: Path, images: Collection[str]) -> None:
    """Copy pictures; those that are not there stay away, as they do in a run."""
    for image in sorted(images):
        if (city.path / image).is_file():
            carry_file(city.path, target, image)


def _write_labels(city: City, target: Path, merging: Merging) -> dict[str, Any]:
    """Write all labels; give the class counts or rows of those of regions."""
    found: dict[str, Any] = {}
    area = city.regions["area_km2"]
    for name, info in city.labels.items():
        if info.level != "region":
            carry_table(city.path, target, info.file, merging.new_id)
            continue
        frame = merged_label(city.label(name), info, merging, area)
        save_frame(frame, target, info.file)
        counts = frame["value"].value_counts().to_dict() if info.kind == "classification" else {}
        found[f"labels/{name}"] = {"units": len(frame), "classes": counts}
    return found


def _carry_others(city: City, target: Path, merging: Merging) -> list[str]:
    """Copy features and layers the format does not know; name those that would have to be merged."""
    files = {*feature_files(city.path), *(info.file for info in city.extras.values())}
    left_out = sorted(file for file in files if is_by_region(city.path / file))
    for file in sorted(files - set(left_out)):
        if file.endswith(".parquet"):
            carry_table(city.path, target, file, merging.new_id)
        else:
            carry_file(city.path, target, file)
    return left_out


def _manifest(
    city: City, raw: dict[str, Any], rows: Mapping[str, Any], note: str, left_out: list[str]
) -> dict[str, Any]:
    """Bring city.json up to date: counts, classes, notes."""
    raw["note"] = _joined(raw.get("note"), note)
    raw["regions"] = {**raw.get("regions", {"file": "regions.parquet"}), "count": rows["regions"]}
    raw["regions"]["note"] = _joined(raw["regions"].get("note"), note)
    layers, labels = raw.get("layers", {}), raw.get("labels", {})
    for name in [name for name, info in city.extras.items() if info.file in left_out]:
        del layers[name]
    for name in set(layers) & set(rows):
        layers[name] |= {"count": rows[name]} if "count" in layers[name] else {}
    if "satellite" in layers:
        # What these told of the files' names and colours no longer holds.
        layers["satellite"] = {k: v for k, v in layers["satellite"].items() if k not in {"images", "mode"}}
        words = "Pictures of merged regions are put together from those of their parts and neighbours."
        layers["satellite"]["note"] = _joined(layers["satellite"].get("note"), words)
    for name, info in city.labels.items():
        if info.level == "region":
            labels[name] = _label_entry(labels[name], rows[f"labels/{name}"])
    return raw


def _label_entry(entry: dict[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """Bring the entry of a label of regions up to date; what was known of the best score no longer holds."""
    kept = {key: value for key, value in entry.items() if key != "ceiling"}
    if "units" in kept:
        kept["units"] = found["units"]
    if isinstance(kept.get("classes"), dict):
        kept["classes"] = {name: int(found["classes"].get(name, 0)) for name in kept["classes"]}
    words = "Merged regions: mean of the labelled parts weighted by area"
    if entry.get("unit") == "class":
        words = "Merged regions: the class of the largest area of the labelled parts"
    return kept | {"note": _joined(kept.get("note"), f"{words}; n, where there is one, is their sum.")}


def _joined(old: str | None, new: str) -> str:
    """Put a sentence after what may end without a full stop."""
    if not old:
        return new
    return f"{old} {new}" if old.endswith((".", "!", "?")) else f"{old}. {new}"
