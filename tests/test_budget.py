"""What is said about costs is measured: usage.py, budget.py and repeat.py."""

import os
import subprocess
import sys
import time
from types import SimpleNamespace

import conftest

import budget
import notebooks
import repeat
import usage

BUSY = "import time\nwhile time.process_time() < 1: pass"
IN_A_CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BUSY!r}])"


def watch(program):
    """Return the Meter that watched a Python program until its end."""
    meter = usage.Meter(os.getpid())
    process = subprocess.Popen([sys.executable, "-c", program])
    while process.poll() is None:
        time.sleep(0.1)
        meter.look()
    return meter


def test_work_is_counted_in_ended_grandchildren_too():
    assert 0.8 < watch(BUSY).work()["python"] < 5
    assert 0.8 < watch(IN_A_CHILD).work()["python"] < 5


def test_waiting_is_no_work():
    meter = watch("import time; time.sleep(2)")
    assert meter.waiting > 1
    assert sum(meter.work().values()) < 1


def test_names_with_brackets_are_read():
    """A process may choose any name, also one that looks like the end of a field."""
    name = "import ctypes; ctypes.CDLL(None).prctl(15, b'a) R 1 (b'); input()"
    process = subprocess.Popen([sys.executable, "-c", name], stdin=subprocess.PIPE)
    try:
        for _ in range(200):
            read = usage.stat(f"/proc/{process.pid}")
            if read[0].startswith("a)"):
                break
            time.sleep(0.05)
        assert read[0] == "a) R 1 (b"
        assert int(read[1][1]) == os.getpid()
    finally:
        process.communicate()


def ran(processor, cells=((1, 1.0),)):
    """Return a Run of so many processor seconds."""
    work = dict.fromkeys(usage.KINDS, 0.0) | {"java": processor}
    lines = [{"cell": n, "before": 0, "work": w, "seconds": w} for n, w in cells]
    return notebooks.Run(work=work, cells=lines)


def test_the_report_names_what_is_dear():
    rows = [
        budget.row("a.ipynb", ran(budget.BUDGET + 1, [(1, 2.0), (7, 40.0)])),
        budget.row("b.ipynb", ran(budget.BUDGET - 1)),
    ]
    text = "\n".join(budget.report(rows))
    dearest = text.partition("dearest cells")[2].splitlines()[1]
    assert dearest.endswith("a.ipynb In [7]")
    over = text.partition("Over their budget")[2]
    assert "a.ipynb" in over and "b.ipynb" not in over


def test_the_table_knows_the_notebooks_of_the_book():
    names = {str(p.relative_to(notebooks.CHAPTERS)) for p in notebooks.find()}
    assert set(budget.seconds()) <= names
    assert names >= budget.MANY


def test_runs_are_counted_for_what_was_run(tmp_path, monkeypatch):
    """Interrupted runs stay counted; those of a notebook changed since do not."""
    states = {"a.ipynb": "1", "b.ipynb": "1"}
    monkeypatch.setattr(repeat, "TABLE", tmp_path / "repeats.csv")
    monkeypatch.setattr(repeat, "state", states.get)
    for how, differed in (("load=0", False), ("load=0", True), ("load=2", False)):
        repeat.count(states, "a.ipynb", how, differed)
    repeat.count(states, "b.ipynb", "load=0", False)
    states["b.ipynb"] = "2"
    found = [(r["how"], r["runs"], r["differed"]) for r in repeat.counted(states)]
    assert found == [("load=0", "2", "1"), ("load=2", "1", "0")]
    assert repeat.rounds(["a", "b"], 3, {"a": 2, "b": 0}) == ["b", "b", "a", "b"]


def test_a_kept_test_run_counts_its_lessons(tmp_path, monkeypatch):
    """Those on the configured master, at their end; a failed one differed."""
    monkeypatch.setattr(repeat, "TABLE", tmp_path / "repeats.csv")
    name = repeat.name_of(notebooks.find()[0])
    options = {"keep": True, "load": 2}
    progress = conftest.Progress.__new__(conftest.Progress)  # no load is started
    progress.config = SimpleNamespace(getoption=options.get)

    def ends(name, when="call", failed=False):
        properties = [("row", {"notebook": name})]
        report = {"when": when, "failed": failed, "user_properties": properties}
        progress.pytest_runtest_logreport(
            SimpleNamespace(nodeid="test_notebooks.py::a", **report)
        )

    ends(name)
    ends(name, when="teardown")
    ends(name, failed=True)
    ends(f"{name} on local[4]")
    options["keep"] = False
    ends(name)
    (row,) = repeat.counted({name})
    assert (row["how"], row["runs"], row["differed"]) == ("load=2", "2", "1")


def test_load_ends():
    before = len(usage.tree(os.getpid()))
    with repeat.load(2):
        assert len(usage.tree(os.getpid())) == before + 2
    assert len(usage.tree(os.getpid())) == before
