"""The tests are tried: each of these small notebooks breaks one rule and is caught.

A clean notebook of six cells is generated, rendered once, and changed in one place
at a time. It needs a kernel only, no Spark, so a run takes seconds.
"""

import shutil
import textwrap

import nbformat
import pytest

import notebooks
import render
import style

PROSE = "Words that explain what the next cell does, why, and what its output says. "
INTRO = f"""\
# 1.1 A small notebook

{PROSE * 3}

**Image** spark · **Data** none · **Time** 1 minute

**You will**

- see one thing
- do another
- draw a third
"""
CLOSING = """\
## Where this goes wrong

It does not.

## Summary

One thing, another, a third.

## Going further

Next: [the index](../index.ipynb#The-map)
"""
CODE = [
    "import random\n\nimport matplotlib.pyplot as plt",
    'print("two and two:", 2 + 2)',
    'squares = [n * n for n in range(5)]\nprint("squares:", squares)',
    "random.random()",
    'print("between 0 and 1:", 0 <= random.random() < 1)',
    'plt.plot(squares)\nplt.xlabel("n")\nplt.ylabel("square of n");',
]
TIMED, DRAWN = 3, 5
FIGURE = "*Figure: a curve that rises ever faster, from 0 at n = 0 to 16 at n = 4.*"


def markdown(text):
    """Return a text cell."""
    return nbformat.v4.new_markdown_cell(text)


def build(codes=CODE, exempt=(TIMED,)):
    """Return a notebook of these code cells, those in `exempt` tagged, not yet run."""
    cells = [markdown(INTRO)]
    for number, source in enumerate(codes):
        tags = {"tags": [notebooks.EXEMPT]} if number in exempt else {}
        told = FIGURE if number == DRAWN else PROSE
        cells += [nbformat.v4.new_code_cell(source, metadata=tags), markdown(told)]
    notebook = nbformat.v4.new_notebook(cells=[*cells, markdown(CLOSING)])
    notebook.metadata.kernelspec = {"name": "spark"}
    return notebook


@pytest.fixture(scope="session")
def rendered(tmp_path_factory):
    """Return the chapters folder of a book that holds the clean notebook, rendered."""
    chapters = tmp_path_factory.mktemp("book") / "chapters"
    (chapters / "01_small").mkdir(parents=True)
    index = nbformat.v4.new_notebook(cells=[markdown("# The map")])
    nbformat.write(index, chapters / "index.ipynb")
    path = chapters / "01_small/01_small.ipynb"
    nbformat.write(build(), path)
    assert render.render(path, chapters) == []
    return chapters


@pytest.fixture
def chapters(rendered, tmp_path):
    """Return a copy of that folder, to be broken."""
    return shutil.copytree(rendered, tmp_path / "chapters")


@pytest.fixture
def path(chapters):
    """Return the path of the copied notebook."""
    return chapters / "01_small/01_small.ipynb"


def change(path, edit):
    """Read the notebook at path, apply edit(notebook), write it back."""
    notebook = notebooks.read(path)
    edit(notebook)
    nbformat.write(notebook, path)


def add_code(path, source):
    """Put the source at the end of the notebook's first code cell."""

    def edit(notebook):
        notebooks.code_cells(notebook)[0].source += "\n" + textwrap.dedent(source)

    change(path, edit)


def test_a_clean_notebook_passes(path, chapters):
    """Nothing is found where nothing is wrong, and the figures are told."""
    assert style.problems(path, chapters) == []
    ran = notebooks.run(path, chapters)
    assert ran.problems == []
    assert (ran.compared, ran.exempt) == (5, 1)
    assert ran.peak > 20
    assert ran.seconds > 0.5


def run_problems(path, chapters, **options):
    """Return what running the notebook finds, as one text."""
    return "\n".join(notebooks.run(path, chapters, **options).problems)


def test_a_changed_output_fails(path, chapters):
    """The message has the cell, its source, expected and got."""

    def edit(notebook):
        notebooks.code_cells(notebook)[1].outputs[0].text = "two and two: 5\n"

    change(path, edit)
    told = run_problems(path, chapters)
    for part in ("In [2]: ", CODE[1], "-two and two: 5", "+two and two: 4"):
        assert part in told
    assert "In [3]" not in told


def test_an_error_fails(path, chapters):
    """An exception in a cell is shown with its traceback."""
    add_code(path, "1 / 0")
    told = run_problems(path, chapters)
    assert "In [1]: Cell execution caused an exception" in told
    assert "ZeroDivisionError: division by zero" in told


def test_a_dead_kernel_fails(path, chapters):
    """A kernel that vanishes is no pass."""
    add_code(path, "import os; os._exit(3)")
    assert "In [1]: the kernel died" in run_problems(path, chapters)


def test_a_notebook_that_hangs_fails(path, chapters):
    """The deadline ends the run and names the cell."""
    add_code(path, "import threading; threading.Event().wait()")
    assert "not finished after 8 s, in In [1]" in run_problems(
        path, chapters, seconds=8
    )


def test_an_exempt_output_may_differ_but_not_fail(path, chapters):
    """Exemption is from comparison, not from working."""

    def edit(notebook):
        notebooks.code_cells(notebook)[TIMED].source = "1 / 0"

    change(path, edit)
    assert "In [4]: Cell execution caused" in run_problems(path, chapters)


def test_a_cell_that_its_first_run_spoils_fails_when_run_twice(path, chapters):
    """A run without repetition does not see it."""
    source = 'four = globals().get("four", 3) + 1\nprint("two and two:", four)'
    change(path, set_source(2, source))
    assert run_problems(path, chapters) == ""
    told = run_problems(path, chapters, twice=True)
    assert "In [4]: Cell outputs differ" in told
    assert "+two and two: 5" in told


def test_what_a_child_prints_fails_where_it_is_shown(path, chapters):
    """It is hidden unless the run is as in JupyterLab."""
    add_code(path, 'import os; os.system("echo from a child; sleep 1");')
    assert run_problems(path, chapters) == ""
    told = run_problems(path, chapters, children=True)
    assert "In [1]: Cell outputs differ" in told
    assert "+from a child" in told


LITTER = {
    "a process": (
        """
        import subprocess
        subprocess.Popen(["sleep", "1234"], start_new_session=True);
        """,
        ": sleep 1234",
    ),
    "an orphan": (
        """
        import os
        os.system("setsid sleep 1235 >&- 2>&- &");
        """,
        ": sleep 1235",
    ),
    "a listening port": (
        """
        import subprocess
        import sys
        listen = "import socket; s = socket.create_server(('127.0.0.1', 18123)); "
        subprocess.Popen(
            [sys.executable, "-c", listen + "print(flush=True); s.accept()"],
            stdout=subprocess.PIPE, start_new_session=True,
        ).stdout.readline();
        """,
        "left listening: port 18123",
    ),
    "a temporary file": (
        """
        import tempfile
        open(tempfile.mkstemp(prefix="leaked-")[1], "w").close()
        """,
        "file left or changed: TMPDIR/leaked-",
    ),
    "a file where a killed loader's worker keeps its socket": (
        """
        import tempfile
        folder = tempfile.mkdtemp(prefix="pymp-")
        open(f"{folder}/listener-1", "w").close()
        """,
        "file left or changed: TMPDIR/pymp-",
    ),
    "a file beside the notebook": (
        'open("spark-warehouse", "w").close()',
        "file left or changed: book/chapters/01_small/spark-warehouse",
    ),
    "a file at home": (
        'import pathlib; pathlib.Path("~/mlruns").expanduser().mkdir()',
        "file left or changed: HOME/mlruns",
    ),
    "a changed file": (
        'open("../index.ipynb", "a").write(" ");',
        "file left or changed: book/chapters/index.ipynb",
    ),
}


def test_litter_fails(path, chapters):
    """Each thing that a notebook leaves behind is found, and named."""
    for source, _ in LITTER.values():
        add_code(path, source)
    told = run_problems(path, chapters)
    assert not [what for what, (_, named) in LITTER.items() if named not in told], told


def test_the_network_is_out_of_reach(path, chapters):
    """A call to another machine fails at once."""
    add_code(path, 'import socket; socket.create_connection(("192.0.2.1", 80), 60)')
    ran = notebooks.run(path, chapters)
    if not ran.isolated:
        pytest.skip("no namespaces on this machine; in CI that is a failure")
    assert "Network is unreachable" in "\n".join(ran.problems), "not a time-out"


def test_a_real_notebook_with_a_changed_output_fails(tmp_path):
    """The same holds for a notebook of the book: the first one."""
    chapters = shutil.copytree(notebooks.CHAPTERS, tmp_path / "chapters")
    (tmp_path / "datasets").symlink_to(notebooks.BOOK / "datasets")
    path = notebooks.find(chapters)[0]
    printed = []

    def edit(notebook):
        for number, code_cell in enumerate(notebooks.code_cells(notebook), 1):
            if code_cell.outputs and not notebooks.is_exempt(code_cell):
                printed.append(number)
                set_output(number, "not what it prints")(notebook)
                break

    change(path, edit)
    assert printed, f"{path.name} stores no outputs: render it"
    assert any("`make render`" in told for told in style.problems(path, chapters))
    told = run_problems(path, chapters)
    assert f"In [{printed[0]}]: Cell outputs differ" in told
    assert "-not what it prints" in told


def cell(number):
    """Return a function that finds the code cell of that number, from 1."""
    return lambda notebook: notebooks.code_cells(notebook)[number - 1]


def set_source(number, source):
    """Return an edit that replaces a code cell's source."""
    return lambda notebook: cell(number)(notebook).update(source=source)


def set_output(number, text, name="stdout"):
    """Return an edit that replaces a code cell's outputs."""
    output = nbformat.v4.new_output("stream", name=name, text=text)
    return lambda notebook: cell(number)(notebook).update(outputs=[output])


def set_error(notebook):
    """Store an error as the second cell's output."""
    cell(2)(notebook).outputs = [
        nbformat.v4.new_output("error", ename="OSError", evalue="", traceback=[])
    ]


def set_text(old, new):
    """Return an edit that replaces text in the text cells."""

    def edit(notebook):
        assert any(old in c.source for c in notebook.cells)
        for c in notebook.cells:
            if c.cell_type == "markdown":
                c.source = c.source.replace(old, new)

    return edit


def set_tags(*tags):
    """Return an edit that gives the second and third code cell these tags."""

    def edit(notebook):
        for number in (2, 3):
            cell(number)(notebook).metadata["tags"] = list(tags)

    return edit


BROKEN = {
    "not executed": (
        lambda n: cell(2)(n).update(execution_count=None),
        "not executed in order",
    ),
    "out of order": (
        lambda n: cell(2)(n).update(execution_count=7),
        "not executed in order",
    ),
    "edited code": (set_source(2, "print(4)"), "changed after `make render`"),
    "edited output": (set_output(2, "5"), "changed after `make render`"),
    "a stored error": (set_error, "stores an error: OSError"),
    "standard error": (set_output(2, "oh", "stderr"), "stores standard error"),
    "a warning": (set_output(2, "FutureWarning: x"), "stores a warning"),
    "a path in an output": (set_output(2, "/home/me/x"), "shows an absolute path"),
    "a path in code": (set_source(2, 'open("/tmp/x")'), "names an absolute path"),
    "pip": (set_source(2, "%pip install x"), "contains pip install"),
    "sleep": (set_source(2, "time.sleep(1)"), "contains time.sleep"),
    "a master": (set_source(2, 'm = "local[2]"'), "contains a master"),
    "a host": (set_source(2, 'h = "127.0.0.1"'), "contains a host"),
    "a port": (set_source(2, "f(port=8080)"), "contains a port"),
    "a marker comment": (set_source(2, "# NBVAL_SKIP"), "contains nbval marker"),
    "a long cell": (set_source(2, "x = 1\n" * 21), "has 21 lines"),
    "a wide line": (set_source(2, f"x = '{'x' * 90}'"), "a line of 96 characters"),
    "a late import": (set_source(2, "if True:\n    import os"), "imports: import os"),
    "an empty cell": (set_source(2, " "), "In [2] is empty"),
    "a tag": (set_tags("raises-exception"), "has tags ['raises-exception']"),
    "too many exempt": (set_tags(notebooks.EXEMPT), "3 of 6 code cells are exempt"),
    "no verdict": (set_tags(notebooks.EXEMPT), "In [2] is exempt; no compared"),
    "metadata": (lambda n: n.metadata.update(toc={}), "metadata is not as"),
    "cell metadata": (
        lambda n: cell(2)(n).metadata.update(collapsed=True),
        "holds metadata",
    ),
    "another format": (lambda n: n.update(nbformat_minor=4), "format 4.4"),
    "no alternative text": (set_text("*Figure: ", ""), "draws 1 figure(s)"),
    "a short alternative": (set_text(FIGURE, "*Figure: a line.*"), "draws 1 figure(s)"),
    "thin prose": (set_text(PROSE, "-"), "thin prose"),
    "a wrong title": (set_text("# 1.1", "# 1.2"), "the title is not '# 1.1 ...'"),
    "no opening": (set_text(PROSE * 3, "Go."), "two to four sentences"),
    "no card": (set_text("**Data** none", "none"), "no line '**Image**"),
    "a wrong image": (set_text("**Image** spark", "**Image** dl"), "image dl, kernel"),
    "few aims": (set_text("- draw a third\n", ""), "three to five bullets, not 2"),
    "no summary": (set_text("## Summary", "## End"), "does not close with"),
    "a dead link": (set_text("../index.ipynb", "../none.ipynb"), "dead link"),
    "a dead anchor": (set_text("#The-map", "#a-map"), "no heading for"),
    "no next": (set_text("(../index.ipynb#The-map)", ""), "link to the next notebook"),
    "an image": (set_text("It does not.", "![x](x.png)"), "links to an image"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_rule_is_found(path, chapters, what):
    """One edit, and the style check says what is wrong."""
    edit, message = BROKEN[what]
    change(path, edit)
    assert message in "\n".join(style.problems(path, chapters))


def test_a_missing_figure_is_found(path, chapters):
    """Six code cells without a picture are too many."""
    change(path, set_source(6, "x = 1"))
    change(path, lambda n: cell(6)(n).update(outputs=[]))
    assert "no figure" in style.problems(path, chapters)


def test_exercises_may_be_plain(path, chapters):
    """Exercises need no lesson's shape, but the same care for their outputs."""
    exercises = path.rename(path.with_name("exercises.ipynb"))
    change(exercises, set_text("## Summary", "## End"))
    assert style.problems(exercises, chapters) == []
    change(exercises, set_output(2, "5"))
    assert style.problems(exercises, chapters) != []


def test_a_failing_render_keeps_the_old_file(path, chapters):
    """Its message shows the failing cell; the stored notebook is untouched."""
    add_code(path, "1 / 0")
    before = path.read_bytes()
    told = "\n".join(render.render(path, chapters))
    assert "file untouched" in told
    assert "ZeroDivisionError: division by zero" in told
    assert path.read_bytes() == before
    assert sorted(p.name for p in path.parent.iterdir()) == [path.name]


def test_rendering_again_changes_nothing_but_exempt_cells(path, chapters):
    """Two renderings of the same code store the same, ids included."""
    before = notebooks.read(path)
    assert render.render(path, chapters) == []
    after = notebooks.read(path)
    for notebook in (before, after):
        del notebook.metadata["book"], cell(TIMED + 1)(notebook)["outputs"]
        cell(DRAWN + 1)(notebook)["outputs"] = []  # a picture's last bits may differ
    assert before == after
