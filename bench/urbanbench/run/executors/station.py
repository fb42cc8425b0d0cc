"""The side that does errands: a process apart for the cells, kept from one to the next, and rows and vectors as bytes."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from urbanbench.apart import Apart, Channel, Ended
from urbanbench.atomic import write_text
from urbanbench.home import DATA_VARIABLE
from urbanbench.predictions import tested_by
from urbanbench.result import Cell, RunSpec
from urbanbench.run.executors.bundle import bundled, unbundled
from urbanbench.run.executors.carrying import NotingCache
from urbanbench.run.executors.errand import Answer, Errand, spec_from
from urbanbench.run.executors.processes import THREAD_VARIABLES, answered
from urbanbench.run.executors.shelf import Shelf
from urbanbench.run.order import resolve
from urbanbench.run.standing import foreign_code
from urbanbench.run.workbench import Workbench
from urbanbench.store import ResultStore

__all__ = ["ANSWER", "do", "with_arrivals"]

ANSWER = "answer.json"
"""The file of a bundle that says what became of an errand; those beside it are of a results folder."""

_ROWS = "urbanbench-rows-"


@dataclass
class _Bench:
    """The process that does cells, and what it was started for."""

    apart: Apart
    kind: tuple[Any, ...]
    folder: Path


_benches: dict[bool, _Bench] = {}
"""A process for cells without foreign plugins and one for those with: a worker does one errand after the other, and what its processes have
opened stays open."""


def do(errand: Errand, shelf: Shelf) -> tuple[bytes, Answer]:
    """Do an errand whose shipments and vectors have arrived, and return the bundle of its answer and row, and the answer."""
    spec = _spec_here(errand, shelf)
    bench = _bench_for(errand)
    store = ResultStore(bench.folder)
    _clear(bench.folder)
    files = [Path(word) for word in (spec["model"], spec["task"]) if word.endswith(".py")]
    try:
        bench.apart.send(_asked(errand, spec, shelf))
        said = bench.apart.answer(files)
    except Ended as ended:
        _close(bool(errand.guests))
        answer = Answer(reason=str(ended), over_limit=ended.over_limit, killed=ended.killed)
        return bundled({ANSWER: answer.write().encode()}), answer
    answer = Answer(new=bool(said["new"]), reason=said["reason"], vectors=said["vectors"])
    row = {} if answer.reason or not answer.new else _row(store, said["file"])
    if row:
        row[said["file"]] = _as_asked(row[said["file"]], errand, shelf)
    return bundled({ANSWER: answer.write().encode(), **row}), answer


def with_arrivals(piece: bytes, arrived: Sequence[Sequence[str]]) -> bytes:
    """Return an answer's bundle with what arrived on the node for it."""
    files = unbundled(piece)
    answer = replace(Answer.read(files[ANSWER]), arrived=arrived)
    return bundled(files | {ANSWER: answer.write().encode()})


def _as_asked(row: bytes, errand: Errand, shelf: Shelf) -> bytes:
    """Name folders in a row as the asking machine knows them."""
    text = row.decode()
    for one in errand.shipments:
        here, there = (json.dumps(place)[1:-1] for place in (str(shelf.folder(one)), one.origin))
        text = text.replace(here, there)
    return text.encode()


def _spec_here(errand: Errand, shelf: Shelf) -> dict[str, Any]:
    return dict(errand.spec) | {one.field: shelf.word(one) for one in errand.shipments}


def _asked(errand: Errand, spec: dict[str, Any], shelf: Shelf) -> dict[str, Any]:
    """Say to the process what is to be done; paths of cities come as a folder under which their names are found."""
    roots = [str(shelf.place(one)) for one in errand.shipments if one.city]
    return {
        "spec": spec,
        "run_id": errand.run_id,
        "foreign": dict(errand.foreign),
        "overwrite": errand.overwrite,
        "kept": errand.kept,
        "roots": os.pathsep.join(dict.fromkeys(roots)),
    }


def _bench_for(errand: Errand) -> _Bench:
    """Return the process for an errand: the last one's, where it is of the same kind and has met no other plugin."""
    guest = bool(errand.guests)
    kind = (
        errand.device,
        errand.limits,
        errand.guests,
        errand.threads,
        os.environ.get("CUDA_VISIBLE_DEVICES"),
    )
    if guest in _benches and _benches[guest].kind != kind:
        _close(guest)
    if guest not in _benches:
        for name in THREAD_VARIABLES:
            os.environ.pop(name, None)
        os.environ.update(errand.threads)
        folder = _folder()
        with _without_program():
            apart = Apart(_serve, str(folder), errand.device, limits=errand.most)
        _benches[guest] = _Bench(apart, kind, folder)
    return _benches[guest]


@contextmanager
def _without_program() -> Iterator[None]:
    """Start processes that do not load the program that this one runs: it is Ray's, and takes longer than all else."""
    program = vars(sys.modules["__main__"])
    file = program.pop("__file__", None)
    try:
        yield
    finally:
        if file is not None:
            program["__file__"] = file


def _close(guest: bool) -> None:
    bench = _benches.pop(guest)
    bench.apart.close(wait_s=0)
    shutil.rmtree(bench.folder, ignore_errors=True)


@atexit.register
def _close_all() -> None:
    for guest in list(_benches):
        _close(guest)


def _folder() -> Path:
    """Make a folder for rows; those of processes that were killed are removed."""
    import psutil

    for left in Path(tempfile.gettempdir()).glob(f"{_ROWS}*"):
        pid = left.name.removeprefix(_ROWS).partition("-")[0]
        if pid.isdecimal() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{_ROWS}{os.getpid()}-"))


def _clear(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix != ".lock":
            path.unlink(missing_ok=True)


def _row(store: ResultStore, file: str) -> dict[str, bytes]:
    """Return the files of a row: its JSON, its predictions, and the test units that these name."""
    path = store.folder / file
    predictions = path.parent / "predictions" / f"{path.stem}.parquet"
    found = [path, predictions, tested_by(predictions) if predictions.is_file() else None]
    return {
        one.relative_to(store.folder).as_posix(): one.read_bytes()
        for one in found
        if one is not None and one.is_file()
    }


def _serve(channel: Channel, folder: str, device: str) -> None:
    """Do cells, one by one, until nobody listens; their rows are in the folder by then."""
    store, cache = ResultStore(Path(folder)), NotingCache()
    bench = Workbench(device, cache)
    while True:
        channel.send(_served(channel.receive(), store, bench, cache))


def _served(
    asked: dict[str, Any], store: ResultStore, bench: Workbench, cache: NotingCache
) -> dict[str, Any]:
    os.environ[DATA_VARIABLE] = asked["roots"]
    spec = spec_from(asked["spec"])
    cache.noted.clear()
    reason = _prepared(spec, asked, store)
    if reason:
        return _without(reason)
    result, new, reason = answered(spec, store, asked["overwrite"], bench)
    if result is None or reason:
        return _without(reason)
    file = Cell.from_dict(result["spec"]).file_name
    return {"new": new, "reason": "", "vectors": list(cache.noted), "file": file}


def _prepared(spec: RunSpec, asked: dict[str, Any], store: ResultStore) -> str:
    """Put the kept result where it is looked for; return why the words mean something else here, or ""."""
    try:
        order = resolve(spec)
    except BaseException:  # noqa: BLE001 - the cell is tried all the same, and says why it cannot be done
        return ""
    if (order.cell.run_id, foreign_code(order)) != (asked["run_id"], asked["foreign"]):
        return (
            f"the node reads another cell out of {spec.model!r}, {spec.task!r} and {spec.city!r}, or has other files of a plugin. "
            f"Expected the packages with plugins that the asking machine has."
        )
    if asked["kept"]:
        write_text(store.path_of(order.cell), asked["kept"])
    return ""


def _without(reason: str) -> dict[str, Any]:
    return {"new": True, "reason": reason, "vectors": [], "file": ""}
