"""``urbanbench list`` and ``urbanbench describe``: what there is, from the plugins' cards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from urbanbench.cli import completing, options
from urbanbench.cli.printing import command, print_json, print_table
from urbanbench.cli.summaries import print_described
from urbanbench.errors import BadInput, UnknownName

if TYPE_CHECKING:
    from urbanbench.card import ModelCard
    from urbanbench.registry import Entry

__all__ = ["describe", "list_names"]

Rows = list[dict[str, Any]]


def list_names(
    what: Annotated[
        str,
        typer.Argument(
            help="models, tasks, cities, protocols, splits, heads, probes, inputs, metrics or experiments.",
            autocompletion=completing.lists,
        ),
    ] = "models",
    city: Annotated[
        str,
        typer.Option(
            "--city",
            "-c",
            help="With `tasks`: those that this city has labels for, and its labels.",
            autocompletion=completing.cities,
        ),
    ] = "",
    as_json: options.Json = False,
) -> None:
    """List what can be named on the command line."""
    if what not in _LISTS:
        kind = "list"
        raise UnknownName(kind, what, _LISTS)
    if city and what != "tasks":
        msg = f"--city got {city!r} with {what!r}. Expected it with tasks only: urbanbench list tasks --city {city}"
        raise BadInput(msg)
    rows = _tasks_of(city) if city else _LISTS[what]()
    if as_json:
        print_json(rows)
    elif rows:
        heads = [name for name in rows[0] if any(row[name] for row in rows)]
        print_table(([row[name] for name in heads] for row in rows), heads)


def describe(
    name: Annotated[
        str,
        typer.Argument(
            help="A model, task, city, protocol, split, head, probe, input or metric; kind:name where two share it; or a result's file.",
            autocompletion=completing.anything,
        ),
    ],
    as_json: options.Json = False,
) -> None:
    """Show the card of a model, task or city, the meaning of a word, or what a result's file says: scores, and what the row used and lacks, how it was trained."""
    facts = _described(name)
    if as_json:
        print_json(facts)
    else:
        print_described(facts)


def _models() -> Rows:
    from urbanbench.card import ModelCard
    from urbanbench.registry import entries

    rows = []
    for entry in entries("model"):
        card = entry.card if isinstance(entry.card, ModelCard) else None
        facts = {"needs": "", "can use": "", "embeds": "", "kind": "", "transfers": ""}
        if card is not None:
            facts = {
                "needs": ",".join([*card.needs, *(["|".join(card.needs_any)] if card.needs_any else [])]),
                "can use": ",".join(card.can_use),
                "embeds": ",".join(card.embeds),
                "kind": " ".join([*card.family.split(), "floor"]) if card.floor else "learned",
                "transfers": card.transfers,
            }
        rows.append(_row(entry, facts))
    return rows


def _tasks() -> Rows:
    from urbanbench.card import TaskCard
    from urbanbench.registry import entries

    rows = []
    for entry in entries("task"):
        card = entry.card if isinstance(entry.card, TaskCard) else None
        facts = (
            {"kind": card.kind, "level": card.level, "label": card.label}
            if card
            else {"kind": "", "level": "", "label": ""}
        )
        rows.append(_row(entry, facts))
    return rows


def _tasks_of(city: str) -> Rows:
    """List the registered tasks a city can answer, then its labels, each a task by itself."""
    from urbanbench.card import TaskCard
    from urbanbench.registry import entries, label_tasks, open_city
    from urbanbench.run.rooms import room_of

    cards = label_tasks(city)
    labels = {card.label: (card.kind, card.level) for card in cards.values()}
    folder = open_city(city)
    asking = {
        entry.name
        for entry in entries("task")
        if isinstance(entry.card, TaskCard)
        and entry.card.level == "item"
        and room_of(entry.card.kind).fits(entry.card, folder)
    }
    fitting = [
        row
        for row in _tasks()
        if row["name"] in asking or labels.get(row["label"]) == (row["kind"], row["level"])
    ]
    return fitting + [
        {"name": word, "title": card.title, "kind": card.kind, "level": card.level, "label": card.label}
        | {"from": "city.json", "problem": ""}
        for word, card in cards.items()
    ]


def _row(entry: Entry, facts: Mapping[str, str]) -> dict[str, Any]:
    origin = "" if entry.origin == "built in" else entry.origin
    return {"name": entry.name, "title": entry.title, **facts, "from": origin, "problem": entry.error or ""}


def _cities() -> Rows:
    from urbanbench.registry import city_folder, city_names, entries

    sources = {entry.name: entry for entry in entries("city")}
    rows: Rows = [_row(entry, {"folder": ""}) for entry in sources.values()]
    rows += [
        {"name": name, "title": "", "folder": str(city_folder(name)), "from": "", "problem": ""}
        for name in city_names()
        if name not in sources
    ]
    return rows


_DEFAULT = "our own: --split, --head and --seeds choose; units, features and metrics as docs/protocol.md says"


def _protocols() -> Rows:
    from urbanbench.parity.contract import DEFAULT
    from urbanbench.parity.papers import PAPERS

    rows: Rows = [{"name": DEFAULT, "title": "urbanbench", "scores": _DEFAULT}]
    return rows + [
        {"name": paper.name, "title": paper.title, "scores": question.words}
        for paper in PAPERS.values()
        for question in paper.questions
    ]


def _splits() -> Rows:
    from urbanbench.scoring.retrieval import words
    from urbanbench.scoring.splits import SPLITS

    rows: Rows = [
        {
            "name": split.name,
            "takes": split.argument and f"{split.name}:{split.argument}",
            "summary": split.summary,
        }
        for split in SPLITS.values()
    ]
    return [
        *rows,
        {"name": words.AREA, "takes": "", "summary": f"of retrievals alone: {words.SPLITS[words.AREA]}"},
    ]


def _heads() -> Rows:
    from urbanbench.scoring.heads import HEADS
    from urbanbench.scoring.retrieval.words import COSINE

    rows: Rows = [
        {"name": head.name, "title": head.title, "summary": head.summary} for head in HEADS.values()
    ]
    told = "of retrievals alone: nothing is fitted, candidates are ranked by the cosine of their vectors"
    return [*rows, {"name": COSINE, "title": "Cosine", "summary": told}]


def _probes() -> Rows:
    from urbanbench.scoring.probes.catalogue import PROBES

    return [{"name": probe.name, "summary": probe.summary} for probe in PROBES.values()]


def _inputs() -> Rows:
    from urbanbench.inputs import INPUTS, LAYER_OF

    return [{"name": name, "layer": LAYER_OF.get(name, ""), "summary": text} for name, text in INPUTS.items()]


def _metrics() -> Rows:
    from urbanbench.scoring.metrics import METRICS

    return [
        {"name": one.name, "title": one.title, "better": "higher" if one.higher_is_better else "lower"}
        for one in METRICS.values()
    ]


def _experiments() -> Rows:
    from urbanbench.cli.experiment_commands import experiment_rows

    return experiment_rows()


_LISTS: Mapping[str, Callable[[], Rows]] = {
    "models": _models,
    "tasks": _tasks,
    "cities": _cities,
    "protocols": _protocols,
    "splits": _splits,
    "heads": _heads,
    "probes": _probes,
    "inputs": _inputs,
    "metrics": _metrics,
    "experiments": _experiments,
}
_KINDS = {
    "model": "models",
    "task": "tasks",
    "city": "cities",
    "protocol": "protocols",
    "split": "splits",
    "head": "heads",
    "probe": "probes",
    "input": "inputs",
    "metric": "metrics",
}


def _described(word: str) -> dict[str, Any]:
    from urbanbench.registry import is_label, is_path

    if word.endswith(".json") and (is_path(word) or Path(word).is_file()):
        from urbanbench.cli.result_facts import result_facts

        return result_facts(Path(word))
    kind, sign, name = word.partition(":")
    if is_label(word):
        msg = f"{word!r} is a label, which a city tells of. Expected a city. Mend: {command('list', 'tasks', '--city', 'CITY')}"
        raise BadInput(msg)
    if not sign or kind not in _KINDS:
        kind, name = _kind_of(word), word
    if kind == "model":
        return _model_facts(name)
    if kind == "task":
        return _task_facts(name)
    if kind == "city":
        from urbanbench.city.drawing.show import describe_city
        from urbanbench.registry import open_city

        return {"kind": "city", **describe_city(open_city(name))}
    if kind == "protocol":
        return _protocol_facts(name)
    rows = {row["name"]: row for row in _LISTS[_KINDS[kind]]()}
    if name not in rows:
        raise UnknownName(kind, name, rows)
    return {"kind": kind, **rows[name]}


def _kind_of(word: str) -> str:
    from urbanbench.registry import VECTOR_FILES, city_names, city_path, has_scheme, is_path, names

    if has_scheme(word):
        return "model"
    if is_path(word) and word.endswith((".py", *VECTOR_FILES)):
        return "model"
    if city_path(word) is not None:
        return "city"
    known = {"model": names("model"), "task": names("task"), "city": city_names()}
    for kind, listed in known.items():
        if (
            word in listed
            or word.replace("_", "-") in listed
            or (kind == "city" and word.partition(":")[0] in listed)
        ):
            return kind
    others = {
        kind: [row["name"] for row in _LISTS[_KINDS[kind]]()]
        for kind in ("protocol", "split", "head", "probe", "input", "metric")
    }
    for kind, listed in others.items():
        if word in listed:
            return kind
    kind = "name"
    raise UnknownName(kind, word, {name for listed in (*known.values(), *others.values()) for name in listed})


def _protocol_facts(name: str) -> dict[str, Any]:
    from urbanbench.parity.contract import DEFAULT
    from urbanbench.parity.papers import get_paper

    if name == DEFAULT:
        return {"kind": "protocol", "name": name, "scores": _DEFAULT}
    paper = get_paper(name)
    return {
        "kind": "protocol",
        "name": name,
        "title": paper.title,
        "scores": [question.words for question in paper.questions],
        "spread": list(dict.fromkeys(question.spread for question in paper.questions)),
        "gives away": list(dict.fromkeys(leak for question in paper.questions for leak in question.leaks)),
        "differs": list(paper.differs),
        "sources": list(paper.sources),
        "next": command("run", "-m", "hgi", "-t", "popdensity", "--protocol", name),
    }


def _model_facts(word: str) -> dict[str, Any]:
    from urbanbench.registry import environment_of, face_of, file_of, plain_name, sound

    model = sound(face_of("model", word))
    presets = {name: model.from_settings(name).parameters() for name in model.presets}
    defaults = {} if presets else {"parameters": model.from_settings().parameters()}
    name = plain_name("model", word)
    return {
        "kind": "model",
        "name": name,
        **asdict(model.card),
        **defaults,
        "presets": presets,
        "file": str(file_of(model)),
        **({"environment": "of its own, for the packages it states"} if environment_of(model) else {}),
        "next": command("run", "-m", word, "-t", _task_for(model.card)),
    }


def _task_for(card: ModelCard) -> str:
    """Return a built-in task that the model can be asked: of a level that it embeds, or a retrieval that its towers reach."""
    from urbanbench.card import TaskCard
    from urbanbench.items import MODALITIES
    from urbanbench.registry import listing
    from urbanbench.units import LEVELS

    cards = {entry.name: entry.card for entry in listing("task") if isinstance(entry.card, TaskCard)}
    reached = [
        name
        for name, one in cards.items()
        if set(one.query) & set(card.embeds) and set(one.candidates) & set(card.embeds)
    ]
    of_items = set(MODALITIES) <= set(card.embeds) and not set(LEVELS) <= set(card.embeds)
    if reached and (of_items or not set(LEVELS) & set(card.embeds)):
        return reached[0]
    if "region" in card.embeds:
        return "popdensity"
    return next((name for name, one in cards.items() if one.level in card.embeds), "TASK")


def _task_facts(word: str) -> dict[str, Any]:
    from urbanbench.card import WITHHOLDABLE
    from urbanbench.registry import face_of, file_of, plain_name, sound

    task = sound(face_of("task", word))
    facts = asdict(task.card) | {"withholds": {name: WITHHOLDABLE[name] for name in task.card.withholds}}
    facts = {"target kind" if name == "kind" else name: value for name, value in facts.items()}
    name = plain_name("task", word)
    return {
        "kind": "task",
        "name": name,
        **facts,
        "protocol": task.protocol.to_dict(),
        "file": str(file_of(task)),
        **_look(word, task.card.kind),
    }


def _look(word: str, kind: str) -> dict[str, str]:
    """Name the command that shows what a retrieval asks."""
    from urbanbench.card import RETRIEVAL

    if kind != RETRIEVAL:
        return {}
    return {"next": command("data", "questions", "toyville:tiny", "-t", word, "-o", "sheet.png")}
