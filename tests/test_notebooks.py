"""Every notebook, run again: same outputs, nothing left behind, no network.

Exercise sheets and solutions are run and compared by test_exercises.py, with other
answers beside them.
"""

import pytest

import budget
import exercises
import notebooks

ALL = [
    path
    for path in notebooks.find()
    if path.name not in (exercises.SHEET, exercises.SOLUTIONS)
    and notebooks.code_cells(notebooks.read(path))
]


def elsewhere(config):
    """Return the (notebook, master) pairs that the options ask for in addition.

    Lessons that use Spark: with --cores=N,M on that many cores, with --cluster those of
    chapters 1, 2 and 4 to 6 on a standalone cluster. A lesson that names a master
    itself (2.6, 7.4: the one it starts) would run as before.
    """
    lessons = [
        path
        for path in ALL
        if path.parent != notebooks.CHAPTERS
        and "pyspark" in (text := path.read_text(encoding="utf-8"))
        and '\\"spark.master\\":' not in text
    ]
    if config.getoption("cluster"):
        spark = ("01", "02", "04", "05", "06")
        return [(path, "cluster") for path in lessons if path.parent.name[:2] in spark]
    cores = config.getoption("cores")
    return [(path, f"local[{n}]") for path in lessons for n in cores]


def pytest_generate_tests(metafunc):
    """Give the test its notebooks, each with a master or None: the configured one."""
    pairs = [] if metafunc.config.getoption("cluster") else [(p, None) for p in ALL]
    pairs += elsewhere(metafunc.config)
    names = [f"{p.relative_to(notebooks.CHAPTERS)}" for p, _ in pairs]
    ids = [f"{n}-{m}" if m else n for n, (_, m) in zip(names, pairs, strict=True)]
    metafunc.parametrize(("notebook", "master"), pairs, ids=ids)


@pytest.mark.notebook
def test_outputs_are_as_stored(notebook, master, record_property):
    """It runs in a fresh kernel, its outputs agree, and it leaves nothing behind."""
    ran = notebooks.run(notebook, master=master)
    name = str(notebook.relative_to(notebooks.CHAPTERS))
    name += f" on {master}" if master else ""
    record_property("row", budget.row(name, ran))
    if ran.problems:
        pytest.fail(f"{name}\n" + "\n".join(ran.problems), pytrace=False)
