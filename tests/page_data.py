"""The data in a page of a report."""

from __future__ import annotations

import json
import re
from pathlib import Path


def data_of(path: Path) -> dict:
    """Return the data that stands in a page."""
    [found] = re.findall(
        r'<script type="application/json" id="data">(.*?)</script>',
        path.read_text(encoding="utf-8"),
        re.DOTALL,
    )
    return json.loads(found)
