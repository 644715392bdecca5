"""Every notebook, run again: same outputs, nothing left behind, no network."""

import pytest

import exercises
import notebooks

ALL = [path for path in notebooks.find() if notebooks.code_cells(notebooks.read(path))]
NAMES = [str(path.relative_to(notebooks.CHAPTERS)) for path in ALL]


def check(notebook, record_property, name, master=None):
    """Run the notebook, note its row of the table, fail with what is wrong."""
    ran = notebooks.run(notebook, master=master)
    row = [name, ran.seconds, ran.peak, ran.compared, ran.exempt, ran.isolated]
    record_property("row", row)
    if ran.problems:
        pytest.fail(f"{name}\n" + "\n".join(ran.problems), pytrace=False)


@pytest.mark.notebook
@pytest.mark.parametrize("notebook", ALL, ids=NAMES)
def test_outputs_are_as_stored(notebook, record_property):
    """It runs in a fresh kernel, its outputs agree, and it leaves nothing behind."""
    check(notebook, record_property, str(notebook.relative_to(notebooks.CHAPTERS)))


def elsewhere(config):
    """Return the (notebook, master) pairs that test_outputs_elsewhere tries.

    Lessons that use Spark: chapter 2's always with four cores, all with --cores=N,M;
    with --cluster only those of chapters 1 and 2, on a standalone cluster. A lesson
    that names a master itself (2.5, 7.4: the one it starts) would run as before.
    """
    lessons = [
        path
        for path in ALL
        if path.parent != notebooks.CHAPTERS
        and path.name not in (exercises.SHEET, exercises.SOLUTIONS)
        and "pyspark" in (text := path.read_text(encoding="utf-8"))
        and '\\"spark.master\\":' not in text
    ]
    if config.getoption("cluster"):
        masters, chapters = ["cluster"], ("01", "02")
    elif cores := config.getoption("cores"):
        masters, chapters = [f"local[{n}]" for n in cores.split(",")], None
    else:
        masters, chapters = ["local[4]"], ("02",)
    return [
        (path, master)
        for path in lessons
        if chapters is None or path.parent.name[:2] in chapters
        for master in masters
    ]


def pytest_generate_tests(metafunc):
    """Give test_outputs_elsewhere its notebooks and masters."""
    if "master" in metafunc.fixturenames:
        pairs = elsewhere(metafunc.config)
        ids = [f"{p.relative_to(notebooks.CHAPTERS)}-{master}" for p, master in pairs]
        metafunc.parametrize(("notebook", "master"), pairs, ids=ids)


@pytest.mark.notebook
def test_outputs_elsewhere(notebook, master, record_property):
    """Its outputs agree too when Spark's configuration names another master."""
    name = f"{notebook.relative_to(notebooks.CHAPTERS)} on {master}"
    check(notebook, record_property, name, master=master)
