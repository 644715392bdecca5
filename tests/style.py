"""The rules that every stored notebook keeps, each a function that yields messages.

`problems(path)` is all of them; tests/test_style.py applies it to the book, and
tests/test_meta.py proves on small notebooks that each rule can fail. The reasons
stand in CONTRIBUTING or the docstrings below, the style itself in the book's guide.
"""

import ast
import hashlib
import json
import re
from functools import partial
from urllib.parse import unquote

import nbformat

import notebooks
from exercises import SHEET, SOLUTIONS

DISPLAY_NAMES = {
    "spark": "Spark (chapters 1-6)",
    "dl": "Deep learning (chapters 7-10)",
}
SPARK_CHAPTERS = range(1, 7)
MOST_LINES, MOST_COLUMNS = 20, 88
WORDS_PER_CELL = 15
FIGURES = ("image/png", "image/svg+xml")
ABSOLUTE = re.compile(
    r"(?<![\w.])/(home|tmp|root|work|opt|usr|var|etc|mnt|media|srv|Users)/|\b[A-Z]:\\\w"
)
FORBIDDEN_CODE = {
    "pip install": re.compile(r"\b(pip|conda|apt-get|apt)\s+install\b"),
    "time.sleep": re.compile(r"\btime\.sleep\b|\bfrom time import [^\n]*\bsleep\b"),
    "nbval marker (use the tag)": re.compile(r"#\s*(NBVAL_|PYTEST_VALIDATE)"),
    "a master": re.compile(r"\blocal\[|\bspark://|\.master\(|\.setMaster\("),
    "a host": re.compile(r"\blocalhost\b|\b(127|0)\.0\.0\.\d+\b"),
    "a port": re.compile(r"//[^\s\"'/{}]+:\d{2,5}\b|\bport\w*\s*=\s*\d{2,}", re.I),
}
WARNING = re.compile(r"\b\w*Warning\b|\bWARN(ING)?\b")
ALTERNATIVE = re.compile(r"^\*Figure:\s([^*]{40,})\*\s*$", re.M)
TITLE = re.compile(r"# (\d+)\.(\d+) \S.*")
CARD = re.compile(
    r"^\*\*Image\*\* (\w+) · \*\*Data\*\* \S.* · \*\*Time\*\* (\d+) minutes?\s*$", re.M
)
TAG = re.compile(
    rf"{notebooks.EXEMPT}|claim-\d\d"
)  # chapter 1's claims.csv names these
SECTIONS = ["## Where this goes wrong", "## Summary", "## Going further"]
LINK = re.compile(r"(!?)\[[^\]]*\]\(<?([^)\s>]+)>?[^)]*\)")


def problems(path, chapters=notebooks.CHAPTERS):
    """Return a message for each rule that the notebook at path breaks."""
    notebook = notebooks.read(path)
    rules = [valid, executed, fresh, metadata, outputs, code, imports, exempt]
    rules += [partial(links, path=path)]
    if is_lesson(path, chapters):
        rules += [figures, prose, partial(shape, path=path, chapters=chapters)]
    elif not first_lines(notebook)[:1] or not first_lines(notebook)[0].startswith("# "):
        rules += [lambda _: ["the first cell does not start with a title"]]
    return [message for rule in rules for message in rule(notebook)]


def is_lesson(path, chapters=notebooks.CHAPTERS):
    """Return whether all rules hold for it: not for the index, not for exercises."""
    return path.parent != chapters and path.name not in (SHEET, SOLUTIONS)


def rendered(notebook):
    """Return the hash that tests/render.py stores: of all code and all outputs."""
    cells = [
        (cell.source, cell.execution_count, cell.outputs)
        for cell in notebooks.code_cells(notebook)
    ]
    return hashlib.sha256(json.dumps(cells, sort_keys=True).encode()).hexdigest()


def valid(notebook):
    """The file is a valid notebook of the present format."""
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        yield f"not a valid notebook: {str(error).splitlines()[0]}"
    if (notebook.nbformat, notebook.nbformat_minor) != (4, 5):
        yield f"format {notebook.nbformat}.{notebook.nbformat_minor}, not 4.5"


def executed(notebook):
    """Its code cells were run once, from the first to the last."""
    cells = notebooks.code_cells(notebook)
    counts = [cell.execution_count for cell in cells]
    if counts != list(range(1, len(cells) + 1)):
        yield f"not executed in order: {counts}"
    for number, cell in enumerate(cells, 1):
        if not cell.source.strip():
            yield f"In [{number}] is empty"


def fresh(notebook):
    """Its outputs were made by `make render` from this very code."""
    if not notebooks.code_cells(notebook):
        return
    if notebook.metadata.get("book", {}).get("rendered") != rendered(notebook):
        yield "code or outputs changed after `make render`: render it again"


def metadata(notebook):
    """Nothing but the kernel, the language and the render mark; few kinds of tags."""
    name = notebook.metadata.get("kernelspec", {}).get("name")
    expected = {
        "kernelspec": {
            "display_name": DISPLAY_NAMES.get(name),
            "language": "python",
            "name": name,
        },
        "language_info": {"name": "python"},
    }
    stored = {k: v for k, v in notebook.metadata.items() if k != "book"}
    if name not in DISPLAY_NAMES or stored != expected:
        yield f"metadata is not as `make render` writes it: {json.dumps(stored)[:200]}"
    for number, cell in enumerate(notebook.cells, 1):
        tags = cell.metadata.get("tags", [])
        if set(cell.metadata) - {"tags"}:
            yield f"cell {number} holds metadata: {sorted(cell.metadata)}"
        unknown = [tag for tag in tags if not TAG.fullmatch(tag)]
        if unknown or (tags and cell.cell_type != "code"):
            yield f"cell {number} has tags {tags}"
        if "attachments" in cell:
            yield f"cell {number} holds an attachment; draw figures by code"


def texts(output):
    """Return all that an output shows as text."""
    if output.output_type == "stream":
        return output.text
    shown = output.get("data", {})
    return "\n".join(str(v) for k, v in shown.items() if k not in FIGURES)


def outputs(notebook):
    """No errors, nothing on standard error, no warnings, no paths, no widgets."""
    for number, cell in enumerate(notebooks.code_cells(notebook), 1):
        for output in cell.outputs:
            text = texts(output)
            if output.output_type == "error":
                yield f"In [{number}] stores an error: {output.ename}"
            if output.get("name") == "stderr":
                yield f"In [{number}] stores standard error: {text[:80]!r}"
            if found := WARNING.search(text):
                yield f"In [{number}] stores a warning: {found[0]}"
            if found := ABSOLUTE.search(text):
                yield f"In [{number}] shows an absolute path: {found[0]}"
            if any("widget" in kind for kind in output.get("data", {})):
                yield f"In [{number}] stores a widget"


def code(notebook):
    """Cells and lines are short, and name no path, master, host or port."""
    for number, cell in enumerate(notebooks.code_cells(notebook), 1):
        lines = cell.source.splitlines()
        if len(lines) > MOST_LINES:
            yield f"In [{number}] has {len(lines)} lines, {MOST_LINES} are the limit"
        if (widest := max(map(len, lines), default=0)) > MOST_COLUMNS:
            yield f"In [{number}] has a line of {widest} characters"
        for what, pattern in FORBIDDEN_CODE.items():
            if found := pattern.search(cell.source):
                yield f"In [{number}] contains {what}: {found[0]!r}"
        if found := ABSOLUTE.search(cell.source):
            yield f"In [{number}] names an absolute path: {found[0]}"


def imports(notebook):
    """Imports stand in the first code cell, or inside a function sent elsewhere."""
    for number, cell in enumerate(notebooks.code_cells(notebook)[1:], 2):
        if cell.source.startswith("%%"):
            continue
        plain = re.sub(r"^(\s*)[%!].*$", r"\1pass", cell.source, flags=re.M)
        try:
            waiting = list(ast.parse(plain).body)
        except SyntaxError as error:
            yield f"In [{number}] is not Python: {error.msg}"
            continue
        while waiting:
            node = waiting.pop()
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield f"In [{number}] imports: {ast.unparse(node)}"
            elif not isinstance(node, ast.FunctionDef | ast.Lambda):
                waiting += ast.iter_child_nodes(node)


def exempt(notebook):
    """At most one cell in five is exempt, and the next one prints a checked claim."""
    cells = notebooks.code_cells(notebook)
    marked = [number for number, cell in enumerate(cells) if notebooks.is_exempt(cell)]
    if len(marked) > len(cells) / 5:
        yield f"{len(marked)} of {len(cells)} code cells are exempt from comparison"
    for number in marked:
        after = cells[number + 1 : number + 2]
        if not after or notebooks.is_exempt(after[0]) or not after[0].outputs:
            yield f"In [{number + 1}] is exempt; no compared cell with output follows"


def count_figures(cell):
    """Return how many pictures a code cell's outputs hold."""
    return sum(
        any(kind in output.get("data", {}) for kind in FIGURES)
        for output in cell.outputs
    )


def figures(notebook):
    """There are pictures, and each has a text alternative right below its cell."""
    cells = notebooks.code_cells(notebook)
    if len(cells) > 5 and not any(map(count_figures, cells)):
        yield "no figure"
    number = 0
    for cell, after in zip(notebook.cells, [*notebook.cells[1:], None], strict=True):
        if cell.cell_type != "code":
            continue
        number += 1
        told = after.source if after and after.cell_type == "markdown" else ""
        if (drawn := count_figures(cell)) > len(ALTERNATIVE.findall(told)):
            yield (
                f"In [{number}] draws {drawn} figure(s); the text cell below it needs "
                "for each a line '*Figure: what is seen, 40 characters or more*'"
            )


def prose(notebook):
    """There is about as much prose as code: 15 words for a code cell at least."""
    text = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    cells = notebooks.code_cells(notebook)
    words = len(text.split())
    if words < WORDS_PER_CELL * len(cells):
        yield f"thin prose: {words} words for {len(cells)} code cells"


def first_lines(notebook):
    """Return the lines of all text above the first code cell."""
    lines = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            break
        lines += cell.source.splitlines()
    return lines


def shape(notebook, path, chapters=notebooks.CHAPTERS):
    """Title, what it needs, what one learns, the three closing sections, what next."""
    intro = first_lines(notebook)
    number = (int(path.parent.name[:2]), int(path.stem[:2]))
    title = TITLE.fullmatch(intro[0]) if intro else None
    if not title or (int(title[1]), int(title[2])) != number:
        yield f"the title is not '# {number[0]}.{number[1]} ...'"
    text = "\n".join(intro)
    opening = re.split(r"^\*\*", "\n".join(intro[1:]), maxsplit=1, flags=re.M)[0]
    if len(opening.split()) < 20:
        yield "no two to four sentences (20 words) follow the title"
    card = CARD.search(text)
    kernel = notebook.metadata.get("kernelspec", {}).get("name")
    if not card:
        yield "no line '**Image** spark · **Data** flights · **Time** 2 minutes'"
    elif not card[1] == kernel == ("spark" if number[0] in SPARK_CHAPTERS else "dl"):
        yield f"image {card[1]}, kernel {kernel}: not the ones of chapter {number[0]}"
    bullets = re.search(r"^\*\*You will\*\*.*\n\n?((?:(?:[-*] |  ).*\n?)+)", text, re.M)
    count = len(re.findall(r"^[-*] ", bullets[1], re.M)) if bullets else 0
    if not 3 <= count <= 5:
        yield f"'**You will**' needs three to five bullets, not {count}"
    yield from closing(notebook, path, chapters)


def closing(notebook, path, chapters):
    """The last sections stand in order, and the last link goes to the next notebook."""
    text = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    headings = re.findall(r"^## .*?\s*$", text, re.M)
    if [line.strip() for line in headings][-3:] != SECTIONS:
        yield f"does not close with the sections {', '.join(SECTIONS)}"
    last = notebook.cells[-1]
    targets = [found[2] for found in LINK.finditer(last.source)]
    goes_to = (path.parent / targets[-1].split("#")[0]).resolve() if targets else None
    if last.cell_type != "markdown" or goes_to not in followers(path, chapters):
        names = " or ".join(p.name for p in followers(path, chapters))
        yield f"does not end with a link to the next notebook: {names}"


def followers(path, chapters):
    """Return what may come next: in the chapter if anything does, else beyond it."""
    order = [p for p in notebooks.find(chapters) if p.parent != chapters]
    later = order[order.index(path) + 1 :]
    if later and later[0].parent == path.parent:
        return later[:1]
    return [*later[:1], chapters / "index.ipynb"]


def anchors(path):
    """Return all anchors of a notebook's headings, in Jupyter's and GitHub's form."""
    found = set()
    for cell in notebooks.read(path).cells:
        if cell.cell_type == "markdown":
            for heading in re.findall(r"^#+ +(.*?)\s*$", cell.source, re.M):
                found.add(heading.replace(" ", "-"))
                plain = re.sub(r"[^\w\- ]", "", heading.lower())
                found.add(plain.replace(" ", "-"))
    return found


def links(notebook, path):
    """Every link inside the book leads somewhere; pictures are drawn, not linked.

    But for a photograph of a web page, named as the notebook, with its photograph.py.
    """
    photograph = path.with_name("photograph.py").exists()
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            continue
        text = re.sub(r"```.*?```|`[^`\n]*`", "", cell.source, flags=re.S)
        if "<img" in text:
            yield "links to an image; draw it by code"
        for image, target in LINK.findall(text):
            if image and not (photograph and target == f"{path.stem}.png"):
                yield f"links to an image: {target}; draw it by code"
            elif not re.match(r"[a-z]+:", target):
                yield from dead(target, path)


def dead(target, path):
    """Yield a message when a link's target, seen from path, is not there."""
    name, _, anchor = unquote(target).partition("#")
    file = (path.parent / name).resolve() if name else path
    if not file.exists():
        yield f"dead link: {target}"
    elif anchor and file.suffix == ".ipynb" and anchor not in anchors(file):
        yield f"dead link: no heading for {target}"
