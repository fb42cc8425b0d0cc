"""Options that several commands share, and how their words are read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from urbanbench.apart import Keeping, Limits
from urbanbench.cli import completing
from urbanbench.cli.beside import given_options
from urbanbench.errors import BadInput

if TYPE_CHECKING:
    from urbanbench.run.plan import Plan

__all__ = [
    "Adds",
    "Cities",
    "City",
    "Device",
    "Heads",
    "Isolate",
    "Json",
    "MemoryLimit",
    "ModelSeed",
    "ModelSeeds",
    "OneModelSeed",
    "Preset",
    "Probes",
    "Protocols",
    "Seeds",
    "Settings",
    "Shots",
    "Splits",
    "SplitsFile",
    "Tasks",
    "TimeLimit",
    "TrainCity",
    "as_path",
    "megabytes",
    "read_device",
    "read_keeping",
    "read_model_seeds",
    "read_probes",
    "read_protocols",
    "read_seeds",
    "read_settings",
    "read_splits",
    "with_split_file",
]

City = Annotated[
    str,
    typer.Option(
        "--city",
        "-c",
        help="City: a name (see `urbanbench list cities`; folders below URBANBENCH_DATA go by theirs), name:size, or a path to a city folder.",
        autocompletion=completing.cities,
    ),
]
Cities = Annotated[
    list[str],
    typer.Option(
        "--city",
        "-c",
        help="City: a name (see `urbanbench list cities`; folders below URBANBENCH_DATA go by theirs), name:size, or a path. Repeats; takes "
        "lists and globs.",
        autocompletion=completing.cities,
    ),
]
Tasks = Annotated[
    list[str],
    typer.Option(
        "--task",
        "-t",
        help="Task: a name, a path, or a label of the city such as label:income. Repeats; takes lists and globs.",
        autocompletion=completing.tasks,
    ),
]
TrainCity = Annotated[
    str,
    typer.Option(
        "--train-city",
        help="City in which models learn, and floors choose their words, before they represent --city; as --city. Heads are fitted in --city, unless --shots or --split city-out.",
        show_default=False,
        autocompletion=completing.cities,
    ),
]
LearnCity = Annotated[
    str,
    typer.Option(
        "--train-city",
        help="City in which the model learns, or the floor chooses its words, before it represents --city; as --city.",
        show_default=False,
    ),
]
Rules = Annotated[
    list[str],
    typer.Option(
        "--rule",
        metavar="LABEL=HOW",
        help="How a label is carried, where its unit does not say it: sum, area, n, majority or leave. Repeats.",
    ),
]
Shots = Annotated[
    str,
    typer.Option(
        "--shots",
        help="With --train-city: heads are fitted on all labels of the train city and on so many units of --city (0, 10 or a list), drawn anew by each seed. In place of --split.",
        show_default=False,
    ),
]
Splits = Annotated[
    list[str],
    typer.Option(
        "--split",
        help="How test units are chosen: a rung, or `ladder` for all that the city and task allow; see `urbanbench list splits`. Repeats; takes lists and globs.",
        autocompletion=completing.splits,
    ),
]
Heads = Annotated[
    list[str],
    typer.Option(
        "--head",
        help="What predicts from the vectors; see `urbanbench list heads`.",
        autocompletion=completing.heads,
    ),
]
Protocols = Annotated[
    list[str],
    typer.Option(
        "--protocol",
        help="default, or a paper's own such as paper:hgi (its split, head and repeats; rows of their own). Repeats; takes lists and "
        "globs; see `urbanbench list protocols`.",
        autocompletion=completing.protocols,
    ),
]
Seeds = Annotated[
    str, typer.Option("--seeds", help="Number of split seeds (10 means 0 to 9), or a list such as 0,3,7.")
]
ModelSeed = Annotated[int, typer.Option("--model-seed", min=0, help="Seed of the models' own training.")]
OneModelSeed = Annotated[
    int | None,
    typer.Option("--model-seed", min=0, help="Seed of the models' own training.", show_default=False),
]
ModelSeeds = Annotated[
    str,
    typer.Option(
        "--model-seeds",
        help="Several trainings of every model that trains: a number (3 means 0 to 2), or a list such as 0,1,2. Tables show them as one line.",
        show_default=False,
    ),
]
Adds = Annotated[
    bool,
    typer.Option(
        "--adds",
        help="Also score every learned model together with the best floor: what it adds to counting.",
    ),
]
Probes = Annotated[
    list[str],
    typer.Option(
        "--probe",
        help="Also ask every model's vectors a probe: position, placeless, neighbours, shares, pca, projection, or all; see `urbanbench list probes`. "
        "Repeats; takes lists.",
        show_default=False,
        autocompletion=completing.probes,
    ),
]
Preset = Annotated[
    str,
    typer.Option(
        "--preset",
        help="Preset of the model's parameters; `small` where the model has it.",
        autocompletion=completing.presets,
    ),
]
Settings = Annotated[
    list[str], typer.Option("--set", metavar="NAME=VALUE", help="Change one parameter. Repeats.")
]
Device = Annotated[
    str, typer.Option("--device", help="auto, cpu or cuda.", autocompletion=completing.devices)
]
Json = Annotated[bool, typer.Option("--json", help="Write JSON for machines.")]
Isolate = Annotated[
    bool | None,
    typer.Option(
        "--isolate/--no-isolate",
        help="Run cells in a process of their own; plugins from a file or another package do without being asked.",
        show_default=False,
    ),
]
TimeLimit = Annotated[
    float | None,
    typer.Option("--time-limit", metavar="SECONDS", help="Most seconds for one cell; isolates all cells."),
]
MemoryLimit = Annotated[
    str,
    typer.Option(
        "--memory-limit", metavar="MB", help="Most memory for one cell, 4000 (MB) or 4GB; isolates all cells."
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out", help="Results folder; runs/ when left out, which git does not track.", show_default=False
    ),
]


def as_path(folder: Path) -> str:
    """Write a folder so that it is taken for one, not for a city's name.

    Examples
    --------
    >>> as_path(Path("singapore")), as_path(Path("a/b"))
    ('./singapore', 'a/b')
    """
    return str(folder) if folder.is_absolute() or len(folder.parts) > 1 else f"./{folder}"


def read_seeds(text: str, option: str = "--seeds") -> tuple[int, ...]:
    """Read ``"10"`` as 0 to 9 and ``"0,3,7"`` as these; the option is named in messages.

    Raises
    ------
    BadInput
        Not whole numbers >= 0, none, or one twice.

    Examples
    --------
    >>> read_seeds("3"), read_seeds("4,1"), read_seeds("5,")
    ((0, 1, 2), (4, 1), (5,))
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or not all(part.isdecimal() for part in parts) or (parts == ["0"] and "," not in text):
        msg = f"{option} got {text!r}. Expected a number of seeds such as 10, or a list such as 0,3,7."
        raise BadInput(msg)
    numbers = tuple(int(part) for part in parts)
    if len(set(numbers)) != len(numbers):
        msg = f"{option} got {text!r}, with a seed twice. Expected each seed once."
        raise BadInput(msg)
    return numbers if "," in text else tuple(range(numbers[0]))


def read_model_seeds(one: int | None, several: str) -> tuple[int, ...]:
    """Read ``--model-seeds``, or without it the one of ``--model-seed``, which is 0 where neither is given.

    Raises
    ------
    BadInput
        Both are given, or no seeds.

    Examples
    --------
    >>> read_model_seeds(None, ""), read_model_seeds(2, ""), read_model_seeds(None, "3")
    ((0,), (2,), (0, 1, 2))
    """
    if one is not None and several:
        msg = f"--model-seed {one} and --model-seeds {several} are given. Expected one of them. Mend: put the seed into the list of --model-seeds."
        raise BadInput(msg)
    return read_seeds(several, "--model-seeds") if several else (one or 0,)


SplitsFile = Annotated[
    Path | None,
    typer.Option(
        "--splits",
        help="A file of fixed splits, as `urbanbench splits export` writes it; it has its own seeds.",
    ),
]

_SPLITTING = {"split": "--split", "seeds": "--seeds", "block_size": "--block-size", "shots": "--shots"}
"""What a file of splits settles."""


def with_split_file(asked: Plan, file: Path | None, context: typer.Context) -> Plan:
    """Return a plan whose cells are scored on the splits of a file; the plan itself where there is none.

    Raises
    ------
    DataMissing
        No such file.
    BadInput
        A file of something else, or a split, seeds or block size beside it.
    """
    from dataclasses import replace

    from urbanbench.scoring.split import PREFIX
    from urbanbench.scoring.split_file import SplitFile

    if file is None:
        return asked
    if given := given_options(context, _SPLITTING):
        msg = f"{' and '.join(given)} given with --splits {file}. Expected none: the file has its own split and seeds."
        raise BadInput(msg)
    found = SplitFile.read(file)
    return replace(asked, splits=[f"{PREFIX}{file.absolute()}"], seeds=found.seeds)


def read_splits(words: Iterable[str], shots: str, context: typer.Context) -> list[str]:
    """Expand names of splits; numbers of shots take their place.

    Raises
    ------
    UnknownName
        No such split.
    BadInput
        Shots that are no whole numbers, or beside a split.
    """
    from urbanbench.registry import expand_splits
    from urbanbench.scoring.splits.city_out import city_out_word

    if not shots:
        return expand_splits(words)
    if given_options(context, {"split": "--split"}):
        msg = f"--split and --shots {shots} are given. Expected one of them: shots are what is fitted on beside the train city."
        raise BadInput(msg)
    numbers = [part.strip() for part in shots.split(",") if part.strip()]
    if not numbers or not all(part.isdecimal() for part in numbers):
        msg = f"--shots got {shots!r}. Expected a number of units or a list, for example --shots 0,10,50."
        raise BadInput(msg)
    return list(dict.fromkeys(city_out_word(int(part)) for part in numbers))


_DEFAULT_ONLY = {
    "split": "--split",
    "head": "--head",
    "seeds": "--seeds",
    "block_size": "--block-size",
    "splits": "--splits",
    "adds": "--adds",
    "shots": "--shots",
    "train_city": "--train-city",
    "probe": "--probe",
}
"""Parameters that only the default protocol leaves open, and their options."""


def read_protocols(words: Iterable[str], context: typer.Context) -> list[str]:
    """Expand names of protocols; options for the default protocol may stand beside papers' protocols only if it is asked for too.

    Raises
    ------
    UnknownName
        No such protocol.
    BadInput
        A split, head, seeds, block size, fusion or probe is asked for beside papers' protocols alone.
    """
    from urbanbench.parity.contract import DEFAULT
    from urbanbench.parity.papers import PAPERS
    from urbanbench.registry import expand_words

    asked = expand_words("protocol", words, [DEFAULT, *PAPERS])
    given = given_options(context, _DEFAULT_ONLY) if DEFAULT not in asked else []
    if given:
        msg = (
            f"{' and '.join(given)} given with --protocol {','.join(asked)}. Expected none: a paper's protocol has its own split, head and "
            f"repeats. Leave it out, or add `default` to --protocol: it then holds for the default rows."
        )
        raise BadInput(msg)
    return asked


def read_probes(words: Iterable[str]) -> list[str]:
    """Expand names of probes, each once.

    Raises
    ------
    UnknownName
        No such probe.
    """
    from urbanbench.registry import expand_words
    from urbanbench.scoring.probes.catalogue import PROBES

    return list(dict.fromkeys(expand_words("probe", words, list(PROBES))))


def read_settings(words: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Read ``name=value`` words, sorted by name; the last of equal names counts.

    Raises
    ------
    BadInput
        A word without ``=``.
    """
    settings: dict[str, str] = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not sign or not name.strip():
            msg = f"--set got {word!r}. Expected NAME=VALUE, for example --set dim=128."
            raise BadInput(msg)
        settings[name.strip().replace("-", "_")] = value.strip()
    return tuple(sorted(settings.items()))


_MEMORY = re.compile(r"(\d+(?:\.\d+)?)\s*(MB|GB)?", re.IGNORECASE)


def read_keeping(isolate: bool | None, time_limit: float | None, memory_limit: str) -> Keeping:
    """Read what runs in a process of its own, and what it may take there.

    Raises
    ------
    BadInput
        A limit that is none, or one beside ``--no-isolate``.

    Examples
    --------
    >>> read_keeping(None, None, "1.5GB").limits.memory_mb
    1500.0
    >>> read_keeping(None, None, ""), read_keeping(False, None, "").foreign
    (Keeping(foreign=True, all_cells=False, limits=Limits(seconds=None, memory_mb=None), own=True), False)
    """
    most_mb = megabytes(memory_limit, "--memory-limit")
    limited = time_limit is not None or most_mb is not None
    if isolate is False and limited:
        msg = "A limit is given with --no-isolate. Expected one or the other: only a process of its own can be ended. Leave --no-isolate out."
        raise BadInput(msg)
    return Keeping(
        foreign=isolate is not False,
        all_cells=bool(isolate) or limited,
        limits=Limits(time_limit, most_mb),
        own=isolate is not False,
    )


def megabytes(text: str, option: str) -> float | None:
    """Read an amount of memory in 10^6 bytes; None where nothing is said. The option is named in messages.

    Raises
    ------
    BadInput
        Another form.

    Examples
    --------
    >>> megabytes("1.5GB", "--memory-limit"), megabytes("200", "--memory-limit"), megabytes("", "--memory-limit")
    (1500.0, 200.0, None)
    """
    if not text.strip():
        return None
    found = _MEMORY.fullmatch(text.strip())
    if found is None:
        msg = (
            f"{option} got {text!r}. Expected megabytes, or a number with MB or GB. For example {option} 4GB."
        )
        raise BadInput(msg)
    return float(found[1]) * (1000 if (found[2] or "MB").upper() == "GB" else 1)


def read_device(word: str) -> str:
    """Return "cpu" or "cuda"; ``auto`` takes the GPU when torch sees one.

    Raises
    ------
    BadInput
        Another word, or "cuda" without a GPU.
    """
    from urbanbench.run.devices import chosen_device

    return chosen_device(word, "--device")
