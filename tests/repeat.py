r"""Run notebooks again and again, also on a busy machine, and list what differed.

    make repeat [N=5] [LOAD=2] [TWICE=1] [CHILDREN=1] [KEEP=1] [CHAPTER=02] \
        [NOTEBOOK=path]

Each run is one of tests/test_notebooks.py. LOAD starts so many busy loops beside them.
TWICE runs each cell twice in a row, as readers do. CHILDREN shows what child processes
print, as JupyterLab does. KEEP counts each run in tests/repeats.csv as it ends, and
runs a notebook only as often as it lacks there for N in the same way: so the hours that
five runs of the whole book take may be spent in pieces. `make test KEEP=1` counts its
lessons there, too: it runs them in the same way.
"""

import argparse
import collections
import csv
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path

import budget
import notebooks

TABLE = Path(__file__).with_name("repeats.csv")
COLUMNS = ("notebook", "rendered", "how", "runs", "differed")


@contextmanager
def load(loops):
    """Keep so many processes busy for as long as the block, or this process, runs."""
    busy = "import os; parent = os.getppid()\nwhile os.getppid() == parent: pass"
    running = [subprocess.Popen([sys.executable, "-c", busy]) for _ in range(loops)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def name_of(path):
    """Return the notebook's path within the chapters, as text."""
    return str(path.relative_to(notebooks.CHAPTERS))


def state(name):
    """Return the hash of a notebook's code and outputs that tests/render.py stored."""
    return notebooks.read(notebooks.CHAPTERS / name).metadata.book.rendered


def counted(names):
    """Return the rows of the table (dictionaries of text) that are still about them.

    A run counts for the code and outputs that it was of: a notebook rendered anew, or
    no longer among the names, has none.
    """
    if not TABLE.exists():
        return []
    with open(TABLE, newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["notebook"] in names]
    return [row for row in rows if row["rendered"] == state(row["notebook"])]


def count(names, name, how, differed):
    """Add one run of the notebook to the table; names: of all notebooks of the book."""
    key = {"notebook": name, "rendered": state(name), "how": how}
    rows = counted(names)
    row = next((row for row in rows if key.items() <= row.items()), None)
    if row is None:
        rows.append(row := key | {"runs": 0, "differed": 0})
    row["runs"] = int(row["runs"]) + 1
    row["differed"] = int(row["differed"]) + differed
    partial = TABLE.with_suffix(".partial")
    with open(partial, "w", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted(rows, key=lambda row: (row["notebook"], row["how"])))
    partial.replace(TABLE)


def rounds(paths, times, done):
    """Return the paths in the order in which to run them, each so many times in all.

    done: {path: runs that count already}. The rounds follow each other, so that a
    notebook meets other neighbours each time.
    """
    return [path for turn in range(times) for path in paths if done[path] <= turn]


def repeat(paths, at_once, **options):
    """Run the notebooks, one as often as it is named; yield (path, run) as they end.

    options: see notebooks.run.
    """
    with ThreadPoolExecutor(at_once) as pool:
        waiting = {pool.submit(notebooks.run, path, **options): path for path in paths}
        try:
            for done in as_completed(waiting):
                yield waiting[done], done.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def main():
    """Read the command line; exit with 1 when a run differed from what is stored."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--load", type=int, default=0, help="busy loops beside them")
    parser.add_argument("--at-once", type=int, default=notebooks.at_once())
    parser.add_argument("--twice", action="store_true", help="each cell twice in a row")
    parser.add_argument("--children", action="store_true", help="show what they print")
    parser.add_argument("--keep", action="store_true", help="count in repeats.csv")
    parser.add_argument("--chapter", help="two digits, e.g. 02")
    parser.add_argument("notebook", nargs="*", type=Path)
    wanted = parser.parse_args()
    paths = notebooks.choose(wanted.notebook, wanted.chapter)
    book = {name_of(path) for path in notebooks.find()}
    options = {"twice": wanted.twice, "children": wanted.children}
    how = " ".join(
        [f"load={wanted.load}", *(name for name in options if options[name])]
    )
    kept = {
        notebooks.CHAPTERS / row["notebook"]: row
        for row in counted(book)
        if wanted.keep and row["how"] == how
    }
    done = collections.Counter({path: int(row["runs"]) for path, row in kept.items()})
    planned = rounds(paths, wanted.times, done)
    if not planned:
        bad = sum(int(kept[path]["differed"]) for path in paths)
        print(f"{TABLE.name} has {wanted.times} runs of each; {bad} runs differed")
        sys.exit(bool(bad))
    start, problems, rows = time.monotonic(), collections.defaultdict(list), {}
    with load(wanted.load):
        runs = repeat(planned, wanted.at_once, **options)
        for number, (path, ran) in enumerate(runs, 1):
            minutes = (time.monotonic() - start) / 60
            left = minutes / number * (len(planned) - number)
            print(
                f"[{number}/{len(planned)}, {left:.0f} min left] {name_of(path)}: "
                f"{'differed' if ran.problems else 'as stored'}, {ran.seconds:.0f} s, "
                f"{sum(ran.work.values()):.0f} processor seconds",
                flush=True,
            )
            rows[path] = budget.row(name_of(path), ran)
            problems[path] += ran.problems
            if wanted.keep:
                count(book, name_of(path), how, bool(ran.problems))
    print("", *budget.report(rows.values()), "", sep="\n")
    for path in sorted(path for path in problems if problems[path]):
        for problem, times in collections.Counter(problems[path]).most_common():
            print(f"{name_of(path)}, {times} times:\n{problem}\n")
    bad = sum(map(bool, problems.values()))
    print(f"{len(rows) - bad} notebooks as stored every time, {bad} differed")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
