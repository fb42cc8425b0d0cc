"""The same city with coarser regions: neighbours merged two or three at a time, or groups of regions, every layer and label carried over."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.city.changing.carried import CarriedLabel, carry_labels, joined, tell_labels
from urbanbench.city.changing.merge_files import (
    carry_file,
    carry_table,
    feature_files,
    is_by_region,
    merged_flows,
    merged_shapes,
    save_frame,
)
from urbanbench.city.changing.merge_pictures import merged_satellite
from urbanbench.city.changing.merge_plan import grouping_of, merging_of
from urbanbench.city.changing.overlay import pieces_of_merging
from urbanbench.city.folder.new_folder import new_folder

if TYPE_CHECKING:
    from urbanbench.city.changing.label_rules import Rule
    from urbanbench.city.changing.merge_plan import Merging
    from urbanbench.city.city import City

__all__ = ["join_regions", "merge_regions"]


def merge_regions(
    city: City, folder: Path, *, seed: int = 0, name: str = "", rules: Mapping[str, Rule] | None = None
) -> Path:
    """Write a new city folder in which neighbouring regions are merged two or three at a time.

    The granularity experiment of UrbanMFM (table 3, "merged"): regions are visited in random order, each still free takes one or two
    free neighbours, longest shared border first. Tables that do not name regions are copied as they are. Overhead pictures are put
    together, flows added up, labels of regions carried by what their unit allows (`urbanbench.city.changing.label_rules`); tables of one
    vector a region are left out, which the note says.

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
    rules
        Rules of labels that come before what units say.

    Raises
    ------
    BadInput
        The folder exists.
    CityFaults
        The city has faults.
    """
    merging = merging_of(city.regions, seed)
    words = f"Regions merged two or three at a time: {len(merging.ids)} from the {len(merging.new_id)} of {city.name}, seed {seed}."
    how = {"from": city.name, "seed": seed, "regions": len(merging.new_id)}
    told = _Told(
        name or f"{city.name}-merged-{seed}", f"{city.title}, regions merged", words, {"merged": how}
    )
    with new_folder(folder) as part:
        _write(city, part, merging, told, rules or {})
    return folder


def join_regions(
    city: City,
    folder: Path,
    group: Mapping[str, str | None],
    *,
    by: str,
    name: str = "",
    rules: Mapping[str, Rule] | None = None,
) -> Path:
    """Write a new city folder in which all regions of a group are one, such as those of a planning area.

    Parameters
    ----------
    city, folder, rules
        As in `merge_regions`.
    group
        Group of every region by region_id; None for a region that stays alone.
    by
        What the groups are called, for the note.
    name
        Name of the new city; "<city>-by-<word>" when left out.

    Raises
    ------
    BadInput
        The folder exists, or names of groups and regions fall together.
    CityFaults
        The city has faults.
    """
    merging = grouping_of(group)
    words = f"Regions joined by {by}: {len(merging.ids)} from the {len(merging.new_id)} of {city.name}."
    how = {"from": city.name, "by": by, "regions": len(merging.new_id)}
    told = _Told(name or f"{city.name}-by-{by}", f"{city.title}, regions by {by}", words, {"redrawn": how})
    with new_folder(folder) as part:
        _write(city, part, merging, told, rules or {})
    return folder


@dataclass(frozen=True)
class _Told:
    """What city.json says of the new city."""

    name: str
    title: str
    note: str
    how: Mapping[str, Any]


def _write(city: City, target: Path, merging: Merging, told: _Told, rules: Mapping[str, Rule]) -> None:
    raw = json.loads((city.path / "city.json").read_text(encoding="utf-8-sig"))
    rows = _write_layers(city, target, merging)
    pieces = pieces_of_merging(merging, city.regions["area_km2"])
    labels = carry_labels(city, target, pieces, merging.ids, rules=rules, new_id=merging.new_id)
    left_out = _carry_others(city, target, merging)
    note = told.note
    if left_out:
        note += f" Left out, as they hold one row a region that cannot be merged: {', '.join(left_out)}."
    whole = _manifest(city, raw, rows, labels, note, left_out)
    whole["name"], whole["title"] = told.name, told.title
    text = json.dumps(whole | dict(told.how), indent=1, ensure_ascii=False) + "\n"
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
    city: City,
    raw: dict[str, Any],
    rows: Mapping[str, int],
    carried: Mapping[str, CarriedLabel],
    note: str,
    left_out: list[str],
) -> dict[str, Any]:
    """Bring city.json up to date: counts, classes, notes."""
    told = tell_labels(raw.get("labels", {}), carried, "Merged regions")
    raw["note"] = joined(raw.get("note"), f"{note} {told}".strip())
    raw["regions"] = {**raw.get("regions", {"file": "regions.parquet"}), "count": rows["regions"]}
    raw["regions"]["note"] = joined(raw["regions"].get("note"), note)
    layers = raw.get("layers", {})
    for name in [name for name, info in city.extras.items() if info.file in left_out]:
        del layers[name]
    for name in set(layers) & set(rows):
        layers[name] |= {"count": rows[name]} if "count" in layers[name] else {}
    if "satellite" in layers:
        # What these told of the files' names and colours no longer holds.
        layers["satellite"] = {k: v for k, v in layers["satellite"].items() if k not in {"images", "mode"}}
        words = "Pictures of merged regions are put together from those of their parts and neighbours."
        layers["satellite"]["note"] = joined(layers["satellite"].get("note"), words)
    return raw
