"""``urbanbench data questions``: what a retrieval task asks of a city, to be looked at."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from urbanbench.cli import options
from urbanbench.cli.printing import note, print_facts, print_json, say
from urbanbench.errors import BadInput
from urbanbench.progress import pulse

if TYPE_CHECKING:
    from urbanbench.scoring.retrieval.questions import Questions

__all__ = ["questions"]


def questions(
    city: Annotated[
        str,
        typer.Argument(help="A city: path, name (folders below URBANBENCH_DATA go by theirs), or name:size."),
    ],
    task: Annotated[str, typer.Option("--task", "-t", help="A retrieval task: a name or a path.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Draw a sheet of queries and candidates, .png.")
    ] = None,
    vectors: Annotated[
        Path | None,
        typer.Option(
            "--vectors", help="Vectors of the items (`urbanbench embed -t TASK`): show what they rank first."
        ),
    ] = None,
    count: Annotated[int, typer.Option("--count", min=1, help="Queries on the sheet.")] = 8,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Draws candidates and queries.")] = 0,
    as_json: options.Json = False,
) -> None:
    """Count what a retrieval task asks of a city, and draw some queries with their candidates: as drawn, or as vectors rank them."""
    from urbanbench.registry import load_task, open_city
    from urbanbench.retrieval_task import RetrievalTask

    asked = load_task(task)
    if not isinstance(asked, RetrievalTask):
        msg = f"Task {task!r} is a {asked.card.kind}, which has no queries and candidates. Expected a retrieval task, such as geolocation."
        raise BadInput(msg)
    opened = open_city(city)
    with pulse(f"Questions of {opened.name}"):
        found = asked.targets(opened)
    facts = _facts(found)
    if as_json:
        print_json({"city": opened.name, "task": task, **facts})
    else:
        print_facts({"city": opened.name, "task": asked.card.title, **facts})
    if out is None:
        return
    from urbanbench.asking.drawing import draw_questions
    from urbanbench.asking.shown import shown_questions
    from urbanbench.space import EmbeddingSpace

    space = None if vectors is None else EmbeddingSpace.load(vectors, level="item")
    title = f"{asked.card.title} in {opened.title}" + (f", ranked by {vectors.stem}" if vectors else "")
    draw_questions(opened, found.exam, shown_questions(found, count, space, seed), title, out)
    if not as_json:
        say(out)
    note("Framed green: the right candidate.")


def _facts(found: Questions) -> dict[str, Any]:
    kinds = [one.kind for one in found.exam.lessons]
    groups = [(found.groups or [""] * len(found.pool))[row] for row in found.positive_rows]
    counts = Counter(groups)
    forms = {name: counts[name] for name in sorted(counts) if name and counts[name] > 1}
    return {
        "queries": len(found),
        **({"of each form": forms} if forms else {}),
        "candidates": len(found.pool),
        "different answers": len(set(found.answer_codes.tolist())),
        "graphs": len(found.exam.graphs),
        "lessons": {kind: kinds.count(kind) for kind in sorted(set(kinds))},
    }
