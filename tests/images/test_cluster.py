"""The compose cluster: a notebook runs on it, MLflow's records are in PostgreSQL."""

import os
import re
import socket
import subprocess
import urllib.request
import uuid

import pytest
from conftest import BOOK, docker

SCRIPTS = {
    "where": """
import socket
import time
from pyspark.sql import SparkSession
sc = SparkSession.builder.getOrCreate().sparkContext
hosts = sc.parallelize(range(8), 8).map(lambda _: (time.sleep(1), socket.gethostname()))
print(sc.master, len(set(hosts.collect())))
""",
    "log": """
import mlflow
from pathlib import Path
with mlflow.start_run():
    mlflow.log_metric("height", 1.75)
    mlflow.log_text("kept", "note.txt")
print(mlflow.get_tracking_uri())
""",
}


def free_port():
    """Return a TCP port of this machine that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


class Cluster:
    """The cluster, with a name and ports of its own beside a reader's."""

    def __init__(self):
        """Start it by the script behind `make cluster`; its output is in `told`."""
        self.name = f"book-test-{uuid.uuid4().hex[:12]}"
        ports = {name: free_port() for name in ("PORT", "MASTER_PORT", "MLFLOW_PORT")}
        self.environment = os.environ | ports | {"COMPOSE_PROJECT_NAME": self.name}
        self.told = self.script("cluster")

    def script(self, action):
        """Run docker/images.sh with this action; return the CompletedProcess."""
        return subprocess.run(
            [BOOK / "docker/images.sh", action], env=self.environment,
            capture_output=True, text=True, timeout=400,
        )  # fmt: skip

    def run(self, service, *command):
        """Run a command in the service's container; return its standard output."""
        of = f"label=com.docker.compose.service={service}"
        mine = f"label=com.docker.compose.project={self.name}"
        name = docker("ps", "--quiet", "--filter", of, "--filter", mine).stdout.strip()
        told = docker("exec", name, *command)
        assert told.returncode == 0, told.stdout + told.stderr
        return told.stdout

    def python(self, script):
        """Run a Python script beside Jupyter; return its standard output."""
        return self.run("jupyter", "start.sh", "python", "-c", script)

    def remove(self):
        """Stop it, and delete its volumes, which stopping alone keeps."""
        self.script("cluster-stop")
        volumes = docker("volume", "ls", "--quiet", "--filter", f"name={self.name}_")
        docker("volume", "rm", *volumes.stdout.split())


@pytest.fixture(scope="module")
def cluster():
    """One cluster for all tests of this file."""
    started = Cluster()
    yield started
    started.remove()


def test_it_starts_and_prints_addresses_that_answer(cluster):
    assert cluster.told.returncode == 0, cluster.told.stdout + cluster.told.stderr
    addresses = re.findall(r"http://\S+", cluster.told.stdout)
    pages = [urllib.request.urlopen(a, timeout=60).read().decode() for a in addresses]
    titles = [re.search(r"<title>\s*(.*?)\s*</title>", page)[1] for page in pages]
    assert [title.split()[0] for title in titles] == ["JupyterLab", "Spark", "MLflow"]


def test_tasks_run_on_both_workers(cluster):
    assert cluster.python(SCRIPTS["where"]) == "spark://master:7077 2\n"


def test_a_notebook_has_its_stored_outputs(cluster):
    """One with joins, shuffles and RDDs; `make test-cluster` runs all of them."""
    cluster.run(
        "jupyter", "start.sh", "python", "-m", "pytest", "--nbval", "--quiet",
        "-p", "no:cacheprovider", "chapters/02_spark/02_dataframes.ipynb",
    )  # fmt: skip


def test_a_run_is_recorded_in_postgresql(cluster):
    assert cluster.python(SCRIPTS["log"]).splitlines()[-1] == "http://mlflow:5000"
    query = "SELECT key, value FROM metrics"
    connect = "PGPASSWORD=only-reachable-inside psql -h database -U mlflow -At mlflow"
    found = cluster.run("database", "sh", "-c", f"{connect} -c '{query}'")
    assert found == "height|1.75\n"
    assert "note.txt" in cluster.run("mlflow", "find", "/home/jovyan/work")


def test_records_survive_a_stop(cluster):
    cluster.script("cluster-stop")
    assert cluster.script("cluster").returncode == 0
    script = "import mlflow; print(len(mlflow.search_runs(['0'])))"
    assert cluster.python(script).split()[-1] == "1"
