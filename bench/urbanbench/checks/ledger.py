"""The ledger of checks: which code of models from elsewhere has kept its contract, in the cache folder of this machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from urbanbench.atomic import write_text
from urbanbench.hashing import value_digest
from urbanbench.home import cache_root

__all__ = ["FAILED", "PASSED", "UNCHECKED", "check_mark", "checked_code", "keep_check"]

PASSED, FAILED, UNCHECKED = "passed", "failed", "unchecked"


def checked_code(code: str, environment: str) -> str:
    """Name what was checked: a model's code, with the environment of its own that it runs in, "" for none."""
    return value_digest([code, environment]) if environment else code


def check_mark(code: str) -> dict[str, str]:
    """Return what is known of a model's code, for its results.

    Parameters
    ----------
    code
        `urbanbench.registry.own_code.plugin_digest` of the model's file, as `checked_code` names it.

    Returns
    -------
    dict[str, str]
        ``state``: "passed", "failed" or "unchecked"; ``code``: the digest that passed; ``problem``: the rule that was broken.
    """
    try:
        kept = json.loads(_file(code).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {"state": UNCHECKED}
    problem = str(kept.get("problem", "")) if isinstance(kept, Mapping) else ""
    return {"state": FAILED, "problem": problem} if problem else {"state": PASSED, "code": code}


def keep_check(code: str, problem: str, *, city: str) -> None:
    """Write down how a check ended.

    Parameters
    ----------
    code
        Digest of the model's code.
    problem
        The broken rule; "" where all hold.
    city
        Where it was checked.
    """
    told = {
        "code": code,
        "problem": problem,
        "city": city,
        "checked_utc": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    write_text(_file(code), json.dumps(told, indent=1, ensure_ascii=False) + "\n")


def _file(code: str) -> Path:
    return cache_root() / "checked" / f"{code}.json"
