"""The helpers of chapters/lab do what their docstrings say."""

import os
import socket
import subprocess
import sys
import urllib.request

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


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        (..., "not answered yet"),
        ((..., 2), "not answered yet"),
        (1, "not solved yet. more than one"),
        ("a", "not solved yet. TypeError: "),
        (2, "solved"),
    ],
)
def test_exercise_tells_and_never_raises(answers, told, capsys):
    lab.exercise(4, answers, too_small)
    assert capsys.readouterr().out.startswith(f"Exercise 4: {told}")
