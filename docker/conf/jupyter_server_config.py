"""Jupyter's settings for the book, in the images and under `make lab`.

Beside the index as first page: the pages of Spark, MLflow and TensorBoard, behind
Jupyter's own port and token, each with a tile in the launcher. MLflow and TensorBoard
start when their page is first opened; Spark's page is there while a session runs.
"""

import shutil
import tempfile
from pathlib import Path

c = get_config()  # noqa: F821 (Jupyter defines it)

c.LabApp.default_url = "/lab/tree/chapters/index.ipynb"
c.ServerApp.terminado_settings = {"shell_command": ["/bin/bash"]}
c.KernelSpecManager.ensure_native_kernel = False  # the book's kernels, no third one
c.FileContentsManager.delete_to_trash = False

runs = Path(tempfile.gettempdir(), "book-runs")
mlflow = [
    "mlflow", "server", "--host", "127.0.0.1", "--port", "{port}",
    "--backend-store-uri", f"sqlite:///{runs}/mlflow.db",
    "--artifacts-destination", f"{runs}/artifacts",
]  # fmt: skip
c.ServerProxy.servers = {
    "spark": {
        "port": 4040,
        "launcher_entry": {"title": "Spark", "category": "Other"},
    },
    "mlflow": {
        "command": ["sh", "-c", f'mkdir -p {runs} && exec "$@"', "sh", *mlflow],
        "timeout": 60,
        "launcher_entry": {"title": "MLflow", "category": "Other"},
    },
}
if shutil.which("tensorboard"):
    c.ServerProxy.servers["tensorboard"] = {
        "command": [
            "tensorboard", "--host", "127.0.0.1", "--port", "{port}",
            "--logdir", str(runs), "--path_prefix", "{base_url}tensorboard",
        ],
        "absolute_url": True,
        "timeout": 60,
        "launcher_entry": {"title": "TensorBoard", "category": "Other"},
    }  # fmt: skip
