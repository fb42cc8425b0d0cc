"""Findings in words and numbers."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from urbanbench.board.numbers import plain_number
from urbanbench.counted import counted
from urbanbench.judging.failing.errors import GroupErrors
from urbanbench.judging.failing.moran import Moran
from urbanbench.residuals.findings import Findings

__all__ = ["as_dict", "sentences", "tables", "title_of"]

Lines = list[tuple[str, ...]]
_SHOWN, _NAMED = 5, 8
_CLEAR = 0.05


def title_of(findings: Findings, city: str) -> tuple[str, str]:
    """Return what a run is about and how it was scored, in names: ("Singapore: population density", "POI counts · split block · head mlp")."""
    result, cell = findings.result, findings.result.cell
    task = str(result.task.get("title") or cell.task)
    preset = f" ({cell.preset})" if cell.preset else ""
    model = f"{result.model.get('title') or cell.model}{preset}"
    return (
        f"{city}: {task[:1].lower()}{task[1:]}",
        f"{model} · {cell.split} split · head {cell.reader} · {counted(len(cell.seeds), 'seed')}",
    )


def sentences(findings: Findings) -> list[str]:
    """Say where the run fails, a line for each of: all units, likeness of neighbours, districts, the worst units, density."""
    level = _level(findings)
    worst = [findings.around.names[findings.around.ids == one][0] for one in findings.worst.index]
    said = [
        f"{len(findings.units)} {level}s were tested, each on {findings.units['tested'].mean():.3g} seeds on average. {_begun(_told(findings, findings.whole))}.",
        _clustering(findings.clustered, level),
        _districts(findings),
        f"The worst tenth ({len(worst)} {level}s) has {100 * findings.worst_share:.0f} % of {_losses(findings)}: {', '.join(worst[:_NAMED])}{' …' if len(worst) > _NAMED else ''}{_equally_wrong(findings)}.",
        _by_density(findings),
    ]
    if findings.classes:
        lowest = findings.classes[0]
        said.append(
            f"Class met worst: {lowest.name} (F1 {plain_number(lowest.f1)}, {lowest.units} {level}s{_confused(lowest.confused)})."
        )
    return said


def _told(findings: Findings, group: GroupErrors) -> str:
    unit = f" {findings.unit}" if findings.unit else ""
    bias = f", mean error {group.bias:+.3g}{unit} (predicted minus true)" if group.bias is not None else ""
    return f"{findings.error_word} {_amount(findings, group.error)}{unit}{bias}"


def _amount(findings: Findings, value: float) -> str:
    return plain_number(value) if findings.kind == "regression" else f"{100 * value:.1f} %"


def _level(findings: Findings) -> str:
    return str(findings.result.task["level"]).replace("_", " ")


def _begun(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}"


def _equally_wrong(findings: Findings) -> str:
    """Say how many units are as wrong as the last of the worst, where not all of them are among these."""
    last = findings.worst["loss"].iloc[-1]
    every, told = (int((frame["loss"] == last).sum()) for frame in (findings.units, findings.worst))
    return f"; {every} are equally wrong, of which the first {told} by id are taken" if every > told else ""


def _losses(findings: Findings) -> str:
    return {"regression": "the squared error", "classification": "the wrong answers"}.get(
        findings.kind, "what is given to wrong classes"
    )


def _clustering(found: Moran | None, level: str) -> str:
    if found is None:
        return "Moran's I is not defined: errors do not vary, or no unit has a neighbour."
    start = f"Moran's I of the errors is {found.value:.3f} (no pattern: {found.expected:.3f}), p = {found.p:.3g} of {found.permutations} permutations"
    if found.p > _CLEAR:
        return f"{start}: no sign that near {level}s are wrong in the same way."
    return f"{start}: near {level}s are wrong in the same way, so something that lies in space is missed."


def _districts(findings: Findings) -> str:
    groups, word = findings.groups, findings.district_word
    if len(groups) < 2:
        return f"Fewer than two districts ({word}) with enough units: none is called the worst."
    worst, best, level = groups[0], groups[-1], _level(findings)
    return (
        f"Worst district ({word}): {worst.name} ({worst.units} {level}s), {_told(findings, worst)}; "
        f"best: {best.name} ({best.units} {level}s), {_amount(findings, best.error)}."
    )


def _by_density(findings: Findings) -> str:
    tenths = findings.tenths
    if len(tenths) < 2:
        return "All units have the same density."
    low, high = tenths[0], tenths[-1]
    return (
        f"By density ({findings.around.density_word}): {findings.error_word} {_amount(findings, low.error)} in the sparsest part "
        f"({_range(low)}), {_amount(findings, high.error)} in the densest ({_range(high)})."
    )


def _range(group: GroupErrors) -> str:
    low, high = (plain_number(one) for one in (group.low, group.high))
    return low if low == high else f"{low} to {high}"


def _confused(name: str) -> str:
    return f", most often taken for {name}" if name else ""


def tables(findings: Findings) -> dict[str, Lines]:
    """Return title to lines, the heads first: errors by density, districts, and classes where there are some."""
    found = {
        f"By {findings.around.density_word}": [
            _heads(findings, "tenth", "range"),
            *(_line(findings, one, _range(one)) for one in findings.tenths),
        ],
        f"Districts ({findings.district_word}), worst first": [
            _heads(findings, "district"),
            *(_line(findings, one) for one in findings.groups[:_SHOWN]),
        ],
    }
    if findings.classes:
        heads = ("class", "units", "F1", "recall", "precision", "most often taken for")
        found["Classes, worst first"] = [
            heads,
            *(
                (
                    one.name,
                    str(one.units),
                    *(plain_number(part) for part in (one.f1, one.recall, one.precision)),
                    one.confused,
                )
                for one in findings.classes
            ),
        ]
    return {title: lines for title, lines in found.items() if len(lines) > 1}


def _heads(findings: Findings, *first: str) -> tuple[str, ...]:
    bias = ("mean error",) if findings.kind == "regression" else ()
    return (*first, "units", findings.error_word, *bias)


def _line(findings: Findings, one: GroupErrors, *more: str) -> tuple[str, ...]:
    bias = (f"{one.bias:+.3g}",) if one.bias is not None else ()
    return (one.name, *more, str(one.units), _amount(findings, one.error), *bias)


def as_dict(findings: Findings) -> dict[str, Any]:
    """Return everything JSON-like."""
    clustered, around = findings.clustered, findings.around
    return {
        "run_id": findings.result.run_id,
        "unit": findings.unit,
        "error": findings.error_word,
        "units": len(findings.units),
        "all": asdict(findings.whole),
        "moran": None if clustered is None else asdict(clustered),
        "district": findings.district_word,
        "districts": [asdict(one) for one in findings.groups],
        "worst_tenth": {
            "units": findings.worst.index.tolist(),
            "share_of_loss": findings.worst_share,
        },
        "density": around.density_word,
        "by_density": [asdict(one) for one in findings.tenths],
        "classes": [asdict(one) for one in findings.classes],
    }
