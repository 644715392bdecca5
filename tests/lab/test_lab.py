"""The helpers of chapters/lab do what their docstrings say."""

import os
import socket
import subprocess
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

import psutil
import pytest

import lab

SERVE = """
import http.server, sys
http.server.test(http.server.SimpleHTTPRequestHandler, port=int(sys.argv[1]))
"""


def serve(port, **options):
    """Start Python's own web server as a lab.Server."""
    command = [sys.executable, "-c", SERVE, port]
    return lab.Server(command, ready=lab.local_url(port), **options)


def test_data_returns_an_existing_path():
    assert os.path.isfile(lab.data("flights/flights.parquet"))


def test_missing_data_names_what_there_is():
    with pytest.raises(FileNotFoundError, match=r"'nope'.*flights"):
        lab.data("nope")


def test_scratch_vanishes_with_the_process():
    program = "import lab; f = lab.scratch(); (f / 'x').touch(); print(f)"
    folder = subprocess.check_output([sys.executable, "-c", program], text=True).strip()
    assert folder and not os.path.exists(folder)


def test_check_prints_or_raises(capsys):
    lab.check("two is two", 2 == 2)
    assert capsys.readouterr().out == "two is two: True\n"
    with pytest.raises(AssertionError, match="does not hold: two is three"):
        lab.check("two is three", 2 == 3)


def test_free_port_is_free():
    port = lab.free_port()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", port))


def test_wait_for_returns_the_value_and_treats_oserror_as_not_yet():
    tries = iter([OSError(), 0, "there"])

    def condition():
        found = next(tries)
        if isinstance(found, OSError):
            raise found
        return found

    assert lab.wait_for(condition, 5) == "there"


def test_wait_for_names_what_did_not_happen():
    with pytest.raises(TimeoutError, match="the moon"):
        lab.wait_for(lambda: False, 0.05, "the moon")


def test_server_is_ready_then_gone():
    port = lab.free_port()
    with serve(port) as server:
        assert urllib.request.urlopen(lab.local_url(port)).status == 200
        assert "GET" in server.log()
    assert not psutil.pid_exists(server.process.pid)
    server.stop()  # a second time does no harm


def test_server_that_ends_says_what_it_printed():
    command = [sys.executable, "-c", "print('no licence'); raise SystemExit(3)"]
    with pytest.raises(RuntimeError, match=r"code 3[\s\S]*no licence"):
        lab.Server(command, ready=lambda: False, seconds=20)


def test_a_proxys_answer_is_not_the_servers(monkeypatch):
    """A proxy that refuses everything neither counts as ready nor stands in the way."""

    class Refusing(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_error(403)

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Refusing) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        monkeypatch.setenv("http_proxy", lab.local_url(proxy.server_port))
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        port = lab.free_port()
        with pytest.raises(RuntimeError, match="being ready did not come true"):
            lab.Server(["sleep", "60"], ready=lab.local_url(port), seconds=1)
        command = [sys.executable, "-m", "http.server", str(port)]
        with lab.Server(command, ready=lab.local_url(port)):
            pass
        proxy.shutdown()


def test_server_dies_with_a_killed_process():
    program = (
        "import lab, os, signal, sys; p = lab.free_port(); "
        f"s = lab.Server([sys.executable, '-c', {SERVE!r}, p], lab.local_url(p)); "
        "print(s.process.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True
    )
    pid = int(done.stdout)
    lab.wait_for(
        lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie",
        10,
        "the orphan ending",
    )


def test_style_and_palette_are_usable():
    import matplotlib.pyplot as plt

    lab.style()
    cycle = plt.rcParams["axes.prop_cycle"].by_key()["color"]
    assert cycle == lab.palette and len(set(lab.palette)) == len(lab.palette)


def too_small(number):
    """Pass for numbers above one."""
    assert number > 1, "more than one"


def still_blank(number):
    """Return one more, as a sheet asks for it."""
    ...  # your answer


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        (..., "not answered yet"),
        ((..., 2), "not answered yet"),
        (still_blank, "not answered yet: replace the line"),
        ((2, still_blank), "not answered yet: replace the line"),
        (too_small, "not solved yet. TypeError: "),
        (eval("lambda number: ..."), "not solved yet. TypeError: "),  # no source
        (1, "not solved yet. more than one"),
        ("a", "not solved yet. TypeError: "),
        (2, "solved"),
    ],
)
def test_exercise_tells_and_never_raises(answers, told, capsys):
    lab.exercise(4, answers, too_small)
    assert capsys.readouterr().out.startswith(f"Exercise 4: {told}")


PROGRAM = '''
import os


class Twice:
    def call(self, x):
        """Double."""
        return 2 * x


@os.cache
def unused():
    pass
'''


def test_show_source_prints_what_is_named_in_that_order(tmp_path, capsys):
    (tmp_path / "program.py").write_text(PROGRAM)
    lab.show_source(tmp_path / "program.py", "unused", "call")
    printed = capsys.readouterr().out
    assert printed.startswith("@os.cache\ndef unused():\n    pass\n\n    def")
    assert "class" not in printed
    with pytest.raises(KeyError, match=r"no \['gone'\].*'Twice', 'call', 'unused'"):
        lab.show_source(tmp_path / "program.py", "gone")


@pytest.fixture(scope="module")
def spark():
    """A session of the book's configuration, with one skewed job run."""
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    session = SparkSession.builder.appName("traces").getOrCreate()
    session.sparkContext.setJobDescription("grouped")
    session.range(1000, numPartitions=4).selectExpr("id % 7 AS k").groupBy(
        "k"
    ).count().collect()
    session.sparkContext.setJobDescription(None)
    yield session
    session.stop()
    # Its JVM would live on below this process, where test_budget.py counts what works.
    machine = SparkContext._gateway.proc
    SparkContext._gateway.shutdown()
    SparkContext._gateway = SparkContext._jvm = None
    machine.stdin.close()
    machine.wait(60)


def test_traces_of_a_job(spark):
    stages = lab.stages_of("grouped")
    assert {s["status"] for s in stages} <= {"COMPLETE", "SKIPPED"}
    tasks = lab.tasks_of("grouped")
    first = tasks[tasks["stage"] == tasks["stage"].min()]
    assert sorted(first["task"]) == [0, 1, 2, 3]
    assert (tasks["status"] == "SUCCESS").all() and (tasks["cpu_seconds"] > 0).all()
    rows_read = tasks.groupby("stage")["rows_read"].sum()
    assert list(rows_read) == [1000, 28], "the table; 7 keys from each of 4 partitions"
    with pytest.raises(LookupError, match="'never'"):
        lab.stages_of("never")


def test_plan_of_has_no_serial_numbers(spark):
    frame, again = (
        spark.range(10).selectExpr("id % 7 AS k").groupBy("k").count() for _ in "ab"
    )
    assert lab.plan_of(frame) == lab.plan_of(again)
    assert "Exchange" in lab.plan_of(frame) and "#" not in lab.plan_of(frame)
