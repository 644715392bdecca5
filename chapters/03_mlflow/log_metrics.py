"""Clients of a tracking server; started by 03_projects_and_scale.ipynb.

    python log_metrics.py RUN COUNT KEY ...

A process for each KEY logs COUNT values of the metric of that name to a run, one
request each, and prints a line of JSON for each that the server has acknowledged, or
refused: key, step, seconds since 1970, error, processor seconds of the client so far.
They begin when all of them are ready.
KEY=RETRIES says how often that client repeats a failed request; else MLflow decides.
MLFLOW_TRACKING_URI names the server.
"""

import json
import os
import sys
import time
from multiprocessing import get_context

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException


def log(run, count, key, all_ready):
    key, _, retries = key.partition("=")
    if retries:
        os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = retries  # read at each request
    client = MlflowClient()
    all_ready.wait()
    for step in range(count):
        error = None
        try:
            client.log_metric(run, key, value=step / 10, step=step)
        except MlflowException as raised:
            error = str(raised)
        line = {"key": key, "step": step, "at": time.time(), "error": error}
        line["cpu"] = time.process_time()  # processor seconds of this client so far
        os.write(1, f"{json.dumps(line)}\n".encode())  # at once, so lines stay whole


if __name__ == "__main__":
    run, count, *keys = sys.argv[1:]
    fork = get_context("fork")  # to import MLflow once, not in each process
    all_ready = fork.Barrier(len(keys))
    clients = [fork.Process(target=log, args=(run, int(count), key, all_ready))
               for key in keys]  # fmt: skip
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    sys.exit(any(client.exitcode for client in clients))
