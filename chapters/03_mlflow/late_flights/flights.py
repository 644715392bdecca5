"""The table that this project's programs learn from and are judged by."""

import hashlib
from pathlib import Path

import pandas as pd

from lab import data

INPUTS = ["hour", "distance", "day"]


def table():
    """Return flights (pandas.DataFrame): inputs, month and late, which is 0 or 1."""
    flights = pd.read_parquet(data("flights/flights.parquet"))
    flights = flights.dropna(subset="arr_delay")
    flights["late"] = (flights["arr_delay"] > 15).astype(int)
    return flights[[*INPUTS, "month", "late"]]


def fingerprints():
    """Return the hashes of the data and of the project's code, each 12 hex digits."""
    code = b"".join(path.read_bytes() for path in sorted(Path().glob("*.py")))
    read = Path(data("flights/flights.parquet")).read_bytes()
    return {"data": digest(read), "code": digest(code)}


def digest(content):
    return hashlib.sha256(content).hexdigest()[:12]
