"""A new plugin and its test, written into a folder."""

from __future__ import annotations

from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from urbanbench.atomic import check_folder, write_text
from urbanbench.errors import BadInput, UnknownName
from urbanbench.registry import label_tasks
from urbanbench.starting.names import Named, named

if TYPE_CHECKING:
    from urbanbench.card import TaskCard

__all__ = ["KINDS", "Started", "start"]

KINDS = ("model", "task", "city")
_TEXTS = Path(__file__).parent / "texts"
"""For each kind the text of the plugin and that of its test, with words to be filled in after a dollar sign."""

_EMBEDS = {"region": "poi-counts", "building": "building-stats", "street_view": "imagenet-features"}
"""A floor or frozen model that embeds units of a level at once."""

Started = tuple[Path, Path]


def start(kind: str, name: str, folder: Path, *, city: str, label: str = "") -> Started:
    """Write a plugin that works as it is, and its test.

    Parameters
    ----------
    kind
        "model", "task" or "city".
    name
        What it is called on the command line.
    folder
        Where to write; made where it is not there.
    city
        The city that the test of a model or task runs in.
    label
        The label of that city that a task asks for; the first of its regions when left out.

    Returns
    -------
    tuple[Path, Path]
        The plugin's file and its test's.

    Raises
    ------
    UnknownName
        No such kind, city or label.
    BadInput
        No plain name, one that is taken, or a file that is there already.
    """
    if kind not in KINDS:
        raise UnknownName("kind of plugin", kind, KINDS)
    told = named(kind, name)
    plugin, test = folder / f"{told.stem}.py", folder / f"test_{told.stem}.py"
    for file in (plugin, test):
        if file.exists():
            msg = (
                f"The file {str(file)!r} is there already. Expected a new one. Choose another name or folder."
            )
            raise BadInput(msg)
    words = _words(told) | (_task_words(city, label) if kind == "task" else {"city": repr(city)})
    check_folder(folder, "name another folder with -o")
    for file, which in ((plugin, kind), (test, f"test_{kind}")):
        text = (_TEXTS / f"{which}.txt").read_text(encoding="utf-8")
        write_text(file, Template(text).substitute(words))
    return plugin, test


def _words(told: Named) -> dict[str, str]:
    return {"name": told.name, "stem": told.stem, "title": told.title, "kind": told.kind}


def _task_words(city: str, label: str) -> dict[str, str]:
    cards = {card.label: card for card in label_tasks(city).values()}
    if label and label not in cards:
        kind = f"label of {city}"
        raise UnknownName(kind, label, cards)
    card = cards[label] if label else _first(city, list(cards.values()))
    return {
        "city": repr(city),
        "label": card.label,
        "label_kind": card.kind,
        "level": card.level,
        "withholds": repr(card.withholds),
        "question": card.question,
        "model": _EMBEDS.get(card.level, "random"),
    }


def _first(city: str, cards: list[TaskCard]) -> TaskCard:
    found = [card for card in cards if card.level == "region"] or cards
    if not found:
        msg = (
            f"City {city!r} has no label. Expected one that the task can ask for. Name another city with -c."
        )
        raise BadInput(msg)
    return found[0]
