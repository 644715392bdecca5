"""The book on the web: made without a warning, and tried as readers use it."""

import html
import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from babel.messages.pofile import read_po
from bs4 import BeautifulSoup
from conftest import BOOK, HTML

PAGES = sorted(str(path.relative_to(HTML)) for path in HTML.rglob("*.html"))
LESSONS = [p for p in PAGES if re.fullmatch(r"chapters/\d\d_\w+/\d\d_\w+.html", p)]
EPUBCHECK = Path("/usr/share/java/epubcheck.jar")  # Debian's
PHONE = {"viewport": {"width": 390, "height": 844}}


def lesson(word):
    """Return the lesson whose file name holds a word, whatever its number."""
    return next(name for name in LESSONS if word in name)


JUDGED = [  # pages of each kind, as light or dark as the machine's owner likes it
    ("index.html", "light"),
    ("index.html", "dark"),
    ("chapters/index.html", "dark"),
    (lesson("topologies"), "light"),
    (lesson("sklearn"), "dark"),
    ("chapters/02_spark/exercises.html", "light"),
    ("chapters/glossary.html", "dark"),
    ("datasets/flights/README.html", "light"),
    ("search.html?q=barrier", "dark"),
    ("zh/index.html", "light"),
]


@cache
def parsed(name):
    """Return a page as BeautifulSoup reads it."""
    return BeautifulSoup((HTML / name).read_text(), "html.parser")


def sphinx(source, out, *options):
    """Run Sphinx with the book's configuration; return the CompletedProcess."""
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going"]
    return subprocess.run(
        [*command, "-c", BOOK / "chapters/web", *options, source, out],
        capture_output=True,
        text=True,
    )


def test_every_notebook_is_a_page():
    notebooks = (BOOK / "chapters").glob("**/*.ipynb")
    made = {str(n.relative_to(BOOK).with_suffix(".html")) for n in notebooks
            if ".ipynb_checkpoints" not in n.parts}  # fmt: skip
    assert made and made <= set(PAGES)
    assert {f"zh/{name}" for name in made} <= set(PAGES)


@pytest.mark.parametrize("listed", [True, False])
def test_a_notebook_missing_from_the_map_fails(tmp_path, listed):
    link = "[1.0 First](01_small/00_first.ipynb)" if listed else "nothing"
    table = f"| chapter | notebooks |\n|---|---|\n| 1 | {link} |"
    for name, text in (("index", f"# Map\n\n{table}"), ("01_small/00_first", "# 1.0")):
        path = tmp_path / f"chapters/{name}.ipynb"
        path.parent.mkdir(exist_ok=True, parents=True)
        cell = {"cell_type": "markdown", "id": "a", "metadata": {}, "source": text}
        book = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        path.write_text(json.dumps(book))
    told = sphinx(tmp_path, tmp_path / "out", "-b", "dummy")
    assert told.returncode == (0 if listed else 1), told.stderr
    assert listed or "00_first" in told.stderr


@cache
def attributes(path, names):
    """Return the values of all attributes of a page that have one of these names."""
    found = re.findall(rf'\s(?:{names})="([^"]*)"', path.read_text())
    return {html.unescape(value) for value in found}


def leads_somewhere(page, link):
    """Return whether a link of a page has its target in the site, or leaves it."""
    parts = urlsplit(link)
    path = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if parts.scheme:
        return True
    if not (path.is_file() and path.is_relative_to(HTML)):
        return False
    return not parts.fragment or unquote(parts.fragment) in attributes(path, "id|name")


def test_no_link_is_broken():
    found = {
        (name, link) for name in PAGES for link in attributes(HTML / name, "href|src")
    }
    assert len(found) > 1000
    assert [
        pair for pair in found if not leads_somewhere(HTML / pair[0], pair[1])
    ] == []


def test_every_figure_has_an_alternative_text():
    images = [
        (name, image) for name in LESSONS
        for image in re.findall(r"<img [^>]*>", (HTML / name).read_text())
    ]  # fmt: skip
    assert len(images) > len(LESSONS)
    assert [pair for pair in images if not re.search(' alt="[^"]{40}', pair[1])] == []


def test_every_link_has_a_text():
    empty = re.compile(r"<a [^>]*>(?:\s|</?span[^>]*>)*</a>")
    found = {name: empty.findall((HTML / name).read_text()) for name in PAGES}
    assert {name: links for name, links in found.items() if links} == {}


def test_footer_tells_version_and_date():
    footer = parsed("chapters/index.html").select_one(".last-updated").text
    assert re.search(r"\d{4}-\d\d-\d\d \(date of the outputs\), version \w+", footer)


def test_landing_page(open_page):
    page = open_page("index.html")
    assert page.locator("figure.card").count() == 3
    assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
    assert not re.search(r"%\(\w+\)s", page.locator("article").inner_text())
    line = page.locator(".hero pre")
    assert "make run" in line.inner_text()
    page.locator(".hero button.copybtn").wait_for()
    page.locator("figure.card a").first.click()
    page.wait_for_url(re.compile(r"chapters/\d\d_\w+/\d\d_\w+\.html#"))


@pytest.mark.parametrize(
    "site, word, found",
    [
        ("", "elastic", lesson("horovod")),
        ("", "petastorm", lesson("petastorm")),
        ("zh/", "广播连接", "chapters/glossary.html"),
    ],
)
def test_search(open_page, site, word, found):
    page = open_page(f"{site}index.html")
    page.locator("input.sidebar-search").fill(word)
    page.locator("input.sidebar-search").press("Enter")
    page.locator(f"#search-results a[href*='{found}']").first.wait_for()


def test_a_formula_renders(open_page):
    page = open_page(lesson("sklearn"))
    formula = page.locator("math[display=block]").first
    assert formula.locator("mfrac").count() > 0
    assert 30 < formula.bounding_box()["height"] < 200
    page.evaluate("document.fonts.ready")
    assert page.evaluate("document.fonts.check('16px \"Book Math\"')")
    assert "\\" not in formula.text_content()


def test_a_solution_opens(open_page):
    page = open_page("chapters/01_foundations/exercises.html")
    solution = page.locator("details").first
    answer = solution.locator("pre").first
    assert not answer.is_visible()
    solution.locator("summary").click()
    assert answer.is_visible()


def test_every_exercise_has_a_solution():
    sheets = [name for name in PAGES if name.endswith("/exercises.html")]
    for name in sheets:
        numbered = [h for h in parsed(name).select("h2") if h.text[0].isdigit()]
        folds = [
            s for s in parsed(name).select("summary") if s.text in ("Solution", "答案")
        ]
        assert len(numbered) == len(folds) > 5, name


def test_programs_are_shown(open_page):
    page = open_page(lesson("topologies"))
    program = page.locator("#programs details", has_text="forest_server.py")
    program.locator("summary").click()
    assert "def ask" in program.locator("pre").inner_text()


LIGHT = """element => {
    const colour = getComputedStyle(element).%s.match(/[\\d.]+/g).map(Number)
    return (colour[0] + colour[1] + colour[2]) / 3
}"""


def test_dark_mode(open_page):
    page = open_page(lesson("python_on_spark"), color_scheme="dark")
    assert page.locator("body").evaluate(LIGHT % "backgroundColor") < 60
    assert page.locator("article p").first.evaluate(LIGHT % "color") > 180
    figure = page.locator(".cell_output img").first
    assert figure.evaluate(LIGHT % "backgroundColor") > 200
    for _ in range(3):
        if page.locator("body").get_attribute("data-theme") == "light":
            break
        page.locator(".theme-toggle:visible").click()
    assert page.locator("body").evaluate(LIGHT % "backgroundColor") > 200


def test_no_page_is_wider_than_a_phone(open_page):
    page, wide = open_page("index.html", **PHONE), []
    site = page.url.removesuffix("index.html")
    for name in PAGES:
        if name.startswith("zh/") and name[3:] in LESSONS:  # only headings differ
            continue
        page.goto(site + name)
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > PHONE["viewport"]["width"]:
            wide.append((name, width))
    assert not wide


def test_next_and_previous(open_page):
    page = open_page(lesson("00_setup"))
    page.locator("a.next-page").click()
    page.wait_for_url("**/01_workflow.html")
    page.locator("a.prev-page").click()
    page.wait_for_url("**/00_setup.html")


def test_the_other_language(open_page):
    page = open_page("chapters/glossary.html")
    page.get_by_role("link", name="中文", exact=True).click()
    page.wait_for_url("**/zh/chapters/glossary.html")
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    page.get_by_role("link", name="English").click()
    page.wait_for_url(re.compile(r"\d/chapters/glossary.html"))


@pytest.mark.parametrize("name, scheme", JUDGED)
def test_axe_finds_nothing_serious(open_page, name, scheme):
    page = open_page(name, color_scheme=scheme)
    found = Axe().run(page).response["violations"]
    serious = [
        (rule["id"], node["html"][:200], node["any"][:1] and node["any"][0]["message"])
        for rule in found if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"][:3]
    ]  # fmt: skip
    print([(rule["id"], rule["impact"], len(rule["nodes"])) for rule in found])
    assert not serious


@pytest.fixture(scope="session")
def messages(tmp_path_factory):
    """The catalogues as they should be: {name: messages of the present text}."""
    folder = tmp_path_factory.mktemp("gettext")
    told = sphinx(BOOK, folder / "pot", "-b", "gettext", "-d", folder / "doctrees")
    assert told.returncode == 0, told.stderr
    return {path.stem: catalogue(path) for path in (folder / "pot").glob("*.pot")}


def catalogue(path):
    """Return {message: translation} of a catalogue."""
    with path.open("rb") as stream:
        return {m.id: "" if m.fuzzy else m.string for m in read_po(stream) if m.id}


def test_no_catalogue_is_stale(messages):
    for name, wanted in messages.items():
        kept = catalogue(BOOK / f"chapters/web/locale/zh_CN/LC_MESSAGES/{name}.po")
        assert set(kept) == set(wanted), "run make messages"


def test_translations_keep_links_numbers_and_code():
    marks = re.compile(r"\]\([^)]*\)|%\(\w+\)s|`[^`]+`")
    for path in (BOOK / "chapters/web/locale").rglob("*.po"):
        for message, translation in catalogue(path).items():
            if translation:
                kept = sorted(marks.findall(translation))
                assert kept == sorted(marks.findall(message)), message


@pytest.mark.skipif(not EPUBCHECK.exists(), reason="there is no epubcheck")
def test_epub():
    command = ["java", "-jar", EPUBCHECK, BOOK / ".web/scaling-machine-learning.epub"]
    told = subprocess.run(command, capture_output=True, text=True)
    assert told.returncode == 0, told.stdout + told.stderr
