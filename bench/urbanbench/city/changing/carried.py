"""What is written of labels carried to other regions: their tables, and their entries in city.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from urbanbench.city.changing.label_rules import HOWS, Rule, rule_of
from urbanbench.city.changing.merge_files import carry_table, save_frame
from urbanbench.city.changing.relabel import relabelled

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

    from urbanbench.city.city import City

__all__ = ["CarriedLabel", "carry_labels", "joined", "tell_labels"]


@dataclass(frozen=True)
class CarriedLabel:
    """What became of a label of regions.

    Parameters
    ----------
    rule
        How it was carried, or why not.
    units
        Labelled new regions.
    classes
        Units of each class, of a classification.
    """

    rule: Rule
    units: int = 0
    classes: Mapping[str, int] | None = None


def carry_labels(
    city: City,
    target: Path,
    pieces: pd.DataFrame,
    order: Sequence[str],
    *,
    rules: Mapping[str, Rule],
    new_id: Mapping[str, str] | None,
    least: float = 0.0,
) -> dict[str, CarriedLabel]:
    """Write all labels of a city into a folder with other regions, and say what became of those of regions.

    Parameters
    ----------
    city, target
        Where they come from; the new folder.
    pieces, order, least
        As in `urbanbench.city.changing.relabel.relabelled`.
    rules
        Rules that come before what units say.
    new_id
        New ids of whole old regions, for tables of other units that name them; None where regions are cut.
    """
    found = {}
    for name, info in city.labels.items():
        if info.level != "region":
            carry_table(city.path, target, info.file, new_id)
            continue
        frame = city.label(name)
        rule = rules.get(name) or rule_of(info, frame.columns)
        made = None if rule.how == "leave" else relabelled(frame, info, pieces, rule, order, least=least)
        if made is None or not len(made):
            why = rule.why if made is None else "no new region has enough of it"
            found[name] = CarriedLabel(Rule("leave", why))
            continue
        save_frame(made, target, info.file)
        named = info.kind == "classification"
        counts = {str(one): int(k) for one, k in made["value"].value_counts().items()} if named else None
        found[name] = CarriedLabel(rule, len(made), counts)
    return found


def tell_labels(labels: dict[str, Any], found: Mapping[str, CarriedLabel], word: str) -> str:
    """Bring the entries of labels in city.json up to date and return a sentence on those that were left out, "" where none was.

    Parameters
    ----------
    labels
        The section `labels`, which is changed.
    found
        What `carry_labels` gave.
    word
        What the new regions are called, such as "Merged regions".
    """
    left = {name: one.rule.why for name, one in found.items() if one.rule.how == "leave"}
    for name, one in found.items():
        if name in left:
            del labels[name]
        else:
            labels[name] = _entry(labels[name], one, word)
    told = "; ".join(f"{name} ({why})" for name, why in left.items())
    return f"Labels left out: {told}." if told else ""


def _entry(entry: dict[str, Any], found: CarriedLabel, word: str) -> dict[str, Any]:
    """Bring an entry up to date; what was known of the best score no longer holds."""
    kept = {key: value for key, value in entry.items() if key != "ceiling"}
    if "units" in kept:
        kept["units"] = found.units
    if isinstance(kept.get("classes"), dict) and found.classes is not None:
        kept["classes"] = {name: int(found.classes.get(name, 0)) for name in kept["classes"]}
    told = f"{word}: {HOWS[found.rule.how]}, because {found.rule.why}; n, where there is one, is their sum."
    return kept | {"note": joined(kept.get("note"), told)}


def joined(old: str | None, new: str) -> str:
    """Put a sentence after what may end without a full stop."""
    if not old:
        return new
    return f"{old} {new}" if old.endswith((".", "!", "?")) else f"{old}. {new}"
