"""What ``urbanbench compare`` prints: first what it comes to, then each question in words, then the numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from urbanbench.counted import counted
from urbanbench.terminal import Cell, Head, Screen, paragraph, table

if TYPE_CHECKING:
    from urbanbench.judging.comparison import Comparison
    from urbanbench.judging.tournament import Tournament

__all__ = ["to_text"]


def to_text(made: Tournament, screen: Screen) -> str:
    """Write everything in the width of a screen; one without a width gets the table with all its columns."""
    from urbanbench.judging.words import in_short

    said = [*in_short(made), *_sentences(made), *_overall(made)]
    parts = [paragraph(one, screen) for one in said]
    parts += [_table(made, screen), _ranks(made, screen)]
    parts += [paragraph(one, screen) for one in _notes(made)]
    return "\n\n".join(part for part in parts if part)


def _sentences(made: Tournament) -> list[str]:
    """Write a sentence per question of two models; of more the table says it."""
    from urbanbench.judging.words import statement

    if len(made.names) > 2:
        return []
    [found] = made.matches.values()
    one, other = made.names
    return [statement(each, one, other, made.family) for each in found]


_HEADS = (
    Head("question"),
    Head("models"),
    Head("metric"),
    Head("scores", number=True),
    Head("difference", number=True),
    Head("95 % interval", number=True),
    Head("p", number=True),
    Head("p (Holm)", number=True),
    Head("separable"),
    Head("splits", number=True),
    Head("test"),
    Head("to separate"),
)
_NARROW = ("question", "models", "difference", "95 % interval", "p (Holm)", "separable")
"""The columns of a page; the others have room where lines may be long."""


def _table(made: Tournament, screen: Screen) -> str:
    lines = [
        _line(one, made.names[i], made.names[j]) for (i, j), found in made.matches.items() for one in found
    ]
    titles = [head.title for head in _HEADS]
    places = [k for k, title in enumerate(titles) if screen.width is None or title in _NARROW]
    body = table([_HEADS[k] for k in places], [[Cell(line[k]) for k in places] for line in lines], screen)
    caption = f"Differences are the first model minus the second, positive where the first is better; Holm over {made.family} comparison{'s' if made.family > 1 else ''}."
    more = (
        ""
        if screen.width is None
        else " --wide has scores, p before Holm, tests, and what would separate the two."
    )
    return f"{body}\n\n{paragraph(caption + more, screen)}"


def _line(one: Comparison, name: str, other: str) -> list[str]:
    from urbanbench.judging.verdict import LEVEL

    verdict, needed = one.verdict, one.verdict.needed
    enough = (
        f"{_count(needed.seeds, 'seed')}, {_count(needed.units, 'unit')}, {_count(needed.cities, 'city', 'cities')}"
        if verdict.p >= LEVEL
        else "-"
    )
    scores, ends = ((f"{value:.3f}" for value in pair) for pair in (one.scores, (verdict.low, verdict.high)))
    return [
        one.pair.place,
        f"{name} - {other}",
        one.metric,
        " ".join(scores),
        f"{verdict.mean:+.3f}",
        f"[{', '.join(ends)}]",
        _p(verdict.p),
        _p(one.adjusted_p),
        "yes" if one.separable else "no",
        str(len(one.differences)),
        verdict.method,
        enough,
    ]


def _count(number: int | None, thing: str, things: str = "") -> str:
    return f"no number of {things or f'{thing}s'}" if number is None else counted(number, thing, things)


def _p(p: float) -> str:
    """Write a probability with four decimals; one that is smaller than these tell is not called 0."""
    return "< 0.0001" if p < 1e-4 else f"{p:.4f}"


def _overall(made: Tournament) -> list[str]:
    """Say what several tasks say together of two models (Bayesian signed-rank test)."""
    if len(made.names) > 2:
        return []
    lines = []
    for (i, j), odds in made.odds.items():
        one, other, found = made.names[i], made.names[j], made.matches[i, j]
        lines.append(
            f"Over {_tasks(found)} tasks: {one} is practically better with {100 * odds.better:.0f} %, the same (within {found[0].rope:g}) with "
            f"{100 * odds.same:.0f} %, {other} with {100 * odds.worse:.0f} % (Bayesian signed-rank test)."
        )
    return lines


def _tasks(found: Sequence[Comparison]) -> int:
    return len({(one.pair.one[0].cell.city, one.pair.one[0].cell.task) for one in found})


def _ranks(made: Tournament, screen: Screen) -> str:
    standings = made.standings
    if standings is None:
        return "" if len(made.names) == 2 else "No question has all models, so there are no ranks."
    order = sorted(range(len(made.names)), key=lambda k: standings.average[k])
    heads = (Head("model"), Head("average rank", number=True), Head("possible ranks", number=True))
    rows = [
        (made.names[k], f"{standings.average[k]:.2f}", "{} to {}".format(*standings.intervals[k]))
        for k in order
    ]
    tasks = f"{len(standings.tasks)} {'task' if len(standings.tasks) == 1 else 'tasks'}"
    parts = [
        table(heads, [[Cell(text) for text in row] for row in rows], screen),
        "",
        paragraph(
            f"Over {tasks} that all models answer (splits and heads averaged); possible ranks hold together with 95 %.",
            screen,
        ),
    ]
    if ranked := standings.ranking:
        told = f"Friedman: p = {ranked.p:.3g}; average ranks less than {ranked.critical_difference:.2f} apart are not separable (Nemenyi, 5 %)."
        parts.append(paragraph(told, screen))
    return "\n".join(parts)


def _notes(made: Tournament) -> list[str]:
    """Say where predictions or positions were not at hand, and where rows were made by other versions or had not converged."""
    from urbanbench.judging.words import notes

    where: dict[str, list[str]] = {}
    for (i, j), found in made.matches.items():
        for one in found:
            for said in notes(one, made.names[i], made.names[j]):
                where.setdefault(said, []).append(one.pair.place)
    return [f"Note on {'; '.join(dict.fromkeys(places))}: {said}." for said, places in where.items()]
