"""A table as rules see it: lines of measured numbers, and what was read for what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from urbanbench.errors import UnknownName
from urbanbench.judging.audit.printed import Printed
from urbanbench.judging.audit.words import meaning

__all__ = ["Fact", "Line", "Measure", "Question", "Table", "check_floors", "named"]

Question = tuple[str, str, str]
"""(task, city, test set): what may be compared. Empty where a table does not say."""


@dataclass(frozen=True)
class Measure:
    """One metric of one line.

    Parameters
    ----------
    mean, sd
        The number and its spread over repeats, bounded metrics on the scale where 1 is all.
    values
        One number for each repeat, where they are known.
    bold, underlined
        How the number is set off.
    rank
        The place that the table gives it.
    unit
        What the table says.
    where
        Where it stands: "row 12", counted with the head as row 1.
    """

    mean: Printed
    sd: Printed | None = None
    values: tuple[float, ...] = ()
    bold: bool = False
    underlined: bool = False
    rank: int | None = None
    unit: str = ""
    where: str = ""

    @property
    def text(self) -> str:
        """The number with its spread, as printed."""
        return f"{self.mean} ± {self.sd}" if self.sd else str(self.mean)


@dataclass(frozen=True)
class Line:
    """What a table says of one model on one question.

    Parameters
    ----------
    model, setting
        Who, and how: what sets apart lines of one model that are tested on the same units.
    task, city, test
        The question; `test` is what makes test sets differ (table, split, protocol).
    measures
        Metric to number.
    floor
        Whether it learns nothing.
    repeats
        How many runs a mean is over; None where the table does not say.
    units
        How many units are scored; None where the table does not say.
    splits
        What tells that two lines were cut alike, "" where nothing does.
    vectors
        What tells that two lines read the same vectors, "" where nothing does.
    data
        Columns that say of which data a number is, and what they say.
    kind
        "regression", "classification", "composition" or "" where it is not known.
    alone
        Whether the model has one setting in each question of the table, so that its name is enough.
    rank
        The place that a table gives to the whole row.
    """

    model: str
    setting: str = ""
    task: str = ""
    city: str = ""
    test: str = ""
    measures: Mapping[str, Measure] = field(default_factory=dict)
    floor: bool = False
    repeats: int | None = None
    units: int | None = None
    splits: str = ""
    vectors: str = ""
    data: Mapping[str, str] = field(default_factory=dict)
    kind: str = ""
    alone: bool = False
    rank: int | None = None

    @property
    def question(self) -> Question:
        """(task, city, test set)."""
        return self.task, self.city, self.test

    @property
    def name(self) -> str:
        """The model, and its setting where it has several."""
        return f"{self.model} [{self.setting}]" if self.setting and not self.alone else self.model

    @property
    def by_seed(self) -> bool:
        """Whether every number is known repeat by repeat, as in results."""
        return bool(self.measures) and all(one.values for one in self.measures.values())

    @property
    def regression(self) -> bool:
        """Whether RMSE and R² are of one column of values: of shares both are means over columns, and nothing ties them."""
        return self.kind in {"", "regression"} and not {"l1", "kl", "cosine"} & set(self.measures)

    @property
    def labels(self) -> str:
        """What tells that two lines have the same labels, "" where nothing does."""
        return next(
            (self.data[name] for name in ("label", "targets_digest", "targets digest") if name in self.data),
            "",
        )

    def both(self, first: str, second: str) -> tuple[Measure, Measure] | None:
        """Return two measures, or None where one of them is not there."""
        one, other = self.measures.get(first), self.measures.get(second)
        return (one, other) if one and other else None

    def written(self, metrics: Sequence[str] | None = None) -> str:
        """Write measures: "RMSE 5.31 ± 0.57, R² 0.57 ± 0.05"."""
        names = [name for name in (metrics or self.measures) if name in self.measures]
        return ", ".join(f"{meaning(name).title} {self.measures[name].text}" for name in names)

    def rows(self, metrics: Sequence[str] = ()) -> tuple[str, ...]:
        """Return where measures stand, each place once."""
        wanted = [self.measures[name] for name in (metrics or self.measures) if name in self.measures]
        return tuple(dict.fromkeys(one.where for one in wanted if one.where))


@dataclass(frozen=True)
class Fact:
    """A number that is no model's: the size of a city, how often a class occurs."""

    task: str
    city: str
    name: str
    number: Printed
    where: str = ""


@dataclass(frozen=True)
class Table:
    """All lines of a table or a results folder.

    Parameters
    ----------
    source
        The file's or folder's name.
    lines, facts
        What it says of models, and of anything else.
    read
        Column or section, and what it was taken for.
    marks
        Whether numbers are set off (bold, underlined).
    """

    source: str
    lines: tuple[Line, ...]
    facts: tuple[Fact, ...] = ()
    read: tuple[tuple[str, str], ...] = ()
    marks: bool = False

    def questions(self) -> Iterator[tuple[Question, list[Line]]]:
        """Give every question with its lines, in the order of the table."""
        found: dict[Question, list[Line]] = {}
        for line in self.lines:
            found.setdefault(line.question, []).append(line)
        yield from found.items()

    def metrics(self) -> list[str]:
        """Return every metric once, in the order of the table."""
        return list(dict.fromkeys(name for line in self.lines for name in line.measures))


def check_floors(floors: Iterable[str], models: Iterable[str]) -> None:
    """Refuse a floor that is no model of a table.

    Raises
    ------
    UnknownName
        The first of them.
    """
    known = set(models)
    for one in floors:
        if one not in known:
            raise UnknownName("floor", one, known, "A floor is a model of the table, as it is written there.")


def named(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Return lines that know whether their model has one setting in each question."""
    listed = list(lines)
    most: dict[str, int] = {}
    for (model, _), count in Counter((line.model, line.question) for line in listed).items():
        most[model] = max(count, most.get(model, 0))
    return tuple(replace(line, alone=most[line.model] == 1) for line in listed)
