"""The pages that `make web` made, behind a server, and headless Chromium."""

import functools
import os
import shutil
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

BOOK = Path(__file__).resolve().parents[2]
HTML = BOOK / ".web/html"
CHROMIUM = shutil.which("chromium")
OPTIONS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


class Quiet(SimpleHTTPRequestHandler):
    """A server of files that prints nothing."""

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture(scope="session")
def address():
    """Where the pages are served."""
    handler = functools.partial(Quiet, directory=HTML)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="session")
def browser():
    """Debian's Chromium; without it the tests that need it are skipped, but for CI."""
    if not CHROMIUM:
        (pytest.fail if "CI" in os.environ else pytest.skip)("there is no chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield opened
        opened.close()


@pytest.fixture
def open_page(browser, address):
    """A function that opens a page; afterwards no request may have left the site."""
    asked, contexts = [], []

    def go(path, **options):
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{address}/{path}", wait_until="load")
        return page

    yield go
    for context in contexts:
        context.close()
    outside = [u for u in asked if not u.startswith((f"{address}/", "data:"))]
    assert asked and not outside
