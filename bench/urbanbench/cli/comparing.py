"""What ``urbanbench compare`` prints and draws."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.cli.printing import aligned
from urbanbench.errors import BadInput

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

    from urbanbench.judging.comparison import Comparison
    from urbanbench.judging.tournament import Tournament

__all__ = ["check_picture", "draw", "to_json", "to_text"]

_SUFFIXES = (".png", ".svg", ".pdf")


def check_picture(path: Path | None) -> Path | None:
    """Return the path of a picture that can be drawn.

    Raises
    ------
    BadInput
        Another suffix.
    """
    if path is not None and path.suffix.lower() not in _SUFFIXES:
        msg = f"The picture {str(path)!r} is of no known kind. Expected a name that ends in {', '.join(_SUFFIXES)}."
        raise BadInput(msg)
    return path


def to_text(made: Tournament) -> str:
    """Write everything: sentences, then a table of all questions, then ranks."""
    parts = [_sentences(made), _table(made), _overall(made), _ranks(made), _notes(made)]
    return "\n\n".join(part for part in parts if part)


def _sentences(made: Tournament) -> str:
    """Write a sentence per question of two models; of more the table says it."""
    from urbanbench.judging.words import statement

    if len(made.names) > 2:
        return ""
    [found] = made.matches.values()
    one, other = made.names
    return "\n\n".join(statement(each, one, other, made.family) for each in found)


_HEADS = (
    "question",
    "models",
    "metric",
    "scores",
    "difference",
    "95 % interval",
    "p",
    "p (Holm)",
    "separable",
    "splits",
    "test",
    "to separate",
)


def _table(made: Tournament) -> str:
    lines = [list(_HEADS)]
    for (i, j), found in made.matches.items():
        lines += [_line(one, made.names[i], made.names[j]) for one in found]
    caption = f"Differences are the first model minus the second, positive where the first is better; Holm over {made.family} comparisons."
    return "\n".join([*aligned(lines), caption])


def _line(one: Comparison, name: str, other: str) -> list[str]:
    from urbanbench.judging.verdict import LEVEL

    verdict, needed = one.verdict, one.verdict.needed
    enough = (
        f"{_count(needed.seeds)} seeds, {_count(needed.units)} units, {_count(needed.cities)} cities"
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
        f"{verdict.p:.4f}",
        f"{one.adjusted_p:.4f}",
        "yes" if one.separable else "no",
        str(len(one.differences)),
        verdict.method,
        enough,
    ]


def _count(number: int | None) -> str:
    return "no number of" if number is None else str(number)


def _overall(made: Tournament) -> str:
    """Say what several tasks say together of two models (Bayesian signed-rank test)."""
    if len(made.names) > 2:
        return ""
    lines = []
    for (i, j), odds in made.odds.items():
        one, other, found = made.names[i], made.names[j], made.matches[i, j]
        lines.append(
            f"Over {_tasks(found)} tasks: {one} is practically better with {100 * odds.better:.0f} %, the same (within {found[0].rope:g}) with "
            f"{100 * odds.same:.0f} %, {other} with {100 * odds.worse:.0f} % (Bayesian signed-rank test)."
        )
    return "\n".join(lines)


def _tasks(found: Sequence[Comparison]) -> int:
    return len({(one.pair.one[0].cell.city, one.pair.one[0].cell.task) for one in found})


def _ranks(made: Tournament) -> str:
    standings = made.standings
    if standings is None:
        return "" if len(made.names) == 2 else "No question has all models, so there are no ranks."
    order = sorted(range(len(made.names)), key=lambda k: standings.average[k])
    lines = [["model", "average rank", "possible ranks"]]
    lines += [
        [made.names[k], f"{standings.average[k]:.2f}", "{} to {}".format(*standings.intervals[k])]
        for k in order
    ]
    parts = [
        *aligned(lines),
        f"Over {len(standings.tasks)} {'task' if len(standings.tasks) == 1 else 'tasks'} that all models answer (splits and heads averaged); possible ranks hold together with 95 %.",
    ]
    if ranked := standings.ranking:
        parts.append(
            f"Friedman: p = {ranked.p:.3g}; average ranks less than {ranked.critical_difference:.2f} apart are not separable (Nemenyi, 5 %)."
        )
    return "\n".join(parts)


def _notes(made: Tournament) -> str:
    """Say where predictions or positions were not at hand, and where rows were made by other versions or had not converged."""
    where: dict[str, list[str]] = {}
    for (i, j), found in made.matches.items():
        for one in found:
            for said in _told(one, made.names[i], made.names[j]):
                where.setdefault(said, []).append(one.pair.place)
    return "\n".join(f"Note on {'; '.join(dict.fromkeys(places))}: {said}." for said, places in where.items())


def _told(one: Comparison, name: str, other: str) -> list[str]:
    from urbanbench.judging.words import lacking_words, origin_words

    lacking = lacking_words(one)
    return [*([lacking] if lacking else []), *origin_words(one, name, other)]


def to_json(made: Tournament) -> dict[str, Any]:
    """Return everything as plain data, NaN and infinity as null."""
    from urbanbench.store import without_nan

    standings = made.standings
    ranks = None
    if standings is not None:
        ranked = standings.ranking
        ranks = {
            "tasks": standings.tasks,
            "average": dict(zip(made.names, standings.average.tolist(), strict=True)),
            "possible": dict(zip(made.names, standings.intervals.tolist(), strict=True)),
            "friedman_p": ranked.p if ranked else None,
            "critical_difference": ranked.critical_difference if ranked else None,
        }
    told = {
        "models": made.names,
        "family": made.family,
        "comparisons": [
            _plain(one, made.names[i], made.names[j], made.family)
            for (i, j), found in made.matches.items()
            for one in found
        ],
        "signed_rank": [
            {"models": [made.names[i], made.names[j]], **vars(odds)} for (i, j), odds in made.odds.items()
        ],
        "ranks": ranks,
    }
    return dict(without_nan(told))


def _plain(one: Comparison, name: str, other: str, family: int) -> dict[str, Any]:
    from urbanbench.judging.words import statement

    cell, verdict = one.pair.one[0].cell, one.verdict
    return {
        "models": [name, other],
        "runs": [[row.run_id for row in side] for side in (one.pair.one, one.pair.other)],
        "city": cell.city,
        "task": cell.task,
        "split": cell.split,
        "place": one.pair.place,
        "metric": one.metric,
        "scores": one.scores,
        "differences": one.differences.tolist(),
        "difference": verdict.mean,
        "interval": [verdict.low, verdict.high],
        "p": verdict.p,
        "p_holm": one.adjusted_p,
        "p_naive": verdict.naive_p,
        "separable": one.separable,
        "test": verdict.method,
        "rope": one.rope,
        "odds": vars(verdict.odds),
        "needed": vars(verdict.needed),
        "lacking": one.lacking,
        "notes": _told(one, name, other),
        "block_bootstrap": _drawn(one),
        "words": statement(one, name, other, family),
    }


def _drawn(one: Comparison) -> dict[str, Any] | None:
    """Return the intervals of the block bootstrap, where there was one, in the metric's own direction."""
    if one.resampled is None:
        return None
    first, second = one.resampled.interval(0), one.resampled.interval(1)
    return {
        "scores": [first, second],
        "first_minus_second": one.resampled.gap_interval(0, 1),
        "blocks": one.resampled.blocks,
    }


def draw(made: Tournament, path: Path) -> None:
    """Draw the differences of two models, or the ranks of more as a critical-difference diagram over their differences."""
    from urbanbench.experiments.kinds.report import Figure
    from urbanbench.judging.charts import draw_differences, draw_ranks

    standings = made.standings

    def paint(canvas: Canvas) -> None:
        if standings is not None and standings.ranking is not None:
            draw_ranks(canvas, standings.ranking, made.names, standings.intervals)
            return
        parts = canvas.subfigures(len(made.matches), 1, squeeze=False)[:, 0]
        for part, ((i, j), found) in zip(parts, made.matches.items(), strict=True):
            draw_differences(part, found, made.names[i], made.names[j])

    ranked = standings is not None and standings.ranking is not None
    lines = sum(len(found) + 3 for found in made.matches.values())
    height = 1.6 + 0.45 * len(made.names) if ranked else 0.6 + 0.35 * lines
    Figure(path.stem, "", paint, (9.0, height)).save(path)
