"""The data sets are the ones that the cards describe and the book was written with."""

import hashlib
import re
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

DATASETS = Path(__file__).resolve().parents[1] / "datasets"
TABLES = sorted(DATASETS.glob("*/*.parquet"))
LIMIT = 20e6  # bytes of all tables
HEADING = r"## (\w+)\.parquet: ([\d,]+) rows × (\d+) columns"


def read(name, columns=None):
    """Return a table as a pandas DataFrame."""
    return pd.read_parquet(DATASETS / f"{name}.parquet", columns=columns)


def test_checksums():
    listed = dict(
        reversed(line.split("  ", 1))
        for line in (DATASETS / "SHA256SUMS").read_text().splitlines()
    )
    found = {
        str(path.relative_to(DATASETS)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in TABLES
    }
    assert found == listed


@pytest.mark.parametrize("path", TABLES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_table_is_as_its_card_says(path):
    card = (path.parent / "README.md").read_text()
    _, *parts = re.split(HEADING, card)
    sections = {parts[i]: parts[i + 1 : i + 4] for i in range(0, len(parts), 4)}
    rows, width, section = sections[path.stem]
    described = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", section, re.M)
    metadata, schema = pq.read_metadata(path), pq.read_schema(path)
    assert metadata.num_rows == int(rows.replace(",", ""))
    assert len(described) == int(width)
    assert described == [(f.name, str(f.type)) for f in schema]


@pytest.mark.parametrize("path", TABLES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_table_suits_every_reader(path):
    schema = pq.read_schema(path)
    assert not schema.metadata, "pandas metadata confuses Petastorm"
    assert not {pa.large_string(), pa.large_binary(), pa.null()} & set(schema.types)
    group = pq.read_metadata(path).row_group(0)
    codecs = {group.column(i).compression for i in range(group.num_columns)}
    assert codecs == {"ZSTD"}


def test_every_set_has_card_licence_and_a_row_in_the_list():
    listed = (DATASETS / "README.md").read_text()
    for folder in {path.parent for path in TABLES}:
        assert (folder / "README.md").is_file() and (folder / "LICENSE").is_file()
        assert f"({folder.name}/README.md)" in listed


def test_all_sets_together_stay_small():
    assert sum(path.stat().st_size for path in TABLES) < LIMIT


def test_quirks_of_flights():
    flights = read("flights/flights")
    never_left = flights["dep_time"].isna()
    assert never_left.sum() == 8255 and round(never_left.mean() * 100, 2) == 2.45
    assert flights["arr_delay"].isna().sum() == 9430
    assert round(flights["dep_delay"].skew(), 1) == 4.8
    planes = read("flights/planes", ["tailnum"])["tailnum"]
    assert round(flights["tailnum"].isin(planes).mean() * 100, 1) == 84.4
    keys = ["origin", "time_hour"]
    matched = flights.merge(read("flights/weather", keys), on=keys)
    assert round(len(matched) / len(flights) * 100, 1) == 99.5
    # time_hour is UTC: New York's standard time, in January, is five hours behind.
    january = flights[flights["month"] == 1].iloc[0]
    assert january["time_hour"].hour == (january["hour"] + 5) % 24


def test_all_airports_of_the_flights_are_known():
    flights = read("flights/flights", ["origin", "dest"])
    named = set(flights["origin"]) | set(flights["dest"])
    assert len(named) == 107
    assert named <= set(read("airports/airports", ["iata"])["iata"])


def test_quirks_of_the_other_sets():
    years = read("sotu/addresses", ["year"])["year"]
    assert set(years[years.duplicated()]) == {1953, 1961}
    rated = read("ratings/ratings", ["s", "d"])
    assert (rated["s"].nunique(), rated["d"].nunique()) == (2972, 1128)
    assert read("movies/movies", ["cast"])["cast"].str.contains("Begley, Jr.").any()
    surveys = read("portal/surveys", ["year", "species_id"])
    share = surveys.groupby("year")["species_id"].value_counts(normalize=True)
    assert [round(share[1977, "DM"], 2), round(share[2002, "DM"], 2)] == [0.54, 0.14]
    assert round(share[2002, "PB"], 2) == 0.41 and (1994, "PB") not in share
    fashion = read("fashion/fashion")
    assert set(fashion["image"].str.len()) == {784}
    assert set(fashion.groupby(["split", "label"]).size()) == {1000}
