"""What memory cannot hold is refused before it is made."""

import pytest

from urbanbench.apart.keeping import Keeping, plugins_apart
from urbanbench.apart.limits import Limits, memory_of_machine_mb
from urbanbench.city.city import City
from urbanbench.errors import RunRefused
from urbanbench.need import refuse_beyond_memory, size
from urbanbench.registry.plugins import load_class
from urbanbench.toolkit.features.encoded import shape_features, text_features
from urbanbench.units import Units


def at_most(megabytes):
    return plugins_apart(Keeping(limits=Limits(memory_mb=megabytes)))


def test_what_fits_passes_and_what_does_not_is_refused_with_what_it_needs_and_what_to_do():
    with at_most(10):
        refuse_beyond_memory("A table", 10e6, mend="take less")
        with pytest.raises(RunRefused) as told:
            refuse_beyond_memory("A table", 2.5e9, mend="take less")
    assert str(told.value) == (
        "A table would take 2.5 GB of memory. Expected at most 10 MB, which this machine or --memory-limit leaves. Mend: take less"
    )


def test_without_a_limit_the_machine_decides():
    most = memory_of_machine_mb() * 1e6
    refuse_beyond_memory("A table", 0.8 * most, mend="")
    with pytest.raises(RunRefused, match=size(1.1 * most)):
        refuse_beyond_memory("A table", 1.1 * most, mend="")


class Untouchable:
    """An encoder that must not be asked anything but the length of its vectors."""

    dim = 1000


@pytest.mark.parametrize(
    ("what", "encode"),
    [
        ("texts", lambda: text_features(Untouchable(), ["a"] * 2000, device="cpu")),
        ("footprints", lambda: shape_features(Untouchable(), [None] * 2000, size=64, device="cpu")),
    ],
)
def test_features_that_would_not_fit_are_refused_before_anything_is_encoded(what, encode):
    with (
        at_most(15),
        pytest.raises(RunRefused, match=f"2,000 {what} with 1,000 features each would take 16 MB"),
    ):
        encode()


def test_flow_rows_say_which_parameter_makes_them_fit(tiny_toyville_without_pictures):
    view = City.open(tiny_toyville_without_pictures).view(["flow"])
    units = Units("region", view.region_ids)
    with at_most(0.01), pytest.raises(RunRefused, match="--set max_partners"):
        load_class("model", "flow-rows")().embed(view, units=units, seed=0, device="cpu")
