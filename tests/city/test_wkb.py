"""Headers of WKB are judged before anything is decoded: nesting never reaches the decoder, ordinary geometry always does."""

import struct
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
import shapely

from urbanbench.city.faults.check import check_folder
from urbanbench.city.folder.wkb import BROKEN, NESTED, undecodable_kinds

SHAPES = [
    shapely.Point(1, 2), shapely.Point(1, 2, 3), shapely.LineString([(0, 0), (1, 1), (2, 0)]), shapely.box(0, 0, 1, 1),
    shapely.box(0, 0, 9, 9).difference(shapely.box(1, 1, 2, 2)).difference(shapely.box(3, 3, 4, 4)), shapely.Polygon(),
    shapely.MultiPoint([(0, 0), (1, 1)]), shapely.MultiLineString([[(0, 0), (1, 1)], [(2, 2), (3, 3), (4, 4)]]), shapely.MultiPolygon(),
    shapely.MultiPolygon([shapely.box(0, 0, 1, 1), shapely.box(2, 2, 9, 9).difference(shapely.box(3, 3, 4, 4)), shapely.box(20, 20, 21, 21)]),
    shapely.force_3d(shapely.MultiPolygon([shapely.box(0, 0, 1, 1), shapely.box(2, 2, 3, 3)])), shapely.MultiPoint([(0, 0)]),
]  # fmt: skip


def nested(code, depth=20_000, order=1):
    head = struct.pack("<BII" if order else ">BII", order, code, 1)
    return head * depth + struct.pack("<BIdd", 1, 1, 9.0, 48.0)


@pytest.mark.parametrize("order", [0, 1], ids=["big", "little"])
@pytest.mark.parametrize("flavor", ["iso", "extended"])
@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary()], ids=str)
def test_ordinary_geometry_is_decoded(order, flavor, kind):
    raw = [shapely.to_wkb(one, byte_order=order, flavor=flavor) for one in SHAPES]
    if flavor == "extended":
        raw += [
            shapely.to_wkb(shapely.set_srid(one, 4326), byte_order=order, include_srid=True) for one in SHAPES
        ]
    column = pa.array([None, *raw, None, b"", b"\x01\x02"], kind)
    assert undecodable_kinds(column) == {}
    assert undecodable_kinds(column.slice(3, 6)) == {}


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (nested(7), "GeometryCollection"), (nested(4), NESTED), (nested(5), NESTED), (nested(6), NESTED), (nested(6, order=0), NESTED),
        (nested(0x10006), NESTED), (nested(1006), NESTED), (nested(0x80000006), NESTED), (nested(9), "CompoundCurve"), (nested(12), "MultiSurface"),
        (struct.pack("<BII", 1, 6, 2) + shapely.to_wkb(SHAPES[4]) + nested(6), NESTED),
        (struct.pack("<BII", 1, 5, 3) + shapely.to_wkb(SHAPES[2]) * 2 + nested(5), NESTED),
        (struct.pack("<BII", 1, 4, 3) + shapely.to_wkb(SHAPES[0]) * 2 + nested(7), NESTED),
        (shapely.to_wkb(shapely.GeometryCollection([shapely.Point(0, 0)])), "GeometryCollection"), (b"\x07" + nested(6)[1:], BROKEN),
        (struct.pack("<BII", 1, 6, 1) + b"\x09" + nested(6)[1:], NESTED),
    ],
)  # fmt: skip
def test_geometry_inside_of_geometry_is_named_and_not_decoded(raw, kind):
    column = pa.array([shapely.to_wkb(SHAPES[3]), raw, None, raw], pa.binary())
    found = undecodable_kinds(column)
    assert list(found) == [kind]
    assert found[kind].tolist() == [False, True, False, True]
    assert undecodable_kinds(column.slice(1, 2))[kind].tolist() == [True, False]


def test_headers_that_lie_about_counts_are_left_to_the_decoder():
    lies = [struct.pack("<BII", 1, code, 2**32 - 1) for code in (2, 3, 4, 5, 6)]
    assert undecodable_kinds(pa.array(lies, pa.binary())) == {}
    assert shapely.is_missing(shapely.from_wkb(np.array(lies, dtype=object), on_invalid="ignore")).all()


def test_deep_nesting_is_a_fault_and_does_not_end_the_process(folder):
    """In a process of its own: without the guard the decoder overruns its stack."""
    for place, code in enumerate((7, 4, 6, 9)):
        folder.rows["pois"][place]["geometry"] = nested(code)
    folder.rows["regions"][3]["geometry"] = (
        struct.pack("<BII", 1, 6, 2) + shapely.to_wkb(SHAPES[3]) + nested(6)
    )
    folder.save("pois")
    folder.save("regions")
    code = "import sys; from pathlib import Path; from urbanbench.city.faults.check import check_folder; print(*check_folder(Path(sys.argv[1])), sep='\\n')"
    made = subprocess.run(
        [sys.executable, "-c", code, str(folder.path)], capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr[-500:]
    told = made.stdout.splitlines()
    assert (
        "regions.parquet: column 'geometry', 1 row ('r11'): expected a Polygon or MultiPolygon, found geometry inside of geometry."
        in told[0]
    )
    assert any("1 row ('p0'): expected a Point, found GeometryCollection." in line for line in told)
    assert any(
        "2 rows ('p1', 'p2'): expected a Point, found geometry inside of geometry." in line for line in told
    )


def test_flags_and_heights_do_not_hide_a_sound_geometry(folder):
    for one in folder.rows["buildings"]:
        one["geometry"] = shapely.to_wkb(shapely.force_3d(one["geometry"]), flavor="iso")
    folder.save("buildings")
    assert check_folder(folder.path) == []
