"""From groups of rows to the board's layout."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from urbanbench.board.added import ADDS, added_entry
from urbanbench.board.blocks import Block, Group
from urbanbench.board.ceilings import NOISE_ONLY, ceiling_of
from urbanbench.board.columns import choose_metrics, heading, metric_title, unit_of
from urbanbench.board.costs import cost_entry
from urbanbench.board.footer import footer
from urbanbench.board.knowing import Part, parts_of
from urbanbench.board.labels import group_title, row_label
from urbanbench.board.layout import Board, Column, Entry, Line, Section, Table
from urbanbench.board.levels import candidate_facts, level_lines
from urbanbench.board.marks import BELOW, by_score, chosen_heads, floor_above, marks, usual_seeds
from urbanbench.board.mixing import group_warnings
from urbanbench.board.numbers import plain_number, score_text, span
from urbanbench.board.overview import overview
from urbanbench.board.published_tables import (
    listed_table,
    published_columns,
    published_entries,
    published_table,
    stands_beside,
)
from urbanbench.board.remarks import notes, short_reason
from urbanbench.board.rows import Row, ordered
from urbanbench.board.trainings import trainings_told
from urbanbench.board.used import is_recorded, saw_entry
from urbanbench.board.versions import OLDER, older_parts
from urbanbench.counted import counted

__all__ = ["assemble", "group_facts", "group_notices"]

RANK = "effective rank"


def assemble(
    groups: Sequence[Group],
    *,
    title: str,
    metrics: Sequence[str] | None,
    published: bool,
    empty: str = "",
    back: Entry | None = None,
) -> Board:
    """Lay out all groups.

    Parameters
    ----------
    groups
        What `urbanbench.board.blocks.make_groups` gave.
    title
        Heading; "" for "Leaderboard".
    metrics
        Metrics to show, or None for the usual ones of each kind of task.
    published
        Whether the numbers of papers stand beside.
    empty
        What to say when there are no groups.
    back
        Of one of several pages, the way to the one that leads to it.
    """
    sections = [
        _section(group, metrics, published, published and _is_first(group, groups)) for group in groups
    ]
    if first := overview(groups):
        sections.insert(0, first)
    lead = "" if groups else empty
    return Board(
        title or "Leaderboard",
        lead,
        tuple(sections),
        tuple(footer(groups, published=published)) if groups else (),
        back,
    )


def _is_first(group: Group, groups: Sequence[Group]) -> bool:
    """Tell whether a group is the first of its city and task, whatever the split: the paper has one protocol."""
    return group is next(one for one in groups if (one.city, one.task) == (group.city, group.task))


def _section(group: Group, asked: Sequence[str] | None, published: bool, alone: bool) -> Section:
    """Lay out a group; `alone` asks for the paper's rows that stand beside none of ours."""
    metrics = _metrics(group, asked)
    tables = [_table(group, block, part, metrics, published) for block, part in _told_once(group.blocks)]
    if group.unscored:
        tables.append(_unscored_table(group.unscored))
    if alone and stands_beside(group):
        papers = (published_table(group, metrics), listed_table(group, metrics))
        tables += [one for one in papers if one is not None]
    return Section(group_title(group), tuple(group_facts(group)), tuple(group_notices(group)), tuple(tables))


def _told_once(blocks: Sequence[Block]) -> list[tuple[Block, Part]]:
    """Return the tables of a group but those of floors alone, because all models of their block know where they are, where the same floors stand beside models in another table."""
    parts = [(block, part) for block in blocks for part in parts_of(block)]
    told = {row.run_id for _, part in parts if part.block.models for row in part.block.floors}
    return [
        (block, part)
        for block, part in parts
        if part.block.models
        or part.block.unscored
        or not told.issuperset(row.run_id for row in part.block.shown)
    ]


def _metrics(group: Group, asked: Sequence[str] | None) -> list[str]:
    scored = [row for row in group.rows if row.ok]
    if not scored:
        return []
    present = {metric for row in scored for metric in row.scores}
    return choose_metrics(str(scored[0].task.get("kind", "")), scored[0].main_metric, present, asked)


def _protocol_facts(group: Group) -> list[str]:
    """Return what parity rows say of the protocol they follow."""
    told = _told(group)
    facts = [f"protocol: {told['scored']}", str(told["spread"])] if told else []
    if differs := told.get("differs"):
        facts.append(
            f"{counted(len(differs), 'note')} on how it differs from the published one: urbanbench describe {group.split}"
        )
    return facts


def group_notices(group: Group) -> list[str]:
    """Return what keeps rows from being compared: mixed origins, and for parity rows what their protocol gives away."""
    leaks = "; ".join(_told(group).get("leaks") or ())
    parity = [f"Parity rows, not comparable with other sections: {leaks}."] if leaks else []
    return [*parity, *group_warnings(group)]


def _told(group: Group) -> Mapping[str, Any]:
    return next((row.protocol for row in group.rows if row.protocol), {})


def group_facts(group: Group) -> list[str]:
    """Return what holds for all rows: the task, its units, the sizes of the split."""
    row = next((row for row in group.rows if row.ok), group.rows[0])
    about = [str(row.task.get(name) or "") for name in ("title", "kind", "unit")]
    facts = [", ".join(word for word in about if word)]
    if row.n_units is not None:
        units = "queries" if row.candidates else f"{row.task.get('level', 'unit')}s"
        facts.append(f"{row.n_units} {units}")
    facts.extend(candidate_facts(row))
    facts.extend(_protocol_facts(group))
    names = ("lessons", "", "queries") if row.candidates else ("train", "validation", "test")
    sizes = [f"{name} {span(counts)}" for name, counts in zip(names, row.sizes, strict=True) if any(counts)]
    facts.extend([", ".join(sizes)] if sizes else [])
    seeds = set() if group.parity else {len(one.seeds) for one in group.rows if one.ok}
    facts.extend([f"{span(sorted(seeds))} {'seed' if seeds == {1} else 'seeds'}"] if seeds else [])
    if row.task.get("log1p"):
        facts.append("heads fit log1p of the target, metrics are in its natural unit")
    if row.task.get("withholds"):
        facts.append(f"withheld from every model: {', '.join(map(str, row.task['withholds']))}")
    return [fact for fact in facts if fact]


def _table(group: Group, block: Block, part: Part, metrics: Sequence[str], published: bool) -> Table:
    """Lay out some rows of a block; marks for the best are among them, floors above them among all."""
    paper = published_columns(group, block, metrics) if published else {}
    unit = str(block.scored[0].task.get("unit") or "")
    columns = (
        Column("model"),
        Column("kind", rank=1),
        Column("inputs used", rank=4),
        Column("saw", rank=6),
        Column("head", brief=_alike_but_for_head(block), rank=1 if _alike_but_for_head(block) else 4),
        *(
            Column(heading(metric), number=True, unit=unit_of(metric, unit), rank=min(place, 3))
            for place, metric in enumerate(metrics)
        ),
        *(
            Column(f"{metric_title(metric)}, published ({source})", number=True, published=True, rank=2)
            for metric, source in paper.items()
        ),
        Column(ADDS, number=True, rank=2),
        Column("seeds", number=True, brief=False, rank=5),
        Column("uncovered", number=True, brief=False, rank=5),
        Column("dim", number=True, brief=False, rank=5),
        Column(RANK, number=True, brief=False, rank=5),
        Column("embed\N{NO-BREAK SPACE}s", number=True, brief=False, rank=5),
        Column("notes", brief=False, prose=True),
    )
    shown = part.block
    best = {metric: marks(block, metric, shown.scored) for metric in metrics}
    lines = [
        _scored_line(row, group, block, metrics, best, paper) for row in by_score(shown, usual_seeds(block))
    ]
    lines += [*_ceiling_lines(block, metrics, len(columns)), *level_lines(block, metrics, len(columns))]
    lines += [_unscored_line(row, block, len(columns), len(metrics)) for row in shown.unscored]
    alone = "" if block.models else "floors only, "
    words = [f"Inputs: {ordered(block.inputs)}", part.words, f"{alone}ranked: head {block.head}"]
    title = " · ".join(word for word in words if word)
    return Table(title, columns, tuple(lines)).without(*_saying_nothing(shown))


def _alike_but_for_head(block: Block) -> bool:
    """Tell whether rows of the same name differ in their head only, so that no format may leave it out."""
    names = [row_label(row, _beside(block)) for row in block.shown]
    return len(set(names)) < len(names)


def _beside(block: Block) -> list[Row]:
    return [*block.shown, *block.unscored]


def _saying_nothing(block: Block) -> list[str]:
    """Return columns with the same entry in every line that the section's facts or their absence tell as well."""
    same_seeds = len({len(row.seeds) for row in block.shown}) == 1
    all_covered = not any(row.n_uncovered for row in block.shown)
    said = {
        "seeds": same_seeds,
        "uncovered": all_covered,
        "saw": not any(is_recorded(row) for row in block.shown),
        ADDS: not any(row.added for row in block.shown),
        RANK: all(row.model.get("effective_rank") is None for row in block.shown),
    }
    return [title for title, nothing in said.items() if nothing]


def _scored_line(
    row: Row,
    group: Group,
    block: Block,
    metrics: Sequence[str],
    best: Mapping[str, Mapping[str, str]],
    paper: Collection[str],
) -> Line:
    said = notes(row, block)
    marked = {OLDER: older_parts(row, block.shown), BELOW: floor_above(block, row)}
    signs = "".join(f" {sign}" for sign, holds in marked.items() if holds)
    entries = (
        Entry(
            f"{row_label(row, _beside(block))}{signs}",
            tip="; ".join([str(row.model.get("title") or row.name), *said]),
        ),
        Entry(_kind(row, block)),
        Entry(ordered(row.used)),
        saw_entry(row),
        Entry(row.head, tip=chosen_heads(row)),
        *(_score_entry(row, metric, best[metric].get(row.run_id, "")) for metric in metrics),
        *published_entries(group, block, row.name, paper),
        added_entry(row.added, row.main_metric),
        _number(len(row.seeds)),
        _number(row.n_uncovered),
        _number(row.model.get("dim")),
        _number(row.model.get("effective_rank")),
        cost_entry(row),
        Entry("; ".join(said)),
    )
    shown = "elsewhere" if row in block.elsewhere else "floor" if row.floor else "model"
    return Line(shown, entries, tuple(said))


def _kind(row: Row, block: Block) -> str:
    if row in block.elsewhere:
        return "floor, other inputs"
    return row.kind


def _score_entry(row: Row, metric: str, mark: str) -> Entry:
    score = row.score(metric)
    if not score.values:
        return Entry()
    pairs = zip(row.seeds, score.values, strict=False)
    tip = ", ".join(f"seed {seed}: {'none' if value is None else f'{value:.4g}'}" for seed, value in pairs)
    if score.trainings:
        tip = f"{trainings_told(row, metric)}; means over them: {tip}"
    return Entry(score.text, mark, tip, score.mean if math.isfinite(score.mean) else None)


def _number(value: float | None) -> Entry:
    return Entry(plain_number(value), value=value)


def _ceiling_lines(block: Block, metrics: Sequence[str], width: int) -> list[Line]:
    stated = next((row.ceiling for row in block.scored if row.ceiling), None)
    inputs, found = ceiling_of(stated, block.inputs) if stated else ("", {})
    if not any(metric in found for metric in metrics):
        return []
    numbers = [
        Entry(score_text(found[metric]), value=found[metric]) if metric in found else Entry()
        for metric in metrics
    ]
    reach = "label noise allows" if inputs == NOISE_ONLY else "these inputs allow"
    said = f"best score {reach}, known because the city is generated"
    entries = [Entry("ceiling"), Entry("best possible"), Entry(inputs), Entry(), Entry(), *numbers]
    return [Line("ceiling", (*entries, *[Entry()] * (width - len(entries) - 1), Entry(said)), (said,))]


def _unscored_line(row: Row, block: Block, width: int, n_metrics: int) -> Line:
    said = short_reason(row)
    entries = [
        Entry(row_label(row, _beside(block))),
        Entry(_kind(row, block)),
        Entry(ordered(row.used)),
        Entry(),
        Entry(row.head),
        *[Entry(row.status)] * n_metrics,
    ]
    return Line("unscored", (*entries, *[Entry()] * (width - len(entries) - 1), Entry(said)), (said,))


def _unscored_table(rows: Sequence[Row]) -> Table:
    columns = (
        Column("model"),
        Column("inputs on offer"),
        Column("head"),
        Column("reason", brief=False, prose=True),
    )
    lines = [
        Line(
            "unscored",
            (
                Entry(row_label(row, rows)),
                Entry(ordered(row.offered)),
                Entry(row.head),
                Entry(short_reason(row)),
            ),
            (short_reason(row),),
        )
        for row in rows
    ]
    return Table("Not scored", columns, tuple(lines))
