"""Rows of a board as a contest: their scores on the splits they share, and what their predictions say where a board is given them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from urbanbench.board.columns import direction
from urbanbench.board.rows import Row
from urbanbench.judging.answers import Answers
from urbanbench.judging.basis import Basis, basis_of
from urbanbench.judging.contest import Contest, Units
from urbanbench.judging.sharing import Sharing, sharing_of
from urbanbench.scoring.metrics import metric_info

__all__ = ["basis_of_rows", "contest_of"]


def basis_of_rows(rows: Sequence[Row], metric: str) -> Basis:
    """Return what rows of one question are judged by."""
    facts = next((row.split_facts for row in rows if row.split_facts), ())
    split = str(rows[0].spec["split"])
    return basis_of(split, facts, of_queries=metric_info(metric).of_queries)


def contest_of(rows: Sequence[Row], metric: str) -> Contest:
    """Return rows with the same seeds and test units, and a finite score on every seed, as a contest.

    Parameters
    ----------
    rows
        One at least.
    metric
        What is judged.
    """
    sign, first = direction(metric), rows[0]
    scores = sign * np.array([row.score(metric).values for row in rows], dtype=np.float64)
    basis = basis_of_rows(rows, metric)
    return Contest(
        scores,
        basis,
        _sharing(first),
        [_trainings(row, metric, sign) for row in rows],
        (first.n_units or 0) if metric_info(metric).share else 0,
        None if basis is Basis.NEIGHBOURHOODS else _units(rows, metric, sign, basis),
    )


def _sharing(row: Row) -> Sharing | None:
    if not all(map(any, row.sizes[::2])):
        return None
    train, val, test = (counts or 0 for counts in row.sizes)
    return sharing_of(str(row.spec["split"]), train, val, test, row.split_facts)


def _trainings(row: Row, metric: str, sign: int) -> np.ndarray | None:
    single = row.score(metric).trainings
    return sign * np.array(single, dtype=np.float64) if single else None


def _units(rows: Sequence[Row], metric: str, sign: int, basis: Basis) -> Units | None:
    """Return what single units say; None where a row's predictions or the units' places are not known."""
    told = [_answers(row, metric) for row in rows]
    found = [one for one in told if one is not None]
    if len(found) < len(rows) or any(not np.array_equal(one[0].units, found[0][0].units) for one in found):
        return None
    witness = (rows[0].trainings or (rows[0],))[0].witness
    places = witness.places(found[0][0]) if witness is not None else None
    if places is None and basis is not Basis.QUERIES:
        return None
    means = [sign * np.mean([one.contributions for one in some], axis=0) for some in found]
    return Units(np.stack(means), places)


def _answers(row: Row, metric: str) -> list[Answers] | None:
    """Return what the trainings of a row answered; None where predictions of one are not there, or none are to be read."""
    found = []
    for one in row.trainings or (row,):
        made = one.witness.answers(metric) if one.witness is not None else None
        if made is None:
            return None
        found.append(made)
    return found
