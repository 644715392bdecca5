"""The habits of the Jupyter Docker Stacks; both images share the scripts."""

import json
import os
import secrets
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import pytest
from conftest import BOOK, docker, tag, wait_for

ALICE = ("--user", "root", "--env", "NB_USER=alice")


def run(*options, command=("true",)):
    """Run a command in the spark image; return the CompletedProcess."""
    return docker("run", "--rm", *options, tag("spark"), *command)


@pytest.fixture
def start_spark(start):
    """A function that starts the spark image and waits until its health is known."""

    def go(*options, command=()):
        one = start(*options, command=command)
        wait_for(lambda: one.state()["Health"]["Status"] == "healthy", "health", 120)
        return one

    return go


@pytest.mark.parametrize(
    "options", [(), ("--workdir", "/home/alice"), ("--volume", "/home/alice")]
)
def test_another_name_takes_the_home_with_it(options):
    script = (
        "id -un; pwd; echo $HOME; cd; touch chapters/new work/new; "
        "stat -c %U chapters/new work/new; python -c 'import lab; print(lab.__file__)'"
    )
    options = *ALICE, "--env", "NB_UID=1234", *options
    told = run(*options, command=("sh", "-c", script))
    assert told.stdout.split() == [
        "alice", "/home/alice", "/home/alice", "alice", "alice",
        "/home/alice/chapters/lab/__init__.py",
    ], told.stderr  # fmt: skip


def test_a_name_of_the_system_is_refused():
    told = run("--user", "root", "--env", "NB_USER=games")
    assert told.returncode == 1 and "take another name" in told.stderr


@pytest.mark.parametrize("variable", ["NB_USER=alice", "NB_UID=1234", "NB_GID=2345"])
def test_without_root_the_reader_is_told(variable):
    told = run("--env", variable)
    assert told.returncode == 0 and "--user root" in told.stderr


def test_sudo_is_refused_with_a_line():
    told = run("--env", "GRANT_SUDO=yes")
    assert told.returncode == 0 and "there is no sudo here" in told.stderr


def test_a_tmp_without_execution_is_refused_with_a_line():
    told = run("--read-only", "--tmpfs", "/tmp")
    assert told.returncode == 1 and "/tmp:exec" in told.stderr


def test_umask():
    told = run("--env", "NB_UMASK=027", command=("sh", "-c", "umask"))
    assert told.stdout == "0027\n", told.stderr


def test_more_folders_are_given_to_the_user():
    folders = ("/opt/a", "/opt/b", "/home/jovyan/mine")
    mounts = [option for folder in folders for option in ("--tmpfs", folder)]
    extra = ("--env", "CHOWN_EXTRA=/opt/a,/opt/b", "--env", "CHOWN_EXTRA_OPTS=-R")
    home = ("--env", "CHOWN_HOME=yes", "--env", "CHOWN_HOME_OPTS=-R")
    owners = ("stat", "-c", "%U", *folders)
    for options, expected in (((), "root"), ((*extra, *home), "jovyan")):
        told = run("--user", "root", *mounts, *options, command=owners)
        assert told.stdout.split() == [expected] * 3, told.stderr


@pytest.mark.parametrize("folder", ["start-notebook.d", "before-notebook.d"])
def test_hooks(tmp_path, folder):
    (tmp_path / "variable.sh").write_text("export FROM_HOOK=here\n")
    (tmp_path / "failing.sh").write_text("false\n")
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho program ran\n")
    program.chmod(0o755)
    tmp_path.chmod(0o755)  # the container's user is another one
    mount = ("--volume", f"{tmp_path}:/usr/local/bin/{folder}:ro")
    told = run(*mount, command=("sh", "-c", "echo $FROM_HOOK"))
    assert told.stdout == "program ran\nhere\n"
    assert "failing.sh failed" in told.stderr


def test_a_front_end_that_is_not_there():
    told = run("--env", "DOCKER_STACKS_JUPYTER_CMD=notebook", command=())
    assert told.returncode == 1 and "only lab and server" in told.stderr


def test_docker_exec_has_the_books_variables(container):
    lines = (BOOK / "docker/conf/book.env").read_text().splitlines()
    ours = {line for line in lines if line and not line.startswith("#")}
    assert ours <= set(docker("exec", container.name, "env").stdout.splitlines())


@pytest.mark.parametrize("options", [(), ("--env", "JUPYTER_RUNTIME_DIR=/tmp/run")])
@pytest.mark.parametrize("image", ["spark"], indirect=True)
def test_healthy_behind_a_certificate_and_another_address(start_spark, options):
    one = start_spark(
        *ALICE, *options, "--env", "GEN_CERT=yes", "--env", "JUPYTER_PORT=9999",
        command=("start-notebook.py", "--ServerApp.base_url=/hub/alice"),
    )  # fmt: skip
    assert "https://127.0.0.1:9999/hub/alice/lab" in one.log()
    assert "Executing: jupyter lab" in one.log()


@pytest.mark.parametrize("image", ["spark"], indirect=True)
def test_jupyter_is_started_again(start_spark):
    one = start_spark("--env", "RESTARTABLE=yes", command=("start-notebook.sh",))
    docker("exec", one.name, "pkill", "-f", "bin/jupyter")
    wait_for(lambda: one.log().count("is running at:") == 2, "a second start", 120)


@pytest.mark.parametrize("image", ["spark"], indirect=True)
def test_a_kernel_named_python3(container):
    told = json.loads(container.get("/api/kernelspecs", container.token())[1])
    assert told["default"] == "spark"
    request = urllib.request.Request(
        container.address() + "/api/kernels",
        json.dumps({"name": "python3"}).encode(),
        {"Authorization": f"token {container.token()}"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 201


def ask(address, token=None, data=None):
    """Return (status, text) of a GET, or of a POST of data, with a hub's token."""
    headers = {"Authorization": f"token {token}"} if token else {}
    try:
        request = urllib.request.Request(address, data, headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.fixture
def hub(image, tmp_path):
    """A JupyterHub that starts this image: its address and the token of its boss."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex()
    settings = {"IMAGE": tag(image), "HUB_PORT": str(port), "HUB_TOKEN": token}
    command = [sys.executable, BOOK / "docker/env.py", "exec", "spark", "jupyterhub"]
    with open(tmp_path / "log", "w") as log:
        running = subprocess.Popen(
            [*command, "--config", BOOK / "tests/images/hub.py"],
            cwd=tmp_path,
            env=os.environ | settings,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    address = f"http://127.0.0.1:{port}/hub/api"
    try:
        wait_for(lambda: ask(address)[0] == 200, "the hub's answer", 120)
        yield address, token
    finally:
        running.terminate()  # it stops its users' servers first
        running.wait(timeout=120)
        print((tmp_path / "log").read_text()[-3000:])


def test_a_hub_starts_the_image(hub):
    address, token = hub
    assert ask(f"{address}/users/alice", token, b"")[0] == 201
    assert ask(f"{address}/users/alice/server", token, b"")[0] in (201, 202)

    def ready():
        told = json.loads(ask(f"{address}/users/alice", token)[1])
        return (server := told["servers"].get("")) and server["ready"] and server

    wait_for(ready, "alice's server")
    routes = json.loads(ask(f"{address}/proxy", token)[1])
    server = routes["/user/alice/"]["target"] + "/user/alice"
    page = f"{server}/api/contents/chapters/index.ipynb?content=0"
    assert ask(page)[0] == 403
    assert ask(page, token)[0] == 200
    assert json.loads(ask(f"{server}/api/kernelspecs", token)[1])["default"] == "spark"


def test_a_single_user_server_without_a_hub_is_refused():
    told = run(command=("start-singleuser.py",))
    assert told.returncode == 1 and "a JupyterHub starts" in told.stderr
