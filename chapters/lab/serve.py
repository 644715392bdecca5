"""Servers and other programs that a notebook starts, and always stops again."""

import atexit
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

# This machine's own servers are asked directly: a company's proxy cannot reach them,
# and its refusal would pass for their answer.
_directly = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def free_port():
    """Return a TCP port on the loopback address that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def local_url(port, path=""):
    """Return the http address of a server on this machine's loopback interface."""
    return f"http://127.0.0.1:{port}{path}"


def wait_for(condition, seconds=120, what="the condition"):
    """Poll `condition()` until it is truthy and return that value.

    An OSError (a refused connection, a file not there yet) counts as "not yet".
    Raises TimeoutError, naming `what`, after `seconds`.
    """
    deadline = time.monotonic() + seconds
    pause = 0.02
    while True:
        try:
            if value := condition():
                return value
        except OSError:
            pass
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come true within {seconds} s")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.5)


def get_json(url, timeout=120):
    """Return the JSON document that a GET of `url` answers, as Python objects."""
    with _directly.open(url, timeout=timeout) as answer:
        return json.load(answer)


class Server:
    """A program that runs beside the notebook until `stop()`, or until the kernel ends.

    command: list of program and arguments, started in a process group of its own.
    ready: URL that answers 200, or a function that returns true, once it is up.
    seconds: how long it may take; RuntimeError with its last output otherwise. This
        only ends what hangs: a busy machine may need minutes for what takes seconds.
    Also a context manager; `log()` returns everything it has printed.
    """

    def __init__(self, command, ready, seconds=300, **options):
        """Start the program and return when it is ready."""
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 (log() reads it later)
        # A kernel that is killed runs no clean-up: let Linux end the program with it.
        orphan = ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []
        self.process = subprocess.Popen(
            [*orphan, *(str(part) for part in command)],
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **options,
        )
        atexit.register(self.stop)
        try:
            wait_for(
                lambda: self._is_ready(ready), seconds, f"{command[0]} being ready"
            )
        except (RuntimeError, TimeoutError) as error:
            self.stop()
            raise RuntimeError(f"{error}; it printed:\n{self.log()[-2000:]}") from None

    def _is_ready(self, ready):
        if self.process.poll() is not None:
            raise RuntimeError(f"the program ended with code {self.process.returncode}")
        if callable(ready):
            return ready()
        try:
            with _directly.open(ready, timeout=2):
                return True
        except urllib.error.HTTPError as error:
            return error.code < 500

    def log(self):
        """Return what the program has printed so far (str)."""
        return os.pread(self._output.fileno(), 1 << 24, 0).decode(errors="replace")

    def stop(self, seconds=10):
        """End the program and all it started; harmless when it has ended already."""
        atexit.unregister(self.stop)
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(seconds)
        with contextlib.suppress(ProcessLookupError):  # whatever is left of the group
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(seconds)

    def __enter__(self):
        """Return the running server."""
        return self

    def __exit__(self, *_):
        """Stop it."""
        self.stop()
