"""What a row cost: seconds by the clock and of processors, in this run and of parts that were kept from earlier ones, weights, bytes, throughput, energy, and on which machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from urbanbench.board.layout import Entry
from urbanbench.board.numbers import plain_number
from urbanbench.board.rows import Row
from urbanbench.registry.given import GIVEN_INPUTS

__all__ = [
    "NOT_COUNTED",
    "NOT_MEASURED",
    "PARTS_READ",
    "READ",
    "Costs",
    "cost_entry",
    "costs_of",
    "machine",
    "processor_text",
    "read_seconds",
]

NOT_MEASURED, NOT_COUNTED = "not measured", "not counted"
_FLOAT_BYTES = 4
"""Vectors are float32."""
PARTS_READ = "parts read"
"""What seconds of processors miss of a row whose parts were kept by earlier runs."""
READ = "read"
"""The word in a cost that tells kept parts from computed ones."""


@dataclass(frozen=True)
class Costs:
    """What a row cost; None where it was not measured.

    Parameters
    ----------
    embed_seconds, head_seconds
        Making the vectors, training included and kept parts with what they had cost; fitting and scoring the head for all seeds.
    complete
        Whether the seconds are all of it; where not, `embed_seconds` is less than they were.
    peak_rss_mb, peak_gpu_mb
        Highest memory of the process and of the GPU, in 10^6 bytes.
    trained, frozen
        Weights that were trained, and those of encoders that were loaded.
    bytes_per_unit
        Of a vector as it is kept, float32.
    units_per_second
        Units embedded by seconds of embedding, training included.
    joules, meters
        Energy of vectors and head together, by the meters named: of the whole machine.
    embed_processor_seconds, head_processor_seconds
        Seconds of processors that were computed for vectors and head, whatever else the machine did; kept parts are not among them.
    processor_misses
        What worked for them and is not among these seconds, in words.
    """

    embed_seconds: float | None
    head_seconds: float | None
    complete: bool
    peak_rss_mb: float | None
    peak_gpu_mb: float | None
    trained: int | None
    frozen: int | None
    bytes_per_unit: int | None
    units_per_second: float | None
    joules: float | None
    meters: str
    embed_processor_seconds: float | None
    head_processor_seconds: float | None
    processor_misses: tuple[str, ...]

    @property
    def seconds(self) -> float | None:
        """Seconds of vectors and head together."""
        return None if self.embed_seconds is None else self.embed_seconds + (self.head_seconds or 0.0)

    @property
    def processor_seconds(self) -> float | None:
        """Seconds of processors of vectors and head together."""
        parts = (self.embed_processor_seconds, self.head_processor_seconds)
        return None if None in parts else sum(one for one in parts if one is not None)

    @property
    def processor_complete(self) -> bool:
        """Whether the seconds of processors are those of all the work: no GPU and no other process worked for the row, and nothing was kept from before."""
        return self.processor_seconds is not None and not self.processor_misses


def costs_of(row: Row) -> Costs:
    """Return what a row cost; of one that joins several trainings, what the first of them cost, which is what its section of costs says.

    Rows of earlier versions have no weights and no energy, and their throughput is of the units scored. Where one does not say what it read, but its stages
    trained for longer than its vectors took, trained stages were read: the longer time stands, and is not complete. Finished vectors cost their maker what
    nobody told.
    """
    row = (row.trainings or (row,))[0]
    embed, complete = _embedding(row)
    trained, frozen = _weights(row)
    units, dim = _number(row, "embed_units") or row.n_units, row.model.get("dim")
    return Costs(
        embed_seconds=embed,
        head_seconds=_number(row, "head_seconds"),
        complete=complete,
        peak_rss_mb=_number(row, "peak_rss_mb"),
        peak_gpu_mb=_number(row, "peak_gpu_mb"),
        trained=trained,
        frozen=frozen,
        bytes_per_unit=_FLOAT_BYTES * dim if isinstance(dim, int) else None,
        units_per_second=units / embed if units and embed and complete else None,
        joules=_joules(row),
        meters=str(row.cost.get("energy_meters") or ""),
        embed_processor_seconds=None if embed is None else _number(row, "embed_processor_seconds"),
        head_processor_seconds=_number(row, "head_processor_seconds"),
        processor_misses=_processor_misses(row),
    )


def _processor_misses(row: Row) -> tuple[str, ...]:
    """Return what worked for a row beside the processors that are counted, parts that an earlier run made among it; nothing where none are counted."""
    if not any(f"{part}_processor_seconds" in row.cost for part in ("embed", "head")):
        return ()
    listed = [row.cost.get(f"{part}_processor_misses") for part in ("embed", "head")]
    said = [str(word) for words in listed if isinstance(words, list | tuple) for word in words]
    return tuple(dict.fromkeys([*said, *([PARTS_READ] if _parts(row) else [])]))


def _embedding(row: Row) -> tuple[float | None, bool]:
    """Return the seconds of the vectors, kept parts with what they had cost, and whether that is all of it."""
    now = _number(row, "embed_seconds")
    if now is None or _finished(row):
        return None, False
    if _parts(row):
        known, unknown = read_seconds(row)
        return now + known, not unknown
    stages = sum(float(stage.get("seconds") or 0.0) for stage in row.training)
    return max(now, stages), stages <= now


def _finished(row: Row) -> bool:
    """Tell whether vectors were made elsewhere and only read here."""
    variant = row.model.get("variant")
    stated = isinstance(variant, Mapping) and str(variant.get("inputs", "")).startswith("as stated")
    return stated or GIVEN_INPUTS in {row.spec.get("inputs"), *row.offered}


def _number(row: Row, name: str) -> float | None:
    value = row.cost.get(name)
    return float(value) if isinstance(value, int | float) else None


def _weights(row: Row) -> tuple[int | None, int | None]:
    """Return weights (trained, frozen). Of a learned model for which none were counted, or that read kept parts, they are not known."""
    told = row.cost.get("weights")
    if not isinstance(told, Mapping) or _parts(row):
        return None, None
    trained, frozen = int(told.get("trained", 0)), int(told.get("frozen", 0))
    return (trained, frozen) if row.floor or trained or frozen else (None, None)


def _joules(row: Row) -> float | None:
    """Return the joules of vectors and head together; None where one of them was not measured or parts were read."""
    parts = [_number(row, name) for name in ("embed_joules", "head_joules")]
    return None if _parts(row) or None in parts else sum(one for one in parts if one is not None)


def machine(row: Row) -> str:
    """Name the machine of a row: processor and cores, and the GPU where one was used; "" where the row does not say.

    Seconds of two machines are never held against each other.
    """
    told = row.provenance
    if not told.get("cpu"):
        return ""
    cores = told.get("cores")
    return ", ".join(
        [
            str(told["cpu"]),
            *([f"{cores} cores"] if cores else []),
            *([str(told["gpu"])] if told.get("gpu") else []),
        ]
    )


def read_seconds(row: Row) -> tuple[float, int]:
    """Return what parts that were read cost when they were made, and how many of them do not say."""
    stated = [one.get("seconds") for one in _parts(row)]
    known = [float(one) for one in stated if isinstance(one, int | float)]
    return sum(known), len(stated) - len(known)


def cost_entry(row: Row) -> Entry:
    """Return the seconds of a row's vectors: "10.8", "10.8 + 231 read", or "10.8 + 231 and 2 parts read"."""
    now = row.cost.get("embed_seconds")
    if now is None or not _parts(row):
        return Entry(plain_number(now), tip=_rest(row), value=now)
    known, unknown = read_seconds(row)
    parts = [*([plain_number(known)] if known else []), *([_counted(unknown)] if unknown else [])]
    said = [f"{one.get('part')}: {_told(one.get('seconds'))}" for one in _parts(row)]
    tip = "; ".join(filter(None, [*said, _rest(row)]))
    return Entry(f"{plain_number(now)} + {' and '.join(parts) or 0} {READ}", tip=tip, value=now + known)


def processor_text(costs: Costs) -> str:
    """Say the seconds of processors of a row: "≥ 12.5" where something is not among them; "" where nobody measured them."""
    return (
        f"{'' if costs.processor_complete else '≥ '}{plain_number(costs.processor_seconds)}"
        if costs.processor_seconds is not None
        else ""
    )


def _rest(row: Row) -> str:
    """Write what a row cost besides seconds, as far as it was measured, to look up; nothing of rows from before it was."""
    if "embed_units" not in row.cost:
        return ""
    costs = costs_of(row)
    told = (
        (costs.embed_processor_seconds, "s of processor"),
        (costs.units_per_second, "units/s"),
        (costs.peak_rss_mb, "MB"),
        (costs.peak_gpu_mb, "MB on the GPU"),
        (costs.bytes_per_unit, "bytes a unit"),
        (costs.trained, "weights trained"),
        (costs.frozen, "weights of frozen encoders"),
        (costs.joules, "J"),
    )
    return ", ".join(f"{plain_number(value)} {unit}" for value, unit in told if value is not None)


def _parts(row: Row) -> list[Mapping[str, Any]]:
    listed = row.cost.get("embed_read")
    return [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list | tuple) else []


def _counted(parts: int) -> str:
    return f"{parts} part{'s' if parts > 1 else ''}"


def _told(seconds: object) -> str:
    return f"{plain_number(float(seconds))} s" if isinstance(seconds, int | float) else "seconds not known"
