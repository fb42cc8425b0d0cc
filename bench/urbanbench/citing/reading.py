"""Citations as cards write them, read into entries: "Authors: Title (Venue 2024), doi:10.1/x"."""

from __future__ import annotations

import re

from urbanbench.citing.entry import Entry, key_of

__all__ = ["read_citations"]

_DOI = re.compile(r"doi:\s*(10\.\S+?)(?=[;,.]?(?:\s|$))", re.IGNORECASE)
_ARXIV = re.compile(r"arXiv:\s*(\d{4}\.\d{4,5}|[a-z-]+/\d{7})(?:v\d+)?", re.IGNORECASE)
_NO_NAME = re.compile(r"(?:[A-Z][a-z]+){3,}")
"""A word such as UrbanGraphEmbeddings begins a title, not a list of authors."""
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_BRACKET = re.compile(r"^(?P<title>.+?)\s*\((?P<venue>[^()]*\b(?:19|20)\d\d)\)$")
_SENTENCE = re.compile(r"^(?P<title>.+?[^.])[.?] (?P<venue>[^.]*\b(?:19|20)\d\d\)?)$")
_COMMA = re.compile(r"^(?P<title>.+), (?P<venue>[^,]+ (?:19|20)\d\d)$")
_JOURNAL = re.compile(
    r"\b(?:journal|transactions|letters|nature|review|magazine|IJGIS|annals|econometrica|biometrika|bulletin|monthly|ecography|ecology|geoscientific|economic studies)\b",
    re.IGNORECASE,
)
_NEXT = re.compile(r";\s+(?:in\s+)?(?=\S[^;:]*: )")
"""Where another citation begins behind one."""


def read_citations(text: str, year: int = 0) -> list[Entry]:
    """Read one citation or several.

    Parameters
    ----------
    text
        As `urbanbench.card.ModelCard.paper`; "" gives none.
    year
        Year of the work where the text names none; 0 where it is not known.

    Examples
    --------
    >>> one, = read_citations("Li, Kim: SpaBERT: A Pretrained Model (Findings of EMNLP 2022), arXiv:2210.12213")
    >>> one.kind, one.key, one.fields["author"], one.fields["booktitle"]
    ('inproceedings', 'li2022spabert', 'Li and Kim', 'Findings of EMNLP')
    """
    return [_read(part, year) for part in _NEXT.split(text) if part.strip()]


def _read(text: str, year: int) -> Entry:
    doi, arxiv = _DOI.search(text), _ARXIV.search(text)
    rest = _ARXIV.sub("", _DOI.sub("", text)).strip(" ,.;")
    authors, sign, about = rest.partition(": ")
    if not sign or _NO_NAME.fullmatch(authors):
        authors, about = "", rest
    title, venue = _title_and_venue(about)
    found = _year_of(venue) or _year_of(about[len(title) :]) or (str(year) if year else _arxiv_year(arxiv))
    place = re.sub(r"\s*\(?\b(?:19|20)\d\d\b\)?", "", venue).strip(" ,.")
    fields = {"author": _names(authors), "title": title, "year": found}
    kind = "misc"
    if place:
        kind = "article" if _JOURNAL.search(place) else "inproceedings"
        fields |= _journal(place) if kind == "article" else {"booktitle": place}
    if doi:
        fields |= {"doi": doi.group(1), "url": f"https://doi.org/{doi.group(1)}"}
    if arxiv:
        fields |= {"eprint": arxiv.group(1), "archiveprefix": "arXiv"}
        fields.setdefault("url", f"https://arxiv.org/abs/{arxiv.group(1)}")
    return Entry(kind, key_of(fields["author"], found, title), fields)


def _title_and_venue(about: str) -> tuple[str, str]:
    """Cut what follows the authors: a venue stands in brackets, behind a full stop, or behind a comma, and ends in a year."""
    for form in (_SENTENCE, _BRACKET, _COMMA):
        if met := form.match(about):
            return met["title"].strip(" .,"), met["venue"].strip()
    return about.strip(" .,"), ""


def _journal(place: str) -> dict[str, str]:
    """Return a journal, with its volume where a number ends it."""
    met = re.match(r"^(?P<name>.+?)\s+(?P<volume>\d+)$", place)
    return {"journal": met["name"], "volume": met["volume"]} if met else {"journal": place}


def _names(authors: str) -> str:
    """Write authors as BibTeX wants them: joined by "and", the rest as "others"."""
    whole = re.sub(r"\s+et al\.?$", ", others", authors.strip())
    return " and ".join(name.strip() for name in whole.split(",") if name.strip())


def _year_of(text: str) -> str:
    found = _YEAR.findall(text)
    return found[-1] if found else ""


def _arxiv_year(arxiv: re.Match[str] | None) -> str:
    return f"20{arxiv.group(1)[:2]}" if arxiv and arxiv.group(1)[0].isdigit() else ""
