"""The command line application: its commands, and what happens to errors."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from urbanbench import __version__
from urbanbench.cli import (
    board_command,
    cache_commands,
    data_commands,
    doctor,
    experiment_commands,
    list_commands,
    residual_command,
    result_commands,
    run_command,
    vector_commands,
)
from urbanbench.cli.printing import note, say
from urbanbench.errors import UrbanbenchError

__all__ = ["app", "main"]

INTERRUPTED = 130

app = typer.Typer(
    name="urbanbench",
    help="Compare urban representation models behind one embed interface.",
    epilog="First run: urbanbench run --model urbanmfm --task popdensity",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run_command.run)
app.command("list")(list_commands.list_names)
app.command("describe")(list_commands.describe)
app.command("embed")(vector_commands.embed)
app.command("score")(vector_commands.score)
app.command("leaderboard")(board_command.leaderboard)
app.command("residuals")(residual_command.residuals)
app.command("doctor")(doctor.doctor)
app.add_typer(data_commands.app, name="data")
app.add_typer(cache_commands.app, name="cache")
app.add_typer(result_commands.app, name="results")
app.add_typer(experiment_commands.app, name="experiment")


def _print_version(asked: bool) -> None:
    if asked:
        say(f"urbanbench {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks; may stand anywhere.")] = False,
) -> None:
    del version, debug


def main(words: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code: 0 ok, 1 some cells failed, 2 usage, 3 data missing or corrupt, 4 missing extra.

    Parameters
    ----------
    words
        Arguments without the program's name; those of this process when left out.
    """
    # Threads that wait for one another must sleep: spinning ones take 2.6 times as long beside two other busy processes. Numeric
    # libraries read this when they load, which is later.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    arguments = list(sys.argv[1:] if words is None else words)
    debug = "--debug" in arguments or bool(os.environ.get("URBANBENCH_DEBUG"))
    arguments = [word for word in arguments if word != "--debug"]
    try:
        code = app(arguments, prog_name="urbanbench", standalone_mode=False)
    except typer.Abort:
        note("Stopped. Finished cells are kept; the same command goes on from there.")
        return INTERRUPTED
    except UrbanbenchError as error:
        if debug:
            raise
        note(f"Error: {error}")
        return error.exit_code
    except Exception as error:
        show = getattr(error, "show", None)  # usage errors of the option parser know how to show themselves
        if show is None or debug:
            raise
        show()
        return int(getattr(error, "exit_code", 2))
    return code if isinstance(code, int) else 0
