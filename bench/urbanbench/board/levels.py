"""What stands above and below the rows of a retrieval: one who knows where everything lies, and lots; and what was chosen from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from urbanbench.board.blocks import Block
from urbanbench.board.layout import Entry, Line
from urbanbench.board.numbers import score_text
from urbanbench.board.rows import Row

__all__ = ["candidate_facts", "level_lines", "level_words"]

_LEVELS = (
    (
        "oracle",
        "knows the place",
        "ranks candidates by their distance from the right place; of queries about places",
    ),
    ("chance", "draws lots", "what lots would score"),
)


def level_lines(block: Block, metrics: Sequence[str], width: int) -> list[Line]:
    """Return a line for the oracle and one for chance, where the rows of a block say them."""
    found = _levels(block)
    return [
        _line(name, kind, said, found[name], metrics, width)
        for name, kind, said in _LEVELS
        if any(metric in found.get(name, {}) for metric in metrics)
    ]


def level_words(block: Block, metric: str) -> list[dict[str, str]]:
    """Return what the oracle and chance score in a block on a metric: name, score and what it is; none where rows do not say them."""
    found = _levels(block)
    return [
        {"name": name, "kind": kind, "score": score_text(found[name][metric]), "said": said}
        for name, kind, said in _LEVELS
        if metric in found.get(name, {})
    ]


def _levels(block: Block) -> dict[str, Mapping[str, float]]:
    row = next((row for row in block.shown if row.candidates), None)
    return {} if row is None else {"oracle": row.oracle, "chance": row.chance}


def _line(
    name: str, kind: str, said: str, scores: Mapping[str, float], metrics: Sequence[str], width: int
) -> Line:
    numbers = [
        Entry(score_text(scores[metric]), value=scores[metric]) if metric in scores else Entry()
        for metric in metrics
    ]
    entries = [Entry(name), Entry(kind), Entry(), Entry(), Entry(), *numbers]
    return Line("ceiling", (*entries, *[Entry()] * (width - len(entries) - 1), Entry(said)), (said,))


def candidate_facts(row: Row) -> list[str]:
    """Say what a retrieval's queries were given to choose from: how many, how many of them hard, and which size is left out."""
    told = row.candidates
    if not told:
        return []
    sizes: Mapping[str, Any] = told.get("sizes") or {}
    words = []
    for size, facts in sizes.items():
        many = float(facts["mean_candidates"])
        of_all = "" if facts["queries"] == row.n_units else f" for {facts['queries']} of the queries"
        mean = "" if many == float(size) else f" ({many:.1f} on average, where there are no more)"
        words.append(f"{size}{mean}, {float(facts['mean_hard']):.1f} of them hard{of_all}")
    left_out = [str(one) for one in told.get("left_out") or ()]
    facts_said = [f"a pool of {told.get('pool')} candidates", f"sets of {'; of '.join(words)}"]
    if left_out:
        facts_said.append(f"no sets of {' and '.join(left_out)}: no query has as many candidates")
    return facts_said
