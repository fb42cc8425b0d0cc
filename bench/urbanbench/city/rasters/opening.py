"""GeoTIFF files opened: as they are without what lies beside them, few at a time, every failure one sentence."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

from urbanbench.city.folder.limits import MIB
from urbanbench.errors import ExtraMissing

__all__ = ["FaultyRaster", "OpenFiles", "open_geotiff", "packages_missing", "raster_library", "unreadable"]

_MOST_OPEN = 32
_ALONE = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_PAM_ENABLED": "NO",
    "GDAL_GEOREF_SOURCES": "INTERNAL",
}
"""Settings under which a file is all there is: what lies beside it (.aux.xml, .tfw, .msk) enters no digest."""


class FaultyRaster(ValueError):
    """A file that cannot be read as a raster; the text is the fault, as a sentence."""


def packages_missing() -> str:
    """Return what to say when a package of the extra `raster` is not installed; "" when all are."""
    for name in ("rasterio", "exactextract"):
        try:
            __import__(name)
        except ImportError:
            return f"An embedding raster needs the package {name}, which is not installed. Mend: pip install 'urbanbench[raster]'"
    return ""


@contextmanager
def raster_library(*, alone: bool = True) -> Iterator[Any]:
    """Give rasterio, set up to keep little in memory.

    Parameters
    ----------
    alone
        False to honour what lies beside a file, such as a world file.

    Raises
    ------
    ExtraMissing
        A package is not installed.
    """
    missing = packages_missing()
    if missing:
        raise ExtraMissing(missing)
    import rasterio
    import rasterio.errors

    with warnings.catch_warnings(), rasterio.Env(GDAL_CACHEMAX=256 * MIB, **(_ALONE if alone else {})):
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        yield rasterio


def open_geotiff(rasterio: Any, path: Path, name: str) -> Any:
    """Open a file inside of `raster_library`; whoever asks closes it.

    Parameters
    ----------
    rasterio
        What `raster_library` gives.
    path, name
        The file, and what sentences call it.

    Raises
    ------
    FaultyRaster
        No GeoTIFF, or a damaged one.
    """
    try:
        # By content alone a file of this name may be a VRT, which reads other files and addresses.
        return rasterio.open(path, driver="GTiff")
    except (rasterio.errors.RasterioError, OSError, ValueError) as error:
        msg = f"{name}: expected a GeoTIFF, found a file that cannot be read ({_said(error)}). Write it anew: gdal_translate SOURCE {Path(name).name}"
        raise FaultyRaster(msg) from error


def unreadable(name: str, error: Exception) -> FaultyRaster:
    """Return the fault of a file whose pixels cannot be read."""
    return FaultyRaster(
        f"{name}: expected readable pixels, found a fault ({_said(error)}). The file is damaged: copy or write it anew."
    )


def _said(error: Exception) -> str:
    first = (str(error).splitlines() or [type(error).__name__])[0][:160].rstrip(".")
    return first.encode("utf-8", "backslashreplace").decode()


class OpenFiles:
    """Files that stay open while they are read from, at most `_MOST_OPEN`, those used last; a context manager.

    Parameters
    ----------
    folder
        Where the files lie.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: OrderedDict[str, Any] = OrderedDict()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._rasterio = self._stack.enter_context(raster_library())
        return self

    def __exit__(self, *_error: object) -> None:
        for file in self._files.values():
            file.close()
        self._files.clear()
        self._stack.close()

    def get(self, name: str) -> Any:
        """Give an open file.

        Parameters
        ----------
        name
            Its path in the folder.

        Raises
        ------
        FaultyRaster
            As `open_geotiff`.
        """
        if name not in self._files:
            if len(self._files) >= _MOST_OPEN:
                self._files.popitem(last=False)[1].close()
            self._files[name] = open_geotiff(self._rasterio, self._folder / name, name)
        self._files.move_to_end(name)
        return self._files[name]
