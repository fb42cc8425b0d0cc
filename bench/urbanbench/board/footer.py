"""The sentences under a board that say how to read it."""

from __future__ import annotations

from collections.abc import Sequence

from urbanbench.board.blocks import SELECT, Group
from urbanbench.board.marks import BELOW, OWN, floor_above
from urbanbench.board.published import CITATION

__all__ = ["footer"]

_SPLITS = {
    "random": "Split random: test units lie among the training units, as when filling gaps in a sampled city.",
    "block": "Split block: whole square blocks are held out, as in a district nobody has sampled.",
}
_PARITY = (
    "Parity rows follow a paper's protocol (its split, head and repeats), named in the section's title, and share no table with ours. "
    "Compare them with that paper's numbers, never with our other sections."
)
_RANKS = (
    "Tables are kept apart by the inputs on offer and are never ranked across them. Inside a table the best mean is bold and the second "
    "underlined, among rows with the table's head and seeds only; a difference smaller than the spread may be chance."
)


def footer(groups: Sequence[Group], *, published: bool) -> list[str]:
    """Return the sentences that apply to these groups."""
    rows = [row for group in groups for row in group.rows if row.ok]
    blocks = [block for group in groups for block in group.blocks]
    said = [
        "Numbers are mean \N{PLUS-MINUS SIGN} sample standard deviation over seeds (a spread over splits, not a standard error); every model has the same splits.",
        *(_SPLITS[split] for split in _SPLITS if any(group.split == split for group in groups)),
        *([_PARITY] if any(group.parity for group in groups) else []),
        _RANKS,
        "Floors learn no representation. Each stands in every table whose inputs hold what it uses; coordinates are allowed to floors everywhere.",
    ]
    if any(row.head == SELECT for row in rows):
        said.append(
            "Best head: chosen per seed by validation score, never by test score; such rows are not ranked with rows of a fixed head."
        )
    if any(floor_above(block, row) for block in blocks for row in block.models):
        said.append(
            f"{BELOW} marks a learned model whose mean is below the table's best floor, of whatever head, on the first metric."
        )
    if any(row.own for row in rows):
        said.append(f"{OWN} marks your own runs, from runs/; all other rows are reference rows.")
    if any(row.n_uncovered for row in rows):
        said.append(
            "Uncovered units have no data for the model; they are filled and scored all the same, and their number is given."
        )
    if published:
        said.append(
            f"Published numbers are from {CITATION}: other data, units and protocol, for display only, never ranked. * marks numbers with a note: rows of the paper that repeat or contradict others."
        )
    return said if rows or published else []
