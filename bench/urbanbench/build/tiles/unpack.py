"""Packed bytes, unpacked up to a limit."""

from __future__ import annotations

__all__ = ["MOST_BYTES", "FaultyTile", "unpacked"]

MOST_BYTES = 16 * 2**20
"""Bytes that a tile may unfold to; those of real maps have a tenth of it at most."""

_GZIP = b"\x1f\x8b"


class FaultyTile(ValueError):
    """A tile that cannot be read; the text is the fault, as the end of a sentence."""


def unpacked(data: bytes, packing: str = "", most: int = MOST_BYTES) -> bytes:
    """Unpack bytes; plain ones stay as they are.

    Parameters
    ----------
    data
        What a file holds.
    packing
        "gzip", "brotli" or "zstd"; gzip is known by its first bytes when left out.
    most
        Bytes that may come out.

    Raises
    ------
    FaultyTile
        They are damaged, end early, or unfold to more.
    """
    kind = packing or ("gzip" if data[:2] == _GZIP else "")
    if not kind:
        found = data
    else:
        import pyarrow as pa

        try:
            with pa.CompressedInputStream(pa.BufferReader(data), kind) as stream:
                found = stream.read(most + 1)
        except (pa.ArrowException, OSError, ValueError) as error:
            msg = f"damaged {kind} data"
            raise FaultyTile(msg) from error
    if len(found) > most:
        msg = f"more than {most // 2**20} MiB"
        raise FaultyTile(msg)
    return found
