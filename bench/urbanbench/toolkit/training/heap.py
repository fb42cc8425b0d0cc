"""Memory that steps have freed, given back to the system."""

from __future__ import annotations

import sys
from contextlib import suppress

__all__ = ["give_back"]


def give_back() -> None:
    """Give the free memory inside the C library's heap back to the system, where that library can (glibc); elsewhere do nothing.

    Batches of changing length leave holes in the heap that the next ones do not fit, and a long training on a processor grows by
    gigabytes of nothing. Holes of whole pages are returned wherever they lie.
    """
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
