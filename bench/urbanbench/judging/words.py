"""A comparison in words, as a colleague would say it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from urbanbench.convergence import NO, converged
from urbanbench.counted import counted
from urbanbench.judging.comparison import Comparison
from urbanbench.judging.evidence import NO_PLACES, NO_PREDICTIONS
from urbanbench.judging.power import Needed
from urbanbench.judging.question import other_versions
from urbanbench.judging.verdict import BOUNDED, LEVEL, QUERIES, RESAMPLED, SPATIAL
from urbanbench.scoring.metrics import metric_info

if TYPE_CHECKING:
    from urbanbench.judging.tournament import Tournament

__all__ = [
    "gap_words",
    "in_short",
    "lacking_words",
    "needs_words",
    "notes",
    "origin_words",
    "p_words",
    "statement",
]

_LACKING = {
    NO_PLACES: "where its units lie is not known (its city or its task is not at hand)",
    NO_PREDICTIONS: "predictions of a row are not there (urbanbench results verify FOLDER --recompute all --row RUN --keep-predictions makes them)",
}
_OTHER_UNITS = "so neighbours were not counted as alike: chance is that of other units of this city, and p may be far too small for others"
_SAME_UNITS = (
    "and seeds test the same units: chance is that of other heads and training units alone, the interval is far too narrow, "
    "and nothing of it should be called separable"
)


def lacking_words(comparison: Comparison) -> str:
    """Say what kept the test over units away, and what the verdict is worth without it; "" where nothing did."""
    if not comparison.lacking:
        return ""
    return f"{_LACKING[comparison.lacking]}, {_SAME_UNITS if comparison.blind else _OTHER_UNITS}"


def origin_words(comparison: Comparison, one: str, other: str) -> list[str]:
    """Say what the two rows were made by that is not alike: versions, and a training that had not converged.

    Parameters
    ----------
    one, other
        Names of the two models.
    """
    pair = comparison.pair
    versions = other_versions(pair.one[0], pair.other[0])
    told = [f"the rows of {one} and {other} differ in {', '.join(versions)}"] if versions else []
    return told + [
        f"{name} had not converged when its training ended, so this tells of that much training and not of the model"
        for name, side in ((one, pair.one), (other, pair.other))
        if any(converged(row.training, row.cell.parameters, records=True) == NO for row in side)
    ]


def notes(comparison: Comparison, one: str, other: str) -> list[str]:
    """Return what a reader of a verdict should know beside it, as `lacking_words` and `origin_words` say it."""
    lacking = lacking_words(comparison)
    return [*([lacking] if lacking else []), *origin_words(comparison, one, other)]


_TESTS = {
    SPATIAL: "spatial t test over units",
    RESAMPLED: "corrected resampled t test",
    QUERIES: "t test over queries, each with its mean over seeds; neighbours count as independent",
    BOUNDED: "t test of two shares, which errs towards caution where single queries are not known",
}


def in_short(made: Tournament) -> list[str]:
    """Say first what it all comes to: which model is better where chance does not explain it, and where it may."""
    places = sum(len(found) for found in made.matches.values())
    sure = [one for found in made.matches.values() for one in found if one.separable]
    if len(made.names) == 2:
        [found] = made.matches.values()
        return [_short_of_two(found, *made.names)]
    said = [
        f"In short: of {places} comparisons {len(sure) or 'none'} {'is' if len(sure) < 2 else 'are'} separable from chance."
    ]
    for k, name in enumerate(made.names):
        beaten = _beaten(made, k)
        said += [f"{name} is better than {_listed(beaten)}."] if beaten else []
    quiet = [name for k, name in enumerate(made.names) if not _met(made, k)]
    if sure and quiet:
        said.append(f"Nothing separates {_listed(quiet)} from any other.")
    return [" ".join(said)]


def _short_of_two(found: Sequence[Comparison], one: str, other: str) -> str:
    wins = [sum(each.separable and side * each.verdict.mean > 0 for each in found) for side in (1, -1)]
    ahead = [sum(side * each.verdict.mean > 0 for each in found) for side in (1, -1)]
    open_ones = len(found) - sum(wins)
    single = len(found) == 1
    where = "on the one question" if single else f"on the {len(found)} questions"

    def told(word: str, counts: Sequence[int]) -> str:
        named = [(name, count) for name, count in zip((one, other), counts, strict=True) if count]
        return " and ".join(f"{name} is {word}{'' if single else f' on {count}'}" for name, count in named)

    if not any(wins):
        leads = told("ahead", ahead)
        why = f"{leads}, which may be chance" if leads else "their scores are the same"
        return f"In short: {where} that both answer, {one} and {other} cannot be told apart: {why}."
    rest = (
        f"; the difference on {'the other' if open_ones == 1 else f'{open_ones} others'} may be chance"
        if open_ones
        else ""
    )
    return f"In short: {where} that both answer, {told('better', wins)}{rest}."


def _beaten(made: Tournament, k: int) -> list[str]:
    """Name those that a model is better than, with the questions on which it is."""
    found: dict[str, list[str]] = {}
    for pair, comparisons in made.matches.items():
        if k not in pair:
            continue
        side, rival = (1, pair[1]) if pair[0] == k else (-1, pair[0])
        for one in comparisons:
            if one.separable and side * one.verdict.mean > 0:
                found.setdefault(made.names[rival], []).append(one.pair.place)
    every = {
        made.names[sum(pair) - k]: len(comparisons) for pair, comparisons in made.matches.items() if k in pair
    }
    return [
        f"{name} everywhere" if len(places) == every[name] else f"{name} ({', '.join(places)})"
        for name, places in found.items()
    ]


def _met(made: Tournament, k: int) -> bool:
    return any(one.separable for pair, found in made.matches.items() if k in pair for one in found)


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def statement(comparison: Comparison, one: str, other: str, family: int) -> str:
    """Say what was found on one question.

    Parameters
    ----------
    one, other
        Names of the two models.
    family
        Questions among which p was adjusted.
    """
    found, row = comparison, comparison.pair.one[0]
    better, worse = (one, other) if found.verdict.mean >= 0 else (other, one)
    title = metric_info(found.metric).title
    scores = " and ".join(f"{_number(score, found)}" for score in found.scores)
    where = f"On {row.cell.task} in {row.cell.city} (split {row.cell.split}, head {found.pair.place.rpartition(' · ')[2]})"
    found_out = (
        f"{where} {better} is {gap_words(found)}{_unit(found)} better in {title} than {worse} over {_shared(found)}"
        f"{_trainings(found)} ({one} and {other}: {scores})."
    )
    parts = [found_out, _chance(found, family), _odds(found, better, worse), _again(found, one, other)]
    return " ".join(part for part in parts if part)


def _shared(found: Comparison) -> str:
    """Name what both rows share: splits, or of a retrieval queries and drawings of candidates."""
    if not metric_info(found.metric).of_queries:
        return f"{counted(len(found.differences), 'shared split')}"
    queries = found.pair.one[0].evaluation.get("n_units")
    return f"{queries} shared queries and {counted(len(found.differences), 'drawing')} of candidates"


def gap_words(comparison: Comparison) -> str:
    """Write the difference of the better one with its 95 % interval: "0.04 [0.01, 0.07]"."""
    verdict = comparison.verdict
    low, high = (verdict.low, verdict.high) if verdict.mean >= 0 else (-verdict.high, -verdict.low)
    return (
        f"{_number(abs(verdict.mean), comparison)} [{_number(low, comparison)}, {_number(high, comparison)}]"
    )


def _trainings(found: Comparison) -> str:
    """Name the numbers of trainings where a model has several."""
    counts = [len(side) for side in (found.pair.one, found.pair.other)]
    return f" and {counts[0]} and {counts[1]} trainings" if max(counts) > 1 else ""


def _again(found: Comparison, one: str, other: str) -> str:
    """Say what the block bootstrap gives, where it was asked for."""
    if found.resampled is None:
        return ""
    if not found.resampled.enough:
        return f"Test units lie in {found.resampled.blocks:.0f} of the split's blocks, too few to be drawn again (spatial block bootstrap)."
    ends = [found.resampled.interval(0), found.resampled.interval(1), found.resampled.gap_interval(0, 1)]
    shown = [f"[{_number(low, found)}, {_number(high, found)}]" for low, high in ends]
    return (
        f"On test units drawn again in {found.resampled.blocks:.0f} blocks {one} scores {shown[0]}, {other} {shown[1]}, the first minus the second {shown[2]} "
        "(spatial block bootstrap, 95 %)."
    )


def _unit(comparison: Comparison) -> str:
    row = comparison.pair.one[0]
    unit = str(row.task.get("unit") or "")
    return f" {unit}" if unit and metric_info(comparison.metric).follows_unit else ""


def _number(value: float, comparison: Comparison) -> str:
    """Write a number with the decimals that show two digits of the interval's half width, three at most."""
    half = (comparison.verdict.high - comparison.verdict.low) / 2
    decimals = 3 if half <= 0 or not math.isfinite(half) else min(max(1 - math.floor(math.log10(half)), 0), 3)
    text = f"{value:.{decimals}f}"
    return text.lstrip("-") if float(text) == 0 else text


def p_words(p: float) -> str:
    """Write a probability.

    Examples
    --------
    >>> p_words(0.0312), p_words(0.00002), p_words(0.871)
    ('p = 0.031', 'p < 0.001', 'p = 0.87')
    """
    if p < 0.001:
        return "p < 0.001"
    return f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def _chance(found: Comparison, family: int) -> str:
    """Say whether chance could have done it, by which test, and what would settle it."""
    verdict = found.verdict
    told = p_words(verdict.p)
    if family > 1:
        told += f", {p_words(found.adjusted_p).removeprefix('p ').removeprefix('= ')} after Holm over {family} questions"
    test = _TESTS[verdict.method]
    if found.blind:
        return f"Whether chance could have done it is not known: seeds test the same units, and {_LACKING[found.lacking]}."
    if found.separable:
        return f"That is separable from chance ({told}; {test}).{_naive(found)}"
    if verdict.p < LEVEL:
        return f"That is not separable from chance among so many questions, though it would be alone ({told}; {test})."
    return f"That is not separable from chance ({told}; {test}).{_naive(found)} {needs_words(verdict.needed, len(found.differences))}"


def _naive(found: Comparison) -> str:
    """Warn where the usual test would have said otherwise."""
    if found.verdict.naive_p < LEVEL <= found.verdict.p:
        return f" A t test that takes the splits for independent would have said {p_words(found.verdict.naive_p)}."
    return ""


def needs_words(needed: Needed, seeds: int) -> str:
    """Say what would separate the two, were the difference really what was seen."""
    ways = [f"{needed.seeds:,} seeds"] if needed.seeds is not None and needed.seeds > seeds else []
    ways += [f"{needed.units:,} units"] if needed.units is not None else []
    ways += [f"{needed.cities:,} cities like this one"] if needed.cities is not None else []
    if not ways:
        return (
            "No number of seeds, units or cities up to 100,000 would separate a difference as small as this."
        )
    never = (
        ""
        if needed.seeds is not None
        else "No number of seeds would separate a difference as large as this; "
    )
    listed = ways[0] if len(ways) == 1 else f"{', '.join(ways[:-1])} or {ways[-1]}"
    whole = f"{never}{listed} would be needed (power 80 %)."
    return whole[0].upper() + whole[1:]


def _odds(found: Comparison, better: str, worse: str) -> str:
    odds = found.verdict.odds
    ahead, behind = (odds.better, odds.worse) if found.verdict.mean >= 0 else (odds.worse, odds.better)
    return (
        f"With {_percent(ahead)} {better} is better by more than {found.rope:.2g}{_unit(found)}, with {_percent(odds.same)} the two are practically the same, with "
        f"{_percent(behind)} {worse} is better."
    )


def _percent(share: float) -> str:
    """Write a probability in percent; what is not certain is not called 0 or 100."""
    if 0 < share < 0.01:
        return "<1 %"
    return ">99 %" if 0.99 < share < 1 else f"{100 * share:.0f} %"
