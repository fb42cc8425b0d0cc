"""``urbanbench report``: results as one page to look at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from urbanbench.api.choosing import chosen_results
from urbanbench.cli.beside import check_alone, check_needed
from urbanbench.cli.board_command import ByUnits, Words
from urbanbench.cli.printing import note
from urbanbench.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["report"]

PAGE = "index.html"


def report(
    context: typer.Context,
    results: Annotated[
        Path | None,
        typer.Argument(
            help="Results folder; when left out, the reference rows of results/ and your own runs of runs/, marked.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", help=f"Folder that gets {PAGE}, or a file that ends in .html.")
    ] = Path("report"),
    model: Annotated[
        Words, typer.Option("--model", "-m", help="Only these models. Repeats; takes lists and globs.")
    ] = [],  # noqa: B006 - typer reads the default, nothing changes it
    city: Annotated[Words, typer.Option("--city", "-c", help="Only these cities.")] = [],  # noqa: B006 - same
    task: Annotated[Words, typer.Option("--task", "-t", help="Only these tasks.")] = [],  # noqa: B006 - same
    split: Annotated[Words, typer.Option("--split", help="Only these splits.")] = [],  # noqa: B006 - same
    protocol: Annotated[
        Words, typer.Option("--protocol", help="Only these protocols: default, paper:hgi, paper:*.")
    ] = [],  # noqa: B006 - same
    title: Annotated[str, typer.Option(help="Heading of the page.")] = "",
    maps: Annotated[
        bool, typer.Option("--maps/--no-maps", help="Draw the cities that are on this machine.")
    ] = True,
    published: Annotated[
        bool,
        typer.Option("--published/--no-published", help="Show the numbers of papers beside ours."),
    ] = True,
    by_units: ByUnits = False,
    serve: Annotated[
        bool,
        typer.Option("--serve", help="Show the page at 127.0.0.1 instead, and anew when results change."),
    ] = False,
    port: Annotated[int, typer.Option(help="Port of --serve; 0 takes any that is free.")] = 8000,
) -> None:
    """Write results as one page with filters, plots and maps, in which every number leads to its run."""
    from urbanbench.report.library import MEND, library

    check_needed(context, {"port": "--port"}, "--serve", serve)
    check_alone(context, {"out": "--out"}, "--serve", serve)

    def page(state: str = "") -> str:
        from urbanbench.api.comparing import places_of
        from urbanbench.judging.ground import Ground
        from urbanbench.report import make_report

        kept = chosen_results(results, model=model, city=city, task=task, split=split, protocol=protocol)
        ground = Ground(places_of) if by_units else None
        return make_report(
            kept, title=title, published=published, maps=maps, ground=ground, tell=note, state=state
        )

    if not library():
        note(f"Note: the page has no plots and maps, for the plotting library is not installed. Mend: {MEND}")
    if serve:
        _serve(page, results, port)
        return
    file = out if out.suffix.lower() in {".html", ".htm"} else out / PAGE
    if file.is_dir():
        msg = f"--out got {str(out)!r}, where {str(file)!r} is a folder. Expected a file or nothing there. Mend: name another with --out."
        raise BadInput(msg)
    from urbanbench.atomic import write_text

    write_text(file, page())
    note(f"Report: {file} ({file.stat().st_size / 1e6:.1f} MB). Open it in a browser.")


def _serve(page: Callable[[str], str], results: Path | None, port: int) -> None:
    """Serve the page until Ctrl-C."""
    from urbanbench.report.live import HOST, LivePage, server_of, state_of
    from urbanbench.result_folders import RUNS, reference_folder

    reference = reference_folder()
    folders = [results] if results is not None else [RUNS, *([reference] if reference else [])]
    server = server_of(LivePage(page, lambda: state_of(folders), note), port)
    note(f"Report: http://{HOST}:{server.server_port}/ (Ctrl-C ends it)")
    try:
        server.serve_forever()
    finally:
        server.server_close()
