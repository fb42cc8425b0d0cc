"""The board as data: what every format prints, in order, with no markup in it."""

from __future__ import annotations

from dataclasses import dataclass, replace

__all__ = ["Board", "Column", "Entry", "Line", "Picture", "Section", "Table"]

_ARROWS = " \N{UPWARDS ARROW}\N{DOWNWARDS ARROW}"


@dataclass(frozen=True)
class Column:
    """Head of a column.

    Parameters
    ----------
    title
        With arrow, without unit.
    number
        Whether entries are numbers, aligned right and sorted by value.
    unit
        Unit of its numbers, "" where they have none.
    brief
        Whether a printed paper has room for it.
    prose
        Whether entries are sentences, to be broken into lines.
    published
        Whether it holds numbers of a paper and none of ours.
    rank
        Of columns that have no room on a terminal those of the highest rank go first.
    """

    title: str
    number: bool = False
    unit: str = ""
    brief: bool = True
    prose: bool = False
    published: bool = False
    rank: int = 0

    @property
    def full_title(self) -> str:
        """The title with its unit."""
        return f"{self.title} ({self.unit})" if self.unit else self.title


@dataclass(frozen=True)
class Entry:
    """One cell: its text, "best", "tied" (not separable from the best) or no mark, a longer text to look up, the number it sorts by, and the page it leads to, where there is one."""

    text: str = ""
    mark: str = ""
    tip: str = ""
    value: float | None = None
    link: str = ""


@dataclass(frozen=True)
class Line:
    """One row of a table; `kind` is "model", "floor", "elsewhere" (a floor of other inputs), "ceiling", "published" or "unscored"."""

    kind: str
    entries: tuple[Entry, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """A table with its title; entries of every line stand in the order of the columns."""

    title: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]

    def units(self) -> list[str]:
        """Say which columns are in which unit, for a caption, where units take no width: "RMSE and MAE in percent"."""
        titles: dict[str, list[str]] = {}
        for column in self.columns:
            if column.unit:
                titles.setdefault(column.unit, []).append(column.title.rstrip(_ARROWS))
        return [f"{' and '.join(names)} in {unit}" for unit, names in titles.items()]

    def without(self, *titles: str) -> Table:
        """Leave out columns by title."""
        kept = [place for place, column in enumerate(self.columns) if column.title not in titles]
        lines = tuple(
            replace(line, entries=tuple(line.entries[place] for place in kept)) for line in self.lines
        )
        return replace(self, columns=tuple(self.columns[place] for place in kept), lines=lines)


@dataclass(frozen=True)
class Picture:
    """A figure: its caption, and where it is (a path or a data: address; "" where only the caption is printed)."""

    title: str
    source: str = ""


@dataclass(frozen=True)
class Section:
    """One group: its title, facts that hold for every row, warnings, its tables, and pictures after them."""

    title: str
    facts: tuple[str, ...]
    warnings: tuple[str, ...]
    tables: tuple[Table, ...]
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True)
class Board:
    """Everything a reader gets: a heading, a sentence before the sections where there is one, sections, how to read them, and for one of several pages the way back."""

    title: str
    lead: str
    sections: tuple[Section, ...]
    footer: tuple[str, ...]
    back: Entry | None = None
