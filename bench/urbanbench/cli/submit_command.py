"""``urbanbench submit``: results handed in as one file, and such a file looked into."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from urbanbench.cli import options
from urbanbench.cli.printing import command, note, print_json, print_table, say
from urbanbench.counted import counted
from urbanbench.errors import BadInput

if TYPE_CHECKING:
    from urbanbench.submit.opened import Opened
    from urbanbench.verify.again import Elsewhere

__all__ = ["submit"]

Words = list[str]


def submit(
    results: Annotated[
        Path | None,
        typer.Argument(
            help="Results to hand in: a folder such as runs, or a file that `results compact` wrote.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="The new file, .zip.")] = Path("submission.zip"),
    check: Annotated[
        Path | None,
        typer.Option(
            "--check",
            metavar="FILE",
            help="Look into such a file instead, without trusting it.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        Words,
        typer.Option(
            "--model",
            "-m",
            help="Path of a plugin that made rows; it is packed too, and with --check run. Repeats.",
        ),
    ] = [],  # noqa: B006 - typer reads the default, nothing changes it
    task: Annotated[Words, typer.Option("--task", "-t", help="The same of a task.")] = [],  # noqa: B006 - same
    city: Annotated[
        Words, typer.Option("--city", "-c", help="Path of a city of rows; it is not packed. Repeats.")
    ] = [],  # noqa: B006 - same
    splits: Annotated[
        list[Path], typer.Option("--splits", help="File of splits that rows were scored on. Repeats.")
    ] = [],  # noqa: B006 - same
    as_json: options.Json = False,
) -> int:
    """Pack a results folder to hand it in, after every row was judged: scores from predictions, versions, data, what it was made with.

    With --check, what a maintainer does with such a file: it is unpacked into a temporary folder and judged; nothing that came with it is run.
    Plugins, cities and splits that rows need and that are on this machine are named as for packing.
    """
    if (results is None) == (check is None):
        msg = "submit got neither a results folder nor --check, or both. Expected one: urbanbench submit runs -o mine.zip, or urbanbench submit --check mine.zip"
        raise BadInput(msg)
    from urbanbench.verify.again import Elsewhere

    elsewhere = Elsewhere.of(model, task, city, splits, follows=results is not None and results.is_dir())
    if check is not None:
        return _check(check, elsewhere, as_json=as_json)
    return _pack(Path(results or ""), out, elsewhere, as_json=as_json)


def _pack(results: Path, out: Path, elsewhere: Elsewhere, *, as_json: bool) -> int:
    from urbanbench.gathered.compact import expand
    from urbanbench.submit.pack import submit as pack

    with ExitStack() as stack:
        folder = results
        if results.is_file():
            folder = (
                Path(stack.enter_context(TemporaryDirectory(prefix="urbanbench-submission-"))) / "results"
            )
            expand(results, folder)
        made = pack(folder, out, elsewhere)
    if as_json:
        facts = {"file": str(made.file), "sha256": made.sha256, "rows": list(made.listing.rows)}
        print_json({**facts, "files": len(made.listing.files), "notes": list(made.notes)})
        return 0
    say(made.file)
    note(
        f"{counted(len(made.listing.rows), 'row')} in {counted(len(made.listing.files), 'file')}, sha256 {made.sha256}"
    )
    for line in made.notes:
        note(line)
    note(f"Next: {command('submit', '--check', made.file)}")
    return 0


def _check(file: Path, elsewhere: Elsewhere, *, as_json: bool) -> int:
    from urbanbench.submit.opened import open_submission

    with ExitStack() as stack:
        scratch = Path(stack.enter_context(TemporaryDirectory(prefix="urbanbench-submission-")))
        opened = open_submission(file, scratch / "opened", elsewhere)
        if as_json:
            rows = [one.to_dict() for one in opened.verdicts]
            print_json(
                {"file": str(file), "rows": rows, "plugins": opened.plugins, "faults": list(opened.faults)}
            )
        else:
            _say(opened)
    return 1 if opened.faults else 0


def _say(opened: Opened) -> None:
    from urbanbench.submit.rules import brief, row_facts

    rows = [(row_facts(one), one) for one in opened.verdicts if one.result is not None]
    lines = [
        (
            told["cell"],
            told["metric"],
            "" if told["mean"] is None else f"{told['mean']:.4f}",
            one.state,
            "; ".join(map(brief, one.unchecked)),
        )
        for told, one in rows
    ]
    if lines:
        print_table(lines, ("row", "metric", "mean", "state", "not told here"))
    for fault in opened.faults:
        say(f"fault   {fault}")
    for plugin in opened.plugins:
        note(f"Came along, to be read before it is run: {plugin}")
    note(f"{counted(len(rows), 'row')}, {counted(len(opened.faults), 'fault')}.")
