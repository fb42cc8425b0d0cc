"""The positional encoding that heads of CityFM and UrbanMFM read."""

import math

import numpy as np
import pytest
import shapely
from pyproj import Transformer

from urbanbench.city.city import City
from urbanbench.errors import RunRefused
from urbanbench.toolkit.ground.positions import encoded, positions
from urbanbench.units import Units


def naive(latitude, longitude):
    row = []
    for k in range(0, 128, 2):
        frequency = 100 / 10000 ** (k / 128)
        for angle in (latitude, longitude):
            row += [100 * math.sin(angle * frequency), 100 * math.cos(angle * frequency)]
    return row


def test_a_position_is_sines_and_cosines_at_64_wavelengths_as_in_a_naive_loop():
    places = [(1.3521, 103.8198), (60.2, -24.9)]
    made = encoded(np.array(places))
    assert made.shape == (2, 256)
    np.testing.assert_allclose(made, [naive(*one) for one in places], atol=1e-8)


@pytest.mark.parametrize(("level", "share"), [("region", 0.1), ("building", 1.0), ("poi", 1.0)])
def test_units_stand_at_their_centroids_and_regions_at_a_tenth(tiny_toyville, level, share):
    city = City.open(tiny_toyville)
    view = city.view({"coordinates"})
    units = Units(level, tuple(city.unit_ids(level)[:3]))
    layer = {"region": city.regions, "building": city.buildings, "poi": city.pois}[level]
    to_degrees = Transformer.from_crs(city.crs, "EPSG:4326", always_xy=True)
    centres = [shapely.centroid(layer.geometry.loc[one]) for one in units.ids]
    wanted = [share * np.array(naive(*to_degrees.transform(one.x, one.y)[::-1])) for one in centres]
    np.testing.assert_allclose(positions(view, units, model="X"), wanted, atol=1e-5)


def test_positions_that_may_not_be_used_are_refused_with_a_mend(tiny_toyville):
    city = City.open(tiny_toyville)
    units = Units("region", tuple(city.unit_ids("region")[:3]))
    with pytest.raises(RunRefused, match=r"X was asked for positions, .* Mend: allow the input coordinates"):
        positions(city.view({"poi"}), units, model="X")
