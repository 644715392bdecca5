"""Jupyter's settings for the book, in the images and under `make lab`.

Beside the index as first page: the pages of Spark, MLflow, TensorBoard and the book,
behind Jupyter's own port and token, each with a tile in the launcher. They start when
their page is first opened; but Spark's page is there while a session runs, and the
book's pages are when the server starts in the book's folder and `make web` made them.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from jupyter_client.kernelspec import KernelSpecManager

c = get_config()  # noqa: F821 (Jupyter defines it)

c.LabApp.default_url = "/lab/tree/chapters/index.ipynb"
c.ServerApp.terminado_settings = {"shell_command": ["/bin/bash"]}


class BookKernels(KernelSpecManager):
    """The book's kernels, no third one; the first also answers to "python3"."""

    ensure_native_kernel = False

    def get_kernel_spec(self, kernel_name):
        """Return the kernel of this name; raises NoSuchKernel when there is none."""
        name = "spark" if kernel_name == "python3" else kernel_name
        return super().get_kernel_spec(name)


c.ServerApp.kernel_spec_manager_class = BookKernels
c.MultiKernelManager.default_kernel_name = "spark"
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
        "timeout": 300,  # ends what hangs; a busy machine may need minutes
        "launcher_entry": {"title": "MLflow", "category": "Other"},
    },
}
pages = Path(".web/html").absolute()
if pages.exists():
    c.ServerProxy.servers["book"] = {
        "command": [
            sys.executable, "-m", "http.server", "{port}", "--bind", "127.0.0.1",
            "--directory", str(pages),
        ],
        "new_browser_tab": False,  # a tab of JupyterLab, beside a notebook
        "launcher_entry": {"title": "The book", "category": "Other"},
    }  # fmt: skip
if shutil.which("tensorboard"):
    c.ServerProxy.servers["tensorboard"] = {
        "command": [
            "tensorboard", "--host", "127.0.0.1", "--port", "{port}",
            "--logdir", str(runs), "--path_prefix", "{base_url}tensorboard",
        ],
        "absolute_url": True,
        "timeout": 300,  # ends what hangs; a busy machine may need minutes
        "launcher_entry": {"title": "TensorBoard", "category": "Other"},
    }  # fmt: skip
