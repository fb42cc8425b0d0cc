"""Energy is read from meters, and is not there where no meter is."""

from __future__ import annotations

import sys
import types

import pytest

from urbanbench.cost import measured
from urbanbench.energy import EnergyMeter


def counter(folder, name, number, joules, *, wrap=262_143.0):
    place = folder / f"intel-rapl:{number}"
    place.mkdir(exist_ok=True)
    (place / "name").write_text(f"{name}\n")
    (place / "energy_uj").write_text(f"{joules * 1e6:.0f}\n")
    (place / "max_energy_range_uj").write_text(f"{wrap * 1e6:.0f}\n")


def test_packages_add_up_and_their_parts_do_not_count_twice(tmp_path):
    counter(tmp_path, "package-0", "0", 100)
    counter(tmp_path, "core", "0:0", 50)
    counter(tmp_path, "package-1", "1", 10)
    counter(tmp_path, "psys", "2", 900)
    meter = EnergyMeter(tmp_path)
    counter(tmp_path, "package-0", "0", 107.5)
    counter(tmp_path, "core", "0:0", 55)
    counter(tmp_path, "package-1", "1", 12)
    counter(tmp_path, "psys", "2", 950)
    joules, meters = meter.spent()
    assert joules == pytest.approx(9.5)
    assert meters == "package-0, package-1"


def test_a_counter_that_began_again_is_taken_on(tmp_path):
    counter(tmp_path, "package-0", "0", 990, wrap=1000)
    meter = EnergyMeter(tmp_path)
    counter(tmp_path, "package-0", "0", 5, wrap=1000)
    assert meter.spent()[0] == pytest.approx(15)


@pytest.mark.parametrize("text", [None, "denied"])
def test_without_a_readable_meter_there_is_no_number(tmp_path, text):
    if text:
        counter(tmp_path, "package-0", "0", 1)
        (tmp_path / "intel-rapl:0/energy_uj").write_text(text)
    assert EnergyMeter(tmp_path).spent() is None


class NVMLError(Exception):
    pass


def driver(joules):
    """Make a driver with three GPUs: one in use, one of others, and one that has no meter."""

    def energy(number):
        if number == 2:
            raise NVMLError
        return joules[number] * 1000

    return types.SimpleNamespace(
        NVMLError=NVMLError,
        nvmlInit=lambda: None,
        nvmlDeviceGetCount=lambda: 3,
        nvmlDeviceGetHandleByIndex=lambda number: number,
        nvmlDeviceGetUUID=lambda number: f"GPU-uuid{number}",
        nvmlDeviceGetTotalEnergyConsumption=energy,
    )


def test_of_gpus_those_count_that_torch_uses(tmp_path, monkeypatch):
    joules = [1000.0, 5000.0]
    monkeypatch.setitem(sys.modules, "pynvml", driver(joules))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object() if name == "pynvml" else None)
    cuda = types.SimpleNamespace(
        is_available=lambda: True,
        is_initialized=lambda: True,
        device_count=lambda: 1,
        get_device_properties=lambda number: types.SimpleNamespace(uuid=f"uuid{number}", name="A GPU"),
    )
    monkeypatch.setitem(sys.modules, "torch", types.SimpleNamespace(cuda=cuda))
    meter = EnergyMeter(tmp_path)
    joules[:] = [1030.0, 9000.0]
    assert meter.spent() == (pytest.approx(30.0), "A GPU")


def test_a_measured_block_says_so_where_nothing_can_be_read(monkeypatch, tmp_path):
    monkeypatch.setattr("urbanbench.cost.EnergyMeter", lambda: EnergyMeter(tmp_path))
    with measured() as cost:
        pass
    assert (cost.energy_joules, cost.energy_meters) == (None, "")
