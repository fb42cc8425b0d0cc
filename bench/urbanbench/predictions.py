"""Predictions in few bytes: what a run said of its test units, beside what many runs share, the units and their true values.

A table of a run's predictions repeats in every row what follows from its split. So it is cut in two: ``tested/<digest>.parquet`` holds
seed, unit_id and true value of every test row once for all runs that share them, and ``predictions/<name>.parquet`` the predictions
alone, in the same order: numbers as float32, class names by number, and which rows were covered only where some were not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.atomic import remove_leftovers, replacing
from urbanbench.errors import BadInput
from urbanbench.hashing import array_digest

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = [
    "answers_in",
    "changed_predictions",
    "is_changed_tested",
    "read_predictions",
    "tested_by",
    "write_predictions",
]

_TESTED, _RUN, _CONTENT = "tested", "run_id", "content"
_DIGEST = re.compile("[0-9a-f]{32}")
"""What may name a file: a digest leads to no other folder."""
_LEVEL = 15
"""Of zstd; more makes files of this size no smaller."""


def write_predictions(columns: Mapping[str, np.ndarray], path: Path, run_id: str) -> None:
    """Write a run's predictions, and what it shares with other runs where that is not there yet.

    Parameters
    ----------
    columns
        Of equal length: seed, unit_id, covered, true, predicted; for a composition ``true[<class>]`` and ``predicted[<class>]``.
    path
        ``<city>/<task>/predictions/<name>.parquet`` of a results folder.
    run_id
        Whose they are; written into the file.
    """
    shared = {name: values for name, values in columns.items() if _is_shared(name)}
    digest = _digest_of(shared)
    tested = _tested(path, digest)
    if not tested.is_file():
        _write(shared, tested, {})
    own = {name: _narrow(values) for name, values in columns.items() if not _is_shared(name)}
    if own["covered"].all():
        del own["covered"]
    remove_leftovers(path)
    _write(own, path, {_TESTED: digest, _RUN: run_id, _CONTENT: _digest_of(own)})


def read_predictions(path: Path, run_id: str) -> pd.DataFrame:
    """Read what `write_predictions` wrote: its columns, numbers with the seven digits of float32.

    Raises
    ------
    BadInput
        A file that is damaged or of another run, or whose test units are not there.
    OSError
        A file that cannot be read.
    """
    import pandas as pd

    own, told = _read(path)
    if told.get(_RUN) != run_id:
        msg = f"{path.name!r} holds predictions of run {told.get(_RUN)!r}. Expected run {run_id!r}."
        raise BadInput(msg)
    digest = told.get(_TESTED, "")
    tested = _tested(path, digest)
    if not _DIGEST.fullmatch(digest) or not tested.is_file():
        msg = f"{path.name!r} names test units {str(tested)!r}, which are not there. Expected the file beside it."
        raise BadInput(msg)
    shared, _ = _read(tested)
    rows = {len(values) for values in (*shared.values(), *own.values())}
    if len(rows) != 1:
        msg = f"{path.name!r} and {tested.name!r} have {' and '.join(map(str, sorted(rows)))} rows. Expected as many in each column."
        raise BadInput(msg)
    covered = own.pop("covered", np.ones(rows.pop(), dtype=bool))
    first = {name: shared.pop(name) for name in ("seed", "unit_id")}
    return pd.DataFrame({**first, "covered": covered, **shared, **own})


def changed_predictions(path: Path) -> str:
    """Say what of a file of predictions, or of the test units that it names, is not what a run wrote; "" where nothing is.

    Files of earlier versions do not say what was written; of them only the test units can be told.

    Raises
    ------
    BadInput, OSError
        One of them cannot be read.
    """
    own, told = _read(path)
    if told.get(_CONTENT, "") not in {
        "",
        _digest_of({name: _narrow(values) for name, values in own.items()}),
    }:
        return f"{path.name!r} has other predictions than were written"
    tested = tested_by(path)
    if tested is not None and is_changed_tested(tested):
        return f"the test units in {tested.name!r} are not those that were written"
    return ""


def is_changed_tested(tested: Path) -> bool:
    """Tell whether a file of test units does not hold what its name says; raises as `changed_predictions`."""
    columns, _ = _read(tested)
    return (
        _digest_of(columns) != tested.stem
        and _digest_of({name: _narrow(values) for name, values in columns.items()}) != tested.stem
    )


def _digest_of(columns: Mapping[str, np.ndarray]) -> str:
    return array_digest(*(values for _, values in sorted(columns.items())))


def answers_in(predictions: pd.DataFrame, which: str) -> np.ndarray:
    """Return the column "true" or "predicted" (m,), or of a composition its columns (m, k)."""
    columns = [name for name in predictions.columns if name == which or name.startswith(f"{which}[")]
    return predictions[which].to_numpy() if columns == [which] else predictions[columns].to_numpy(np.float64)


def tested_by(path: Path) -> Path | None:
    """Return the file of test units that a file of predictions names; None where it names none, or is not there or damaged."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        told = pq.read_schema(path).metadata or {}
    except (OSError, pa.ArrowInvalid):
        return None
    digest = told.get(_TESTED.encode(), b"").decode(errors="replace")
    tested = _tested(path, digest) if _DIGEST.fullmatch(digest) else None
    return tested if tested is not None and tested.is_file() else None


def _is_shared(name: str) -> bool:
    return name in {"seed", "unit_id"} or name.partition("[")[0] == "true"


def _tested(path: Path, digest: str) -> Path:
    return path.parent.parent / "tested" / f"{digest}.parquet"


def _narrow(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float32) if values.dtype.kind == "f" else values


def _write(columns: Mapping[str, np.ndarray], path: Path, told: Mapping[str, str]) -> None:
    import pyarrow.parquet as pq

    table = _table(columns)
    single = [name for name, values in columns.items() if values.dtype == np.float32]
    layout = {
        "compression": "zstd",
        "compression_level": _LEVEL,
        "use_dictionary": [name for name in columns if name not in single],
        "use_byte_stream_split": single,
        "write_statistics": False,
        "store_schema": False,
    }
    with replacing(path, size=table.nbytes) as part, pq.ParquetWriter(part, table.schema, **layout) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata(dict(told))


def _table(columns: Mapping[str, np.ndarray]) -> pa.Table:
    import pyarrow as pa

    plain = {
        name: values.tolist() if values.dtype.kind in "OU" else values for name, values in columns.items()
    }
    return pa.table({name: pa.array(values) for name, values in plain.items()})


def _read(path: Path) -> tuple[dict[str, np.ndarray], Mapping[str, str]]:
    """Return the columns of a file as arrays, float32 widened, and what stands in its head."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
        columns = {name: table[name].to_numpy() for name in table.column_names}
    except (pa.ArrowException, ValueError) as error:
        msg = f"{path.name!r} cannot be read ({error}). Expected predictions as a run writes them."
        raise BadInput(msg) from error
    wide = {
        name: values.astype(np.float64) if values.dtype == np.float32 else values
        for name, values in columns.items()
    }
    told = {
        name.decode(errors="replace"): text.decode(errors="replace")
        for name, text in (table.schema.metadata or {}).items()
    }
    return wide, told
