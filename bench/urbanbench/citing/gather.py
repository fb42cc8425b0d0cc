"""From results to what is behind them: the papers of models, the sources of cities, the tools."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from urbanbench.citing.entry import Entry, bibtex, key_of, keyed
from urbanbench.citing.reading import read_citations
from urbanbench.citing.tools import encoders_cited, tools_cited
from urbanbench.city.credits import credit_of
from urbanbench.errors import UrbanbenchError
from urbanbench.inputs import LAYER_OF
from urbanbench.result_folders import city_of

if TYPE_CHECKING:
    from urbanbench.card import ModelCard
    from urbanbench.city.folder.manifest import Manifest
    from urbanbench.result import RunResult

__all__ = ["cite"]


def cite(results: Sequence[RunResult]) -> str:
    """Return a .bib file of every model, frozen encoder, data source and tool behind some results.

    A model without a paper, and a city whose folder is not on this machine, are named in comments.

    Parameters
    ----------
    results
        Finished results; others have nothing behind them.
    """
    scored = [one for one in results if one.status == "ok"]
    told = [one.to_dict() for one in scored]
    models, unsaid = _models(scored)
    data, missing = _data(scored)
    whole = keyed([*models, *encoders_cited(told), *data, *tools_cited(told)])
    groups = {"Models and frozen encoders": [*models, *encoders_cited(told)], "Data": data}
    placed: dict[str, list[Entry]] = {name: [] for name in (*groups, "Tools and tests")}
    for entry in whole:
        home = next(
            (
                name
                for name, listed in groups.items()
                if any(entry.identity == one.identity for one in listed)
            ),
            "Tools and tests",
        )
        placed[home].append(entry)
    return bibtex(list(placed.items()), [*unsaid, *missing])


def _models(results: Sequence[RunResult]) -> tuple[list[Entry], list[str]]:
    found: list[Entry] = []
    unsaid = []
    for name in dict.fromkeys(one.cell.model for one in results):
        floor = any(one.model.get("floor") for one in results if one.cell.model == name)
        card, why = _card(name)
        if card is not None and card.paper:
            found.extend(read_citations(card.paper, card.year))
        elif not floor:
            unsaid.append(f"No citation of {name}: {why}")
    return found, unsaid


def _card(name: str) -> tuple[ModelCard | None, str]:
    """Return a model's card, or None where it has none here; and why there may be no citation."""
    from urbanbench.card import ModelCard
    from urbanbench.registry import entries, face_of, has_scheme

    cards = {entry.name: entry.card for entry in entries("model")}
    card = cards.get(name)
    if card is None and has_scheme(name):
        try:
            card = face_of("model", name).card
        except UrbanbenchError as error:
            return None, str(error)
    known = card if isinstance(card, ModelCard) else None
    return known, "its card names no paper." if known else "it is no model of this installation."


def _data(results: Sequence[RunResult]) -> tuple[list[Entry], list[str]]:
    found: list[Entry] = []
    missing = []
    places = [(one.cell.city, city_of(one), one) for one in results]
    places += [
        (one.cell.train_city, city_of(one, "train_city"), one) for one in results if one.cell.train_city
    ]
    for name, word in dict.fromkeys((name, word) for name, word, _ in places):
        rows = [one for *place, one in places if place == [name, word]]
        manifest = _manifest(word)
        if manifest is None:
            missing.append(
                f"Data of {name}: its folder is not on this machine. Name the folder that holds it in URBANBENCH_DATA, and ask again."
            )
            continue
        found.extend(_sources(manifest, rows))
    return found, missing


def _manifest(city: str) -> Manifest | None:
    from urbanbench.registry import open_city

    try:
        return open_city(city).manifest
    except UrbanbenchError:
        return None


def _sources(manifest: Manifest, rows: Sequence[RunResult]) -> list[Entry]:
    """Return an entry for each source of the regions, of the layers that rows touched, and of the labels they were scored on."""
    inputs = {name for one in rows for name in one.model.get("inputs_touched") or ()}
    layers = {LAYER_OF.get(name, "") for name in inputs}
    labels = {str(one.task.get("label") or one.cell.task) for one in rows}
    wanted = {"regions", *layers}
    infos: list[tuple[str, Any]] = [
        (name, info) for name, info in (*manifest.tables.items(), *manifest.rasters.items()) if name in wanted
    ]
    infos += [(f"label {name}", info) for name, info in manifest.labels.items() if name in labels]
    grouped: dict[tuple[str, str, str], list[tuple[str, Any]]] = {}
    for what, info in infos:
        if info.source:
            grouped.setdefault((info.source, info.date, info.licence), []).append((what, info))
    city = manifest.title or manifest.name
    return [_source(city, known, found) for known, found in grouped.items()]


def _source(city: str, known: tuple[str, str, str], found: Sequence[tuple[str, Any]]) -> Entry:
    source, date, licence = known
    named = dict.fromkeys(credit_of(info.attribution) for _, info in found)
    credit = "; ".join(one for one in named if one)
    years = re.findall(r"(?:19|20)\d\d", date)
    said = [f"{', '.join(what for what, _ in found)} of {city}", date and f"as of {date}", credit]
    fields: Mapping[str, str] = {
        "title": source,
        "year": years[-1] if years else "",
        "howpublished": f"Licence: {licence}" if licence else "",
        "note": "; ".join(part for part in said if part),
    }
    return Entry("misc", key_of(f"data-{city}", fields["year"], source), fields)
