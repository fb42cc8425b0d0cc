"""How a contender stands at a place: its scores, or the word that says why there are none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from urbanbench.board.blocks import Block, fits
from urbanbench.board.marks import best_floor
from urbanbench.board.numbers import Score
from urbanbench.board.remarks import notes, short_reason
from urbanbench.board.rows import Row, read_row
from urbanbench.board.used import ALL, NOT_RECORDED, saw_text
from urbanbench.counted import counted
from urbanbench.experiments.kinds.base import Choice
from urbanbench.experiments.kinds.contender import Contender, Place
from urbanbench.experiments.kinds.shelf import Shelf, absence
from urbanbench.result import REFUSED, RunResult, RunSpec

__all__ = ["NOT_HERE", "NOT_RUN", "Standing", "difference", "first_sentence", "floor_of", "stand"]

NOT_HERE, NOT_RUN, NO_LABEL, NO_DATA = "not in this version", "not run", "no label", "no data"


@dataclass(frozen=True, eq=False)
class Standing:
    """One row of one table.

    Parameters
    ----------
    label
        What it is called.
    row
        The result as boards read it; None where there is none.
    word
        Why there are no numbers to show: "not run", "not in this version", "no label", "no data", "refused" or "failed"; "" when
        there are.
    remarks
        What a reader should know of it.
    block
        The row beside the floors that may be compared with it; None without scores.
    """

    label: str
    row: Row | None
    word: str = ""
    remarks: tuple[str, ...] = ()
    block: Block | None = None

    @property
    def title(self) -> str:
        """The label, with what the row lacks of its model for want of data."""
        lacks = self.scored.lacks if self.scored is not None else ()
        return f"{self.label} ({', '.join(lacks)})" if lacks else self.label

    @property
    def scored(self) -> Row | None:
        """The row when its numbers are to be shown."""
        return None if self.word else self.row

    def score(self, metric: str) -> Score:
        """Return a metric, empty where there is none to show."""
        return self.scored.score(metric) if self.scored is not None else Score(())


def stand(
    contender: Contender, shelf: Shelf, choice: Choice, place: Place, full: Standing | None = None
) -> Standing:
    """Look a contender up and say how it stands; `full` is the row it is held against."""
    spec = contender.spec(choice, place)
    trainings = shelf.trainings(spec, choice.model_seeds)
    if not trainings:
        return _absent(contender, spec)
    row = shelf.row(trainings)
    if not row.ok:
        return Standing(contender.label, row, _word(trainings[0]), (short_reason(row),))
    lacking = [name for name in contender.needs if name not in row.used]
    if lacking:
        said = (
            f"the run saw no {' and no '.join(lacking)}: {place.city_name} has none, or the model takes none"
        )
        return Standing(contender.label, row, NO_DATA, (said,))
    block = _block(row, shelf)
    return Standing(contender.label, row, "", tuple(_remarks(contender, row, block, choice, full)), block)


def floor_of(standings: Sequence[Standing]) -> Row | None:
    """Return the best floor that stands beside any of the rows, by their main metric; floors saw no more than these rows."""
    scored = [one for one in standings if one.block is not None and one.row is not None]
    seen = {floor.run_id: floor for one in scored if one.block is not None for floor in one.block.floors}
    if not seen or not scored or scored[0].row is None:
        return None
    first = scored[0].row
    return best_floor(Block(first.offered, first.head, (), tuple(seen.values())), first.seeds)


def difference(one: Standing, other: Standing, metric: str) -> Score:
    """Return a metric of one row minus that of another, seed by seed; empty when their seeds differ."""
    if one.scored is None or other.scored is None or one.scored.seeds != other.scored.seeds:
        return Score(())
    pairs = zip(one.score(metric).values, other.score(metric).values, strict=True)
    return Score(tuple(None if a is None or b is None else a - b for a, b in pairs))


def first_sentence(text: str) -> str:
    """Return a message's first sentence, which says what is wrong.

    Examples
    --------
    >>> first_sentence("Unknown model 'hgj'. Did you mean 'hgi'? Known: hgi.")
    "Unknown model 'hgj'"
    """
    return text.partition(". ")[0].rstrip(".")


def _absent(contender: Contender, spec: RunSpec) -> Standing:
    reason = absence(spec)
    return Standing(
        contender.label, None, NOT_HERE if reason else NOT_RUN, (first_sentence(reason),) if reason else ()
    )


def _word(result: RunResult) -> str:
    if result.status != REFUSED:
        return result.status
    return NO_LABEL if "has no label" in result.reason else result.status


def _block(row: Row, shelf: Shelf) -> Block:
    """Put a row beside the floors that see no more than it was offered; where a unit lies, floors always know."""
    found = shelf.floors(
        row.spec["city"], row.spec["task"], row.spec["split"], row.seeds, train_city=row.train_city
    )
    floors = [read_row(one.to_dict()) for one in found]
    fair = tuple(one for one in floors if fits(one, row.offered))
    return Block(
        row.offered, row.head, (row,), fair, elsewhere=tuple(one for one in floors if one not in fair)
    )


def _remarks(
    contender: Contender, row: Row, block: Block, choice: Choice, full: Standing | None
) -> list[str]:
    said = [*([f"{len(row.trainings)} trainings"] if row.trainings else []), *notes(row, block)]
    if (used := saw_text(row)) not in {ALL, NOT_RECORDED, ""}:
        said.append(f"saw {used}")
    whole = full.scored if full is not None else None
    if contender.without and whole is not None and not whole.offered & set(contender.without):
        said.append(f"the city has no {' and no '.join(contender.without)}: same inputs as the full row")
    elif full is not None and whole is not None and whole.scores == row.scores:
        said.append(f"scores equal those of {full.label}: what differs had no part here")
    if row.seeds != choice.seeds:
        said.append(f"{counted(len(row.seeds), 'seed')} instead of {len(choice.seeds)}")
    return said
