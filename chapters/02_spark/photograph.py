"""Take the picture of Spark's pages for 07_diagnosis.ipynb.

In this folder: `PYTHONPATH=.. python photograph.py`.

Runs the notebook's cells up to the one that defines `pages`, opens each of these pages
of the running application in Chromium without a window, and stores what they show, one
below the other, as 07_diagnosis.png.
"""

import json
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image, ImageChops, ImageDraw, ImageFont

from lab import scratch

NOTEBOOK = Path(__file__).with_name("07_diagnosis.ipynb")
PICTURE = NOTEBOOK.with_suffix(".png")
WIDTH, HEIGHT = 1280, 4000  # pixels of the window; the empty rest is cut off
HEADER, GRAPH = 250, (60, 486)  # of the page SQL: above the graph, and its left, right
COLUMNS = 3
ASK = "print(json.dumps({n: f'{sc.uiWebUrl}/{path}' for n, path in pages.items()}))"


def addresses(client, notebook):
    """Run the cells until there are pages; return {name: address}."""
    for index, cell in enumerate(notebook.cells):
        client.execute_cell(cell, index)
        if "\npages = {" in cell.source:
            break
    else:
        sys.exit(f"{NOTEBOOK.name} has no cell that defines pages")
    asked = nbformat.v4.new_code_cell(ASK)
    notebook.cells.append(asked)
    client.execute_cell(asked, len(notebook.cells) - 1)
    return json.loads(asked.outputs[0].text)


def shoot(browser, name, address, folder):
    """Return the page as an image, under a line with its name, without empty rest."""
    file = folder / f"{name}.png"
    subprocess.run(
        [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            f"--user-data-dir={folder / 'profile'}", f"--window-size={WIDTH},{HEIGHT}",
            "--virtual-time-budget=20000", f"--screenshot={file}", address,
        ],
        check=True, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    page = Image.open(file).convert("RGB")
    empty = Image.new("RGB", page.size, page.getpixel((WIDTH - 1, HEIGHT - 1)))
    bottom = ImageChops.difference(page, empty).getbbox()[3]
    page = page.crop((0, 0, WIDTH, min(bottom + 12, HEIGHT)))
    page = in_columns(page) if name == "SQL" else page
    framed = Image.new("RGB", (WIDTH, page.height + 36), "#1b4f8a")
    text = ImageDraw.Draw(framed)
    text.text((14, 6), name, "white", ImageFont.load_default(size=20))
    framed.paste(page, (0, 36))
    return framed


def in_columns(page):
    """Return the page SQL with its tall, narrow graph cut into columns."""
    left, right = GRAPH
    graph = page.crop((left, HEADER, right, page.height))
    ink = [sum(row) for row in rows(graph)]
    cuts = [0]
    for number in range(1, COLUMNS):
        middle = graph.height * number // COLUMNS
        near = range(middle - 150, min(middle + 150, graph.height))
        cuts.append(min(near, key=lambda y: ink[y]))  # where the fewest pixels are cut
    cuts.append(graph.height)
    pieces = [graph.crop((0, a, right - left, b)) for a, b in pairwise(cuts)]
    whole = Image.new("RGB", (WIDTH, HEADER + max(p.height for p in pieces)), "white")
    whole.paste(page.crop((0, 0, WIDTH, HEADER)))
    for number, piece in enumerate(pieces):
        whole.paste(piece, (number * (right - left), HEADER))
    return whole


def rows(image):
    """Yield for each row of pixels whether each of them is not white."""
    data = image.convert("L").tobytes()
    for start in range(0, len(data), image.width):
        yield [value < 250 for value in data[start : start + image.width]]


def photograph(browser):
    """Run the job, take the pictures with `browser` and store them as one."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(
        notebook, resources={"metadata": {"path": NOTEBOOK.parent}}, timeout=600
    )
    with client.setup_kernel():
        shots = [
            shoot(browser, name, address, scratch())
            for name, address in addresses(client, notebook).items()
        ]
    whole = Image.new("RGB", (WIDTH, sum(shot.height for shot in shots)))
    for number, shot in enumerate(shots):
        whole.paste(shot, (0, sum(above.height for above in shots[:number])))
    whole.quantize(64).save(PICTURE, optimize=True)


if __name__ == "__main__":
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if not found:
        sys.exit("missing: Chromium: install Debian's package chromium, then try again")
    photograph(found)
