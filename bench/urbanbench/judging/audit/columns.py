"""Which column of a table is what, by the words in its head or as the user says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from urbanbench.errors import BadInput, UnknownName
from urbanbench.judging.audit.grid import Grid
from urbanbench.judging.audit.printed import read_cell
from urbanbench.judging.audit.words import MEANINGS, ROLES, MetricName, plain, read_metric, role_of

__all__ = ["REST", "Columns", "columns_of", "parse_map"]

REST = "rest"
_MANY = {"test", "setting", "data"}
"""Roles that several columns may have together."""
_REST_ROLES = ("city", "task", "class")


@dataclass
class Columns:
    """Columns by number.

    Parameters
    ----------
    roles
        Role to its columns.
    metrics
        Column to the metric in its head; empty for a table in long form.
    unknown
        Columns that no word tells.
    rest
        What the rest of a metric's head names: "city", "task" or "class".
    """

    roles: dict[str, list[int]] = field(default_factory=dict)
    metrics: dict[int, MetricName] = field(default_factory=dict)
    unknown: list[int] = field(default_factory=list)
    rest: str = "city"

    @property
    def long(self) -> bool:
        """Whether metric and number have a column each."""
        return "metric" in self.roles and "mean" in self.roles

    def first(self, role: str, row: Sequence[str]) -> str:
        """Return what a row says in the column of a role; "" without one."""
        where = self.roles.get(role)
        return row[where[0]] if where else ""

    def told(self, heads: Sequence[str]) -> tuple[tuple[str, str], ...]:
        """Return column and what it was taken for, in the order of the table."""
        named = {k: role for role, columns in self.roles.items() for k in columns}
        said: list[tuple[str, str]] = []
        for k, head in enumerate(heads):
            if k in self.metrics:
                one = self.metrics[k]
                extra = f", {self.rest} {one.rest}" if one.rest else ""
                said.append(
                    (head, f"{'spread of ' if one.sd else 'rank by ' if one.rank else ''}{one.name}{extra}")
                )
            else:
                said.append(
                    (
                        head,
                        {"sd": "spread (sd)", "test": "test set", "data": "data version"}.get(
                            named.get(k, ""), named.get(k, "not read")
                        ),
                    )
                )
        return tuple(said)


def parse_map(words: Sequence[str]) -> dict[str, list[str]]:
    """Read ``role=Column`` words: a role of `ROLES`, a metric, or "rest" with city, task or class.

    Raises
    ------
    BadInput, UnknownName
        A word without "=", or of no role.
    """
    found: dict[str, list[str]] = {}
    for word in words:
        role, sign, column = (part.strip() for part in word.partition("="))
        if not sign or not column:
            msg = f"--map got {word!r}. Expected ROLE=COLUMN, like model=Method."
            raise BadInput(msg)
        if role not in ROLES and role not in MEANINGS and role != REST:
            raise UnknownName("role", role, [*ROLES, *MEANINGS, REST])
        if role == REST and column not in _REST_ROLES:
            msg = f"--map got {word!r}. Expected rest=city, rest=task or rest=class: what stands beside the metric in a head."
            raise BadInput(msg)
        found.setdefault(role, []).append(column)
    return found


def columns_of(grid: Grid, said: Mapping[str, Sequence[str]]) -> Columns:
    """Find the columns' roles.

    Raises
    ------
    BadInput
        No column of numbers is known, or a column that the user names is not there.
    """
    columns = Columns()
    taken = _as_said(grid, said, columns)
    _by_words(grid.heads, taken, columns)
    if not columns.long:
        _wide(grid, columns)
    if "model" not in columns.roles:
        _first_text(grid, columns)
    columns.rest = next(iter(said.get(REST, ())), _rest(columns))
    return columns


def _as_said(grid: Grid, said: Mapping[str, Sequence[str]], columns: Columns) -> set[int]:
    taken: set[int] = set()
    for role, names in said.items():
        for name in names if role != REST else ():
            if name not in grid.heads:
                msg = (
                    f"--map names the column {name!r}, which is not there. Columns: {', '.join(grid.heads)}."
                )
                raise BadInput(msg)
            k = grid.heads.index(name)
            taken.add(k)
            if role in MEANINGS:
                columns.metrics[k] = MetricName(role)
            else:
                columns.roles.setdefault(role, []).append(k)
    return taken


def _by_words(heads: Sequence[str], taken: set[int], columns: Columns) -> None:
    """Give every head that is a role's word its role; of several for one role the one whose word comes first."""
    wished = {k: role for k, head in enumerate(heads) if k not in taken and (role := role_of(head))}
    for role in dict.fromkeys(wished.values()):
        if role in columns.roles and role not in _MANY:
            continue
        ours = [k for k, wish in wished.items() if wish == role]
        words = ROLES[role]
        ours.sort(key=lambda k: words.index(plain(heads[k])) if plain(heads[k]) in words else len(words))
        columns.roles.setdefault(role, []).extend(
            sorted(ours) if role in _MANY | {"ignored", "sd"} else ours[:1]
        )
    known = taken | {k for listed in columns.roles.values() for k in listed}
    columns.unknown = [k for k in range(len(heads)) if k not in known]


def _wide(grid: Grid, columns: Columns) -> None:
    """Find the metrics in the heads; without any, every column of numbers is one whose meaning is not known."""
    for role in ("metric", "mean"):
        columns.unknown += columns.roles.pop(role, [])
    for k in list(columns.unknown):
        if metric := read_metric(grid.heads[k]):
            columns.metrics[k] = metric
            columns.unknown.remove(k)
    for k in columns.roles.pop("sd", []):
        before = max((j for j in columns.metrics if j < k and not columns.metrics[j].sd), default=None)
        if before is not None:
            own = columns.metrics[before]
            columns.metrics[k] = MetricName(own.name, own.rest, sd=True)
    if not columns.metrics:
        for k in [k for k in columns.unknown if _numeric(grid, k)]:
            columns.metrics[k] = MetricName(grid.heads[k])
            columns.unknown.remove(k)
    if not columns.metrics:
        msg = (
            f"No column of numbers is known among {', '.join(grid.heads)}. Expected metric and value columns, or columns named by metrics "
            "(RMSE, R2, F1 …). Say what is what, like --map metric=Measure --map mean=Result."
        )
        raise BadInput(msg)
    columns.metrics = dict(sorted(columns.metrics.items()))


def _numeric(grid: Grid, k: int) -> bool:
    filled = [row[k] for row in grid.rows if row[k]]
    return bool(filled) and sum(read_cell(cell, comma=grid.comma) is not None for cell in filled) * 2 > len(
        filled
    )


def _first_text(grid: Grid, columns: Columns) -> None:
    for k in columns.unknown:
        if not _numeric(grid, k) and any(row[k] for row in grid.rows):
            columns.roles["model"] = [k]
            columns.unknown.remove(k)
            return


def _rest(columns: Columns) -> str:
    """Say what stands beside the metric in heads: a class of F1 where it is so for F1 alone, else a city, else a task."""
    named = [one for one in columns.metrics.values() if one.rest]
    others = [one for one in columns.metrics.values() if not one.rest]
    if named and all(one.name == "f1" for one in named) and (others or "city" in columns.roles):
        return "class"
    return next((role for role in ("city", "task") if role not in columns.roles), "class")
