"""Conformance: rules every model, task and city keeps, for our tests and for plugin authors.

Each check returns nothing when all rules hold and raises `urbanbench.errors.Conformance` for the first that does not.

Examples
--------
>>> from urbanbench.checks import check_model  # doctest: +SKIP
>>> check_model(MyModel(), urbanbench.open_city("toyville:tiny"))  # doctest: +SKIP
"""

from __future__ import annotations

from urbanbench.checks.city import check_city
from urbanbench.checks.model import check_model
from urbanbench.checks.model_card import check_model_card
from urbanbench.checks.task import check_task
from urbanbench.checks.transfer import check_transfer

__all__ = ["check_city", "check_model", "check_model_card", "check_task", "check_transfer"]
