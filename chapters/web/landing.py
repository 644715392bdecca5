"""What the landing page states, taken from the stored outputs at each build."""

import base64
import json
import re
from pathlib import Path

from book import slug
from docutils import nodes
from sphinx import addnodes
from sphinx.util import logging

# A surprise is found by what a lesson of a chapter printed below one heading; its
# picture comes next, its link goes to that heading; the sentence stands in
# templates/landing.html.
SURPRISES = {
    "small": (
        "02_spark",
        r"\nmillion rows *\n([\d.]+) +([\d.]+) +([\d.]+)[^|]*"
        r"Spark is faster from about ([\d.]+) million rows",
    ),
    "champion": (
        "03_mlflow",
        r"summer: July[^|]*\nversion 4 +(0\.\d+) +(0\.\d+)",
    ),
    "reader": (
        "07_bridge",
        r"nanoseconds per row *\nArrow decoding +(\d+) [^|]*"
        r"\nwindows, one process +(\d+)",
    ),
}


def cells(path):
    """Return a notebook's cells."""
    return json.loads(path.read_text())["cells"]


def texts(cell):
    """Return all that a cell printed or showed as text."""
    shown = (o.get("text") or o.get("data", {}).get("text/plain", "")
             for o in cell.get("outputs", []))  # fmt: skip
    return "\n".join(map("".join, shown))


def pictures(cell):
    """Return the pictures that a cell drew, as base64."""
    found = (o.get("data", {}).get("image/png") for o in cell.get("outputs", []))
    return ["".join(picture) for picture in found if picture]


def counts(book):
    """Count lessons, figures, checks and exercises."""
    found = {"lessons": 0, "figures": 0, "checks": 0, "exercises": 0}
    for path in (book / "chapters").glob("*/*.ipynb"):
        printed = "\n".join(map(texts, cells(path)))
        found["lessons"] += path.name[0].isdigit()
        found["figures"] += sum(len(pictures(cell)) for cell in cells(path))
        found["checks"] += len(re.findall(r": True$", printed, re.M))
        found["exercises"] += len(re.findall(r"^Exercise \d+: solved", printed, re.M))
    return found


def surprise(path, pattern):
    """Return the numbers that pattern finds in a lesson, and the picture below.

    With it, its "*Figure: ...*" and the heading above with its anchor; or else None.
    """
    heading, printed, found = "", "", None
    for cell in cells(path):
        source = "".join(cell["source"])
        if cell["cell_type"] == "code":
            printed += texts(cell) + "\n"
            if not found and (match := re.search(pattern, printed)):
                found = {"numbers": match.groups(), "heading": heading}
                found["anchor"] = slug(heading)
            if found and pictures(cell):
                found["picture"] = pictures(cell)[0]
        elif found and (figure := re.search(r"\*Figure: ([^*]+)\*", source)):
            return found | {"alt": " ".join(figure[1].split())}
        elif headings := re.findall(r"^##+ +(.*?) *$", source, re.M):
            heading, printed = headings[-1], ""
    return None


def parts(env):
    """Return the rows of the index's map: title, what one gets, [(document, text)]."""
    map_of_book = next(env.get_doctree(env.config.root_doc).findall(nodes.tbody))
    for row in map_of_book:
        links = row.findall(addnodes.pending_xref)
        lessons = [(link["reftarget"], link.astext()) for link in links]
        yield row[0].astext(), row[1].astext(), lessons


def fill(app, name, template, context, doctree):
    """Give the landing page its numbers, pictures and parts."""
    if name != "index":
        return
    book, folder = Path(app.srcdir), Path(app.outdir, "_images")
    folder.mkdir(exist_ok=True)
    context["counts"] = counts(book)
    context["parts"] = list(parts(app.env))
    lessons = [lesson for _, _, listed in context["parts"] for lesson in listed]
    context["lesson"] = lambda word: next(
        (lesson for lesson in lessons if word in lesson[0]), lessons[0]
    )
    context["surprises"] = {}
    for key, (chapter, pattern) in SURPRISES.items():
        for lesson in sorted((book / "chapters" / chapter).glob("[0-9]*.ipynb")):
            if found := surprise(lesson, pattern):
                picture = base64.b64decode(found.pop("picture"))
                (folder / f"{key}.png").write_bytes(picture)
                found["document"] = app.env.path2doc(lesson)
                context["surprises"][key] = found
                break
        else:
            warn = logging.getLogger(__name__).warning
            warn("landing page: nothing in %s shows '%s'", chapter, pattern)


def setup(app):
    """Register it with Sphinx."""
    app.connect("html-page-context", fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
