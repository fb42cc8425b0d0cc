"""Whether the files of a layer of rasters go together: bands, types, scales, and the law of city.json."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from urbanbench.city.folder.format import RasterInfo
from urbanbench.city.folder.laws import ALPHAEARTH, FLOAT, LINEAR, PIXEL_SCALE
from urbanbench.city.folder.limits import MAX_RASTER_NUMBERS
from urbanbench.city.rasters.heads import RasterHead

__all__ = ["head_faults"]


def head_faults(
    info: RasterInfo, heads: Sequence[RasterHead], scales: Sequence[RasterHead] = ()
) -> list[str]:
    """Judge the files of a layer against one another and against its entry, one sentence for each kind of fault.

    Parameters
    ----------
    info
        What city.json says.
    heads
        Heads of its files, in order.
    scales
        Heads of its files of scales, in the same order.
    """
    first = heads[0]
    bands, dtype = info.bands or first.bands, info.dtype or first.dtype
    told = "city.json" if info.bands else first.file
    faults = _unlike(
        [one for one in heads if one.bands != bands],
        f"{bands} bands as {told} has",
        "bands",
        "Leave files of another model or version out.",
    )
    told = "city.json says" if info.dtype else f"{first.file} has"
    faults += _unlike(
        [one for one in heads if one.dtype != dtype],
        f"numbers of type {dtype} as {told}",
        "dtype",
        "Store all files alike.",
    )
    total = sum(one.width * one.height * one.bands for one in heads)
    if total > MAX_RASTER_NUMBERS:
        faults.append(
            f"{first.file} and others: expected at most {MAX_RASTER_NUMBERS:.0e} numbers in all files, found {total:.3g}. Cut them to the city's box: gdal_translate -projwin WEST NORTH EAST SOUTH."
        )
    faults += _law_faults(info, heads)
    return faults + [
        fault for one, other in zip(heads, scales, strict=False) for fault in _scale_faults(one, other)
    ]


def _unlike(others: Sequence[RasterHead], expected: str, field: str, mend: str) -> list[str]:
    if not others:
        return []
    more = f" and {len(others) - 1} more" if len(others) > 1 else ""
    return [f"{others[0].file}{more}: expected {expected}, found {getattr(others[0], field)}. {mend}"]


def _law_faults(info: RasterInfo, heads: Sequence[RasterHead]) -> list[str]:
    """Tell files whose numbers cannot follow the law."""
    faults, law = [], info.law
    integers = [one for one in heads if np.dtype(one.dtype).kind != "f"]
    if law == FLOAT and integers:
        mend = f'Name their law: "law": "{ALPHAEARTH}", "{LINEAR}" or "{PIXEL_SCALE}".'
        faults += _unlike(integers, f"floating-point numbers for the law {FLOAT!r}", "dtype", mend)
    strange = [one for one in heads if one.dtype != "int8"]
    if law == ALPHAEARTH and strange:
        mend = 'Take the published files, or gdal_translate -ot Int8 where values are -128 to 127; "law": "float" for values that were turned back before.'
        faults += _unlike(strange, f"int8 numbers for the law {ALPHAEARTH!r}", "dtype", mend)
    if law != ALPHAEARTH:
        faults += _own_scale_faults(info, heads)
    wide = [len(one) for one in (info.scale, info.offset) if len(one) not in {1, heads[0].bands}]
    if wide:
        faults.append(
            f"city.json: 'layers.{info.name}': expected a scale and an offset for all bands or each of {heads[0].bands}, found {wide[0]}. Correct the lists."
        )
    return faults


def _own_scale_faults(info: RasterInfo, heads: Sequence[RasterHead]) -> list[str]:
    """Tell files that state a scale or offset of their own which the entry does not follow."""
    for one in heads:
        for word, own, said in (("scale", one.scale, info.scale), ("offset", one.offset, info.offset)):
            usual = 1.0 if word == "scale" else 0.0
            wanted = np.broadcast_to(said if len(said) in {1, len(own)} else usual, len(own))
            if (
                own
                and any(value != usual for value in own)
                and not np.allclose(own, wanted, rtol=1e-6, atol=0)
            ):
                return [
                    f'{one.file}: expected the {word} of city.json ({wanted[0]:g}), found that the file states {own[0]:g} itself. Write "law": "{LINEAR}" with its {word}, or take it out: gdal_edit.py -{word} {usual:g} {Path(one.file).name}'
                ]
    return []


def _scale_faults(head: RasterHead, scale: RasterHead) -> list[str]:
    """Tell a file of scales that does not lie pixel by pixel on its raster."""
    sizes = (head.width, head.height) == (scale.width, scale.height)
    corners = abs(head.left - scale.left) / head.dx, abs(head.top - scale.top) / head.dy
    pixels = abs(head.dx / scale.dx - 1), abs(head.dy / scale.dy - 1)
    alike = sizes and max(corners) < 1e-3 and max(pixels) < 1e-9
    if alike and scale.bands == 1 and head.crs == scale.crs:
        return []
    found = f"{scale.bands} of {scale.width} x {scale.height} pixels at {scale.left:g}, {scale.top:g}"
    return [
        f"{scale.file}: expected one band on the pixels of {head.file} ({head.width} x {head.height} at {head.left:g}, {head.top:g}), found {found}. Take the scales that came with the file."
    ]
