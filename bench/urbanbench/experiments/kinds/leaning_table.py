"""The table of what rows lean on: skill, position in the vectors, and the score without it."""

from __future__ import annotations

from collections.abc import Sequence

from urbanbench.board.columns import heading, metric_title
from urbanbench.board.layout import Column, Entry, Line, Table
from urbanbench.board.numbers import Score, rounded
from urbanbench.experiments.kinds.probed import POSITION_HEADS, Leaned, less
from urbanbench.experiments.kinds.score_table import DELTA, score_entry, signed
from urbanbench.result import RunResult
from urbanbench.scoring.probes.catalogue import PLACELESS, POSITION

__all__ = ["leaning_table"]

_DEGREES = {1: "a plane", 2: "a quadratic surface", 3: "a cubic surface"}


def leaning_table(found: Sequence[Leaned]) -> Table:
    """Lay out rows in the order of their scores, floors below; rows without scores are left out."""
    scored = [one for one in found if one.metric]
    ordered = sorted(scored, key=lambda one: (_is_floor(one), -one.plain.mean))
    metric = scored[0].metric if scored else ""
    columns = (
        Column("row"),
        Column(heading(metric), number=True),
        Column("skill", number=True),
        *(Column(f"position R\N{SUPERSCRIPT TWO}, {head}", number=True) for head in POSITION_HEADS),
        Column(f"{metric_title(metric)} without position", number=True),
        Column(DELTA, number=True),
        Column(f"{DELTA} of the control", number=True),
        Column("note", brief=False, prose=True),
    )
    return Table("What scores lean on", columns, tuple(map(_line, ordered)))


def _is_floor(one: Leaned) -> bool:
    return one.standing.scored is not None and one.standing.scored.floor


def _line(one: Leaned) -> Line:
    without = _score(one.placeless, one.metric)
    control = _control(one)
    word = Entry(one.words.get(PLACELESS, ""))
    moved = [signed(less(part, one.plain)) if part.values else Entry() for part in (without, control)]
    entries = (
        Entry(one.standing.title),
        score_entry(one.plain),
        score_entry(one.skill),
        *(_position(one, head) for head in POSITION_HEADS),
        score_entry(without) if without.values else word,
        *moved,
        Entry("; ".join(_remarks(one))),
    )
    return Line("floor" if _is_floor(one) else "model", entries)


def _position(one: Leaned, head: str) -> Entry:
    if head not in one.position:
        return Entry(one.words.get(POSITION, ""))
    return score_entry(_score(one.position[head], "r2"))


def _score(result: RunResult | None, metric: str) -> Score:
    return Score(tuple(result.scores.get(metric, ()))) if result is not None else Score(())


def _control(one: Leaned) -> Score:
    told = one.placeless.probe.get("control", {}) if one.placeless is not None else {}
    return Score(tuple(told.get(one.metric, ())))


def _remarks(one: Leaned) -> list[str]:
    said = []
    if one.floor is not None:
        itself = one.standing.scored is not None and one.floor.run_id == one.standing.scored.run_id
        said.append("itself the best content floor" if itself else f"skill over {one.floor.name}")
    if one.placeless is not None:
        told = one.placeless.probe
        left = Score(tuple(told["variance_left"])).mean
        surface = _DEGREES.get(int(told["degree"]), f"a surface of degree {told['degree']}")
        said.append(f"{surface} takes {rounded(100 * (1 - left), 0)} % of the vectors' variance")
    return said
