"""No number changes without a version: everything that makes one gives what its version recorded."""

from __future__ import annotations

import json

import fingerprint_book
import numpy as np
import pytest
from fingerprint_book import Fingerprint, complaint, recorded, summary, write
from fingerprints import all_fingerprints

EVERY = all_fingerprints()


@pytest.mark.parametrize("one", EVERY, ids=lambda one: f"{one.kind}-{one.name}")
def test_numbers_are_those_of_their_version(one):
    assert complaint(one) == ""


def test_nothing_is_recorded_that_is_not_there():
    names = {(one.kind, one.name) for one in EVERY}
    kinds = {kind for kind, _ in names}
    assert {path.stem for path in fingerprint_book.RECORDED.glob("*.json")} == kinds
    assert {(kind, name) for kind in kinds for name in recorded(kind)} == names


@pytest.fixture
def one(tmp_path, monkeypatch):
    """A fingerprint of three numbers, recorded in a book of its own."""
    monkeypatch.setattr(fingerprint_book, "RECORDED", tmp_path)
    values = np.array([1.0, 2.0, 4.0])
    made = Fingerprint("model", "m", 1, "card.version of m", lambda: {"part": summary(values)}, 1e-3)
    assert write([made]) == (["model m 1"], [])
    return made


def test_a_changed_number_names_the_version_to_raise_and_the_command(one):
    assert complaint(one) == ""
    changed = _giving(one, np.array([1.0, 2.0, 4.1]))
    assert "gives other numbers than version 1 recorded" in complaint(changed)
    assert (
        "raise card.version of m, write the new fingerprint with `python tests/fingerprints --write`"
        in complaint(changed)
    )


@pytest.mark.parametrize("values", [[4.0, 2.0, 1.0], [1.0, -2.0, 4.0], [1.0, 2.0], [1.0, 2.0, np.nan]])
def test_order_sign_length_and_gaps_are_seen(one, values):
    assert complaint(_giving(one, np.array(values)))


def test_last_digits_are_not_seen(one):
    assert complaint(_giving(one, np.array([1.0, 2.0, 4.0]) * (1 + 1e-6))) == ""


def test_writing_takes_new_numbers_for_a_raised_version_alone(one):
    changed = _giving(one, np.array([9.0, 2.0, 4.0]))
    before = json.dumps(recorded("model"))
    written, refused = write([changed])
    assert (written, len(refused)) == ([], 1)
    assert json.dumps(recorded("model")) == before
    raised = _giving(one, np.array([9.0, 2.0, 4.0]), version=2)
    assert "its fingerprint is of version 1" in complaint(raised)
    assert write([raised]) == (["model m 2"], [])
    assert complaint(raised) == ""


def _giving(one, values, version=1):
    return Fingerprint(
        one.kind, one.name, version, one.raised_in, lambda: {"part": summary(values)}, one.tolerance
    )
