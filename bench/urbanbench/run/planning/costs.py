"""Costs: what vectors and heads take, learned from earlier rows; the one law behind the time left of a run and the plan of one.

Seconds are those of a machine that does nothing else, as far as rows tell: of one that was made beside other programs its clock says too much, and what
its processors computed stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from urbanbench.provenance import machine_facts
from urbanbench.result import OK
from urbanbench.store import predictions_beside

if TYPE_CHECKING:
    from urbanbench.result import RunResult
    from urbanbench.run.order import Order

__all__ = ["BY_SIZE", "ELSEWHERE", "FLOOR", "OTHERWISE", "SAME", "SCALED", "Costs", "Estimate", "Sizes"]

SAME = "as before"
"""The same was done here: this city, these parameters, these inputs."""
SCALED = "scaled"
"""The same head in other cities, scaled with labelled units and seeds."""
FLOOR = "a floor"
"""Floors learn nothing, and take about what other floors took."""
OTHERWISE = "with other settings"
"""This model and preset in this city, with other parameters or inputs."""
ELSEWHERE = "in another city"
"""The same in another city; no law leads from there to here, because trainings end at their plateau."""
BY_SIZE = "going by other cities and the number of regions"
"""The same in other cities, scaled with regions as most parts of models grow (docs/scale.md); where a training ends is not told by it."""

_FLOOR_S = 1.0
"""What a floor's vectors take where none has been seen yet."""

_LEAST_SHARE = 0.1
"""Share of a processor below which a part is thought to have waited for something else than other programs."""

_Key = tuple[object, ...]


@dataclass(frozen=True)
class Estimate:
    """What something takes, and where this is known from.

    Parameters
    ----------
    seconds
        Median of the rows that tell it.
    basis
        A word of this file.
    """

    seconds: float
    basis: str

    @property
    def sure(self) -> bool:
        """Whether a law leads from the rows to this; otherwise it is a hint, and a plan counts it as unknown."""
        return self.basis in {SAME, SCALED, FLOOR}


@dataclass(frozen=True)
class Sizes:
    """What a row of a model takes beside seconds, as far as rows tell; None where none does.

    Parameters
    ----------
    memory_mb, gpu_mb
        Highest memory of the process and of the GPU, in 10^6 bytes.
    vectors_mb, row_mb
        The vectors as they lie in the cache, and a row with its predictions, in 10^6 bytes.
    """

    memory_mb: float | None = None
    gpu_mb: float | None = None
    vectors_mb: float | None = None
    row_mb: float | None = None


class Costs:
    """What rows took, by what they were.

    Seconds of vectors count as if nothing of them were kept: with the parts that were read and all stages of training. Rows of another
    device say nothing of this one's seconds.
    """

    def __init__(self) -> None:
        self._embeds: dict[_Key, list[float]] = {}
        self._heads: dict[_Key, list[float]] = {}
        self._rates: dict[_Key, list[float]] = {}
        self._per_region: dict[_Key, list[float]] = {}
        self._least_here: dict[_Key, float] = {}
        self._sizes: dict[_Key, list[Sizes]] = {}
        self._medians: dict[tuple[int, _Key], float] = {}

    def learn(self, result: RunResult) -> None:
        """Take in a row; only finished ones tell something."""
        if result.status != OK:
            return
        level, device = str(result.task.get("level") or ""), _device_of(result.provenance)
        made_on = _device_of(result.provenance.get("vectors") or result.provenance)
        keys = [key for key, _ in _embed_keys(result.cell, level, made_on)]
        if result.model.get("floor"):
            keys.append((made_on, FLOOR))
        made_s, regions = _made_in(result), _regions_in(result, level)
        for key in keys:
            self._add(self._embeds, key, made_s)
        if regions:
            self._add(self._per_region, keys[2], made_s / regions)
        if _made_here(result):
            here = (*keys[0], result.versions.get("model"))
            self._least_here[here] = min(made_s, self._least_here.get(here, made_s))
        self._sizes.setdefault(keys[0][1:], []).append(_sizes(result))
        seconds = _undisturbed(result, "head")
        for key in _head_keys(result.cell, level, device):
            self._add(self._heads, key, seconds)
        units = int(result.evaluation.get("n_units") or 0)
        if units:
            self._add(self._rates, (device, result.cell.reader), seconds / (units * _fits(result.cell)))

    def embed(self, order: Order, device: str = "cpu", regions: int = 0) -> Estimate | None:
        """Return what a cell's vectors take where they are made anew; None where nothing is known.

        Parameters
        ----------
        order
            The cell.
        device
            "cpu" or "cuda".
        regions
            How many the city has; 0 where nobody counted them: what other cities took is then not scaled.
        """
        for key, basis in _embed_keys(order.cell, order.task.card.level, device):
            if basis == ELSEWHERE and regions and key in self._per_region:
                return Estimate(self._median(self._per_region, key) * regions, BY_SIZE)
            if key in self._embeds:
                return Estimate(self._median(self._embeds, key), basis)
        if not order.model.card.floor:
            return None
        known = (device, FLOOR) in self._embeds
        return Estimate(self._median(self._embeds, (device, FLOOR)) if known else _FLOOR_S, FLOOR)

    def least_here(self, order: Order, device: str = "cpu") -> float | None:
        """Return the least that the same vectors, of the same version, took on a machine like this one; None where no row tells."""
        key, _ = _embed_keys(order.cell, order.task.card.level, device)[0]
        return self._least_here.get((*key, order.model.card.version))

    def head(self, order: Order, device: str = "cpu", units: int = 0) -> Estimate | None:
        """Return what a cell's head takes; None where nothing is known.

        Parameters
        ----------
        order
            The cell.
        device
            "cpu" or "cuda".
        units
            How many labelled units there are; 0 where nobody counted them: what other cities took is then a hint only.
        """
        here, there = _head_keys(order.cell, order.task.card.level, device)
        if here in self._heads:
            return Estimate(self._median(self._heads, here), SAME)
        rate = (device, order.cell.reader)
        if units and rate in self._rates:
            return Estimate(self._median(self._rates, rate) * units * _fits(order.cell), SCALED)
        if there in self._heads:
            return Estimate(self._median(self._heads, there), ELSEWHERE)
        return None

    def sizes(self, order: Order) -> Sizes:
        """Return memory and disk that the same vectors took before in this city, the highest of each."""
        key = _embed_keys(order.cell, order.task.card.level, "")[0][0][1:]
        found = self._sizes.get(key, [])
        return Sizes(*(_highest(found, name) for name in ("memory_mb", "gpu_mb", "vectors_mb", "row_mb")))

    def _add(self, known: dict[_Key, list[float]], key: _Key, value: float) -> None:
        known.setdefault(key, []).append(value)
        self._medians.pop((id(known), key), None)

    def _median(self, known: Mapping[_Key, Sequence[float]], key: _Key) -> float:
        place = (id(known), key)
        if place not in self._medians:
            self._medians[place] = median(known[key])
        return self._medians[place]


def _device_of(origin: Mapping[str, Any]) -> str:
    """Return the kind of device of a row's origin, or of that of its vectors, which may come from another machine."""
    return "cuda" if str(origin.get("device") or "cpu").startswith("cuda") else "cpu"


def _embed_keys(cell: Any, level: str, device: str) -> list[tuple[_Key, str]]:
    """Return what vectors are known by, the closest first, each with what it says of them."""
    exact = repr(sorted(cell.parameters.items()))
    trained = cell.train_city
    return [
        ((device, cell.city, trained, level, cell.model, cell.preset, exact, cell.inputs), SAME),
        ((device, cell.city, trained, level, cell.model, cell.preset), OTHERWISE),
        ((device, "", "", level, cell.model, cell.preset, exact), ELSEWHERE),
    ]


def _head_keys(cell: Any, level: str, device: str) -> tuple[_Key, _Key]:
    """Return what a head is known by: in this city with as many fits, and anywhere."""
    return (device, cell.city, level, cell.reader, _fits(cell)), (device, "", level, cell.reader)


def _fits(cell: Any) -> int:
    """Return how often a cell's head is fitted."""
    return max(len(cell.seeds), 1)


def _made_in(result: RunResult) -> float:
    """Return what the vectors of a result take where nothing of them is kept: with the parts that were read, and all stages of training.

    Rows of earlier versions do not say what they read: their stages took longer than their vectors then.
    """
    read = sum(float(one.get("seconds") or 0.0) for one in _listed(result.cost.get("embed_read")))
    stages = sum(float(one.get("seconds") or 0.0) for one in _listed(result.training))
    clock = float(result.cost.get("embed_seconds", 0.0)) + read
    return stages if stages > clock else _undisturbed(result, "embed") + read


def _undisturbed(result: RunResult, part: str) -> float:
    """Return the seconds of a part, "embed" or "head", on a machine that does nothing else.

    Where processors computed for less than the clock went on, other programs had them meanwhile, and their seconds are closer; where they computed for
    longer, several did at once. A part for which something else worked, such as a GPU, or that mostly waited, as for a disk, took what the clock says.
    """
    clock = float(result.cost.get(f"{part}_seconds", 0.0))
    processor = result.cost.get(f"{part}_processor_seconds")
    elsewhere = result.cost.get(f"{part}_processor_misses")
    if not isinstance(processor, int | float) or elsewhere or processor < _LEAST_SHARE * clock:
        return clock
    return min(clock, float(processor))


def _regions_in(result: RunResult, level: str) -> int:
    """Return how many regions the city of a row has: all have vectors; 0 where the row does not tell."""
    return int(result.cost.get("embed_units") or 0) if level == "region" else 0


def _made_here(result: RunResult) -> bool:
    """Tell whether vectors were made by a machine of this one's kind."""
    origin = result.provenance.get("vectors") or result.provenance
    return all(origin.get(name) == told for name, told in machine_facts().items())


def _sizes(result: RunResult) -> Sizes:
    units, dim = result.cost.get("embed_units") or result.evaluation.get("n_units"), result.model.get("dim")
    memory, gpu = result.cost.get("embed_peak_rss_mb"), result.cost.get("peak_gpu_mb")
    return Sizes(memory, gpu, units * dim * 4 / 1e6 if units and dim else None, _row_mb(result))


def _row_mb(result: RunResult) -> float | None:
    if result.file is None:
        return None
    files = (result.file, predictions_beside(result.file))
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6


def _highest(found: Sequence[Sizes], name: str) -> float | None:
    return max((float(value) for one in found if (value := getattr(one, name)) is not None), default=None)


def _listed(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list | tuple) else []
