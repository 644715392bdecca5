"""Take the picture of MLflow's page that stands in 01_tracking.ipynb: `make picture`.

Runs the notebook's cells against a tracking server of its own, opens the page with the
runs in Chromium without a window, and stores what it shows as 01_tracking.png. Which
runs and columns it shows is a shared view, stored with the experiment.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import mlflow
import nbformat
from nbclient import NotebookClient
from PIL import Image

from lab import Server, free_port, local_url, scratch

NOTEBOOK = Path(__file__).with_name("01_tracking.ipynb")
PICTURE = NOTEBOOK.with_suffix(".png")
WIDTH, HEIGHT = 1280, 880  # pixels
HOST = "mlflow.book"  # a browser that finds "localhost" opens an assistant as well
VIEW = {
    "searchFilter": "metrics.auc > 0.7 and params.model = 'boosting'",
    "orderByKey": "metrics.`auc`",
    "orderByAsc": False,
    "selectedColumns": [
        "metrics.`auc`", "metrics.`auc_train`",
        "params.`learning_rate`", "params.`max_leaf_nodes`", "params.`max_iter`",
    ],
}  # fmt: skip


def photograph(browser):
    """Fill a server with the notebook's runs and take the picture with `browser`."""
    store, port = scratch(), free_port()
    command = ["mlflow", "server", "--port", port, "--workers", "1",
               "--backend-store-uri", f"sqlite:///{store}/mlflow.db",
               "--artifacts-destination", store, "--allowed-hosts", "*",
               "--cors-allowed-origins", f"http://{HOST}:{port}"]  # fmt: skip
    with Server(command, ready=local_url(port, "/health")):
        os.environ["MLFLOW_TRACKING_URI"] = local_url(port)
        notebook = nbformat.read(NOTEBOOK, as_version=4)
        folder = {"metadata": {"path": NOTEBOOK.parent}}
        NotebookClient(notebook, resources=folder).execute()
        tag = "mlflow.sharedViewState.book"
        mlflow.MlflowClient().set_experiment_tag("1", tag, json.dumps(VIEW))
        page = f"http://{HOST}:{port}/#/experiments/1/runs?viewStateShareKey=book"
        subprocess.run(
            [
                browser, "--headless", "--no-sandbox", "--disable-gpu",
                "--hide-scrollbars", f"--user-data-dir={store / 'profile'}",
                f"--host-resolver-rules=MAP {HOST} 127.0.0.1",
                f"--window-size={WIDTH},{HEIGHT}", "--virtual-time-budget=30000",
                f"--screenshot={PICTURE}", page,
            ],
            check=True, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    Image.open(PICTURE).convert("RGB").quantize(64).save(PICTURE, optimize=True)


if __name__ == "__main__":
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if not found:
        sys.exit("missing: Chromium: install Debian's package chromium, then try again")
    photograph(found)
