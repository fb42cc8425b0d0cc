"""``urbanbench results``: what kept results say, whether they hold, and gathering them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from urbanbench.cli import options
from urbanbench.cli.gather_commands import compact, expand, merge
from urbanbench.cli.printing import print_json
from urbanbench.cli.result_facts import result_facts
from urbanbench.cli.summaries import print_described
from urbanbench.cli.verify_command import verify

__all__ = ["app"]

app = typer.Typer(
    help="Look after kept results: show them, say which are old or damaged, compute some again, and gather them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


app.command("verify")(verify)
app.command("merge")(merge)
app.command("compact")(compact)
app.command("expand")(expand)


@app.callback()
def _root() -> None:
    """Keep the commands apart."""


@app.command("show")
def show(
    files: Annotated[list[Path], typer.Argument(help="Result files.")],
    as_json: options.Json = False,
) -> None:
    """Show what results say: scores, and stage by stage how long their model trained and whether it had converged."""
    told = [result_facts(path) for path in files]
    if as_json:
        print_json(told)
    else:
        for one in told:
            print_described(one)
