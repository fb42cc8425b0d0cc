"""Words of retrieval's protocol: how lessons are kept apart from questions, and how likeness is measured."""

from __future__ import annotations

from collections.abc import Mapping

from urbanbench.scoring.splits.city_out import CITY_OUT

__all__ = ["AREA", "COSINE", "SPLITS", "USUAL", "head_word", "split_word"]

AREA, COSINE = "area", "cosine"

SPLITS: Mapping[str, str] = {
    AREA: "blocks of the city are kept for questions; lessons come from the others",
    CITY_OUT: "lessons come from another city (--train-city); the questions are those of `area`",
}
"""How a retrieval keeps lessons apart from questions."""

USUAL = ("random", "mlp")
"""What a run says of split and head when it is asked for neither."""


def split_word(asked: str, train_city: str) -> str:
    """Return a retrieval's word for a run's split; one that it does not have is returned as it is, to be refused.

    Examples
    --------
    >>> split_word("random", ""), split_word("area", ""), split_word("random", "toyville:2")
    ('area', 'area', 'city-out')
    """
    if asked not in {USUAL[0], *SPLITS}:
        return asked
    return CITY_OUT if train_city or asked == CITY_OUT else AREA


def head_word(asked: str) -> str:
    """Return a retrieval's word for a run's head, as `split_word` does."""
    return COSINE if asked == USUAL[1] else asked
