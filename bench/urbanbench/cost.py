"""What a step costs: seconds by the clock and of processors, peak memory of the process and of the GPU, and energy where the machine counts it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path

from urbanbench.energy import EnergyMeter
from urbanbench.processor import ProcessorMeter

__all__ = ["GPU_WORK", "Cost", "measured", "used_elsewhere"]

GPU_WORK = "the GPU's work"
"""Word for what no processor counts."""
_MB = 1e6
_elsewhere: ContextVar[list[tuple[float, float | None]] | None] = ContextVar(
    "memory used in other processes", default=None
)


@dataclass
class Cost:
    """Filled when the measured block ends.

    Parameters
    ----------
    seconds
        Wall time.
    processor_seconds
        Of processors: this process with its threads, and those that it has started; more than the wall time where several computed at once.
        None where other measured work ran beside it in this process.
    processor_misses
        What worked for the block and is not among them, in words.
    peak_rss_mb
        Highest resident memory of the process during the block in 10^6 bytes, all that was loaded before included; that of a process which did the
        work for it where that is more.
        Where the system cannot reset its high-water mark (not Linux), the highest since the process began.
    peak_gpu_mb
        Highest memory torch had allocated on the GPU in 10^6 bytes; None without a GPU in use.
    energy_joules, energy_meters
        Energy of the block by the meters named, of the whole machine (`urbanbench.energy`); None and "" where none can be read.
    """

    seconds: float = 0.0
    processor_seconds: float | None = None
    processor_misses: list[str] = field(default_factory=list)
    peak_rss_mb: float = 0.0
    peak_gpu_mb: float | None = None
    energy_joules: float | None = None
    energy_meters: str = ""


@contextmanager
def measured() -> Iterator[Cost]:
    """Measure the block."""
    cost = Cost()
    _reset_peak_rss()
    _reset_peak_gpu()
    meter = EnergyMeter()
    others: list[tuple[float, float | None]] = []
    token = _elsewhere.set(others)
    processor, start = ProcessorMeter(), time.perf_counter()
    try:
        yield cost
    finally:
        _elsewhere.reset(token)
        cost.seconds = time.perf_counter() - start
        cost.processor_seconds = processor.spent()
        cost.peak_rss_mb = max(round(_peak_rss_bytes() / _MB, 1), *(rss for rss, _ in others), 0.0)
        cost.peak_gpu_mb = max(
            (one for one in (_peak_gpu_mb(), *(gpu for _, gpu in others)) if one is not None), default=None
        )
        if cost.peak_gpu_mb:
            cost.processor_misses.append(GPU_WORK)
        if spent := meter.spent():
            cost.energy_joules, cost.energy_meters = round(spent[0], 1), spent[1]


def used_elsewhere(peak_rss_mb: float, peak_gpu_mb: float | None) -> None:
    """Say what a process used that did a part of the work; it counts in the innermost `measured`."""
    others = _elsewhere.get()
    if others is not None:
        others.append((peak_rss_mb, peak_gpu_mb))


_CLEAR, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")


def _reset_peak_rss() -> None:
    try:
        _CLEAR.write_text("5")  # sets the kernel's high-water mark VmHWM back to the present size
    except OSError:
        return


def _peak_rss_bytes() -> int:
    try:
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return _peak_since_start()


def _peak_since_start() -> int:
    try:
        import resource
    except ImportError:
        import psutil

        return int(psutil.Process().memory_info().rss)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _reset_peak_gpu() -> None:
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.reset_peak_memory_stats()


def _peak_gpu_mb() -> float | None:
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available() or not torch.cuda.is_initialized():
        return None
    return round(float(torch.cuda.max_memory_allocated()) / _MB, 1)
