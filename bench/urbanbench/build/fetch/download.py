"""A file from the web: whole, or as a part that the next try goes on with."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from urbanbench.build.fetch.recipe import Source
from urbanbench.build.fetch.web import Busy, NoAnswer, Patience, Refused, asked, pieces
from urbanbench.city.folder.limits import MIB
from urbanbench.errors import CannotWrite

__all__ = ["Resuming", "most_bytes"]

_WORTH_IT = 2**16
"""Bytes for which it was worth to ask once more."""

_RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)")


def most_bytes(source: Source) -> int:
    """Return how many bytes of a file are taken: four times what the recipe says, and a little."""
    return 4 * source.size + 64 * MIB


@dataclass(frozen=True)
class _Version:
    """Which version of a file a part is of: the address that was asked, and what its server calls the version."""

    address: str
    mark: str = ""
    modified: str = ""


class Resuming:
    """A downloader for pooch that goes on with what a killed or broken download left.

    The part lies beside the file, as ``NAME.part``, with the version it is of. It is gone on with only if the server still has this version, or the
    recipe knows the hash; a server that cannot send the rest of a file sends all of it again.

    Parameters
    ----------
    source, folder
        The file, and where it is kept.
    asked_for
        The address that stands in the recipe: the one that is called may be another at every time.
    session, patience
        As `urbanbench.build.fetch.web.asked`.
    secret
        Headers with the user's key.
    advance
        Told how many bytes came, and how many there will be where that is known.
    """

    def __init__(
        self,
        source: Source,
        folder: Path,
        asked_for: str,
        session: Any,
        patience: Patience,
        secret: dict[str, str],
        advance: Callable[[int], None],
    ) -> None:
        self._source, self._asked_for, self._secret = source, asked_for, secret
        self._session, self._patience, self._advance = session, patience, advance
        self.part = folder / f"{source.name}.part"
        self._note = folder / f"{source.name}.part.json"
        self._answered = False

    def __call__(self, url: str, output_file: str, _pooch: object) -> None:
        """Complete the part, and let the file that pooch checks be the same one."""
        self._complete(url)
        target = Path(output_file)
        target.unlink(missing_ok=True)
        try:
            os.link(self.part, target)
        except OSError:  # a file system without links
            shutil.copyfile(self.part, target)

    def modified(self) -> str:
        """Return when the server says that the file was changed; "" where it does not."""
        return self._version().modified

    def forget(self) -> None:
        """Remove the part."""
        self.part.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def _complete(self, url: str) -> None:
        """Ask until the part is whole; tries that brought much do not count."""
        fruitless = 0
        while True:
            before = self._have()
            try:
                self._ask(url)
            except (NoAnswer, Busy) as error:
                fruitless = 0 if self._have() - before >= _WORTH_IT else fruitless + 1
                hopeless = isinstance(error, NoAnswer) and not self._answered
                if hopeless or fruitless >= self._patience.tries:
                    raise
                pause = self._patience.pause_s * 2**fruitless
                self._patience.sleep(max(pause, getattr(error, "after_s", 0.0)))
            else:
                return

    def _ask(self, url: str) -> None:
        version, have = self._version(), self._have()
        if have and not (version.mark or self._source.sha256):
            have = self._start_over()
        headers = {"Range": f"bytes={have}-"} if have else {}
        if have and version.mark:
            headers["If-Range"] = version.mark
        with asked(self._session, url, self._patience, headers=headers, secret=self._secret) as answer:
            self._answered = True
            if answer.status_code == 416 and have:
                if _total(answer) != have:
                    self._start_over()
                    msg = f"{self._source.name} is another file now"
                    raise Busy(msg, 0.0)
                return
            if answer.status_code == 206 and not self._fits(answer, have):
                self._start_over()
                msg = f"{self._source.name} is another file now"
                raise Busy(msg, 0.0)
            if answer.status_code == 200 and have:
                have = self._start_over()
            self._take(answer, url, have)

    def _fits(self, answer: Any, have: int) -> bool:
        """Tell whether an answer goes on where the part ends, with the same version."""
        found = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
        mark = self._version().mark
        return found is not None and found[1] == str(have) and mark in {"", _mark(answer)}

    def _take(self, answer: Any, url: str, have: int) -> None:
        packed = answer.headers.get("Content-Encoding", "identity") != "identity"
        length = answer.headers.get("Content-Length", "")
        total = have + int(length) if length.isdecimal() and not packed else None
        self._check(have, total)
        mark = "" if packed else _mark(answer)
        told = {"address": self._asked_for, "mark": mark, "modified": answer.headers.get("Last-Modified", "")}
        self._note.write_text(json.dumps(told), encoding="utf-8")
        with self.part.open("ab" if have else "wb") as stream:
            for piece in pieces(answer, url, self._patience):
                stream.write(piece)
                have += len(piece)
                self._advance(len(piece))
                self._check(have, None)
        if total is not None and have != total:
            msg = f"{self._source.name} was cut short after {have:,} of {total:,} bytes"
            raise NoAnswer(msg)

    def _check(self, have: int, total: int | None) -> None:
        most = most_bytes(self._source)
        if max(have, total or 0) > most:
            self._start_over()
            msg = f"{self._source.name} has more than {most:,} bytes, and the recipe says about {self._source.size:,}"
            raise Refused(msg)
        if total is not None and shutil.disk_usage(self.part.parent).free < total - have:
            raise CannotWrite(self.part, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))

    def _start_over(self) -> int:
        self._advance(-self._have())
        self.forget()
        return 0

    def _have(self) -> int:
        return self.part.stat().st_size if self.part.is_file() else 0

    def _version(self) -> _Version:
        """Return which version the part is of; one without a mark where that is not known."""
        with suppress(OSError, ValueError, TypeError):
            found = _Version(**json.loads(self._note.read_text(encoding="utf-8")))
            if found.address == self._asked_for:
                return found
        return _Version(self._asked_for)


def _mark(answer: Any) -> str:
    """Return what tells versions of a file apart: a strong ETag, else the date of its last change."""
    tag = str(answer.headers.get("ETag", ""))
    return tag if tag.startswith('"') else str(answer.headers.get("Last-Modified", ""))


def _total(answer: Any) -> int:
    found = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    return int(found[2]) if found is not None and found[2] != "*" else -1
