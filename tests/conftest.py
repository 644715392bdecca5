"""Options, the order of tests, progress, and the report at the end of a run."""

import heapq
import itertools
import os
import time

import psutil
import pytest

import budget
import notebooks
import repeat

LONG = 5  # seconds; a test that takes longer may keep the other worker waiting
TRIED = 7  # tests in every order: 5040 orders, 0.1 s
SECONDS = "book/seconds"  # the cache's key for how long each test took last time


def pytest_addoption(parser):
    """Add --chapter, --cores and --cluster."""
    parser.addoption(
        "--chapter",
        action="append",
        default=[],
        metavar="NN[,NN]",
        help="only the notebooks of these chapters and the tests in tests/NN_*/",
    )
    parser.addoption(
        "--cores",
        type=lambda text: [int(n) for n in text.split(",")],
        default=[],
        metavar="N[,N]",
        help="run every chosen Spark notebook also with this many cores",
    )
    parser.addoption(
        "--cluster",
        action="store_true",
        help="of the notebooks, run the Spark lessons of chapters 1, 2, 4-6, "
        "on a standalone cluster",
    )
    parser.addoption(
        "--load",
        type=int,
        default=0,
        metavar="N",
        help="keep N processes busy beside the tests: nothing may fail for it",
    )
    parser.addoption(
        "--keep",
        action="store_true",
        help="write what notebooks cost to budget.csv, count their runs in repeats.csv",
    )


def pytest_configure(config):
    """Refuse to run outside the book's environment, or for a chapter without files."""
    if "SPARK_CONF_DIR" not in os.environ:
        raise pytest.UsageError("run the tests by `make test`: it sets the variables")
    for chapter in chapters(config):
        if not list(notebooks.CHAPTERS.glob(f"{chapter}_*/*.ipynb")):
            raise pytest.UsageError(f"chapter {chapter} has no notebooks")
    if not hasattr(config, "workerinput"):  # in the process that has the workers
        config.pluginmanager.register(Progress(config), "progress")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """Return how many workers `-n auto` means."""
    return notebooks.at_once()


def chapters(config):
    """Return the chosen chapters as two-digit text; none means all."""
    return [n.zfill(2) for row in config.getoption("chapter") for n in row.split(",")]


def belongs(item, chosen):
    """Return whether a test is about one of the chosen chapters."""
    path = item.callspec.params.get("notebook") if hasattr(item, "callspec") else None
    folder = (path or item.path).parent.name
    return folder[:2] in chosen and folder[2:3] == "_"


def pytest_collection_modifyitems(config, items):
    """Keep the chosen chapters' tests; put the longest first, each before a short one.

    A worker always holds the test after the one that it runs (xdist's LoadScheduling).
    Were this a long one too, it would wait there while the other worker has no more.
    """
    if chosen := chapters(config):
        dropped = [item for item in items if not belongs(item, chosen)]
        config.hook.pytest_deselected(items=dropped)
        items[:] = [item for item in items if belongs(item, chosen)]
    seconds = {item: expected(config, item.nodeid) for item in items}
    items.sort(key=seconds.get, reverse=True)
    long = [item for item in items if seconds[item] > LONG]
    short = items[len(long) :]
    workers = int(getattr(config, "workerinput", {}).get("workercount", 1))
    pairs = itertools.zip_longest(ending_early(long, seconds, workers), short)
    items[:] = [item for pair in pairs for item in pair if item]


def ending_early(items, seconds, workers):
    """Return tests in the order in which the workers, each taking the next, end first.

    items: the longest first. Only the last TRIED of them are moved.
    """
    head, tail = items[:-TRIED], items[-TRIED:]

    def end(order):
        free = [0.0] * workers  # when each worker is free
        for item in (*head, *order):
            heapq.heappush(free, heapq.heappop(free) + seconds[item])
        return max(free)

    return head + list(min(itertools.permutations(tail), key=end))


def expected(config, nodeid):
    """Return how many seconds a test should take, as last measured.

    Here, or else in budget.csv; a test that neither knows is short.
    """
    if (seconds := config.cache.get(SECONDS, {}).get(nodeid)) is not None:
        return seconds
    name = nodeid.partition("[")[2].rstrip("]").partition("-local")[0]
    known = budget.seconds().get(name.removesuffix("-cluster"))
    runs = "test_notebooks.py" in nodeid or "judged_rightly" in nodeid
    unknown = 40 if runs else 0.5
    return unknown if known is None else known


class Progress:
    """Says at each notebook's start what runs, what is done and how long is left."""

    def __init__(self, config):
        """Start the load that --load asks for, and the clock."""
        self.config = config
        self.left = {}  # nodeid: expected seconds, of what has not ended
        self.running = {}  # name of a notebook: when it started
        self.workers = int(config.getoption("numprocesses", 0) or 1)
        self.busy = repeat.load(config.getoption("load"))
        self.busy.__enter__()
        self.start, self.before = time.monotonic(), psutil.cpu_times()

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids):
        """Take the list of tests from a worker."""
        self.left = {nodeid: expected(self.config, nodeid) for nodeid in ids}

    def pytest_runtest_logstart(self, nodeid):
        """Print a line when a notebook starts."""
        if "test_notebooks.py" not in nodeid:
            return
        self.running[nodeid] = time.monotonic()
        ran = {n: time.monotonic() - since for n, since in self.running.items()}
        left = sum(max(s - ran.get(n, 0), 0) for n, s in self.left.items())
        names = [n.partition("[")[2].rstrip("]") for n in self.running]
        count = sum("test_notebooks.py" in n for n in self.left)
        self.config.get_terminal_writer().line(
            f"\n{count} notebooks to go, {left / self.workers / 60:.0f} min by last "
            f"time's figures; running: {', '.join(names)}"
        )

    def pytest_runtest_logfinish(self, nodeid):
        """Count a test as done."""
        self.left.pop(nodeid, None)
        self.running.pop(nodeid, None)

    def pytest_runtest_logreport(self, report):
        """With --keep, count a notebook's run as one that tests/repeat.py made."""
        row = dict(report.user_properties).get("row", {})
        book = {repeat.name_of(path) for path in notebooks.find()}
        ran = report.when == "call" and "test_notebooks.py" in report.nodeid
        if self.config.getoption("keep") and ran and row.get("notebook") in book:
            how = f"load={self.config.getoption('load')}"
            repeat.count(book, row["notebook"], how, report.failed)

    def pytest_unconfigure(self):
        """End the load."""
        self.busy.__exit__(None, None, None)

    def cores_busy(self):
        """Return (minutes since the start, busy share of all cores since then)."""
        now = psutil.cpu_times()
        total = sum(now) - sum(self.before)
        idle = now.idle + now.iowait - self.before.idle - self.before.iowait
        return (time.monotonic() - self.start) / 60, 1 - idle / total


def pytest_terminal_summary(terminalreporter, config):
    """Print what each notebook took, and remember how long each test took."""
    reports = [
        report
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", None) == "call"
    ]
    known = config.cache.get(SECONDS, {})
    known |= {report.nodeid: round(report.duration, 1) for report in reports}
    config.cache.set(SECONDS, known)
    rows = [dict(r.user_properties)["row"] for r in reports if r.user_properties]
    if rows:
        terminalreporter.section("notebooks: seconds, MiB, processor seconds")
        for line in budget.report(rows):
            terminalreporter.line(line)
        progress = config.pluginmanager.get_plugin("progress")
        minutes, busy = progress.cores_busy()
        terminalreporter.line(
            f"\n{minutes:.1f} minutes; {psutil.cpu_count()} cores, {busy:.0%} busy"
        )
        if config.getoption("keep") and not config.getoption("load"):
            budget.keep(rows)
    if not all(row["isolated"] for row in rows):
        terminalreporter.line(
            "This machine allows no namespaces: the notebooks ran with its network and "
            "its /tmp, so these two checks were weaker.",
            yellow=True,
        )
