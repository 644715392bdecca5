"""What the book's pages need beyond Sphinx, MyST-NB and the theme."""

import json
import re
from html import escape
from pathlib import Path

from bs4 import BeautifulSoup
from docutils import nodes
from latex2mathml.converter import convert
from sphinx import addnodes, locale
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

warn = logging.getLogger(__name__).warning
INCH = 100 / 0.0254  # pixels per metre of a figure at matplotlib's usual 100 dpi
CHINESE = re.compile("[\u4e00-\u9fff]")
LANGUAGES = {".py": "python", ".sh": "bash", ".yaml": "yaml", "": "yaml"}


def slug(title):
    """Return a heading's anchor as JupyterLab makes it, so that links work in both."""
    return title.replace(" ", "-").replace("?", "%3F")


class Translate(SphinxTransform):
    """Translated are the index, the glossary, headings, aims and summaries."""

    default_priority = 5  # before Sphinx collects or replaces messages

    def apply(self, **_):
        """Mark all other text as it is."""
        whole = self.env.docname in ("chapters/index", "chapters/glossary")
        goals = set() if whole else {id(node) for node in self.goals()}
        for node in self.document.findall(nodes.TextElement):
            if isinstance(node, nodes.Inline):  # part of another message
                continue
            wanted = whole or isinstance(node, nodes.title) or id(node) in goals
            if not wanted or self.stays(node):
                node["translatable"] = False

    def stays(self, node):
        """Return whether it is Chinese already, a name, or a link and nothing more."""
        text = node.astext()
        link = next(node.findall(addnodes.pending_xref), None)
        linked = link is not None and (
            link.astext() == text
            or isinstance(node.parent, nodes.entry)
            and text.startswith(link.astext())
        )
        term = self.env.docname == "chapters/glossary" and text in [
            strong.astext() for strong in node.findall(nodes.strong)
        ]
        known = CHINESE.search(text) or re.fullmatch(
            r"[a-z]{1,5}|\w+\.parquet: .*", text
        )
        return bool(linked or term or known)

    def goals(self):
        """Yield what is in a section "Summary" or in a list below "You will"."""
        for section in self.document.findall(nodes.section):
            if section[0].astext() == "Summary":
                yield from section.findall(nodes.TextElement)
        for points in self.document.findall(nodes.bullet_list):
            above = points.parent[: points.parent.index(points)]
            if above and above[-1].astext() == "You will":
                yield from above[-1].findall(nodes.TextElement)
                yield from points.findall(nodes.TextElement)


class Contents(SphinxTransform):
    """The index's map is the table of contents: a row a part, a link an entry."""

    default_priority = 500  # after translation

    def apply(self, **_):
        """Add a hidden table of contents to the pages that list others."""
        if self.env.docname == self.config.root_doc:
            taken = set()
            for row in self.document.findall(nodes.row):
                self.translate(row)
                self.add(row, taken, caption=row[0].astext())
            self.add(self.document, taken)
        elif self.env.docname == "datasets/README":
            self.add(self.document, set())

    def translate(self, row):
        """Call a row's lessons by the part of their titles that the map has."""
        folders = [Path(self.app.srcdir, folder) for folder in self.config.locale_dirs]
        catalogue, known = locale.init(folders, self.config.language, "book")
        for text in list(row.findall(nodes.Text)) if known else ():
            link = next(iter_parents(text, addnodes.pending_xref), None)
            words = text.replace(" min)", f" {self.config.minutes_label})")
            if link is not None:
                notebook = Path(self.env.doc2path(link["reftarget"]))
                self.env.note_dependency(notebook)
                title = heading(notebook)
                names = parts(catalogue.gettext(title))
                if text[:1].isdigit():
                    words = names[0]
                elif text.lower() == "solutions":
                    words = self.config.solution_label
                elif text.lower() == parts(title)[-1].lower():
                    words = names[-1]
            text.parent.replace(text, nodes.Text(words))

    def add(self, node, taken, caption=None):
        """List the documents that node links to, once each."""
        entries = []
        for link in node.findall(addnodes.pending_xref):
            name, text = link["reftarget"], link.astext()
            if link["refdomain"] == "doc" and name not in taken:
                entries.append((text[:1].upper() + text[1:] if caption else None, name))
                taken.add(name)
        if entries:
            tree = addnodes.toctree(
                parent=self.env.docname,
                entries=entries,
                includefiles=[name for _, name in entries],
                caption=caption,
                hidden=True,
                includehidden=False,
                rawentries=[],
                glob=False,
                maxdepth=-1,
                numbered=0,
                titlesonly=True,
            )
            if caption:
                tree["rawcaption"] = caption
            body(self.document).append(tree)


class Programs(SphinxTransform):
    """The programs beside a notebook that it names are shown at its end."""

    default_priority = 400

    def apply(self, **_):
        """Add a section with each program, closed."""
        notebook = Path(self.env.doc2path(self.env.docname))
        if notebook.suffix != ".ipynb" or notebook.parent.name[:1] not in "01":
            return
        text = notebook.read_text()
        programs = [
            path
            for path in sorted(notebook.parent.rglob("*"))
            if path.suffix in LANGUAGES and path.is_file()
            and re.search(rf"\b{re.escape(path.name)}\b", text)
        ]  # fmt: skip
        if not programs:
            return
        title = nodes.title("", self.config.programs_label)
        section = nodes.section("", title, ids=["programs"])
        for path in programs:
            name = str(path.relative_to(notebook.parent))
            code = nodes.literal_block("", path.read_text(), classes=["program"])
            code["language"] = LANGUAGES[path.suffix]
            section += details(name, code, ids=[f"program-{nodes.make_id(name)}"])
            self.env.note_dependency(path)
        body(self.document).append(section)


class Solutions(SphinxPostTransform):
    """An exercise ends with its solution, hidden until it is clicked."""

    default_priority = 1  # before references and outputs are resolved

    def run(self, **_):
        """Append to each section what only its twin in the solutions has."""
        folder, _, name = self.env.docname.rpartition("/")
        if name != "exercises":
            return
        solved = self.env.get_doctree(f"{folder}/solutions")
        answers = {section[0].astext(): section for section in exercises(solved)}
        for asked in exercises(self.document):
            answered = answers.get(asked[0].astext())
            if answered is None:
                warn("no solution for: %s", asked[0].astext(), location=asked)
                continue
            known = {source(node) for node in asked}
            new = [n.deepcopy() for n in answered if source(n) not in known]
            asked += details(self.app.config.solution_label, *new)


class Pages(SphinxPostTransform):
    """Figures get alternative texts, boxes frames, and tables sides to lean on."""

    default_priority = 900
    formats = ("html",)

    def run(self, **_):
        """Change all figures, quotations and tables of the page."""
        for section in self.document.findall(nodes.section):  # Sphinx escapes no ids
            section["ids"] = [escape(name, quote=True) for name in section["ids"]]
        for image in self.document.findall(nodes.image):
            self.describe(image)
            self.measure(image)
        for quote in list(self.document.findall(nodes.block_quote)):
            self.frame(quote)
        for html in self.document.findall(nodes.raw):
            if "<table" in html.astext():
                html[:] = [nodes.Text(align(html.astext()))]

    def describe(self, image):
        """Take a figure's alternative text from the '*Figure: ...*' below its cell."""
        cell = image
        while cell is not None and cell.get("nb_element") != "cell_code":
            cell = cell.parent
        if cell is None:
            return
        number = list(cell.findall(nodes.image)).index(image)
        below = cell.parent[cell.parent.index(cell) + 1 :]
        texts = [n for n in below[:6] if n.astext().startswith("Figure:")]
        if number < len(texts):
            words = texts[number].astext().removeprefix("Figure:").split()
            image["alt"] = " ".join(words)
            texts[number]["classes"].append("figure-text")
        else:
            warn("a figure without a '*Figure: ...*' line below it", location=image)

    def measure(self, image):
        """Show a figure as wide as it was drawn, however fine its pixels are."""
        head = Path(self.app.srcdir, image["uri"]).read_bytes()[:1000]
        if b"pHYs" in head:
            at = head.index(b"pHYs") + 4
            per_metre = int.from_bytes(head[at : at + 4], "big")
            width = int.from_bytes(head[16:20], "big") * INCH / per_metre
            image["width"] = f"{width:.0f}px"

    def frame(self, quote):
        """Make '> **Title.** text' an admonition."""
        first = next((node for node in quote[0] if node.astext()), None)
        if isinstance(first, nodes.strong):
            quote[0].remove(first)
            title = nodes.title("", first.astext().rstrip("."))
            quote.replace_self(nodes.admonition("", title, *quote.children))


def iter_parents(node, kind):
    """Yield the nodes of a kind that node is in."""
    while (node := node.parent) is not None:
        if isinstance(node, kind):
            yield node


def heading(notebook):
    """Return a notebook's title."""
    first = json.loads(notebook.read_text())["cells"][0]["source"]
    return "".join(first).splitlines()[0].lstrip("# ")


def parts(title):
    """Return what stands before and after a title's colon."""
    return re.split("[:：] *", title, maxsplit=1)


def body(document):
    """Return the section that is the page, with its title."""
    return next(document.findall(nodes.section))


def exercises(document):
    """Return the sections of a sheet, or of its solutions, that have a number."""
    sections = body(document).findall(nodes.section)
    return [section for section in sections if section[0].astext()[:1].isdigit()]


def details(summary, *content, **attributes):
    """Return nodes that HTML shows as a closed <details>."""
    html = f"<details><summary>{summary}</summary>"
    box = nodes.container("", raw(html), *content, raw("</details>"), **attributes)
    box["classes"].append("fold")
    return box


def raw(html):
    """Return a node that is HTML already."""
    return nodes.raw("", html, format="html")


def source(node):
    """Return a node's text; a code cell's without its output."""
    return (node[0] if node.get("nb_element") == "cell_code" else node).astext()


def align(html):
    """Return pandas' table without its styles; columns of text lean to the left."""
    soup = BeautifulSoup(html, "html.parser")
    for style in soup.find_all("style"):
        style.decompose()
    for table in soup.find_all("table"):
        for element in [table, *table.find_all("th")]:
            for outdated in ("border", "halign", "valign"):
                element.attrs.pop(outdated, None)
        for blank in [th for th in table.find_all("th") if not th.text.strip()]:
            blank.name = "td"
        for head in table.select("thead tr"):  # the index's name
            if head.th and head.td and head.th.find_next_sibling("td"):
                head.th["class"] = "words"
        rows = [row.find_all("td") for row in table.select("tbody tr")]
        heads = [row.find_all(["th", "td"]) for row in table.select("thead tr")]
        for place in range(-1, -1 - min(map(len, rows), default=0), -1):
            if any(re.search(r"[^\W\d_]{3}", row[place].text) for row in rows):
                for row in [*rows, *(head for head in heads if len(head) >= -place)]:
                    row[place]["class"] = "words"
    return str(soup)


def formula(translator, node, display="inline"):
    """Write a formula as MathML; a norm's bars stay as high as what they enclose."""
    math = convert(node.astext(), display=display)
    translator.body.append(
        math.replace("<mo>&#x02016;", '<mo stretchy="false">&#x02016;')
    )
    raise nodes.SkipNode


def block_formula(translator, node):
    """Write a formula that stands by itself."""
    formula(translator, node, display="block")


def finish(app, name, template, context, doctree):
    """Say of the parts' captions, as WAI-ARIA asks, at which level they stand."""
    if "furo_navigation_tree" in context:
        context["furo_navigation_tree"] = context["furo_navigation_tree"].replace(
            'role="heading"', 'role="heading" aria-level="2"'
        )


def setup(app):
    """Register all of this with Sphinx."""
    for label in ("solution_label", "programs_label", "minutes_label"):
        app.add_config_value(label, "", "env", str)
    app.connect("html-page-context", finish, priority=900)
    for transform in (Translate, Contents, Programs):
        app.add_transform(transform)
    app.add_post_transform(Solutions)
    app.add_post_transform(Pages)
    app.add_html_math_renderer("mathml", (formula, None), (block_formula, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
