"""The proposed CRS is true to the ground, or the reason it cannot be is told."""

import numpy as np
import pytest
import shapely
from pyproj import Geod, Transformer

from urbanbench.build.crs import check_crs, propose_crs
from urbanbench.errors import BadInput


@pytest.mark.parametrize(
    ("box", "crs"),
    [
        ((24.93, 60.16, 24.95, 60.18), "EPSG:32635"),
        ((103.6, 1.15, 104.1, 1.48), "EPSG:32648"),
        ((-70.8, -33.6, -70.5, -33.3), "EPSG:32719"),
        ((-74.3, 40.5, -73.7, 40.9), "EPSG:32618"),
        ((179.5, -17.0, 179.9, -16.5), "EPSG:32760"),
        ((5.8, 50.0, 6.3, 50.3), "EPSG:32632"),  # across the border of zones 31 and 32
    ],
)
def test_the_zone_of_the_middle_is_proposed_and_its_metres_are_true(box, crs):
    assert propose_crs(box) == crs
    west, south, east, north = box
    x, y = Transformer.from_crs(4326, crs, always_xy=True).transform([west, east], [south, north])
    mapped = np.hypot(x[1] - x[0], y[1] - y[0])
    ground = Geod(ellps="WGS84").inv(west, south, east, north)[2]
    assert mapped == pytest.approx(ground, rel=0.002)
    assert shapely.box(*box).is_valid


@pytest.mark.parametrize(
    ("box", "words"),
    [
        ((-179.9, -17.0, 179.9, -16.0), "date line"),
        ((15.0, 84.5, 16.0, 85.0), "no UTM zone"),
        ((0.0, 40.0, 20.0, 50.0), "build a smaller area"),
    ],
)
def test_where_no_zone_fits_the_reason_is_told(box, words):
    with pytest.raises(BadInput, match=words):
        propose_crs(box)


@pytest.mark.parametrize(
    ("crs", "words"),
    [
        ("EPSG:4326", "degree"),
        ("EPSG:2263", "US survey foot"),
        ("EPSG:3857", "far off|off by"),
        ("EPSG:32633", "off by"),
        ("mars", "unknown"),
    ],
)
def test_a_crs_that_does_not_fit_is_refused(crs, words):
    with pytest.raises(BadInput, match=words):
        check_crs(crs, (24.93, 60.16, 24.95, 60.18))


def test_national_grids_are_welcome():
    check_crs("EPSG:3067", (24.93, 60.16, 24.95, 60.18))
    check_crs("EPSG:3414", (103.6, 1.15, 104.1, 1.48))
