"""The sentences under a board that say how to read it."""

from __future__ import annotations

from collections.abc import Sequence

from urbanbench.board.added import READING
from urbanbench.board.blocks import SELECT, Block, Group
from urbanbench.board.costs import READ
from urbanbench.board.judged import judged_told
from urbanbench.board.knowing import parts_of
from urbanbench.board.marks import BELOW, OWN, UNCONVERGED, floor_above
from urbanbench.board.numbers import HUGE, NO_SCORE
from urbanbench.board.published import CITATION, LISTED_TASKS, UGBENCH
from urbanbench.board.rows import Row
from urbanbench.board.trainings import TRAININGS
from urbanbench.board.used import ALL, NOT_RECORDED, is_recorded, saw_text
from urbanbench.board.versions import OLDER, mixed_versions
from urbanbench.convergence import NO
from urbanbench.scoring.split import is_split_file
from urbanbench.scoring.splits import rung_name

__all__ = ["footer"]

_SPLITS = {
    "random": "Split random: test units lie among the training units, as when filling gaps in a sampled city.",
    "block": "Split block: whole square blocks are held out, as in a district nobody has sampled.",
    "buffered": "Split buffered: one patch of blocks is held out, and what lies within the label's range of it (or the metres behind the colon) is left out of training; fewer units train.",
    "knndm": "Split knndm: test units lie as far from training as the places without a label lie from all labels.",
    "city-out": "Split city-out: one city is held out, others train.",
}
_QUERIES = (
    "Retrieval: each query has one right candidate among wrong ones, half of them hard to tell from it; hit@k is the share of queries whose right one is among the "
    "first k, ties counting against the model. Seeds draw other candidates for the same queries, so the spread over seeds says nothing of other queries: bold rests on "
    "the number of queries (a bound on the variance of shares), and urbanbench compare looks at single queries. Chance and oracle are lines of each table."
)
_GIVEN = "Split file: the units on each side were given; the section's title has the file's name and a hash of what it says."
_ELSEWHERE_TRAINED = (
    "Rows trained in another city share no table with those trained where they are scored; floors count by the words of the train city alike. "
    "Under the usual splits the head has the scored city's labels; under city-out it has those of the train city alone, under city-out+N also N units of the "
    "scored one, drawn by each seed, and all other units are tested. A model that learns nothing from a city has the vectors it has anywhere."
)
_PARITY = (
    "Parity rows follow a paper's protocol (its split, head and repeats), named in the section's title, and share no table with ours. "
    "Compare them with that paper's numbers, never with our other sections."
)
_ELSEWHERE = (
    'Floors of kind "floor, other inputs" use inputs the table does not offer: they stand where their score puts them, are never ranked with the others and '
    "take no part in marks; the notes of a learned model say when one of them scores higher than it and than every floor of its own inputs."
)
_READ = (
    f'embed s: seconds that making the vectors took; "+ n {READ}" is what parts kept from earlier runs (trained stages, features of frozen '
    "encoders) cost when they were made; the run read them instead of computing them."
)
_POWERS = (
    "3.86e20 is 3.86 times ten to the power of 20: so are numbers from ten million on written, and some that are very small. An R\N{SUPERSCRIPT TWO} "
    "far below zero comes from predictions far outside of the targets' range on some seeds."
)
_UNCONVERGED = (
    f"{UNCONVERGED} marks a row whose model had not converged: a cap on its steps or its time ended a stage before its held-out loss had stopped "
    "falling, so the row says what that much training gives, not what the model can do. The notes say which stage."
)
_OLDER = (
    f"{OLDER} marks a row of older versions than the newest of its table, which its notes name. A row of an older model is another model of that name; a row whose head, split, task or metrics are "
    "older answers another question: it stands last, is not ranked or counted and is held against no floor. The same command run again makes it anew."
)
_SAW = (
    f'saw: which part of the POIs, footprints, street views and satellite pictures that its view shows a row used, after its filters and limits; "{ALL}" '
    "where it used every one. The HTML page's tooltips and the CSV have the numbers."
)
_UNSAID = f'Rows of earlier versions do not say how much they used: "{NOT_RECORDED}". Tables of such rows alone lack the column saw.'
_LACKS = (
    'A row that lacks a part of its model for want of data says so in its name ("no stage road", "template captions") and is not counted '
    "among the learned models; nor is one of which nothing was trained, such as frozen features."
)
_KNOWS = (
    "Rows that know where they are (coordinates, a position encoding, a graph of neighbours) stand in tables of their own: a head can interpolate "
    "between neighbours with them. Bold and underlined are of each table; floors above a row are those of both."
)
_INFINITE = f'"{NO_SCORE}": the metric is a finite number on no seed.'


def _numbers(rows: Sequence[Row], shown: Sequence[Row]) -> list[str]:
    """Return how to read joined trainings, gains, costs with kept parts, powers of ten, and scores that are no numbers, where there are any."""
    scores = [score for row in rows for score in row.scores.values() if score.values]
    huge = any(abs(one) >= HUGE for score in scores for one in (score.mean, score.std))
    return [
        *([TRAININGS] if any(row.trainings for row in shown) else []),
        *([READING] if any(row.added for row in shown) else []),
        *([_READ] if any(row.cost.get("embed_read") for row in rows) else []),
        *([_POWERS] if huge else []),
        *([_INFINITE] if any(score.text == NO_SCORE for score in scores) else []),
    ]


def _seen(rows: Sequence[Row], blocks: Sequence[Block]) -> list[str]:
    """Return how to read what rows used, lack and know, where they say so."""
    return [
        *([_SAW] if any(is_recorded(row) for row in rows) else []),
        *([_UNSAID] if any(NOT_RECORDED in saw_text(row) for row in rows) else []),
        *([_LACKS] if any(row.lacks for row in rows) else []),
        *([_KNOWS] if any(part.words for block in blocks for part in parts_of(block)) else []),
    ]


def _base(group: Group) -> str:
    """Return the rung of a group's split, without what stands behind its colon or plus."""
    return rung_name(group.split)


def footer(groups: Sequence[Group], *, published: bool) -> list[str]:
    """Return the sentences that apply to these groups."""
    rows = [row for group in groups for row in group.rows if row.ok]
    blocks = [block for group in groups for block in group.blocks]
    said = [
        "Numbers are mean \N{PLUS-MINUS SIGN} sample standard deviation over seeds (a spread over splits, not a standard error); every model has the same splits.",
        *(told for split, told in _SPLITS.items() if any(_base(group) == split for group in groups)),
        *([_GIVEN] if any(is_split_file(group.split) for group in groups) else []),
        *([_QUERIES] if any(row.candidates for row in rows) else []),
        *([_ELSEWHERE_TRAINED] if any(group.train_city for group in groups) else []),
        *([_PARITY] if any(group.parity for group in groups) else []),
        *judged_told(groups),
        "Floors learn no representation. Each is ranked in every table whose inputs hold what it uses; coordinates are allowed to floors everywhere.",
    ]
    if any(block.elsewhere for block in blocks):
        said.append(_ELSEWHERE)
    if any(row.head == SELECT for row in rows):
        said.append(
            "Best head: chosen per seed by validation score, never by test score; such rows are not ranked with rows of a fixed head."
        )
    if any(floor_above(block, row) for block in blocks for row in block.models):
        said.append(
            f"{BELOW} marks a model, learned or frozen, whose mean is below the best floor of the table's inputs under the same head, or below a floor that is its own head (mean, spatial-lag), on the first metric."
        )
    if any(row.converged == NO for row in rows):
        said.append(_UNCONVERGED)
    if any(mixed_versions(block.shown) for block in blocks):
        said.append(_OLDER)
    if any(row.own for row in rows):
        said.append(f"{OWN} marks your own runs, from runs/; all other rows are reference rows.")
    if any(row.n_uncovered for row in rows):
        said.append(
            "Uncovered units have no data for the model; they are filled and scored all the same, and their number is given."
        )
    if any(row.model.get("effective_rank") is not None for row in rows):
        said.append(
            "Effective rank is how many of their dimensions the vectors fill as heads see them: exp of the entropy of the variances of their principal components (of several trainings, the first one's)."
        )
    said.extend(_seen(rows, blocks))
    said.extend(_numbers(rows, [row for block in blocks for row in block.shown]))
    listed = published and any(group.task in LISTED_TASKS for group in groups)
    if listed:
        said.append(UGBENCH)
    if published and not (listed and all(group.task in LISTED_TASKS for group in groups)):
        said.append(
            f"Published numbers are from {CITATION}: other data, units and protocol, for display only, never ranked. * marks numbers with a note: rows of the paper that repeat or contradict others."
        )
    return said if rows or published else []
