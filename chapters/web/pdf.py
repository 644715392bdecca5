"""Print the book: pdf.py FOLDER FILE, of what Sphinx's singlehtml left in FOLDER.

Chromium knows page numbers only once it has printed. So it prints twice: the second
time with the numbers of the pages that the first one's contents lead to.
"""

import io
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright
from pypdf import PdfReader

CONTENTS = """numbers => {
    document.querySelector("#contents")?.remove()
    for (const box of document.querySelectorAll("details")) box.open = true
    const list = document.createElement("ol")
    list.id = "contents"
    for (const start of document.querySelectorAll("[id^=document-]")) {
        const title = start.nextElementSibling.querySelector("h1, h2, h3")
        const entry = document.createElement("li"), link = document.createElement("a")
        link.href = "#" + start.id
        link.append(title.firstChild.textContent)
        entry.append(link, document.createElement("span"), numbers[start.id] ?? "000")
        list.append(entry)
    }
    document.querySelector("article h1").after(list)
}"""
MISSING = """[
    ...[...document.images].filter(image => !image.naturalWidth).map(({src}) => src),
    ...[...document.querySelectorAll("link[rel=stylesheet]")]
        .filter(link => !link.sheet).map(link => link.href)]"""
STYLE = """
    @page { size: A4; margin: 18mm 16mm; }
    html { font-size: 12px; }
    #contents { padding: 0; list-style: none; break-after: page; }
    #contents li { display: flex; gap: .5em; }
    #contents span { flex: 1; border-bottom: 1px dotted; }
    [id^=document-] { display: block; break-before: page; }
    article details > summary { list-style: none; }
"""
FOOTER = """<div style="width: 100%; font: 8px sans-serif; text-align: center">
    <span class="pageNumber"></span></div>"""


def pages(pdf):
    """Return the page on which each document of the book starts."""
    reader = PdfReader(io.BytesIO(pdf))
    return {
        name.lstrip("/"): reader.get_destination_page_number(target) + 1
        for name, target in reader.named_destinations.items()
    }


def at_the_top(folder):
    """Return the page, copied to where its links to styles and pictures lead from."""
    page = folder / "book.html"
    page.write_text((folder / "chapters/index.html").read_text())
    return page


def main(folder, file):
    """Print twice."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(color_scheme="light")
        page.goto(at_the_top(Path(folder)).resolve().as_uri())
        if missing := page.evaluate(MISSING):
            sys.exit(f"the PDF would lack {missing}")
        page.add_style_tag(content=STYLE)
        numbers = {}
        for _ in range(2):
            page.evaluate(CONTENTS, numbers)
            pdf = page.pdf(
                prefer_css_page_size=True, print_background=True, outline=True,
                tagged=True, display_header_footer=True, header_template="<p></p>",
                footer_template=FOOTER,
            )  # fmt: skip
            numbers = pages(pdf)
        browser.close()
    Path(file).write_bytes(pdf)
    print(f"{file}: {len(PdfReader(io.BytesIO(pdf)).pages)} pages")


if __name__ == "__main__":
    main(*sys.argv[1:])
