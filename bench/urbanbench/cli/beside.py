"""Options that do nothing without another, or beside one: told, not passed over."""

from __future__ import annotations

from collections.abc import Mapping

import typer

from urbanbench.errors import BadInput

__all__ = ["check_alone", "check_needed", "given_options"]


def given_options(context: typer.Context, options: Mapping[str, str]) -> list[str]:
    """Return those options that stand on the command line; `options` are parameters and how they are written."""
    sources = {option: context.get_parameter_source(name) for name, option in options.items()}
    return [option for option, source in sources.items() if getattr(source, "name", "") == "COMMANDLINE"]


def check_needed(context: typer.Context, options: Mapping[str, str], needed: str, there: bool) -> None:
    """Refuse options that stand on the command line without what they need to do anything.

    Parameters
    ----------
    options
        Parameters and how they are written.
    needed
        What they need, in words.
    there
        Whether it is given.

    Raises
    ------
    BadInput
        One of them is given, and what it needs is not.
    """
    given = [] if there else given_options(context, options)
    if given:
        msg = f"{' and '.join(given)} given without {needed}, and would do nothing. Mend: give that too, or leave {'it' if len(given) == 1 else 'them'} out."
        raise BadInput(msg)


def check_alone(context: typer.Context, options: Mapping[str, str], other: str, there: bool) -> None:
    """Refuse options that stand on the command line beside one that leaves them nothing to do.

    Parameters
    ----------
    options
        Parameters and how they are written.
    other
        The other option.
    there
        Whether it is given.

    Raises
    ------
    BadInput
        One of them is given, and the other too.
    """
    given = given_options(context, options) if there else []
    if given:
        msg = f"{' and '.join(given)} given with {other}, and would do nothing. Mend: leave {'it' if len(given) == 1 else 'them'} out, or {other}."
        raise BadInput(msg)
