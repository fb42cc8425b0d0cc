"""Scores of the forms of a task's questions: each set of answers that queries choose from, by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from urbanbench.scoring.retrieval.metrics import by_chance, hit_scores
from urbanbench.scoring.retrieval.sets import SIZES, CandidateSets

if TYPE_CHECKING:
    from urbanbench.scoring.retrieval.questions import Questions

__all__ = ["scores_of_forms"]


def scores_of_forms(
    questions: Questions, sets: CandidateSets, ranks: np.ndarray
) -> dict[str, dict[str, object]]:
    """Return what each form of questions scores: means over seeds, of sets of the first size.

    Parameters
    ----------
    questions
        Whose candidates say which set of answers they belong to.
    sets
        Candidate sets of the first size.
    ranks
        int64 (seeds, q): places of the right candidates.

    Returns
    -------
    dict
        Group to `queries` (how many), `scores` and `chance`; {} where there is one group alone. A query with answers of its own is no form.

    Raises
    ------
    ValueError
        Sets of another size.
    """
    if sets.size != SIZES[0]:
        msg = f"Sets of {sets.size} candidates. Expected those of {SIZES[0]}."
        raise ValueError(msg)
    groups = questions.groups or ("",) * len(questions.pool)
    of_query = np.array([groups[row] for row in questions.positive_rows[sets.queries]], dtype=np.str_)
    found, many = np.unique(of_query, return_counts=True)
    names = found[many > 1].tolist()
    if len(found) < 2:
        return {}
    return {
        name: {
            "queries": int((of_query == name).sum()),
            "scores": hit_scores(ranks[:, of_query == name].ravel()),
            "chance": by_chance(sets.counts[of_query == name]),
        }
        for name in names
    }
