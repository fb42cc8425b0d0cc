"""Everything the page shows, as plain data: from results, what is registered here, and the cities that are on this machine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from urbanbench.board.blocks import Group, make_groups
from urbanbench.board.columns import direction, metric_title
from urbanbench.board.fronts import fronts_of
from urbanbench.board.judged import judged_told
from urbanbench.board.published import CITATION
from urbanbench.board.rows import Row, read_rows
from urbanbench.judging.ground import Ground
from urbanbench.judging.witness import rows_told
from urbanbench.report.interned import Interned
from urbanbench.report.lines import Shared, line_of
from urbanbench.report.places import city_facts, opened_cities
from urbanbench.report.plugins import models_of, tasks_of
from urbanbench.report.predicted import Drawn, draw_units, mapped
from urbanbench.report.questions import Placed, question_of
from urbanbench.result import RunResult
from urbanbench.result_folders import city_of

if TYPE_CHECKING:
    from urbanbench.city.city import City

__all__ = ["PAGE_BYTES", "content_of"]

PAGE_BYTES = 8_500_000
"""Signs that data may take in the page, library apart: what rows and cities leave of them is for maps of predictions, of the best rows of every question first."""


def content_of(
    results: Sequence[RunResult],
    *,
    title: str = "",
    published: bool = True,
    maps: bool = True,
    ground: Ground | None = None,
    most: int = PAGE_BYTES,
    tell: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Return what the page shows; equal results, plugins and cities give equal data.

    Parameters
    ----------
    results
        As `urbanbench.result_folders.load_results` gives them; their files are read for predictions.
    title
        Heading; "" for the usual one.
    published
        Whether numbers of papers stand beside.
    maps
        Whether cities are opened for maps.
    ground
        Where units lie, for tables that are judged by units; None for tables that are judged by scores alone.
    most
        Signs that everything may take together, as far as maps can be left out for it.
    tell
        Told what takes time.
    """
    dicts = rows_told(results, ground)
    groups = make_groups(read_rows(dicts))
    rows, places = _listed(groups)
    shared = Shared()
    of_row = {id(row): place for place, group in enumerate(groups) for row in _rows(group)}
    lines = [line_of(row, of_row[id(row)], shared) for row in rows]
    _mark_fronts(lines, places, dicts)
    placed = Placed(places, shared.notes)
    questions = [question_of(group, placed, published=published) for group in groups]
    content = {
        "title": title or "What urban representations are worth",
        "judged": judged_told(groups),
        "metrics": _metrics(rows),
        "questions": questions,
        "rows": lines,
        **shared.to_dict(),
        "models": models_of(sorted({row.name for row in rows})),
        "tasks": tasks_of(sorted({(str(row.spec["task"]), str(row.spec["city"])) for row in rows})),
        "paper": CITATION if published else "",
    }
    return content | _on_maps(
        groups,
        questions,
        rows,
        results,
        maps=maps,
        most=most - len(json.dumps(content, ensure_ascii=False, default=str)),
        tell=tell,
    )


def _rows(group: Group) -> Iterator[Row]:
    for block in group.blocks:
        yield from (*block.shown, *block.unscored)
    yield from group.unscored


def _listed(groups: Sequence[Group]) -> tuple[list[Row], dict[str, int]]:
    """Return every row once, and the place of each by its run id."""
    found = {row.run_id: row for group in groups for row in _rows(group)}
    return list(found.values()), {run: place for place, run in enumerate(found)}


def _mark_fronts(
    lines: Sequence[dict[str, Any]], places: Mapping[str, int], dicts: Sequence[Mapping[str, Any]]
) -> None:
    """Mark rows that no other of their question and machine beats in score and time together."""
    for front in fronts_of(dicts):
        for one in (*front.best, *front.best_learned):
            place = places.get(one.row.run_id)
            if place is not None:
                lines[place]["front"] = "all" if one.best else "learned"


def _metrics(rows: Sequence[Row]) -> dict[str, dict[str, Any]]:
    names = sorted({metric for row in rows for metric in row.scores})
    return {name: {"title": metric_title(name), "sign": direction(name)} for name in names}


def _on_maps(
    groups: Sequence[Group],
    questions: Sequence[Mapping[str, Any]],
    rows: Sequence[Row],
    results: Sequence[RunResult],
    *,
    maps: bool,
    most: int,
    tell: Callable[[str], None],
) -> dict[str, Any]:
    """Return cities, the maps of their labels, and what runs said on them."""
    names = sorted({group.city for group in groups})
    words = {one.cell.city: city_of(one) for one in results}
    opened: Mapping[str, City | str] = (
        opened_cities({name: words[name] for name in names}, tell) if maps else dict.fromkeys(names, _UNASKED)
    )
    drawn = _labels(groups, opened)
    outlines, facts = Interned(), {}
    for name, city in opened.items():
        facts[name] = city_facts(city)
        if "outlines" in facts[name]:
            facts[name]["outlines"] = outlines.place(facts[name]["outlines"])
    told = {
        "cities": facts,
        "outlines": outlines.values,
        "maps": {key: one.told for key, one in drawn.items()},
    }
    left = most - len(json.dumps(told))
    said = _said(_best_first(questions), rows, results, drawn, left)
    return {**told, "said": said}


def _said(
    places: Sequence[int],
    rows: Sequence[Row],
    results: Sequence[RunResult],
    drawn: Mapping[str, Drawn],
    left: int,
) -> dict[str, Any]:
    """Return what runs predicted, by the place of their rows, until the signs that are left are used up."""
    files = {(one.run_id, one.own): one for one in results if one.file is not None}
    said: dict[str, Any] = {}
    for place in places:
        first = (rows[place].trainings or (rows[place],))[0]
        result = files.get((first.run_id.removesuffix("-own"), first.own))
        key = f"{first.spec['city']}/{first.task.get('label')}"
        if result is None or result.file is None or key not in drawn:
            continue
        if left < 0:
            break
        found = mapped(result.file.absolute(), result.cell, drawn[key])
        if found is not None:
            said[str(place)] = {"map": key, **found}
            left -= sum(len(one.get("text", "")) + 60 for one in found.values())
    return said


_UNASKED = "Maps were not asked for (--no-maps)."


def _labels(groups: Sequence[Group], opened: Mapping[str, City | str]) -> dict[str, Drawn]:
    found: dict[str, Drawn] = {}
    for group in groups:
        task = next((row.task for row in group.rows if row.task.get("label")), None)
        city = opened[group.city]
        if task is None or isinstance(city, str):
            continue
        key = f"{group.city}/{task['label']}"
        drawn = (
            None if key in found else draw_units(city, str(task["label"]), str(task.get("level") or "region"))
        )
        if drawn is not None:
            found[key] = drawn
    return found


def _best_first(questions: Sequence[Mapping[str, Any]]) -> list[int]:
    """Return places of rows, the best of every question first, then every second, and so on."""
    orders = [_order(question) for question in questions]
    longest = max(map(len, orders), default=0)
    found = [order[k] for k in range(longest) for order in orders if k < len(order)]
    return list(dict.fromkeys(found))


def _order(question: Mapping[str, Any]) -> list[int]:
    """Return the rows of a question, those of the table shown first in front."""
    tables = question["tables"]
    main = question["main"]
    tables = [tables[main], *(one for k, one in enumerate(tables) if k != main)] if main is not None else []
    return list(dict.fromkeys(line["row"] for table in tables for line in table["lines"]))
