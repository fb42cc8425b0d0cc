"""Results as a table: every finished row with its numbers seed by seed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from urbanbench.errors import DataMissing
from urbanbench.hashing import short
from urbanbench.judging.audit.printed import exact
from urbanbench.judging.audit.table import Line, Measure, Table, check_floors, named
from urbanbench.judging.audit.words import meaning
from urbanbench.result import OK, RunResult

__all__ = ["table_of"]


def table_of(source: str, results: Iterable[RunResult], floors: Sequence[str] = ()) -> Table:
    """Return finished results as a table; refused and failed ones have no numbers.

    Parameters
    ----------
    source
        What is read, in words.
    results
        Any results.
    floors
        Models that learn nothing, beside those whose rows say so.

    Raises
    ------
    DataMissing
        No finished result.
    UnknownName
        A floor that no result is of.
    """
    lines = [_line(one) for one in results if one.status == OK and one.scores]
    if not lines:
        msg = f"No finished result in {source!r}, so nothing to audit. Expected some that `urbanbench run` wrote. Run something first, or check the path."
        raise DataMissing(msg)
    check_floors(floors, (line.model for line in lines))
    lines = [replace(line, floor=line.floor or line.model in floors) for line in lines]
    return Table(
        source, named(lines), read=(("result files", "one line each, with their numbers seed by seed"),)
    )


def _line(result: RunResult) -> Line:
    cell = result.cell
    settings = result.model.get("settings") or {}
    changed = ", ".join(f"{name}={value}" for name, value in sorted(settings.items()))
    seed = f"training {cell.model_seed}" if cell.model_seed else ""
    number = result.versions.get("model", 1)
    version = f"version {number}" if number > 1 else ""
    setting = " · ".join(filter(None, (cell.preset, changed, cell.inputs, cell.reader, version, seed)))
    block = f"{cell.split} {cell.block_size_m:g} m" if cell.block_size_m else cell.split
    trained = f"trained in {cell.train_city}" if cell.train_city else ""
    measures = {
        name: _measure(name, numbers, result)
        for name, numbers in result.scores.items()
        if any(map(math.isfinite, numbers))
    }
    kind = str(result.task.get("kind") or "")
    return Line(
        model=cell.model, setting=setting, task=cell.task, city=cell.city, test=" · ".join(filter(None, (block, trained))), measures=measures,
        floor=bool(result.model.get("floor")), repeats=len(cell.seeds), units=_units(result.evaluation.get("n_units")),
        splits=str(result.provenance.get("split_digest") or ""), vectors=str(result.provenance.get("embedding_digest") or ""),
        data=_data(result), kind=kind,
    )  # fmt: skip


def _measure(metric: str, numbers: list[float], result: RunResult) -> Measure:
    finite = [one for one in numbers if math.isfinite(one)]
    mean = math.fsum(finite) / len(finite)
    spread = (
        math.sqrt(math.fsum((one - mean) ** 2 for one in finite) / (len(finite) - 1))
        if len(finite) > 1
        else None
    )
    known = meaning(metric)
    unit = str(result.task.get("unit") or "") if known.follows_unit else ""
    if result.task.get("kind") == "composition":
        unit = "share"
    measure = Measure(exact(mean), None, tuple(numbers), unit=unit, where=short(result.run_id))
    return measure if spread is None else replace(measure, sd=exact(spread))


def _units(told: object) -> int | None:
    return told if isinstance(told, int) else None


def _data(result: RunResult) -> dict[str, str]:
    """Return what says of which data and by which yardstick a number is."""
    found = {"label": str(result.provenance.get("targets_digest") or "")}
    found |= {
        f"version of {name}": str(result.versions[name])
        for name in ("task", "split", "metrics")
        if name in result.versions
    }
    found["units"] = str(result.evaluation.get("n_units") or "")
    return {name: value for name, value in found.items() if value}
