"""Run one command beside a Spark standalone cluster, and stop the cluster after it.

    python cluster.py CONF COMMAND...

The cluster is a master and two workers with one core and 1 GiB each, three processes on
this machine. CONF becomes a copy of $SPARK_CONF_DIR that names the cluster's master:
nothing else tells the command of it. Exits with the command's code.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import notebooks
from lab import Server, free_port, get_json, local_url

WORKERS = 2


def start(role, *options, ready):
    """Start Spark's daemon of that role, a lab.Server."""
    daemon = f"org.apache.spark.deploy.{role.lower()}.{role}"
    return Server(["spark-class", daemon, *options], ready=ready)


def main():
    """Read the command line and carry it out."""
    conf, *command = sys.argv[1:]
    port, page = free_port(), free_port()

    def state():
        return get_json(local_url(page, "/json/"))

    with tempfile.TemporaryDirectory() as folder:
        master = ("--port", port, "--webui-port", page)
        daemons = [start("Master", *master, ready=lambda: state()["status"] == "ALIVE")]
        options = ("--cores", "1", "--memory", "1g", "--webui-port", "0", "-d", folder)
        for number in range(1, WORKERS + 1):
            daemons.append(start(
                "Worker", *options, state()["url"],
                ready=lambda n=number: state()["aliveworkers"] == n,
            ))  # fmt: skip
        notebooks.configuration(Path(conf), state()["url"])
        try:
            return subprocess.call(command, env=os.environ | {"SPARK_CONF_DIR": conf})
        finally:
            for daemon in reversed(daemons):
                daemon.stop()


if __name__ == "__main__":
    sys.exit(main())
