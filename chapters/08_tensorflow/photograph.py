"""Take the picture of TensorBoard's page that stands in 04_training_apis.ipynb.

In this folder, with the dl environment: `PYTHONPATH=.. python photograph.py`.

Runs the notebook's cells up to the one that writes TensorBoard's files, opens a server
on them in Chromium without a window, and stores what it shows as 04_training_apis.png.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image

from lab import Server, free_port, local_url, scratch

NOTEBOOK = Path(__file__).with_name("04_training_apis.ipynb")
PICTURE = NOTEBOOK.with_suffix(".png")
WIDTH, HEIGHT = 1280, 620  # pixels
# Without WebGL the page draws its lines only as SVG.
PAGE = "/?darkMode=false&forceSVG=true&tagFilter=gradient%7Closs#timeseries"
NEEDED = ("import ", "style()", "cross_entropy = ", "class With", "histories, ")


def photograph(browser):
    """Write the event files as the notebook does and take the picture."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    folder = scratch()
    notebook.cells = [
        cell
        for cell in notebook.cells
        if cell.cell_type == "code" and cell.source.startswith(NEEDED)
    ]
    elsewhere = f"logs, single = Path({str(folder / 'runs')!r}), flat(by_fit)"
    inside = nbformat.v4.new_code_cell(elsewhere)
    notebook.cells.insert(-1, inside)
    resources = {"metadata": {"path": NOTEBOOK.parent}}
    NotebookClient(notebook, resources=resources, timeout=600).execute()
    port = free_port()
    command = ["tensorboard", "--logdir", folder / "runs", "--port", port]
    with Server([*command, "--load_fast=false"], ready=local_url(port, "/data/logdir")):
        subprocess.run(
            [
                browser, "--headless", "--no-sandbox", "--disable-gpu",
                "--hide-scrollbars", f"--user-data-dir={folder / 'profile'}",
                f"--window-size={WIDTH},{HEIGHT}", "--virtual-time-budget=30000",
                f"--screenshot={PICTURE}",
                local_url(port, PAGE),
            ],
            check=True, stderr=subprocess.DEVNULL, timeout=300,
        )  # fmt: skip
    Image.open(PICTURE).convert("RGB").quantize(64).save(PICTURE, optimize=True)


if __name__ == "__main__":
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if not found:
        sys.exit("missing: Chromium: install Debian's package chromium, then try again")
    photograph(found)
