"""The data sets are the ones that the cards describe and the book was written with."""

import hashlib
import importlib.util
import io
import pickle
import re
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

DATASETS = Path(__file__).resolve().parents[1] / "datasets"
TABLES = sorted(DATASETS.glob("*/*.parquet"))
NAMES = sorted({path.parent.name for path in TABLES})
LIMIT = 20e6  # bytes of the whole folder
HEADING = r"## (\w+)\.parquet: ([\d,]+) rows × (\d+) columns"
LICENCES = {
    "airports": "public domain",
    "fashion": "The MIT License",
    "flights": "CC0 1.0 Universal",
    "movies": "CC0 1.0 Universal",
    "penguins": "CC0 1.0 Universal",
    "portal": "CC0 1.0 Universal",
    "ratings": "GNU GENERAL PUBLIC LICENSE Version 2",
    "sotu": "Open Data Commons - Public Domain Dedication & License (PDDL)",
}


def read(name, columns=None):
    """Return a table as a pandas DataFrame."""
    return pd.read_parquet(DATASETS / f"{name}.parquet", columns=columns)


def words(path):
    """Return a file's text with single blanks, so that line ends do not matter."""
    return " ".join(path.read_text().split())


def check_card(name, *figures):
    """Fail unless all these computed figures stand in the text of a set's card."""
    card = words(DATASETS / name / "README.md")
    missing = [figure for figure in figures if figure not in card]
    assert not missing, f"{name}/README.md does not say: {missing}"


@pytest.fixture(scope="module")
def build():
    """Return datasets/build.py as a module."""
    spec = importlib.util.spec_from_file_location("build", DATASETS / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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


def test_sets_are_the_ones_that_are_built(build):
    assert sorted(build.SETS) == sorted(build.COLUMNS) == sorted(LICENCES) == NAMES
    described = {f"{name}/{t}" for name in NAMES for t in build.COLUMNS[name]}
    assert described == {f"{path.parent.name}/{path.stem}" for path in TABLES}


@pytest.mark.parametrize("path", TABLES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_table_is_as_its_card_says(path):
    card = (path.parent / "README.md").read_text()
    _, *parts = re.split(HEADING, card)
    sections = {parts[i]: parts[i + 1 : i + 4] for i in range(0, len(parts), 4)}
    rows, width, section = sections[path.stem]
    described = re.findall(r"^\| `(\w+)` \| ([^|]+) \|[^|]*\| [^|]+ \|$", section, re.M)
    metadata, schema = pq.read_metadata(path), pq.read_schema(path)
    assert metadata.num_rows == int(rows.replace(",", ""))
    assert len(described) == int(width)
    assert described == [(f.name, str(f.type)) for f in schema]


@pytest.mark.parametrize("name", NAMES)
def test_card_is_as_build_writes_it(name, build):
    card = (DATASETS / name / "README.md").read_text()
    assert build.renew(name, card) == card, "run: python datasets/build.py --cards"


@pytest.mark.parametrize("path", TABLES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_table_suits_every_reader(path):
    schema, metadata = pq.read_schema(path), pq.read_metadata(path)
    assert not schema.metadata and not metadata.metadata, "confuses Petastorm"
    plain = {pa.int32(), pa.float64(), pa.string(), pa.binary(), pa.date32()}
    assert set(schema.types) <= plain | {pa.timestamp("us", tz="UTC")}
    codecs = {
        metadata.row_group(group).column(column).compression
        for group in range(metadata.num_row_groups)
        for column in range(metadata.num_columns)
    }
    assert codecs == {"ZSTD"}


@pytest.mark.parametrize("name", NAMES)
def test_set_has_card_licence_and_a_row_in_the_list(name, build):
    card = words(DATASETS / name / "README.md")
    assert "**Source**" in card and "**Licence**" in card and "## Known quirks" in card
    assert LICENCES[name] in words(DATASETS / name / "LICENSE")
    (row,) = re.findall(
        rf"^\| \[{name}\].*$", (DATASETS / "README.md").read_text(), re.M
    )
    assert f"({name}/README.md)" in row
    files = [DATASETS / name / f"{table}.parquet" for table in build.COLUMNS[name]]
    metadata = [pq.read_metadata(path) for path in files]
    sizes = "; ".join(f"{m.num_rows:,} × {m.num_columns}" for m in metadata)
    assert f" | {sizes} | " in row


def test_everything_together_stays_small():
    files = [path for path in DATASETS.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < LIMIT


def test_build_refuses_a_changed_package(build, monkeypatch, tmp_path):
    monkeypatch.setitem(build.SOURCES, "x", (["touch", "x.whl"], "*.whl", "0" * 64))
    with pytest.raises(
        SystemExit, match=r"x: x\.whl has sha256 e3b0c4\w+, expected 00"
    ):
        build.fetch("x", tmp_path / "x")


def test_build_reads_no_pickle_but_a_table(build):
    # A pickle that would call os.getcwd: harmless, but just as foreign as os.system.
    foreign = io.BytesIO(b"cos\ngetcwd\n(tR.")
    with pytest.raises(pickle.UnpicklingError, match="os.getcwd is not allowed"):
        build.TableUnpickler(foreign).load()


def test_quirks_of_flights():
    flights = read("flights/flights")
    gone, landed = flights["dep_time"].notna(), flights["arr_delay"].notna()
    assert (~gone).sum() == 8255 and round((~gone).mean() * 100, 2) == 2.45
    assert flights["dep_delay"].isna().equals(~gone)
    assert round(flights["dep_delay"].skew(), 1) == 4.8
    months = flights["month"]
    assert list(months[months.diff() != 0]) == [1, 10, 11, 12, *range(2, 10)]
    planes = read("flights/planes", ["tailnum", "speed"])
    no_speed = planes["speed"].isna().sum()
    known = flights["tailnum"].isin(planes["tailnum"]).mean() * 100
    check_card(
        "flights",
        f"{(~gone).sum():,} flights ({(~gone).mean() * 100:.2f} %) never left",
        f"{(~landed).sum():,} have no `arr_delay`",
        f"{(gone & ~landed).sum():,} that left",
        f"{known:.1f} % of flights find their `tailnum`",
        f"{flights['tailnum'].isna().sum():,} have none",
        f"2400 in {(flights['dep_time'] == 2400).sum()} `dep_time`",
        f"`planes.speed` is null in {no_speed:,} of {len(planes):,}",
    )


def test_hours_of_flights_are_local_and_instants_utc():
    for name in ("flights/flights", "flights/weather"):
        table = read(name, ["month", "day", "hour", "time_hour"])
        local = table["time_hour"].dt.tz_convert("America/New_York").dt
        for part in ("month", "day", "hour"):
            assert (getattr(local, part) == table[part]).all(), (name, part)


def test_quirks_of_weather():
    keys = ["origin", "time_hour"]
    flights = read("flights/flights", [*keys, "month", "day"])
    weather = read("flights/weather")
    assert not weather.duplicated(keys).any()
    assert weather.duplicated(["origin", "month", "day", "hour"]).sum() == 3
    joined = flights.merge(weather[keys], on=keys, how="left", indicator=True)
    lost = joined[joined["_merge"] == "left_only"]
    last_day = flights[(flights["month"] == 12) & (flights["day"] == 31)]
    assert ((lost["month"] == 12) & (lost["day"] == 31)).sum() == len(last_day)
    check_card(
        "flights",
        f"{100 - len(lost) / len(flights) * 100:.1f} % find their airport and hour",
        f"all {len(last_day)} flights of 31 December are among the {len(lost):,}",
        f"a wind of {weather['wind_speed'].max():,.0f} mph",
        f"null in {weather['wind_gust'].isna().sum():,} of {len(weather):,} rows",
        f"`pressure` in {weather['pressure'].isna().sum():,}",
    )
    assert (weather["wind_speed"] > 100).sum() == 1


def test_all_airports_of_the_flights_are_known():
    flights = read("flights/flights", ["origin", "dest"])
    named = set(flights["origin"]) | set(flights["dest"])
    airports = read("airports/airports")
    assert flights["dest"].nunique() == 105 and len(named) == 107
    assert named <= set(airports["iata"])
    assert "DJT" not in set(airports["iata"]) and airports["iata"].is_unique
    assert list(airports.loc[airports["icao"].isna(), "iata"]) == ["WKK"]
    check_card("airports", f"{len(named)} airports that occur in flights")
    check_card("flights", "`dest` has 105 values; with JFK and LGA as origins, 107")


def test_quirks_of_penguins():
    penguins = read("penguins/penguins")
    measures = list(penguins.columns[2:6])
    assert penguins[measures].isna().all(axis=1).sum() == 2
    assert penguins["sex"].isna().sum() == 11
    homes = penguins.groupby("island")["species"].unique().map(set)
    assert homes["Torgersen"] == {"Adelie"}
    assert homes["Biscoe"] == {"Adelie", "Gentoo"}
    assert homes["Dream"] == {"Adelie", "Chinstrap"}
    counts = penguins["species"].value_counts()
    check_card("penguins", ", ".join(f"{n} {species}" for species, n in counts.items()))


def test_quirks_of_sotu():
    addresses = read("sotu/addresses")
    years, texts = addresses["year"], addresses["text"]
    assert set(years[years.duplicated()]) == {1953, 1961}
    assert set(range(1790, 2022)) - set(years) == {1933}
    unaffiliated = addresses[addresses["party"] == "none"]
    assert set(unaffiliated["name"]) == {"George Washington"} and len(unaffiliated) == 7
    assert addresses["party"].nunique() == 8
    lengths = texts.str.split().str.len()
    check_card(
        "sotu",
        f"{lengths.sum() / 1e6:.2f} million words",
        f"from {lengths.min()} to {lengths.max():,} words",
        f"{(texts != texts.str.strip()).sum()} texts begin or end",
    )


def test_quirks_of_ratings():
    ratings = read("ratings/ratings")
    students, lecturers = ratings["s"].nunique(), ratings["d"].nunique()
    assert not ratings.duplicated(["s", "d"]).any()
    assert sorted(ratings["dept"].unique()) == [n for n in range(1, 16) if n != 13]
    given = ratings.groupby("s").size()
    check_card(
        "ratings",
        f"{students:,} students, {lecturers:,} lecturers,",
        f"{len(ratings) / students / lecturers * 100:.1f} % of all pairs",
        f"Half the students gave {given.median():.0f} ratings or fewer",
        f"one as many as {given.max()}.",
    )


def test_quirks_of_movies():
    movies = read("movies/movies")
    assert movies["id"].is_unique and movies["imdb_id"].duplicated().sum() == 2
    lists = movies[["genre", "language", "country"]].dropna()
    items = sum(lists[column].str.count(", ") + 1 for column in lists) + 1
    nulls = movies.isna().sum()
    begley = movies["cast"].str.contains("Ed Begley, Jr.", regex=False, na=False)
    assert (movies["runtime"].min(), movies["runtime"].max()) == (1, 776)
    check_card(
        "movies",
        f"{begley.sum()} casts",
        f"the {len(lists):,} films",
        f"{items.mean():.1f} items",
        f"`box_office` is null in {nulls['box_office']:,} rows, `metacritic` in "
        f"{nulls['metacritic']:,}, `cast` in {nulls['cast']:,}, `runtime` in "
        f"{nulls['runtime']:,}, `genre` in {nulls['genre']}",
        f"`tomatometer` of {movies['tomatometer'].median():.0f} %",
    )
    assert (movies["box_office"] < 1000).sum() == 6


def test_quirks_of_portal():
    surveys, species = read("portal/surveys"), read("portal/species")
    dates = pd.to_datetime(surveys[["year", "month", "day"]])
    assert (
        dates.is_monotonic_increasing and surveys["record_id"].is_monotonic_increasing
    )
    shares = surveys.groupby("year")["species_id"].value_counts(normalize=True)
    percent = (shares * 100).round().astype(int)
    assert surveys.loc[surveys["species_id"] == "PB", "year"].min() == 1995
    nulls = surveys.isna().sum()
    others = surveys.merge(species[species["taxa"] != "Rodent"])
    assert others["weight"].isna().all()
    assert set(surveys["species_id"].dropna()) <= set(species["species_id"])
    check_card(
        "portal",
        f"from {percent[1977, 'DM']} % of the named catches of 1977 "
        f"to {percent[2002, 'DM']} % in 2002",
        f"rises to {percent[2002, 'PB']} %",
        f"`DM` is at {percent[1989, 'DM']} % in 1989 and at {percent[1990, 'DM']} %",
        f"{nulls['species_id']} rows have no species, {nulls['sex']:,} no sex, "
        f"{nulls['weight']:,} no weight, {nulls['hindfoot_length']:,} no hind foot",
        f"{len(others)} rows are birds, rabbits and reptiles",
        f"{len(species)} codes; {surveys['species_id'].nunique()} of them occur",
    )


def test_quirks_of_fashion():
    fashion = read("fashion/fashion")
    assert set(fashion["image"].str.len()) == {784}
    counts = fashion.groupby(["split", "label"]).size()
    assert set(counts) == {1000} and len(counts) == 20
    assert list(fashion["split"].drop_duplicates()) == ["test", "train"]
