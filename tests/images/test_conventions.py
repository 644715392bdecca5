"""Both images keep the conventions of the Jupyter Docker Stacks, and their promises."""

import json
import re

from conftest import BOOK, LIMITS, docker, tag, wait_for

FIRST_ACTION = """
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
print("counted", spark.range(1000).count())
spark.stop()
"""


def test_size(image):
    told = docker("image", "inspect", "--format", "{{.Size}}", tag(image))
    pages = sum(
        f.stat().st_size for f in (BOOK / ".web/html").rglob("*") if f.is_file()
    )
    assert 0 < pages < 75e6  # 62 MB with nine chapters, a third of it notebooks
    assert int(told.stdout) <= LIMITS[image] + pages


def test_user_and_home(container):
    told = container.run("sh", "-c", "id -un; id -u; id -g; pwd; echo $HOME; ls -a")
    user, uid, gid, folder, home, *files = told.stdout.split()
    assert (user, uid, gid) == ("jovyan", "1000", "100")
    assert folder == home == "/home/jovyan"
    assert {"chapters", "datasets", "work", "README.md", "LICENSE"} <= set(files)


def test_the_readers_ids_are_honoured(image):
    script = "id -u; id -g; touch chapters/new work/new; stat -c %u:%g chapters/new"
    told = docker(
        "run", "--rm", "--user", "root", "--env", "NB_UID=1234", "--env", "NB_GID=2345",
        tag(image), "sh", "-c", script,
    )  # fmt: skip
    assert told.stdout.split() == ["1234", "2345", "1234:2345"], told.stderr


def test_any_command_may_be_given(image):
    told = docker("run", "--rm", tag(image), "python", "-c", "print(6 * 7)")
    assert (told.returncode, told.stdout) == (0, "42\n")


def test_becomes_healthy(container):
    wait_for(lambda: container.state()["Health"]["Status"] == "healthy", "health", 60)


def test_token_is_asked_for(container):
    assert container.get("/api/contents")[0] == 403
    assert container.get("/api/contents", token="wrong")[0] == 403
    assert container.get("/api/contents", token=container.token())[0] == 200


def test_printed_address_opens_the_book(container):
    status, page = container.get(f"/lab?token={container.token()}")
    assert status == 200 and "JupyterLab" in page
    told = container.run("jupyter", "lab", "--show-config-json")
    assert "chapters/index.ipynb" in told.stdout


def test_token_of_the_environment_is_honoured(start):
    one = start("--env", "JUPYTER_TOKEN=mine").wait_until_ready()
    assert one.get("/api/contents", token="mine")[0] == 200
    assert one.get("/api/contents", token="other")[0] == 403


def test_log_has_no_warning(start):
    one = start().wait_until_ready()
    one.token()
    suspicious = r"^.*(?:\[W |WARN|Warning|\[E |Error|Traceback).*$"
    assert re.findall(suspicious, one.log(), re.M) == []


def test_first_spark_action_in_3_gigabytes(image):
    told = docker(
        "run", "--rm", "--memory", "3g", tag(image), "python", "-c", FIRST_ACTION
    )
    assert told.stdout == "counted 1000\n", told.stderr
    assert told.stderr == ""


def test_a_user_that_the_image_does_not_know(image):
    """Java and Hadoop ask for a name and a home."""
    told = docker(
        "run", "--rm", "--user", "12345", "--group-add", "users", tag(image),
        "python", "-c", "import getpass; print(getpass.getuser())" + FIRST_ACTION,
    )  # fmt: skip
    assert told.stdout == "jovyan\ncounted 1000\n", told.stderr


def test_a_proxy_is_not_asked_for_this_machine(image):
    """The engine hands a company's proxy on to its containers."""
    told = docker(
        "run", "--rm", "--env", "http_proxy=http://127.0.0.1:9", "--env",
        "NO_PROXY=intranet", tag(image), "sh", "-c", "echo $NO_PROXY $no_proxy",
    )  # fmt: skip
    ours = "localhost,127.0.0.1,::1"
    assert told.stdout.split() == [f"intranet,{ours}", ours]


def test_this_machine_needs_no_proxy_whichever_way_in(container, image):
    command = ("sh", "-c", "echo $NO_PROXY")
    for way in (("run", "--rm", tag(image)), ("exec", container.name)):
        told = docker(*way, *command)
        assert "127.0.0.1" in told.stdout, (way, told.stderr)


def test_the_user_can_read_the_configuration(container):
    """Whatever the modes of the clone that the image was built from."""
    told = container.run("find", "/etc/spark", "/etc/jupyter", "!", "-readable")
    assert (told.returncode, told.stdout) == (0, ""), told.stderr


def test_hardened_container(image):
    told = docker(
        "run", "--rm", "--read-only", "--tmpfs", "/tmp:exec", "--cap-drop", "ALL",
        "--network", "none", tag(image), "python", "-c", FIRST_ACTION,
    )  # fmt: skip
    assert told.stdout == "counted 1000\n", told.stderr


def test_hardened_jupyter_answers(start):
    one = start("--read-only", "--tmpfs", "/tmp:exec", "--cap-drop", "ALL")
    assert one.wait_until_ready().get("/api/contents", token=one.token())[0] == 200
    wait_for(lambda: one.state()["Health"]["Status"] == "healthy", "health", 120)


def test_too_little_memory_names_the_option(image):
    told = docker("run", "--rm", "--memory", "600m", tag(image))
    assert told.returncode == 1
    assert "600 MiB" in told.stderr and "--memory" in told.stderr


def test_kernels(container, image):
    status, told = container.get("/api/kernelspecs", container.token())
    offered = set(json.loads(told)["kernelspecs"])
    assert offered == ({"spark"} if image == "spark" else {"spark", "dl"})


def test_pages_behind_jupyters_port(container, image):
    token = container.token()
    session = (
        "from pyspark.sql import SparkSession; import sys; "
        "s = SparkSession.builder.appName('proxied').getOrCreate(); "
        "s.range(9).count(); "
        "print('up', flush=True); sys.stdin.read()"
    )
    docker("exec", "--detach", container.name, "start.sh", "sh", "-c",
           f'sleep 300 | python -c "{session}"')  # fmt: skip
    try:
        # "Spark is starting up" is its page until the session is complete.
        wait_for(
            lambda: "Spark Jobs" in container.get("/spark/jobs/", token)[1],
            "Spark's page",
            90,
        )
        page = container.get("/spark/jobs/", token)[1]
        assert "proxied" in page
        assert "/spark/static/" in page, "links must lead through the proxy"
        assert "Spark Jobs" not in container.get("/spark/jobs/")[1], "needs the token"
    finally:
        container.run("pkill", "-f", "proxied")
    pages = {"/mlflow/": "MLflow", "/book/": "runnable book"}
    if image == "dl":
        pages["/tensorboard/"] = "TensorBoard"
    for path, word in pages.items():
        status, page = container.get(path, token, timeout=120)
        assert status == 200 and word in page
    assert "runnable book" not in container.get("/book/")[1], "needs the token"


def test_the_book_is_read_beside_its_notebooks(container):
    token = container.token()
    told = json.loads(container.get("/server-proxy/servers-info", token)[1])
    tiles = {server["launcher_entry"]["title"] for server in told["server_processes"]}
    assert "The book" in tiles
    for page in ("chapters/glossary.html", "zh/index.html", "searchindex.js"):
        status, text = container.get(f"/book/{page}", token, timeout=120)
        assert status == 200 and len(text) > 10_000
    links = re.findall(r'(?:href|src)="(/[^"]*)"', container.get("/book/", token)[1])
    assert links == [], "a link from the site's root leads out of the proxy"
