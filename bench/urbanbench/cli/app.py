"""The command line application: its commands, and what happens to errors."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

import typer

from urbanbench import __version__
from urbanbench.apart import plugins_apart
from urbanbench.cli import (
    audit_command,
    board_command,
    cache_commands,
    check_command,
    cite_command,
    compare_command,
    cost_command,
    data_commands,
    doctor,
    experiment_commands,
    list_commands,
    plot_command,
    report_command,
    residual_command,
    result_commands,
    run_command,
    splits_command,
    start_command,
    submit_command,
    vector_commands,
)
from urbanbench.cli.outcome import Stopped
from urbanbench.cli.printing import finish, note, run_with, say, tracebacks
from urbanbench.cli.signs import make_streams_safe
from urbanbench.errors import CannotWrite, TrainedApart, UrbanbenchError
from urbanbench.terminal import widened

__all__ = ["app", "main"]

INTERRUPTED = 130
_FIRST_SPEAKS_S = 5.0
"""Seconds that a process of several leaves to the first one, which meets the same error."""

app = typer.Typer(
    name="urbanbench",
    help="Compare urban representation models behind one embed interface.",
    epilog="First run: urbanbench run --model urbanmfm --task popdensity --preset quick. Environment: URBANBENCH_DATA names folders that hold city folders "
    "(several with the system's path separator), which then go by name; URBANBENCH_CACHE is where vectors and built cities are kept.",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run_command.run)
app.command("list")(list_commands.list_names)
app.command("describe")(list_commands.describe)
app.command("check")(check_command.check)
app.command("embed")(vector_commands.embed)
app.command("score")(vector_commands.score)
app.command("leaderboard")(board_command.leaderboard)
app.command("report")(report_command.report)
app.command("compare")(compare_command.compare)
app.command("cost")(cost_command.cost)
app.command("plot")(plot_command.plot)
app.command("cite")(cite_command.cite)
app.command("audit")(audit_command.audit)
app.command("residuals")(residual_command.residuals)
app.command("new")(start_command.new)
app.command("submit")(submit_command.submit)
app.command("doctor")(doctor.doctor)
app.add_typer(data_commands.app, name="data")
app.add_typer(splits_command.app, name="splits")
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
    wide: Annotated[
        bool,
        typer.Option("--wide", help="Show tables with all columns, as wide as they are; may stand anywhere."),
    ] = False,
) -> None:
    del version, debug, wide


def main(words: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code.

    0 ok; 1 some cells failed; 2 usage; 3 data missing, corrupt or not to be written; 4 an extra is missing or a plugin does not load;
    130 stopped.

    Parameters
    ----------
    words
        Arguments without the program's name; those of this process when left out.
    """
    # Threads that wait for one another must sleep: spinning ones take 2.6 times as long beside two other busy processes. Numeric
    # libraries read this when they load, which is later.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    make_streams_safe()
    arguments = list(sys.argv[1:] if words is None else words)
    debug = "--debug" in arguments or bool(os.environ.get("URBANBENCH_DEBUG"))
    wide = "--wide" in arguments
    full, arguments = arguments, [word for word in arguments if word not in {"--debug", "--wide"}]
    try:
        with run_with(full), tracebacks(debug), widened(wide), plugins_apart(), _stopped_by_sigterm():
            code = app(arguments, prog_name="urbanbench", standalone_mode=False)
            code = finish() or code
    except Stopped:
        return INTERRUPTED
    except SystemExit as ended:  # completion ends so
        return ended.code if isinstance(ended.code, int) else 0
    except (typer.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except UrbanbenchError as error:
        if debug:
            raise
        _let_first_speak(error)
        note(f"Error: {error}")
        return error.exit_code
    except OSError as error:
        if debug:
            raise
        note(f"Error: {_system_words(error)}")
        return CannotWrite.exit_code
    except Exception as error:
        show = getattr(error, "show", None)  # usage errors of the option parser know how to show themselves
        if show is None or debug:
            raise
        show()
        return int(getattr(error, "exit_code", 2))
    if code == INTERRUPTED and not _follows():
        note("Stopped. What is finished is kept; the same command goes on from there.")
    return code if isinstance(code, int) else 0


@contextmanager
def _stopped_by_sigterm() -> Iterator[None]:
    """Stop at SIGTERM as at Ctrl-C, so that workers are ended and what is done is said."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _follows() -> bool:
    """Tell whether this process is one of several that torchrun started, and not the first."""
    return os.environ.get("RANK", "0") != "0" and "TORCHELASTIC_RUN_ID" in os.environ


def _let_first_speak(error: UrbanbenchError) -> None:
    """Wait until the first of several processes has said what is wrong, because the launcher ends all when one has ended."""
    if _follows() and not isinstance(error, TrainedApart):
        time.sleep(_FIRST_SPEAKS_S)


def _system_words(error: OSError) -> str:
    """Say what the system refused, with the file where it is known."""
    where = f" {error.filename!r}" if error.filename else ""
    return (
        f"The system refused to read or write{where} ({error.strerror or error}). "
        "Expected a file that is there, with room and permission. Use --debug for the place in the code."
    )
