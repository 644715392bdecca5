"""Containers of the book's images, started for real and always removed."""

import json
import re
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

import pytest

BOOK = Path(__file__).resolve().parents[2]
LIMITS = {"spark": 1.6e9, "dl": 3.4e9}  # bytes, uncompressed
READY = 300  # seconds in which Jupyter must answer; they end what hangs, no more


def docker(*arguments, timeout=600):
    """Run docker with these arguments; return the CompletedProcess, output as text."""
    command = ["docker", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout)


class Container:
    """A running container of an image; `options` go to `docker run`."""

    def __init__(self, image, *options, command=()):
        """Start it; raises RuntimeError with Docker's message when that fails."""
        self.name = f"book-test-{uuid.uuid4().hex[:12]}"
        told = docker("run", "--detach", "--name", self.name, "--publish",
                      "127.0.0.1::8888", *options, tag(image), *command)  # fmt: skip
        if told.returncode:
            self.remove()
            raise RuntimeError(told.stderr)

    def remove(self):
        """Stop and delete it, whatever state it is in."""
        docker("rm", "--force", "--volumes", self.name)

    def log(self):
        """Return what it has printed, standard error included."""
        told = docker("logs", self.name)
        return told.stdout + told.stderr

    def run(self, *command, timeout=600):
        """Run a command inside, as its user and with the book's variables."""
        return docker("exec", self.name, "start.sh", *command, timeout=timeout)

    def state(self):
        """Return Docker's description of its state (dict)."""
        told = docker("inspect", "--format", "{{json .State}}", self.name)
        return json.loads(told.stdout)

    def address(self):
        """Return the host's address of Jupyter's port."""
        return "http://" + docker("port", self.name, "8888").stdout.split()[0]

    def token(self):
        """Return the token that it printed, waiting until it has."""
        pattern = r"127\.0\.0\.1:8888/\S*\?token=(\w+)"
        return wait_for(lambda: re.search(pattern, self.log()), "the printed address")[
            1
        ]

    def get(self, path, token=None, timeout=60):
        """Return (status, text) of a GET from the host."""
        headers = {"Authorization": f"token {token}"} if token else {}
        request = urllib.request.Request(self.address() + path, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return answer.status, answer.read().decode(errors="replace")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace")

    def wait_until_ready(self):
        """Return itself once Jupyter answers."""
        wait_for(lambda: self.get("/api")[0] == 200, "Jupyter's answer")
        return self


def tag(image):
    """Return the full name of an image of the book."""
    return f"scaling-ml-book/{image}"


def wait_for(condition, what, seconds=READY):
    """Poll until the condition is true and return its value; refusals are "not yet"."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if value := condition():
                return value
        except OSError:
            pass
        time.sleep(0.2)
    raise TimeoutError(f"{what} did not come within {seconds} s")


@pytest.fixture(scope="session", params=LIMITS)
def image(request):
    """Each image's short name in turn."""
    if docker("image", "inspect", tag(request.param)).returncode:
        pytest.fail(f"there is no image {tag(request.param)}: run make images")
    return request.param


@pytest.fixture(scope="session")
def container(image):
    """A container started as a reader would, ready, shared by the tests of an image."""
    started = Container(image)
    yield started.wait_until_ready()
    started.remove()


@pytest.fixture
def start(image):
    """A function that starts one more container, removed after the test."""
    started = []

    def begin(*options, command=()):
        started.append(Container(image, *options, command=command))
        return started[-1]

    yield begin
    for one in started:
        one.remove()
