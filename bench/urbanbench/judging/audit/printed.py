"""Printed numbers: 0.74 is somewhere in [0.735, 0.745], and a rule may only say what holds for the whole interval."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

__all__ = ["Cell", "Printed", "exact", "read_cell", "read_number", "unmarked"]

_ROUNDING = 1e-9
"""Relative half-width of a number with all its digits: sums over seeds are not bit for bit the same everywhere."""
_NOTHING = {"", "-", "--", "---", "–", "—", "na", "n/a", "nan", "none", "null", "nd", "/"}  # noqa: RUF001 - dashes of tables
_NUMBER = r"[-+]?(?:\d+(?:[.,]\d+)*|[.,]\d+)(?:[eE][-+]?\d+)?"
_PLAIN = re.compile(rf"^({_NUMBER})\s*(\\?%)?$")
_WITH_SD = re.compile(
    rf"^({_NUMBER})\s*(?:\\?%)?\s*(?:±|\+/-|\+-|\\pm|_\{{\s*\\pm|\(\s*±?)\s*({_NUMBER})\s*(?:\\?%)?\s*[)}}]*\s*(\\?%)?$"
)
_BOLD = re.compile(r"\*\*(.+?)\*\*|\\(?:textbf|mathbf|bm)\{(.+?)\}|<(?:b|strong)>(.+?)</(?:b|strong)>")
_UNDERLINED = re.compile(r"(?<!\w)__(.+?)__(?!\w)|\\(?:underline|uline)\{(.+?)\}|<u>(.+?)</u>")
_SIGNS = str.maketrans({"−": "-", "\u00a0": " ", "\u202f": " ", "$": " ", "†": " ", "‡": " ", "*": " "})  # noqa: RUF001


@dataclass(frozen=True)
class Printed:
    """A number as it stands in a table.

    Parameters
    ----------
    value, low, high
        What is printed, and between what the number lies that was rounded to it.
    text
        The digits as they stand there.
    decimals
        Digits behind the point; None where the number has all its digits.
    """

    value: float
    low: float
    high: float
    text: str
    decimals: int | None = None

    def scaled(self, factor: float) -> Printed:
        """Return the number in another scale, its text as it was."""
        return Printed(self.value * factor, self.low * factor, self.high * factor, self.text, self.decimals)

    @property
    def digits(self) -> int:
        """Significant digits that are printed."""
        mantissa = self.text.lower().partition("e")[0]
        return len(re.sub(r"\D", "", mantissa).lstrip("0")) or 1

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Cell:
    """One cell of a table: a number, its spread where it stands in the same cell, and how it is set off.

    Parameters
    ----------
    number, sd
        The number, and what follows "±".
    percent
        Whether a percent sign stands behind it.
    bold, underlined
        Whether it is marked so (Markdown, LaTeX or HTML).
    """

    number: Printed
    sd: Printed | None = None
    percent: bool = False
    bold: bool = False
    underlined: bool = False


def exact(value: float) -> Printed:
    """Return a number that was never rounded for print."""
    half = abs(value) * _ROUNDING
    return Printed(value, value - half, value + half, f"{value:.4g}")


def read_number(text: str, *, comma: bool = False) -> Printed | None:
    """Read a number; None where there is none.

    Parameters
    ----------
    text
        Signs of a cell.
    comma
        Whether a comma is the decimal sign; otherwise commas part thousands.

    Examples
    --------
    >>> read_number("0.74").low, read_number("64,384").value, read_number("n/a")
    (0.735, 64384.0, None)
    """
    cell = read_cell(text, comma=comma)
    return cell.number if cell else None


def read_cell(text: str, *, comma: bool = False) -> Cell | None:
    r"""Read a cell such as ``5.36``, ``**5.36 ± 0.24**``, ``\textbf{.74}$_{\pm .02}$``, ``5.36 (0.24)`` or ``88.2%``.

    Returns
    -------
    Cell or None
        None where no number stands there.
    """
    bold, underlined = bool(_BOLD.search(text)), bool(_UNDERLINED.search(text))
    text = unmarked(text).translate(_SIGNS).strip()
    if text.casefold() in _NOTHING:
        return None
    if plain := _PLAIN.match(text):
        number, sd, percent = _printed(plain[1], comma), None, bool(plain[2])
    elif both := _WITH_SD.match(re.sub(r"\s+", " ", text)):
        number, sd, percent = _printed(both[1], comma), _printed(both[2], comma), "%" in text
    else:
        return None
    return None if number is None else Cell(number, sd, percent, bold, underlined)


def unmarked(text: str) -> str:
    r"""Return text without the marks of Markdown, LaTeX or HTML that set it bold or underline it.

    Examples
    --------
    >>> unmarked("**UrbanMFM** (ours)"), unmarked(r"\textbf{HGI}"), unmarked("poi_counts"), unmarked("hgi__full__block")
    ('UrbanMFM (ours)', 'HGI', 'poi_counts', 'hgi__full__block')
    """
    for marks in (_BOLD, _UNDERLINED):
        text = marks.sub(lambda found: next(part for part in found.groups() if part is not None), text)
    return text


def _printed(text: str, comma: bool) -> Printed | None:
    plain = text.replace(".", "").replace(",", ".") if comma else _without_thousands(text)
    try:
        number = Decimal(plain)
    except InvalidOperation:
        return None
    value = float(number)
    exponent = number.as_tuple().exponent
    if not math.isfinite(value) or not isinstance(exponent, int):
        return None
    half = max(0.5 * 10.0**exponent, abs(value) * _ROUNDING)
    return Printed(value, value - half, value + half, text, max(-exponent, 0))


def _without_thousands(text: str) -> str:
    """Drop commas that part thousands; one comma with other than three digits behind it is a decimal sign.

    Examples
    --------
    >>> _without_thousands("64,384"), _without_thousands("0,74")
    ('64384', '0.74')
    """
    if "," in text and "." not in text and not re.fullmatch(r"[-+]?[1-9]\d{0,2}(,\d{3})+", text):
        return text.replace(",", ".")
    return text.replace(",", "")
