"""Every notebook, run again: same outputs, nothing left behind, no network."""

import pytest

import notebooks

ALWAYS_ON_OTHER_CORES = "02"  # the chapter on how Spark runs; --cores tries them all
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


def on_other_cores(config):
    """Return the (notebook, cores) that test_outputs_on_other_cores tries."""
    wanted = config.getoption("cores")
    uses_spark = [p for p in ALL if "pyspark" in p.read_text(encoding="utf-8")]
    if not wanted:
        uses_spark = [
            p for p in uses_spark if p.parent.name[:2] == ALWAYS_ON_OTHER_CORES
        ]
    return [(p, int(n)) for p in uses_spark for n in (wanted or "1,4").split(",")]


def pytest_generate_tests(metafunc):
    """Give test_outputs_on_other_cores its notebooks and numbers of cores."""
    if "cores" in metafunc.fixturenames:
        pairs = on_other_cores(metafunc.config)
        ids = [f"{p.relative_to(notebooks.CHAPTERS)}-local[{n}]" for p, n in pairs]
        metafunc.parametrize(("notebook", "cores"), pairs, ids=ids)


@pytest.mark.notebook
def test_outputs_on_other_cores(notebook, cores, record_property):
    """Its outputs agree too when Spark's configuration gives it other cores."""
    name = f"{notebook.relative_to(notebooks.CHAPTERS)} on {cores}"
    check(notebook, record_property, name, master=f"local[{cores}]")
