"""The tables of what rows lean on: skill, position in the vectors and the score without it; and the score with neighbours beside."""

from __future__ import annotations

from collections.abc import Sequence

from urbanbench.board.columns import heading, metric_title
from urbanbench.board.layout import Column, Entry, Line, Table
from urbanbench.board.numbers import Score, rounded
from urbanbench.experiments.kinds.probed import POSITION_HEADS, Changed, Leaned
from urbanbench.experiments.kinds.score_table import DELTA, score_entry, signed
from urbanbench.scoring.probes.catalogue import NEIGHBOURS, PLACELESS, POSITION

__all__ = ["leaning_table", "neighbours_table"]

_DEGREES = {1: "a plane", 2: "a quadratic surface", 3: "a cubic surface"}


def leaning_table(found: Sequence[Leaned]) -> Table:
    """Lay out rows in the order of their scores, floors below; rows without scores are left out."""
    ordered = _ordered(found)
    metric = ordered[0].metric if ordered else ""
    columns = (
        Column("row"),
        Column(heading(metric), number=True),
        Column("skill", number=True),
        *(Column(f"position R\N{SUPERSCRIPT TWO}, {head}", number=True) for head in POSITION_HEADS),
        *_changed_columns(metric, "without position"),
        Column("note", brief=False, prose=True),
    )
    return Table("What scores lean on", columns, tuple(map(_line, ordered)))


def neighbours_table(found: Sequence[Leaned]) -> Table:
    """Lay out the scores with the nearest units' vectors beside, in the order of `leaning_table`; no lines where none was asked."""
    ordered = _ordered(found) if any(one.neighbours is not None for one in found) else []
    metric = ordered[0].metric if ordered else ""
    columns = (
        Column("row"),
        Column(heading(metric), number=True),
        *_changed_columns(metric, "with neighbours"),
    )
    lines = (
        Line(
            _group(one),
            (
                Entry(one.standing.title),
                score_entry(one.plain),
                *_changed(one.neighbours, one.words.get(NEIGHBOURS, "")),
            ),
        )
        for one in ordered
    )
    return Table("What neighbours bring", columns, tuple(lines))


def _ordered(found: Sequence[Leaned]) -> list[Leaned]:
    """Return the rows that have scores: models, then floors, the highest first."""
    return sorted((one for one in found if one.metric), key=lambda one: (_is_floor(one), -one.plain.mean))


def _changed_columns(metric: str, how: str) -> tuple[Column, ...]:
    titles = f"{metric_title(metric)} {how}", DELTA, f"{DELTA} of the control"
    return tuple(Column(title, number=True) for title in titles)


def _changed(changed: Changed | None, word: str) -> tuple[Entry, ...]:
    """Return the score from changed vectors, what it moved by, and what that of the control moved by; or why there is none."""
    if changed is None:
        return Entry(word), Entry(), Entry()
    moved = [signed(part) if part.values else Entry() for part in (changed.moved, changed.control)]
    return score_entry(changed.score), *moved


def _group(one: Leaned) -> str:
    return "floor" if _is_floor(one) else "model"


def _is_floor(one: Leaned) -> bool:
    return one.standing.scored is not None and one.standing.scored.floor


def _line(one: Leaned) -> Line:
    entries = (
        Entry(one.standing.title),
        score_entry(one.plain),
        score_entry(one.skill),
        *(_position(one, head) for head in POSITION_HEADS),
        *_changed(one.placeless, one.words.get(PLACELESS, "")),
        Entry("; ".join(_remarks(one))),
    )
    return Line(_group(one), entries)


def _position(one: Leaned, head: str) -> Entry:
    if head not in one.position:
        return Entry(one.words.get(POSITION, ""))
    return score_entry(one.position[head])


def _remarks(one: Leaned) -> list[str]:
    said = []
    if one.floor is not None:
        itself = one.standing.scored is not None and one.floor.run_id == one.standing.scored.run_id
        said.append("itself the best content floor" if itself else f"skill over {one.floor.name}")
    if one.placeless is not None:
        told = one.placeless.told
        left = Score(tuple(share for training in told for share in training["variance_left"])).mean
        degrees = sorted({int(training["degree"]) for training in told})
        surface = " or ".join(_DEGREES.get(degree, f"a surface of degree {degree}") for degree in degrees)
        said.append(f"{surface} takes {rounded(100 * (1 - left), 0)} % of the vectors' variance")
    return said
