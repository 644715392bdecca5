"""Run notebooks again and again, also on a busy machine, and list what differed.

    make repeat [N=5] [LOAD=2] [TWICE=1] [CHILDREN=1] [CHAPTER=02] [NOTEBOOK=path]

Each run is one of tests/test_notebooks.py. LOAD starts so many busy loops beside them.
TWICE runs each cell twice in a row, as readers do. CHILDREN shows what child processes
print, as JupyterLab does.
"""

import argparse
import collections
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path

import budget
import notebooks


@contextmanager
def load(loops):
    """Keep so many processes busy for as long as the block runs."""
    busy = [sys.executable, "-c", "while True: pass"]
    running = [subprocess.Popen(busy) for _ in range(loops)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def repeat(paths, times, at_once, **options):
    """Run each notebook so many times; yield (name, run) as they end.

    The rounds follow each other, so that a notebook meets other neighbours each time.
    options: see notebooks.run.
    """
    with ThreadPoolExecutor(at_once) as pool:
        waiting = {
            pool.submit(notebooks.run, path, **options): str(
                path.relative_to(notebooks.CHAPTERS)
            )
            for _ in range(times)
            for path in paths
        }
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
    parser.add_argument("--chapter", help="two digits, e.g. 02")
    parser.add_argument("notebook", nargs="*", type=Path)
    wanted = parser.parse_args()
    paths = notebooks.choose(wanted.notebook, wanted.chapter)
    total, start = wanted.times * len(paths), time.monotonic()
    problems, rows = collections.defaultdict(list), {}
    with load(wanted.load):
        options = {"twice": wanted.twice, "children": wanted.children}
        runs = repeat(paths, wanted.times, wanted.at_once, **options)
        for count, (name, ran) in enumerate(runs, 1):
            minutes = (time.monotonic() - start) / 60
            left = minutes / count * (total - count)
            state = "differed" if ran.problems else "as stored"
            print(
                f"[{count}/{total}, {left:.0f} min left] {name}: {state}, "
                f"{ran.seconds:.0f} s, {sum(ran.work.values()):.0f} processor seconds",
                flush=True,
            )
            rows[name] = budget.row(name, ran)
            problems[name] += ran.problems
    print("", *budget.report(rows.values()), "", sep="\n")
    for name in sorted(name for name in problems if problems[name]):
        for problem, count in collections.Counter(problems[name]).most_common():
            print(f"{name}, {count} of {wanted.times} times:\n{problem}\n")
    bad = sum(map(bool, problems.values()))
    print(f"{len(paths) - bad} notebooks as stored every time, {bad} differed")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
