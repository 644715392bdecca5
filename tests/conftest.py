"""Options, the order of tests, and the table of notebooks at the end of a run."""

import os

import pytest

import notebooks

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
        help="of the notebooks, run the Spark lessons of chapters 1 and 2, "
        "on a standalone cluster",
    )


def pytest_configure(config):
    """Refuse to run outside the book's environment, or for a chapter without files."""
    if "SPARK_CONF_DIR" not in os.environ:
        raise pytest.UsageError("run the tests by `make test`: it sets the variables")
    for chapter in chapters(config):
        if not list(notebooks.CHAPTERS.glob(f"{chapter}_*/*.ipynb")):
            raise pytest.UsageError(f"chapter {chapter} has no notebooks")


def chapters(config):
    """Return the chosen chapters as two-digit text; none means all."""
    return [n.zfill(2) for row in config.getoption("chapter") for n in row.split(",")]


def belongs(item, chosen):
    """Return whether a test is about one of the chosen chapters."""
    path = item.callspec.params.get("notebook") if hasattr(item, "callspec") else None
    folder = (path or item.path).parent.name
    return folder[:2] in chosen and folder[2:3] == "_"


def pytest_collection_modifyitems(config, items):
    """Keep the chosen chapters' tests; put the longest first, as last measured."""
    if chosen := chapters(config):
        dropped = [item for item in items if not belongs(item, chosen)]
        config.hook.pytest_deselected(items=dropped)
        items[:] = [item for item in items if belongs(item, chosen)]
    known = config.cache.get(SECONDS, {})

    def length(item):
        unknown = 30 if item.get_closest_marker("notebook") else 1
        return known.get(item.nodeid, unknown)

    items.sort(key=length, reverse=True)


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
    rows = sorted(dict(r.user_properties)["row"] for r in reports if r.user_properties)
    if rows:
        write_table(terminalreporter, rows)


def write_table(terminalreporter, rows):
    """Write a line for each (name, seconds, MiB, compared, exempt, isolated)."""
    width = max(len(row[0]) for row in rows)
    terminalreporter.section("notebooks")
    terminalreporter.line(
        f"{'':{width}}  seconds  peak MiB  cells compared  exempt", bold=True
    )
    for name, seconds, peak, compared, exempt, _ in rows:
        slow, big = seconds > notebooks.BUDGET_SECONDS, peak > notebooks.BUDGET_MIB
        over = [f"over {notebooks.BUDGET_SECONDS} s"] * slow
        over += [f"over {notebooks.BUDGET_MIB} MiB"] * big
        terminalreporter.line(
            f"{name:{width}}  {seconds:7.1f}  {peak:8.0f}  {compared:14}  {exempt:6}"
            + ("  <- " + ", ".join(over) if over else ""),
            yellow=bool(over),
        )
    if not all(row[-1] for row in rows):
        terminalreporter.line(
            "This machine allows no namespaces: the notebooks ran with its network and "
            "its /tmp, so these two checks were weaker.",
            yellow=True,
        )
