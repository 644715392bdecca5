"""The notebooks run inside the images: every one under nbval, one in a browser."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import BOOK, docker, tag
from playwright.sync_api import sync_playwright

CHROMIUM = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
FIRST = "chapters/01_foundations/00_setup.ipynb"


def notebooks_of(image):
    """Return the notebooks of the image's chapters, as paths within the book."""
    last = {"spark": range(1, 7), "dl": range(7, 11)}[image]
    return [
        str(path.relative_to(BOOK))
        for path in sorted((BOOK / "chapters").glob("[0-9]*/*.ipynb"))
        if int(path.parent.name[:2]) in last
    ]


def run_notebooks(image, notebooks):
    """Run notebooks under nbval in one container; return the CompletedProcess."""
    return docker(
        "run", "--rm", "--network", "none", "--memory", "4g", tag(image),
        "python", "-m", "pytest", "--nbval", "--nbval-cell-timeout=180", "--quiet",
        "-p", "no:cacheprovider", *notebooks, timeout=2400,
    )  # fmt: skip


def test_every_notebook_without_network(image):
    """Two containers at a time, as two cores allow, each with every second one."""
    every = notebooks_of(image)
    with ThreadPoolExecutor(2) as pool:
        halves = [pool.submit(run_notebooks, image, every[k::2]) for k in range(2)]
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


def test_in_a_browser(container, browser, tmp_path):
    """Log in with the token, see the index, open a notebook, run it, see its output."""
    page = browser.new_page(viewport={"width": 1200, "height": 1600})
    start = f"/lab/tree/chapters/index.ipynb?token={container.token()}"
    assert f"127.0.0.1:8888{start}" in container.log(), "the address that it prints"
    page.goto(container.address() + start, timeout=60_000)
    page.get_by_role("heading", name="the runnable book").wait_for(timeout=60_000)
    assert "token=" not in page.url

    page.goto(f"{container.address()}/lab/tree/{FIRST}", timeout=60_000)
    page.locator(".jp-Notebook:visible h1", has_text="1.0").wait_for(timeout=60_000)
    for menu, entry in (
        ("Edit", "Clear Outputs of All Cells"),
        ("Run", "Run All Cells"),
    ):
        page.get_by_role("menuitem", name=menu, exact=True).click()
        page.get_by_role("menuitem", name=entry, exact=True).click()
    stored = json.loads((BOOK / FIRST).read_text())
    output = page.locator(".jp-OutputArea-output:visible", has_text="worst hour")
    try:
        output.wait_for(timeout=120_000)
    finally:
        page.screenshot(path=tmp_path / "notebook.png")
    assert output.inner_text().strip() in json.dumps(stored)
    assert page.locator(".jp-Notebook:visible img").count() > 0
    page.close()
