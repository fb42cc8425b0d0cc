"""``urbanbench results verify``: whether kept results hold."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from urbanbench.api.choosing import fits
from urbanbench.cli import completing, options
from urbanbench.cli.printing import note, print_json, say
from urbanbench.counted import counted
from urbanbench.errors import BadInput, DataMissing

if TYPE_CHECKING:
    from urbanbench.result import RunResult
    from urbanbench.verify.again import Elsewhere
    from urbanbench.verify.judge import Verdict
    from urbanbench.verify.recompute import Comparison

__all__ = ["verify"]

_SHOWN_FILES = 3
Words = list[str]


def verify(
    folder: Annotated[Path, typer.Argument(help="Results folder, or a file that `results compact` wrote.")],
    model: Annotated[
        Words,
        typer.Option(
            "--model",
            "-m",
            help="Only these models; a path also says where a plugin of that name lies.",
            autocompletion=completing.models,
        ),
    ] = [],  # noqa: B006 - typer reads the default, nothing changes it
    task: Annotated[
        Words,
        typer.Option(
            "--task", "-t", help="Only these tasks; names, globs or paths.", autocompletion=completing.tasks
        ),
    ] = [],  # noqa: B006 - same
    city: Annotated[
        Words,
        typer.Option(
            "--city", "-c", help="Only these cities; names, globs or paths.", autocompletion=completing.cities
        ),
    ] = [],  # noqa: B006 - same
    head: Annotated[
        Words, typer.Option("--head", help="Only these heads.", autocompletion=completing.heads)
    ] = [],  # noqa: B006 - same
    split: Annotated[
        Words, typer.Option("--split", help="Only these splits.", autocompletion=completing.splits)
    ] = [],  # noqa: B006 - same
    splits: Annotated[
        list[Path], typer.Option("--splits", help="File of splits that rows were scored on. Repeats.")
    ] = [],  # noqa: B006 - same
    row: Annotated[Words, typer.Option("--row", help="Only rows whose run id begins so. Repeats.")] = [],  # noqa: B006 - same
    again: Annotated[
        str,
        typer.Option(
            "--recompute", help="Compute so many rows again, or all, and compare: every model and head first."
        ),
    ] = "0",
    keep: Annotated[
        bool,
        typer.Option(
            "--keep-predictions", help="Put the predictions of rows that come out equal beside them."
        ),
    ] = False,
    scratch: Annotated[
        Path | None,
        typer.Option(
            "--scratch",
            help="Folder for new results and their cache, to go on later; a temporary one when left out.",
        ),
    ] = None,
    quarantine: Annotated[
        bool,
        typer.Option(
            "--quarantine",
            help="Move damaged files and strangers into the folder `damaged` of the results folder; the next run computes their rows again.",
        ),
    ] = False,
    device: options.Device = "cpu",
    report: Annotated[
        Path | None, typer.Option("--report", "-o", help="Write all that was found into this JSON file.")
    ] = None,
    as_json: options.Json = False,
) -> int:
    """Say which rows of results are old, damaged, foreign or strangers, and why; exit code 1 when there are old, damaged or strange ones.

    A row is old when a version, its parameters or the city's data are not those of today, and foreign when its plugins are not here.
    Scores are computed again from predictions. With --recompute, rows are computed again in a folder of their own and compared.
    """
    from urbanbench.verify.again import Elsewhere

    models, tasks, cities = ([word for word in words if _is_place(word)] for words in (model, task, city))
    elsewhere = Elsewhere.of(models, tasks, cities, splits, follows=folder.is_dir())
    asked = {
        "model": [*elsewhere.models, *(word.replace("_", "-") for word in model if not _is_place(word))],
        "task": [*elsewhere.tasks, *(word.replace("_", "-") for word in task if not _is_place(word))],
        "city": [*elsewhere.cities, *(word for word in city if not _is_place(word))],
        "head": head,
        "split": split,
    }
    wanted = _count(again)
    if folder.is_file() and (keep or quarantine):
        msg = f"--keep-predictions and --quarantine change a results folder, and {str(folder)!r} is a file. Expected a folder. Mend: urbanbench results expand {folder} -o FOLDER"
        raise BadInput(msg)
    compared: list[Comparison] = []
    with _as_folder(folder) as (place, faults):
        verdicts = [*_judged(place, elsewhere, asked, row, faulty=bool(faults)), *faults]
        if wanted != 0:
            results = [one.result for one in verdicts if one.result is not None]
            compared = _recomputed(
                results, wanted, elsewhere, scratch, options.read_device(device), keep=keep
            )
    found = _document(folder, verdicts, compared)
    if quarantine:
        found["set_aside"] = _quarantined(folder, verdicts)
    if report is not None:
        from urbanbench.atomic import write_text

        write_text(report, json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    if as_json:
        print_json(found)
    else:
        _print_verdicts(verdicts)
        _print_comparisons(compared)
    return _exit_code(verdicts, compared)


@contextmanager
def _as_folder(results: Path) -> Iterator[tuple[Path, list[Verdict]]]:
    """Give a results folder as it is, and a compacted file as a temporary one, with verdicts on what of it is no good."""
    if not results.is_file():
        yield results, []
        return
    from urbanbench.gathered.unpack import unpack
    from urbanbench.verify.judge import DAMAGED, Verdict

    with TemporaryDirectory(prefix="urbanbench-verify-") as folder:
        faults = unpack(results, Path(folder))
        yield Path(folder), [Verdict(path, DAMAGED, (why,)) for path, why in faults]


def _quarantined(folder: Path, verdicts: Sequence[Verdict]) -> list[str]:
    from urbanbench.verify.set_aside import FOLDER, set_aside

    moved = set_aside(folder, verdicts)
    note(
        f"{counted(len(moved), 'file')} moved to {folder / FOLDER}." if moved else "Nothing had to be moved."
    )
    return moved


def _is_place(word: str) -> bool:
    from urbanbench.registry import is_path

    return is_path(word)


def _count(text: str) -> int | None:
    """Read ``--recompute``: a number, or "all" as None."""
    if text == "all":
        return None
    if not text.isdecimal():
        msg = f"--recompute got {text!r}. Expected a number of rows, or all."
        raise BadInput(msg)
    return int(text)


def _judged(
    folder: Path,
    elsewhere: Elsewhere,
    asked: Mapping[str, Sequence[str]],
    rows: Sequence[str],
    *,
    faulty: bool,
) -> list[Verdict]:
    from urbanbench.run.workbench import Workbench
    from urbanbench.verify.judge import judge, strangers

    if not folder.is_dir():
        msg = f"No results folder {str(folder)!r}. Expected what `urbanbench run` or `results compact` wrote. Run something first, or check the path."
        raise DataMissing(msg)
    bench = Workbench(cache=None)
    files = sorted(folder.glob("*/*/*__*.json"))
    everything = not rows and not any(asked.values())
    files = [path for path in files if everything or _is_wanted(path, asked, rows)]
    if not files and not faulty:
        msg = f"No result in {str(folder)!r} fits. Expected files <city>/<task>/<model>__….json. Check the path and the names."
        raise DataMissing(msg)
    return [
        *(judge(path, folder, elsewhere, bench) for path in files),
        *(strangers(folder) if everything else ()),
    ]


def _is_wanted(path: Path, asked: Mapping[str, Sequence[str]], rows: Sequence[str]) -> bool:
    """Tell whether a file is asked for; one that cannot be read is, so that it is told."""
    from urbanbench.store import ResultStore

    try:
        result = ResultStore.read(path)
    except DataMissing:
        return True
    named = all(fits(str(getattr(result.cell, name)), words) for name, words in asked.items())
    return named and (not rows or result.run_id.startswith(tuple(rows)))


def _recomputed(
    results: Sequence[RunResult],
    wanted: int | None,
    elsewhere: Elsewhere,
    scratch: Path | None,
    device: str,
    *,
    keep: bool,
) -> list[Comparison]:
    from urbanbench.verify.recompute import keep_predictions, recompute, sample

    chosen = sample(results, wanted)
    with ExitStack() as stack:
        folder = scratch or Path(stack.enter_context(TemporaryDirectory(prefix="urbanbench-verify-")))
        done = 0

        def tell(one: Comparison) -> None:
            nonlocal done
            done += 1
            kept = ", predictions kept" if keep and keep_predictions(one, folder) else ""
            more = f": {one.reason}" if one.reason else f" (gap {one.gap:.2g})" if one.gap else ""
            note(f"[{done}/{len(chosen)}] {one.kept.cell}: {one.outcome}{more}{kept}")

        return recompute(chosen, folder, elsewhere, device=device, tell=tell)


def _document(folder: Path, verdicts: Sequence[Verdict], compared: Sequence[Comparison]) -> dict[str, Any]:
    return {
        "folder": str(folder),
        "counts": dict(Counter(one.state for one in verdicts)),
        "foreign": sum(one.foreign for one in verdicts),
        "rows": [one.to_dict() for one in verdicts if one.state != "holds" or one.unchecked],
        "recomputed": dict(Counter(one.outcome for one in compared)),
        "comparisons": [one.to_dict() for one in compared],
    }


def _print_verdicts(verdicts: Sequence[Verdict]) -> None:
    counts = Counter(one.state for one in verdicts)
    for state in ("old", "damaged", "stranger", "other encoders"):
        for reason, files in _by_reason([one for one in verdicts if one.state == state]).items():
            say(f"{state}, {len(files)} of {len(verdicts)}: {reason}\n    {_some(files)}")
    if foreign := [one.file for one in verdicts if one.foreign]:
        say(
            f"foreign, {len(foreign)} of {len(verdicts)}: made by plugins that are not here; name their files with -m and -t\n    {_some(foreign)}"
        )
    for reason, count in Counter(reason for one in verdicts for reason in one.unchecked).items():
        say(f"not told for {count}: {reason}")
    say(
        f"{counted(len(verdicts), 'file')}: "
        + ", ".join(f"{count} {state}" for state, count in counts.items())
    )


def _some(files: Sequence[str]) -> str:
    return ", ".join(files[:_SHOWN_FILES]) + (", …" if len(files) > _SHOWN_FILES else "")


def _by_reason(verdicts: Sequence[Verdict]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in verdicts:
        found.setdefault("; ".join(one.reasons), []).append(one.file)
    return dict(sorted(found.items(), key=lambda pair: -len(pair[1])))


def _print_comparisons(compared: Sequence[Comparison]) -> None:
    from urbanbench.verify.recompute import EQUAL

    if not compared:
        return
    say(
        f"{len(compared)} computed again: "
        + ", ".join(f"{count} {word}" for word, count in Counter(one.outcome for one in compared).items())
    )
    for one in compared:
        if one.outcome not in EQUAL:
            told = one.to_dict()
            numbers = (
                f"{told['metric']} {told['kept_mean']:.4g} kept, {told['new_mean']:.4g} new"
                if one.again and one.again.scores
                else one.reason
            )
            say(f"    {one.kept.run_id[:10]} {one.kept.cell}: {one.outcome}, {numbers}")


def _exit_code(verdicts: Sequence[Verdict], compared: Sequence[Comparison]) -> int:
    from urbanbench.verify.judge import BAD
    from urbanbench.verify.recompute import EQUAL

    wrong = any(one.state in BAD for one in verdicts) or any(one.outcome not in EQUAL for one in compared)
    return 1 if wrong else 0
