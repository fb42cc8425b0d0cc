"""Tables of ladders: what each step contributes, a line per model, and single steps one below the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from urbanbench.board.columns import metric_title
from urbanbench.board.layout import Column, Entry, Line, Table
from urbanbench.experiments.kinds.ladder import HEAD, Climbed, Step, agreeing
from urbanbench.experiments.kinds.score_table import DELTA, score_entry, signed
from urbanbench.experiments.kinds.standing import Standing

__all__ = ["ContributionTable", "aside_table"]


@dataclass(frozen=True, eq=False)
class ContributionTable:
    """Lines of models, columns of steps.

    Parameters
    ----------
    climbed
        The ladders, all from the same lowest row.
    words
        Steps up to the trained model, in the order of their columns.
    metric, unit
        What is compared, and in which unit.
    yardstick
        Word of the step whose upper row models are held against in a column of its own, and what that row is called; ("", "") for none.
    """

    climbed: Sequence[Climbed]
    words: Sequence[str]
    metric: str
    unit: str
    yardstick: tuple[str, str] = ("", "")

    def build(self) -> Table:
        """Return the table."""
        lines = tuple(self._line(one) for one in self.climbed)
        return Table("What each step contributes", (Column("model"), *self._numbers(), _note()), lines)

    @property
    def _with_head(self) -> bool:
        return any(one.step(HEAD) is not None for one in self.climbed)

    def _numbers(self) -> list[Column]:
        title = metric_title(self.metric)
        ends = [f"{title} of {self.climbed[0].whole.below.label}", f"{title} of the model"]
        steps = [*self.words, "whole"]
        steps += [f"over {self.yardstick[1]}"] if self.yardstick[0] else []
        steps += [HEAD] if self._with_head else []
        titles = [ends[0], *(f"{DELTA} {title}: {word}" for word in steps)]
        titles.insert(1 + len(self.words), ends[1])
        return [Column(one, number=True, unit=self.unit) for one in titles]

    def _line(self, one: Climbed) -> Line:
        said = _notes(one)
        entries = [
            Entry(one.label),
            self._end(one.whole.below),
            *(_entry(one.step(word)) for word in self.words),
            self._end(one.whole.above),
            _entry(one.whole),
        ]
        entries += [_entry(one.over(self.yardstick[0], self.metric))] if self.yardstick[0] else []
        entries += [_entry(one.step(HEAD))] if self._with_head else []
        kind = "model" if one.whole.score.finite else "unscored"
        return Line(kind, (*entries, Entry("; ".join(said))), tuple(said))

    def _end(self, one: Standing) -> Entry:
        return Entry(one.word) if one.word else score_entry(one.score(self.metric))


def aside_table(climbed: Sequence[Climbed], metric: str, unit: str) -> Table:
    """Return a line per step with the rows it is taken between."""
    delta = Column(f"{DELTA} {metric_title(metric)}", number=True, unit=unit)
    lines = [
        Line(
            "model" if step.score.finite else "unscored",
            (
                Entry(f"{one.label}: {step.word}"),
                Entry(step.below.label),
                Entry(step.above.label),
                _entry(step),
                Entry("; ".join(_missing(step))),
            ),
        )
        for one in climbed
        for step in one.steps
    ]
    columns = (Column("step"), Column("from"), Column("to"), delta, _note())
    return Table("Beside the models", columns, tuple(lines))


def _note() -> Column:
    return Column("note", prose=True, brief=False)


def _entry(step: Step | None) -> Entry:
    """Return a difference with its spread and how many seeds agree on its sign, or the word for a missing row; nothing for no step."""
    if step is None:
        return Entry()
    if not step.score.finite:
        return Entry(step.missing[0].word if step.missing else "other seeds")
    told = signed(step.score)
    return Entry(f"{told.text} ({agreeing(step.score)} of {len(step.score.finite)})", value=told.value)


def _notes(one: Climbed) -> list[str]:
    """Name missing rows, and from where the training is taken where there is no untrained model."""
    said = list(dict.fromkeys(text for step in one.steps for text in _missing(step)))
    training = one.step("training")
    if training is not None and one.step("start") is None:
        said.append(f"training is taken from {training.below.label}: the model has no untrained row")
    return said


def _missing(step: Step) -> list[str]:
    return [f"missing: {one.label} ({one.word})" for one in step.missing]
