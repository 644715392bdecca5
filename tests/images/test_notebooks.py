"""Notebooks run inside the images: under nbval, and one in a browser."""

import ast
import json
import os
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import BOOK, docker, tag
from playwright.sync_api import TimeoutError, sync_playwright

CHROMIUM = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
FIRST = "chapters/01_foundations/00_setup.ipynb"
LAUNCHERS = {
    "spark": (
        "01_foundations/02_computing_models",  # mpirun, sockets, shared memory
        "03_mlflow/03_projects_and_scale",  # MLflow's server and projects
    ),
    "dl": (
        "07_bridge/04_project_hydrogen",  # a cluster's workers, barriers, torch
        "07_bridge/05_horovod",  # horovodrun by Gloo and MPI
    ),
}


def chapters_of(image):
    """Return the folders of the image's chapters."""
    last = {"spark": range(1, 7), "dl": range(7, 11)}[image]
    found = sorted((BOOK / "chapters").glob("[0-9]*_*"))
    return [folder for folder in found if int(folder.name[:2]) in last]


def notebooks_of(image):
    """Return the notebooks to run, as paths within the book.

    An image can break launchers, users, paths and packages, not results, and `make
    test` has run everything: so only those that start the most kinds of processes.
    With EVERY=1 in the environment, all of them.
    """
    if os.environ.get("EVERY"):
        found = [n for f in chapters_of(image) for n in sorted(f.glob("*.ipynb"))]
        return [str(path.relative_to(BOOK)) for path in found]
    return [f"chapters/{name}.ipynb" for name in LAUNCHERS[image]]


def imported(image):
    """Return all that the chapters' cells and programs import, as import statements."""
    found = {}
    for folder in chapters_of(image):
        sources = [path.read_text() for path in folder.rglob("*.py")]
        for notebook in folder.glob("*.ipynb"):
            cells = json.loads(notebook.read_text())["cells"]
            sources += ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
        for source in sources:
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.Import):
                    found |= {f"import {a.name}": a.name for a in node.names}
                elif isinstance(node, ast.ImportFrom):
                    found |= {f"from {node.module} import {a.name}": node.module
                              for a in node.names}  # fmt: skip
    beside = {path.stem for f in chapters_of(image) for path in f.rglob("*")}
    return sorted(
        s for s, module in found.items() if module.split(".")[0] not in beside
    )


def run_notebooks(image, notebooks):
    """Run notebooks under nbval in one container; return the CompletedProcess."""
    return docker(
        "run", "--rm", "--network", "none", "--memory", "4g", tag(image),
        "python", "-m", "pytest", "--nbval", "--nbval-cell-timeout=900", "--quiet",
        "-p", "no:cacheprovider", *notebooks, timeout=2400,
    )  # fmt: skip


def test_everything_that_chapters_import_is_there(image):
    """Nothing that a notebook or program needs was trimmed away."""
    statements = imported(image)
    assert len(statements) > 50
    script = "\n".join(
        ["import warnings", "warnings.simplefilter('ignore')", *statements]
    )
    told = docker(
        "run", "--rm", "--network", "none", tag(image), "python", "-c", script
    )
    assert told.returncode == 0, told.stderr[-2000:]


def test_notebooks_without_network(image):
    """Two containers at a time, as two cores allow, each with every second one."""
    chosen = notebooks_of(image)
    with ThreadPoolExecutor(2) as pool:
        # Without a name, pytest would run the whole book.
        halves = [half for k in range(2) if (half := chosen[k::2])]
        halves = [pool.submit(run_notebooks, image, half) for half in halves]
    for half in halves:
        told = half.result()
        assert told.returncode == 0, told.stdout[-6000:]


@pytest.fixture(scope="module")
def browser():
    """Headless Chromium, Debian's."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=CHROMIUM
        )
        yield opened
        opened.close()


def visit(page, address, shown, picture):
    """Open the address and wait until the locator `shown` is visible.

    Once in CI, and in none of seventy loads that tried to repeat it, JupyterLab came
    up without its notebook. The cause is not known. So the page is loaded again, as a
    reader would do; a warning tells what the browser saw, `picture` is its last view.
    Raises AssertionError with the same text after three loads.
    """
    seen = []
    page.on("console", lambda message: seen.append(message.text))
    page.on("pageerror", lambda error: seen.append(str(error)))
    page.on("requestfailed", lambda one: seen.append(f"{one.url}: {one.failure}"))
    for _ in range(3):
        page.goto(address, timeout=300_000)
        try:
            return shown.wait_for(timeout=100_000)
        except TimeoutError:
            page.screenshot(path=picture)
            warnings.warn(f"nothing at {page.url}: {seen[-30:]}", stacklevel=1)
    raise AssertionError(f"three loads of {address}: {seen[-30:]}")


def test_in_a_browser(container, browser, tmp_path):
    """Log in with the token, see the index, open a notebook, run it, see its output."""
    page = browser.new_page(viewport={"width": 1200, "height": 1600})
    start = f"/lab/tree/chapters/index.ipynb?token={container.token()}"
    assert f"127.0.0.1:8888{start}" in container.log(), "the address that it prints"
    picture = tmp_path / "notebook.png"
    heading = page.get_by_role("heading", name="the runnable book")
    visit(page, container.address() + start, heading, picture)
    assert "token=" not in page.url

    heading = page.locator(".jp-Notebook:visible h1", has_text="1.0")
    visit(page, f"{container.address()}/lab/tree/{FIRST}", heading, picture)
    # Before it has its kernel, JupyterLab drops the wish to run without a word.
    page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]:visible").wait_for(
        timeout=100_000
    )
    for menu, entry in (
        ("Edit", "Clear Outputs of All Cells"),
        ("Run", "Run All Cells"),
    ):
        page.get_by_role("menuitem", name=menu, exact=True).click()
        page.get_by_role("menuitem", name=entry, exact=True).click()
    stored = json.loads((BOOK / FIRST).read_text())
    output = page.locator(".jp-OutputArea-output:visible", has_text="worst hour")
    try:
        output.wait_for(timeout=300_000)
    finally:
        page.screenshot(path=picture)
    shown = output.inner_text().strip().splitlines()
    assert shown and all(line in json.dumps(stored) for line in shown)
    assert page.locator(".jp-Notebook:visible img").count() > 0
    page.close()
