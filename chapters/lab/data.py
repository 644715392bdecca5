"""Where the book's data sets stand, and folders that vanish with the notebook."""

import os
import tempfile
from pathlib import Path

SETS = Path(os.environ.get("BOOK_DATASETS", Path(__file__).parents[2] / "datasets"))
_scratch = []  # a TemporaryDirectory removes its folder when Python ends


def data(name):
    """Return the path, as text, of a data set's file or folder.

    `data("flights/flights.parquet")` is one table, `data("flights")` the folder.
    Raises FileNotFoundError, naming the sets there are, when it is missing.
    """
    path = SETS / name
    if not path.exists():
        there = sorted(p.parent.name for p in SETS.glob("*/README.md"))
        raise FileNotFoundError(
            f"no data set {name!r} under {SETS}: "
            + (f"there are {', '.join(there)}" if there else "is datasets/ mounted?")
            + "; BOOK_DATASETS can name another folder"
        )
    return str(path)


def scratch():
    """Return a new empty folder (pathlib.Path), removed when the kernel stops."""
    _scratch.append(tempfile.TemporaryDirectory(prefix="book-"))
    return Path(_scratch[-1].name)
