"""Finished vectors before they are scored: what of a file is used, and what speaks against it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from glob import escape
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.errors import BadInput, RunRefused, UrbanbenchError, quoted
from urbanbench.registry.given import MIN_MATCH, GivenVectors
from urbanbench.run.order import resolve
from urbanbench.vectors.columns import told
from urbanbench.vectors.leaks import follows_classes, follows_values, listed, named_like
from urbanbench.vectors.matching import Match, match_ids

if TYPE_CHECKING:
    from urbanbench.city.city import City
    from urbanbench.result import RunSpec
    from urbanbench.run.order import Order
    from urbanbench.scoring.targets import Targets
    from urbanbench.vectors.table import VectorTable

__all__ = ["check_vectors", "reports"]


def reports(specs: Iterable[RunSpec], cities: Mapping[str, City]) -> list[str]:
    """Return one line for each file of vectors, city and task: the columns used, those left out, and the units with a row.

    Raises
    ------
    BadInput
        Vectors that `check_vectors` refuses.
    """
    lines: dict[tuple[str, str, str], str] = {}
    for order in map(resolve, specs):
        key = (order.spec.model, order.spec.city, order.spec.task)
        if order.vectors is None or order.foreign or key in lines:  # a foreign task is asked where it runs
            continue
        if not order.room.fits_heads:  # its row says why a file of vectors answers nothing
            continue
        try:
            targets = order.task.targets(cities[order.spec.city])
        except UrbanbenchError:  # no such label here, or a faulty one: the run's row says so
            continue
        try:
            lines[key] = check_vectors(order, order.vectors, targets)
        except RunRefused as error:
            raise BadInput(str(error)) from error
    return list(dict.fromkeys(lines.values()))


def check_vectors(order: Order, model: GivenVectors, targets: Targets) -> str:
    """Judge the vectors of an order's file against the units its task labels, and say in a line what of it is used.

    Raises
    ------
    RunRefused
        Vectors of another level; too few units with a row, or ids that differ from the units' in form alone; a column that has the
        label's name, or follows the label.
    """
    name = model.vectors_file.name
    try:
        table = model.table(targets.level)
    except UrbanbenchError as error:
        raise RunRefused(str(error)) from error
    if table.level != targets.level:
        msg = f"{name!r} holds vectors of {table.level}s. Expected {targets.level}s, which the task labels."
        raise RunRefused(msg)
    match = match_ids(table.ids.tolist(), targets.ids.tolist())
    _check_match(model, table, match, targets)
    _check_names(order, model, table)
    _check_answers(name, table, match, targets)
    return _line(order.spec.model, table, match, targets)


def _check_match(model: GivenVectors, table: VectorTable, match: Match, targets: Targets) -> None:
    name, units = model.vectors_file.name, f"{len(targets)} labelled {targets.level}s"
    least = MIN_MATCH if model.min_match is None else model.min_match
    there = len(targets) - len(match.missing)
    if match.near and (model.min_match is None or match.share < least):
        pairs = ", ".join(f"{unit!r} is {given!r} in the file" for unit, given in match.near[:3])
        msg = (
            f"{name!r} has a row for {there} of the {units}; {len(match.near)} others differ in form alone: {pairs}. "
            f"Expected the ids of the city. Mend: {match.mend(table.id_column)}"
        )
        raise RunRefused(msg)
    if there == 0 and least > 0:
        msg = (
            f"{name!r} shares no id with the {units}. Expected ids like {quoted(targets.ids[:3])}, got {quoted(table.ids[:3])}. "
            f"Choose the city and level the vectors were made for, or rename the column of ids."
        )
        raise RunRefused(msg)
    if match.share < least:
        msg = (
            f"{name!r} has a row for {there} of the {units}, none for {quoted(match.missing)}. Expected {least:.0%} of them at least. "
            f"Add the rows, or accept a smaller share with --min-match {int(100 * match.share) / 100}."
        )
        raise RunRefused(msg)


def _check_names(order: Order, model: GivenVectors, table: VectorTable) -> None:
    alike = named_like(table.columns, {order.cell.task, order.task.card.label})
    unasked = [one for one in alike if one.partition("[")[0] not in model.columns]
    if unasked:
        raise RunRefused(
            _answer(model.vectors_file.name, unasked, "is called what the answer is called", table)
        )


def _check_answers(name: str, table: VectorTable, match: Match, targets: Targets) -> None:
    known = match.rows >= 0
    vectors, values = table.vectors[match.rows[known]], targets.values[known]
    if targets.kind == "classification":
        marks = [follows_classes(vectors, values)]
    else:
        marks = [follows_values(vectors, column) for column in values.reshape(len(values), -1).T]
    columns = listed(table.columns, np.logical_or.reduce(marks))
    if columns:
        raise RunRefused(_answer(name, columns, f"follows the values of the {targets.level}s exactly", table))


def _answer(name: str, columns: list[str], why: str, table: VectorTable) -> str:
    others = [one for one in table.columns if one not in columns]
    told = f"Column {quoted(columns)} of {name!r} {why}. Expected vectors that do not hold the answer. Leave the column out of the file"
    return f"{told}, or name the others: --columns {_chosen(others, columns)}" if others else f"{told}."


def _chosen(names: Sequence[str], others: Sequence[str]) -> str:
    """Write columns for the command line: by a pattern where one tells them from the others."""
    start = ""
    for signs in zip(*names, strict=False):
        if len(set(signs)) > 1:
            break
        start += signs[0]
    if len(names) > 1 and start and not any(one.startswith(start) for one in others):
        return shlex.quote(f"{escape(start)}*")
    return shlex.quote(",".join(names))


def _line(name: str, table: VectorTable, match: Match, targets: Targets) -> str:
    columns = (
        quoted(table.columns, 4)
        if len(table.columns) < 5
        else f"{table.columns[0]!r} to {table.columns[-1]!r}"
    )
    plural = "column" if len(table.columns) == 1 else "columns"
    parts = [f"{name}: {len(table.columns)} {plural} ({columns}), ids from {table.id_column!r}."]
    if table.left_out:
        parts.append(f"Left out: {told(table.left_out)}.")
    there = len(targets) - len(match.missing)
    parts.append(f"Rows for {there} of {len(targets)} labelled {targets.level}s")
    parts[-1] += f", none for {quoted(match.missing)}." if match.missing else "."
    return " ".join(parts)
