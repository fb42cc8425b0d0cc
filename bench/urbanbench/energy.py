"""Energy by the machine's own meters: RAPL counters of processor packages, and those of NVIDIA's driver for the GPUs in use.

Nothing is guessed from a processor's name or load. Where no meter can be read there is no number. A processor's meter counts the whole machine,
other programs included.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["EnergyMeter", "Reading"]

_POWERCAP = Path("/sys/class/powercap")
_PACKAGE = re.compile(r"^intel-rapl:\d+$")  # AMD's processors stand there under the same name
_MICRO, _MILLI = 1e-6, 1e-3


@dataclass(frozen=True)
class Reading:
    """State of the meters at one moment.

    Parameters
    ----------
    joules
        Meter to what it has counted.
    wraps
        Meter to the number at which it begins again; none for those that never do.
    """

    joules: Mapping[str, float] = field(default_factory=dict)
    wraps: Mapping[str, float] = field(default_factory=dict)


class EnergyMeter:
    """Energy from here on.

    Parameters
    ----------
    powercap
        Folder of the kernel's RAPL counters.
    """

    def __init__(self, powercap: Path = _POWERCAP) -> None:
        self._powercap = powercap
        self._begin = self._read()

    def _read(self) -> Reading:
        packages = _packages(self._powercap)
        joules = {name: one for name, (one, _) in packages.items()} | _gpus()
        return Reading(joules, {name: wrap for name, (_, wrap) in packages.items() if wrap})

    def spent(self) -> tuple[float, str] | None:
        """Return joules since the beginning and by which meters, for example (51.2, "package-0, NVIDIA H100"); None without a meter.

        A GPU counts where torch uses it.
        """
        now, used = self._read(), _gpus_in_use()
        found: dict[str, float] = {}
        for meter, before in self._begin.joules.items():
            if meter not in now.joules or (meter.startswith(_GPU) and meter.removeprefix(_GPU) not in used):
                continue
            gone = now.joules[meter] - before
            found[meter] = gone if gone >= 0 else gone + now.wraps.get(meter, 0.0)
        if not found or min(found.values()) < 0:
            return None
        return sum(found.values()), ", ".join(used.get(meter.removeprefix(_GPU), meter) for meter in found)


_GPU = "gpu "


def _packages(folder: Path) -> dict[str, tuple[float, float]]:
    """Return name of a processor package to (joules, joules at which the counter begins again); without those that cannot be read."""
    found = {}
    for place in sorted(folder.glob("intel-rapl:*")):
        if not _PACKAGE.match(place.name):
            continue
        try:
            name = (place / "name").read_text(encoding="ascii").strip()
            counted = int((place / "energy_uj").read_text(encoding="ascii"))
            wrap = int((place / "max_energy_range_uj").read_text(encoding="ascii"))
        except (OSError, ValueError):
            continue
        if name.startswith("package"):
            found[name] = (counted * _MICRO, wrap * _MICRO)
    return found


def _driver() -> Any:
    """Return NVIDIA's library of meters, begun; None where it is not installed or finds no driver."""
    if importlib.util.find_spec("pynvml") is None:
        return None
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    return pynvml


def _gpus() -> dict[str, float]:
    """Return "gpu " and a GPU's UUID to the joules its driver has counted; those that count none are left out."""
    nvml = _driver()
    found = {}
    for number in range(nvml.nvmlDeviceGetCount()) if nvml else ():
        try:
            gpu = nvml.nvmlDeviceGetHandleByIndex(number)
            uuid, counted = nvml.nvmlDeviceGetUUID(gpu), nvml.nvmlDeviceGetTotalEnergyConsumption(gpu)
        except nvml.NVMLError:
            continue
        found[f"{_GPU}{_plain(uuid)}"] = counted * _MILLI
    return found


def _gpus_in_use() -> dict[str, str]:
    """Return UUID to name of the GPUs that torch has begun to use."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available() or not torch.cuda.is_initialized():
        return {}
    cards = [torch.cuda.get_device_properties(number) for number in range(torch.cuda.device_count())]
    return {_plain(getattr(card, "uuid", "")): card.name for card in cards}


def _plain(uuid: object) -> str:
    text = uuid.decode() if isinstance(uuid, bytes) else str(uuid)
    return text.removeprefix("GPU-")
