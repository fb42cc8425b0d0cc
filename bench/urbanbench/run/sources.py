"""Sources: which files and folders stand behind the names of a cell, so that two of one name never become one result.

A cell is told by names. Registered names are told apart by the registry; a path is told by its file's or folder's name, which others
may have too. So every result keeps where its paths led, from the results folder, and a digest of what was there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.errors import BadInput
from urbanbench.hashing import file_digest, value_digest
from urbanbench.home import told_from
from urbanbench.registry import (
    city_folder,
    city_path,
    file_of,
    is_path,
    known_folders,
    names,
    open_city,
    plain_name,
    source_path,
)
from urbanbench.result import OK
from urbanbench.vectors.files import vectors_digest

if TYPE_CHECKING:
    from urbanbench.result import RunResult
    from urbanbench.run.order import Order
    from urbanbench.store import ResultStore

__all__ = ["SOURCES", "check_kept", "distinct", "record"]

SOURCES = "sources"
"""Where a result's provenance keeps them."""

_OF_CITIES = frozenset({"city", "train_city"})

_MEND = {
    "city": 'Give one of them another "name" in its city.json',
    "train_city": 'Give one of them another "name" in its city.json',
    "model": "Rename one of the files, or name vectors with `urbanbench score --name`",
    "task": "Rename one of the files",
}


def distinct(orders: Iterable[Order]) -> dict[str, Order]:
    """Return orders by run id, each cell once, in the order given.

    Raises
    ------
    BadInput
        Two paths would share a result.
    """
    found: dict[str, Order] = {}
    for order in orders:
        first = found.setdefault(order.cell.run_id, order)
        for kind, place in _places(order).items():
            other = _places(first)[kind]
            if place != other:
                msg = (
                    f"Two {_PLURAL[kind]} would share one result under the name {getattr(order.cell, kind)!r}: "
                    f"{getattr(first.spec, kind)!r} and {getattr(order.spec, kind)!r}. Expected names that differ. {_MEND[kind]}."
                )
                raise BadInput(msg)
    return found


def record(order: Order, folder: Path) -> dict[str, Any]:
    """Return what a result in a folder keeps of the paths it came from; nothing for registered names."""
    return {
        kind: {"path": told_from(place, folder), "digest": _digest(kind, place)}
        for kind, place in _places(order).items()
        if place is not None
    }


def check_kept(orders: Iterable[Order], store: ResultStore) -> None:
    """Refuse to replace finished results of other files or folders that have the same names.

    Raises
    ------
    BadInput
        A result that came from another path with other content, or from a registered name and other data.
    """
    for order in orders:
        found = store.find(order.cell)
        if found is None or found.status != OK:
            continue
        kept: Mapping[str, Any] = found.provenance.get(SOURCES) or {}
        for kind, place in _places(order).items():
            was = kept.get(kind)
            if _another(order, kind, place, was, found, store.folder):
                told = repr(was["path"]) if was else f"the registered {kind}"
                msg = (
                    f"{str(store.path_of(order.cell))!r} holds a result of another {kind} named {getattr(order.cell, kind)!r}: {told}, "
                    f"now {getattr(order.spec, kind)!r}. Expected one {kind} behind a name. {_MEND[kind]}, choose another folder with --out, "
                    f"or replace the result with --overwrite always."
                )
                raise BadInput(msg)


_PLURAL = {"city": "cities", "train_city": "train cities", "model": "models", "task": "tasks"}


def _another(order: Order, kind: str, place: Path | None, was: Any, found: RunResult, folder: Path) -> bool:
    """Tell whether a kept result came from something else: another place with other content."""
    if was is None and place is None:
        return False
    if was is None:
        return kind == "city" and _other_data(order, found)
    if place is None and kind not in _OF_CITIES:
        return True
    here = place if place is not None else city_folder(getattr(order.spec, kind))
    moved, changed = told_from(here, folder) != was.get("path"), _digest(kind, here) != was.get("digest")
    return bool(moved and changed)


def _other_data(order: Order, found: RunResult) -> bool:
    """Tell whether a result of a registered city rests on other regions or labels than the folder now given."""
    told, city, card = found.provenance.get("data_digest"), open_city(order.spec.city), order.task.card
    if told is None or not order.room.fits(card, city):
        return False
    return bool(told != city.digest(order.room.layers(card)))


def _places(order: Order) -> dict[str, Path | None]:
    """Return the file or folder behind each word; None for what is registered."""
    return {
        "city": _city_place(order.spec.city),
        "train_city": _city_place(order.spec.train_city) if order.spec.train_city else None,
        "model": order.source if order.given else _file_place("model", order.spec.model, order.source),
        "task": _file_place("task", order.spec.task, file_of(order.task)),
    }


def _city_place(word: str) -> Path | None:
    path = source_path(word) or city_path(word)
    if path is None or path.resolve() in {known.resolve() for known in known_folders().values()}:
        return None
    return path.resolve()


def _file_place(kind: str, word: str, file: Path) -> Path | None:
    return file if is_path(word) and plain_name(kind, word) not in names(kind) else None


def _digest(kind: str, place: Path) -> str:
    if place.suffix == ".py" and kind in _OF_CITIES:
        return file_digest(place)
    if kind not in _OF_CITIES:
        return vectors_digest(place)
    files = sorted({place / "city.json", *place.glob("*.parquet"), *place.glob("*/*.parquet")})
    return _files_digest(tuple((file, file.stat().st_mtime_ns) for file in files if file.is_file()))


@cache
def _files_digest(files: tuple[tuple[Path, int], ...]) -> str:
    return value_digest([[file.name, file_digest(file)] for file, _ in files])
