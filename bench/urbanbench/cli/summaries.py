"""What is described, in the sentences a colleague would say first; the facts follow below them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from urbanbench.cli.printing import print_facts, print_table, say, say_paragraph

__all__ = ["preset_rows", "print_described", "summary"]

Facts = Mapping[str, Any]


def _listed(words: Sequence[str], last: str = "and") -> str:
    return f" {last} ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def _ended(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _model(facts: Facts) -> list[str]:
    kind = "a floor, which learns no representation" if facts["floor"] else "a learned model"
    if not facts["floor"] and not facts["trained"]:
        kind = "a frozen model: no seed changes its vectors"
    year = f" of {facts['year']}" if facts["year"] and not facts["floor"] else ""
    first = f"{facts['title']} (urbanbench word: {facts['name']}) is {kind}{year}. {_ended(facts['summary'])}"
    needs = [*facts["needs"], *([_listed(facts["needs_any"], "or")] if facts["needs_any"] else [])]
    sees = f"It needs {_listed(needs)}" if needs else "It needs no input"
    more = [one for one in facts["can_use"] if one not in facts["needs_any"]]
    sees += f" and uses {_listed(more)} where there is any" if more else ""
    sees += f"; it embeds {_listed([f'{level}s'.replace('_', ' ') for level in facts['embeds']])}."
    said = [f"{first} {sees} {_carried(facts)}".strip()]
    if points := len(facts["differs_from_paper"]):
        said.append(f"It differs from its paper in {points} point{'s' if points > 1 else ''}, listed below.")
    said += [f"Paper: {_ended(facts['paper'])}"] if facts["paper"] else []
    return said


def _carried(facts: Facts) -> str:
    from urbanbench.card import TRANSFERS

    word = facts["transfers"]
    if not word or facts["floor"]:
        return ""
    why = f" ({facts['transfers_why']})" if facts["transfers_why"] else ""
    return f"Between cities: {TRANSFERS[word]}{why}."


def _task(facts: Facts) -> list[str]:
    said = [
        f"{facts['title']} (urbanbench word: {facts['name']}) asks: {_ended(facts['question'])} {_answered(facts)}"
    ]
    if facts["withholds"]:
        told = "; ".join(str(words) for words in facts["withholds"].values())
        said.append(f"So that nothing gives the answer away, no model sees {told}.")
    said += [_ended(facts["note"])] if facts["note"] else []
    return said


def _answered(facts: Facts) -> str:
    """Say what an answer is: a value for each unit, or candidates in the order of a query."""
    if facts.get("candidates"):
        parts = [_listed(facts[name], "or") for name in ("query", "candidates")]
        return f"A query is {parts[0]}; a model puts candidates, each {parts[1]}, in order."
    kinds = {
        "regression": "a number",
        "classification": "a class",
        "composition": "shares that add up to one",
    }
    asked = kinds.get(facts["target kind"], f"a {facts['target kind']}")
    units = f"{facts['level']}s".replace("_", " ")
    return f"It predicts {asked} for each of a city's {units}, from its label {facts['label']!r}."


def _result(facts: Facts) -> list[str]:
    cell = f"{facts['name']}, {facts['cell']}"
    if "scores" not in facts:
        return [f"{cell}: {facts['status']}. {_ended(facts['reason'])}"]
    scores = ", ".join(f"{metric} {text}" for metric, text in facts["scores"].items())
    said = [f"{cell}: {scores}."]
    used = facts["inputs used"] or "no input"
    about = [f"It used {used}"]
    about += [f"lacks {_listed(facts['lacks'])}"] if facts["lacks"] else []
    knows = facts["knows where it is"]
    about += [f"knows where a unit lies ({knows})"] if knows not in {"no", "not recorded"} else []
    said.append(f"{_listed(about)}.")
    word = {"no": "Its training had not converged", "yes": "Its training had converged"}.get(
        facts["converged"]
    )
    said += [f"{word}; the stages are below."] if word else []
    return [" ".join(said)]


def _city(facts: Facts) -> list[str]:
    regions, name = facts["regions"], facts["title"] or facts["name"]
    area = regions["area_km2"]
    first = f"{name} ({facts['name']}, {facts['crs']}) has {regions['count']:,} regions on {area['total']:.4g} km²"
    first += f", half of them below {area['median']:.3g} km²." if "median" in area else "."
    layers = [
        f"{_layer(layer)} ({count}in {100 * told['coverage']:.0f} % of the regions)"
        for layer, told in facts["layers"].items()
        for count in [f"{told['rows']:,}, " if "rows" in told else ""]
    ]
    labels = [
        f"{label} ({told['units']:,} {told['level']}s)".replace("_", " ")
        for label, told in facts["labels"].items()
    ]
    said = [first]
    said += [f"Layers: {_listed(layers)}."] if layers else []
    said += [f"Labels: {_listed(labels)}."] if labels else []
    return said


def _layer(name: str) -> str:
    return name.replace("_", " ").replace("pois", "POIs")


_WRITERS: Mapping[str, Callable[[Facts], list[str]]] = {
    "model": _model,
    "task": _task,
    "result": _result,
    "city": _city,
}
_SAID: Mapping[str, frozenset[str]] = {
    "model": frozenset(
        {
            "kind",
            "name",
            "title",
            "summary",
            "year",
            "paper",
            "needs",
            "needs_any",
            "can_use",
            "embeds",
            "floor",
            "trained",
            "transfers",
            "transfers_why",
            "presets",
        }
    ),
    "task": frozenset({"kind", "name", "title", "question", "label", "note", "withholds"}),
    "result": frozenset({"kind", "name", "cell"}),
    "city": frozenset({"kind", "name", "title", "crs"}),
}
"""Facts that the sentences have said, by kind."""


def summary(facts: Facts) -> list[str]:
    """Return the paragraphs that say what is described; none for words that a line of facts explains.

    Parameters
    ----------
    facts
        What `urbanbench describe --json` gives.
    """
    writer = _WRITERS.get(str(facts.get("kind")))
    return writer(facts) if writer is not None else []


def preset_rows(presets: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    """Return a line for each parameter with its value in every preset.

    Examples
    --------
    >>> preset_rows({"small": {"dim": 8, "lr": 0.1}, "paper": {"dim": 64, "lr": 0.1}})
    [['dim', '8', '64'], ['lr', '0.1', '0.1']]
    """
    names = list(dict.fromkeys(name for values in presets.values() for name in values))
    return [[name, *(_value(values.get(name)) for values in presets.values())] for name in names]


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def print_described(facts: Facts) -> None:
    """Write the sentences to stdout, then the facts they have not said, then presets side by side."""
    for paragraph in summary(facts):
        say_paragraph(paragraph)
        say("")
    print_facts({name: value for name, value in facts.items() if name not in _SAID.get(facts["kind"], ())})
    if presets := facts.get("presets"):
        say("\npresets:")
        print_table(preset_rows(presets), ["parameter", *presets])
