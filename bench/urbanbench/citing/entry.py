"""One BibTeX entry: its kind, its key, its fields."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Entry", "bibtex", "key_of", "keyed"]

_SIGNS = {
    "\\": "\\textbackslash{}",
    "{": "(",
    "}": ")",
    "&": "\\&",
    "%": "\\%",
    "#": "\\#",
    "$": "\\$",
    "_": "\\_",
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
}
_PLAIN = frozenset({"doi", "eprint", "url", "year", "archiveprefix"})
"""Fields that are no prose: nothing in them is written otherwise but what would end them."""


@dataclass(frozen=True)
class Entry:
    """One work.

    Parameters
    ----------
    kind
        "article", "inproceedings", "misc" or "software".
    key
        What a paper cites it by; letters, digits and signs that BibTeX allows.
    fields
        Field name to its text, as plain text: escaping is done when it is written.
    """

    kind: str
    key: str
    fields: Mapping[str, str]

    @property
    def identity(self) -> str:
        """What tells two entries of one work: DOI, arXiv number, or title and year."""
        fields = self.fields
        return (
            fields.get("doi", "").lower()
            or fields.get("eprint", "")
            or f"{fields.get('title', '').lower()} {fields.get('year', '')} {fields.get('howpublished', '')}"
        )

    def __str__(self) -> str:
        """Return it as BibTeX."""
        width = max(map(len, self.fields))
        lines = [
            f"  {name.ljust(width)} = {{{_braced(name, text)}}},"
            for name, text in self.fields.items()
            if text
        ]
        return "\n".join([f"@{self.kind}{{{self.key},", *lines, "}"])


def _braced(name: str, text: str) -> str:
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    if name in _PLAIN:
        return re.sub(r"[{}\\\s]", "", line)
    shown = "".join(_SIGNS.get(sign, sign) for sign in line)
    return f"{{{shown}}}" if name == "title" else shown


def key_of(author: str, year: str, title: str) -> str:
    """Return a key made of the first author, the year and the first long word of the title.

    Examples
    --------
    >>> key_of("Woźniak and Szymański", "2021", "hex2vec: Context-Aware Embedding")
    'wozniak2021hex2vec'
    """
    words = [word for word in re.split(r"[^a-z0-9]+", _plain(title)) if len(word) > 3] or ["work"]
    first = re.split(r"[^a-z0-9]+", _plain(author.split(" and ", maxsplit=1)[0]).strip())
    return f"{first[-1] or 'anon'}{year}{words[0]}"


def _plain(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.replace("ł", "l").replace("Ł", "L").replace("ø", "o"))
    return apart.encode("ascii", "ignore").decode().lower()


def keyed(entries: Iterable[Entry]) -> list[Entry]:
    """Drop works that are there already, and give each of the others a key of its own: a second one of a name has "b" behind it."""
    found: dict[str, Entry] = {}
    for one in entries:
        found.setdefault(one.identity, one)
    used: dict[str, int] = {}
    made = []
    for one in found.values():
        count = used[one.key] = used.get(one.key, 0) + 1
        made.append(one if count == 1 else Entry(one.kind, f"{one.key}{_letter(count)}", one.fields))
    return made


def _letter(count: int) -> str:
    """Return what stands behind the second, third and further key of a name: b, c, …, and numbers after z."""
    return chr(ord("a") + count - 1) if count <= 26 else str(count)


def bibtex(parts: Sequence[tuple[str, Sequence[Entry]]], said: Sequence[str]) -> str:
    """Return a .bib file: entries under a heading each, then what could not be cited; lines outside of entries begin with %."""
    blocks = [f"% {heading}\n\n" + "\n\n".join(map(str, entries)) for heading, entries in parts if entries]
    if said:
        blocks.append("\n".join(f"% {' '.join(line.replace('@', '(at)').split())}" for line in said))
    return "\n\n".join(blocks) + "\n"
