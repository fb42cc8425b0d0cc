"""``urbanbench check``: does a plugin keep its contract?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from urbanbench.apart import plugins_apart
from urbanbench.cli import completing, options
from urbanbench.cli.printing import note, print_json, say
from urbanbench.errors import BadInput
from urbanbench.spare_cache import usable_cache

__all__ = ["check"]


@usable_cache()
def check(
    model: Annotated[
        str,
        typer.Argument(
            help="A model, task or city: a name, a path to its file, or a city folder.",
            metavar="PLUGIN",
            autocompletion=completing.models,
        ),
    ],
    city: options.City = "toyville:tiny",
    level: Annotated[
        str, typer.Option("--level", help="region, building, …; all the model has when left out.")
    ] = "",
    preset: options.Preset = "",
    settings: options.Settings = [],  # noqa: B006 - typer reads the default, nothing changes it
    device: options.Device = "cpu",
    isolate: options.Isolate = None,
    time_limit: options.TimeLimit = None,
    memory_limit: options.MemoryLimit = "",
    as_json: options.Json = False,
) -> int:
    """Check that a model, a task or a city keeps its contract: of a model rows, seeds, declared inputs, no hidden place, ids of their rows.

    A model is run up to six times per level on a small city. Results of a model from elsewhere say whether its code has passed.
    """
    from urbanbench.run.checking import check_word
    from urbanbench.run.checking_others import check_city_word, check_task_word, kind_of

    held: list[tuple[str, str]] = []

    def tell(at: str, rule: str) -> None:
        held.append((at, rule))
        if not as_json:
            say(f"holds   {f'{at}: ' if at else ''}{rule}")

    with plugins_apart(options.read_keeping(isolate, time_limit, memory_limit)):
        kind = kind_of(model)
        _refuse_unread(model, kind, {"--level": level, "--preset": preset, "--set": settings})
        if kind == "task":
            problem = check_task_word(model, city, tell)
        elif kind == "city":
            problem = check_city_word(model, tell)
        else:
            problem = check_word(
                model,
                city,
                tell,
                level=level,
                preset=preset,
                settings=dict(options.read_settings(settings)),
                device=options.read_device(device),
            )
    if as_json:
        rules = [{"level": at, "rule": rule} for at, rule in held]
        print_json({"model": model, "city": city, "passed": not problem, "held": rules, "problem": problem})
    elif problem:
        say(f"broken  {problem}")
    where = "" if kind == "city" else f" on {city}"
    note(f"{model} {'breaks its contract' if problem else 'keeps its contract'}{where}.")
    return 1 if problem else 0


def _refuse_unread(plugin: str, kind: str, given: Mapping[str, str | list[str]]) -> None:
    """Refuse what says something of models only where no model is checked."""
    said = [name for name, words in given.items() if words]
    if kind != "model" and said:
        msg = f"check got {' and '.join(said)} for {plugin!r}, which is a {kind}. Expected that of models alone. Mend: leave it out."
        raise BadInput(msg)
