"""Compaction: a results folder as one Parquet file, for archives and for engines that query tables; and back again, byte for byte."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.atomic import check_folder, replacing
from urbanbench.errors import BadInput, DataMissing
from urbanbench.gathered.rows import belongings, rows_in
from urbanbench.result import RunResult

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "RESULT",
    "Compacted",
    "column_names",
    "compact",
    "expand",
    "facts_of",
    "place_of",
    "read_compacted",
    "result_in",
    "rows_of",
]

_FORMAT = "urbanbench-results"
_VERSION = 1
_TRIES = 5
_GROUP = 512
"""Files in one row group; so many are in memory at once."""
RESULT, _PREDICTIONS, _TESTED = "result", "predictions", "tested"
_BELONGING = re.compile(r"(?P<place>[^/]+/[^/]+)/(?P<room>predictions|tested)/(?P<stem>[^/]+)\.parquet")

_FACTS = ("city", "task", "model", "preset", "inputs", "split", "head", "beside", "train_city", "probe")


@dataclass(frozen=True)
class Compacted:
    """What went into a file, or came out of it.

    Parameters
    ----------
    results, belongings
        Result files, and files of predictions and test units.
    faulty
        (path, reason) of files that are no usable result and were left out.
    """

    results: int
    belongings: int
    faulty: tuple[tuple[str, str], ...] = ()


def compact(folder: Path, file: Path) -> Compacted:
    """Write all rows of a results folder into one Parquet file.

    A row of the table is a file: ``kind`` ("result", "predictions", "tested"), ``path`` below the folder and ``document``, its bytes. Rows of results
    have columns beside it that can be queried without opening the document: run_id, status, city, task, model, preset, inputs, split,
    head, beside, train_city, probe, model_seed, versions (JSON), started_utc, main_metric, mean, sd and n of its scores over the seeds.

    Parameters
    ----------
    folder
        A results folder; it stays as it is.
    file
        Written whole or not at all.

    Raises
    ------
    DataMissing
        No such folder, or no usable result in it.
    CannotWrite
        The file cannot be written.
    """
    import pyarrow.parquet as pq

    faulty = [(row.file, row.fault) for row in rows_in(folder) if row.result is None]
    counts = dict.fromkeys((RESULT, _PREDICTIONS, _TESTED), 0)
    layout = {"compression": "zstd", "write_page_checksum": True}
    with replacing(file) as part, pq.ParquetWriter(part, _schema(), **layout) as writer:
        for records in _grouped(_records(folder)):
            for one in records:
                counts[one["kind"]] += 1
            writer.write_table(_table(records))
        if not counts[RESULT]:
            msg = f"No usable result in {str(folder)!r} ({len(faulty)} faulty). Expected a folder that `urbanbench run` wrote."
            raise DataMissing(msg)
    return Compacted(counts[RESULT], counts[_PREDICTIONS] + counts[_TESTED], tuple(faulty))


def expand(file: Path, folder: Path) -> Compacted:
    """Make a results folder of a file that `compact` wrote; files that are there already are written anew.

    Nothing is taken from the file that could lie outside the folder: results lie where their cell belongs, and their predictions beside them.

    Raises
    ------
    BadInput
        Not such a file, or one with a row that does not fit.
    CannotWrite
        The folder cannot be written.
    """
    check_folder(folder, "name another folder with --out")
    counts = dict.fromkeys((RESULT, _PREDICTIONS, _TESTED), 0)
    stems = {PurePosixPath(one.cell.file_name).with_suffix("").as_posix() for one in read_compacted(file)}
    places = {PurePosixPath(one).parent.as_posix() for one in stems}
    for kind, path, document in _documents(file):
        to = place_of(kind, path, document, stems, places)
        counts[kind] += 1
        with replacing(folder / to) as part:
            part.write_bytes(document)
    return Compacted(counts[RESULT], counts[_PREDICTIONS] + counts[_TESTED])


def read_compacted(file: Path) -> list[RunResult]:
    """Return the results of a file that `compact` wrote, in the order of their paths; predictions stay in it.

    Raises
    ------
    DataMissing
        No such file.
    BadInput
        Not such a file.
    """
    return [result_in(path, document) for kind, path, document in _documents(file) if kind == RESULT]


def _records(folder: Path) -> Iterator[dict[str, Any]]:
    tested: set[Path] = set()
    for row in rows_in(folder):
        if row.result is None:
            continue
        path, place = folder / row.file, PurePosixPath(row.result.cell.file_name)
        document, beside = _read_together(path)
        for one, content in beside.items():
            kind = one.parent.name
            if kind == _TESTED and one in tested:
                continue
            tested.add(one)
            there = (place.parent / one.relative_to(path.parent).as_posix()).as_posix()
            yield {"kind": kind, "path": there, "document": content}
        yield {
            "kind": RESULT,
            "path": place.as_posix(),
            "document": document,
            **facts_of(result_in(place.as_posix(), document)),
        }


def _read_together(path: Path) -> tuple[bytes, dict[Path, bytes]]:
    """Read a result with what belongs to it, again where a run wrote it anew meanwhile."""
    for _ in range(_TRIES):
        with suppress(FileNotFoundError):
            document = path.read_bytes()
            beside = {one: one.read_bytes() for one in belongings(path)}
            if path.read_bytes() == document:
                return document, beside
    msg = f"The result {str(path)!r} is written again and again. Expected a row that stays for a second. Mend: compact when its run is done."
    raise BadInput(msg)


def facts_of(result: RunResult) -> dict[str, Any]:
    """Return the columns that stand beside a result's document."""
    spec, metric = result.cell.to_dict(), str(result.evaluation.get("main_metric") or "")
    scores = np.asarray(result.scores.get(metric, ()), dtype=np.float64)
    scores = scores[np.isfinite(scores)]
    return {
        "run_id": result.run_id,
        "status": result.status,
        **{name: str(spec.get(name, "")) for name in _FACTS},
        "model_seed": result.cell.model_seed,
        "versions": json.dumps(dict(result.versions), sort_keys=True),
        "started_utc": str(result.provenance.get("started_utc", "")),
        "main_metric": metric,
        "mean": float(scores.mean()) if len(scores) else None,
        "sd": float(scores.std(ddof=1)) if len(scores) > 1 else None,
        "n": len(scores),
    }


def _grouped(records: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    group: list[dict[str, Any]] = []
    for one in records:
        group.append(one)
        if len(group) == _GROUP:
            yield group
            group = []
    if group:
        yield group


def _schema() -> pa.Schema:
    import pyarrow as pa

    text = ("kind", "path", "run_id", "status", *_FACTS, "versions", "started_utc", "main_metric")
    numbers = [("mean", pa.float64()), ("sd", pa.float64()), ("n", pa.int32()), ("model_seed", pa.int64())]
    fields = [*((name, pa.string()) for name in text), *numbers, ("document", pa.binary())]
    return pa.schema(fields, metadata={"format": _FORMAT, "version": str(_VERSION)})


def column_names() -> list[str]:
    """Return the columns of such a file."""
    return list(_schema().names)


def _table(records: list[dict[str, Any]]) -> pa.Table:
    import pyarrow as pa

    return pa.Table.from_pylist(records, schema=_schema())


def _documents(file: Path) -> Iterator[tuple[str, str, bytes]]:
    for row in rows_of(file, ["kind", "path", "document"]):
        yield row["kind"], row["path"], row["document"]


def rows_of(file: Path, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Read some columns of such a file row by row; kind, path and document must be among them. Raises as `read_compacted`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not file.is_file():
        msg = f"No file {str(file)!r}. Expected one that `urbanbench results compact` wrote."
        raise DataMissing(msg)
    try:
        with pq.ParquetFile(file, page_checksum_verification=True) as opened:
            told = opened.schema_arrow.metadata or {}
            found = (
                told.get(b"format", b"").decode(errors="replace"),
                told.get(b"version", b"").decode(errors="replace"),
            )
            if found != (_FORMAT, str(_VERSION)):
                raise BadInput(_strange(file, "it does not say that it is one"))
            missing = [name for name in columns if name not in opened.schema_arrow.names]
            if missing:
                raise BadInput(_strange(file, f"it has no column {missing[0]!r}"))
            for batch in opened.iter_batches(batch_size=_GROUP, columns=list(columns)):
                for one in batch.to_pylist():
                    if (
                        one["kind"] not in (RESULT, _PREDICTIONS, _TESTED)
                        or not one["path"]
                        or one["document"] is None
                    ):
                        raise BadInput(
                            _strange(file, f"a row has kind {one['kind']!r} and path {one['path']!r}")
                        )
                    yield one
    except (OSError, pa.ArrowException) as error:
        raise BadInput(_strange(file, str(error))) from error


def _strange(file: Path, why: str) -> str:
    return f"{str(file)!r} is no results file of version {_VERSION}: {why}. Expected one that `urbanbench results compact` wrote."


def result_in(path: str, document: bytes) -> RunResult:
    """Read the document of a result's row; raises `BadInput` where it is none, or lies at another cell's path."""
    try:
        result = RunResult.from_dict(json.loads(document))
    except ValueError as error:
        msg = f"Row {path!r} holds no result ({error}). Expected the bytes of a result file."
        raise BadInput(msg) from error
    if result.cell.file_name != path:
        msg = f"Row {path!r} holds the result of another cell. Expected it at {result.cell.file_name!r}."
        raise BadInput(msg)
    return result


def place_of(kind: str, path: str, document: bytes, stems: set[str], places: set[str]) -> str:
    """Return where a file is written: what its row says, once that is sure to be right; raises `BadInput` where it is not."""
    if kind == RESULT:
        return result_in(path, document).cell.file_name
    found = _BELONGING.fullmatch(path)
    fits = found is not None and found["room"] == kind
    if fits and found is not None:
        whole = f"{found['place']}/{found['stem']}"
        digest = re.fullmatch("[0-9a-f]{32}", found["stem"])
        fits = whole in stems if kind == _PREDICTIONS else bool(digest) and found["place"] in places
    if not fits:
        msg = f"Row {path!r} of kind {kind!r} belongs to no result of the file. Expected predictions and test units of its results alone."
        raise BadInput(msg)
    return path
