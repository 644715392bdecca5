"""Find the book's notebooks and run them as a reader would, but watched.

Each run gets a copy of the chapters, a home and a temporary folder of its own, in
tests/cage.py: so whatever a notebook leaves behind is found, also while others run.
"""

import difflib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import psutil

BOOK = Path(__file__).resolve().parents[1]
CHAPTERS = BOOK / "chapters"
TESTS = BOOK / "tests"
EXEMPT = "nbval-ignore-output"  # the tag of a cell whose output is not compared
# Deadlines end what hangs, nothing else: eight times overloaded, nothing right is cut.
# Slowness is reported by budget.py.
DEADLINE = 1800  # seconds for a whole notebook
CELL_SECONDS = 900
ENDING_SECONDS = 240  # from asking a kernel to end to killing it; half of it: SIGTERM
# The tests look at results, which do not depend on Java's compiler. Its second, better
# one takes up to half of the time of a JVM that lives for a minute: lesson 4.2 costs 81
# processor seconds without it and 153 with it, 6.2 57 and 76. Readers keep it: a heavy
# aggregation is twice as fast with it, the sum of a long range sixty times.
# Without it Java keeps 48 MB for compiled code, which a lesson fills; Java then drops
# methods and compiles them again. 240 MB, as with both compilers, spare 6.4 three of 77
# processor seconds.
QUICK_COMPILER = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m"
# Some lessons need it, for they join at scale or repeat vector arithmetic (5.2's
# Word2Vec: 5 seconds with it, over 60 without; 6.3's LDA: 13 and 37). MLlib's BLAS uses
# Java's Vector API, and only this compiler makes machine instructions of it. Most of
# its time goes into methods copied into their callers. With shorter copies 6.5 costs 84
# processor seconds in place of 106, 6.3 61 in place of 75.
BOTH_COMPILERS = "-XX:InlineSmallCode=1000 -XX:FreqInlineSize=100"
HEAVY = (
    "02_spark/03_plans", "02_spark/05_sklearn_and_mllib",
    "05_features/02_text",
    "06_mllib/03_unsupervised", "06_mllib/05_scaling",
)  # fmt: skip
BUDGET_MIB = 3072  # what a notebook should do with; more is reported
LIMIT_MIB = 4096  # exceeding fails
WORKERS_MIB = 2048  # what the two workers of tests/cluster.py may take beside that
# What kernels and libraries keep in a home folder, and the JVM in /tmp, by design.
NO_LITTER = {
    ".cache", ".config", ".ipython", ".jupyter", ".keras", ".local", "hsperfdata_*",
    "torchinductor_*",
}  # fmt: skip
# PyTorch kills a DataLoader's worker that has not ended after five seconds, as on a
# busy machine. Its folder with its socket then stays in TMPDIR.
KILLED_WORKER = ("pymp-*", "pymp-*/listener-*")
NOT_COPIED = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")


def find(chapters=CHAPTERS):
    """Return the paths of all notebooks below chapters, in reading order.

    A chapter's lessons come by their numbers, its exercises after them; the index,
    which belongs to no chapter, is last.
    """
    found = [
        p for p in chapters.rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts
    ]
    return sorted(found, key=lambda p: (p.parent == chapters, p.parent, p.stem))


def choose(named, chapter=None):
    """Return the notebooks with code that were named, or all of a chapter, or all."""
    found = [path.resolve() for path in named] or [
        path
        for path in find()
        if not chapter or path.parent.name.startswith(chapter + "_")
    ]
    return [path for path in found if code_cells(read(path))]


def at_once():
    """Return how many notebooks to run at the same time: one more than there are cores.

    While one waits, the others use all cores. Fewer where the memory is too small.
    """
    mib = psutil.virtual_memory().total / 2**20
    return max(1, min(psutil.cpu_count() + 1, int(mib / BUDGET_MIB)))


def code_cells(notebook):
    """Return the code cells of a notebook that nbformat has read."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def is_exempt(cell):
    """Return whether the cell's output is not compared."""
    return EXEMPT in cell.metadata.get("tags", [])


def read(path):
    """Return the notebook at path, as nbformat's version 4."""
    return nbformat.read(path, as_version=4)


def without_colours(text):
    """Return the text without the terminal's colour codes."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


@dataclass
class Run:
    """What running a notebook under nbval told."""

    problems: list = field(default_factory=list)  # messages; empty means it passed
    seconds: float = 0.0
    peak: float = 0.0  # MiB
    compared: int = 0
    exempt: int = 0
    isolated: bool = True
    waiting: float = 0.0  # seconds in which almost no processor was used
    work: dict = field(default_factory=dict)  # processor seconds, see usage.Meter
    cells: list = field(default_factory=list)  # what nbval_cells.py wrote


class Stage:
    """A private copy of the chapters in which one notebook is run; a context manager.

    `notebook` is the copy's path. After `run`, `litter()` tells what was left.
    """

    def __init__(self, notebook, chapters=CHAPTERS):
        """Copy `chapters`, which holds `notebook`."""
        self.folder = Path(tempfile.mkdtemp(prefix="book-", dir=_staging_folder()))
        self.home, self.tmp = self.folder / "home", self.folder / "tmp"
        self.book = self.folder / "book"
        for folder in (self.home, self.tmp, self.book):
            folder.mkdir()
        for entry in chapters.parent.iterdir():
            if entry != chapters and not entry.name.startswith("."):
                (self.book / entry.name).symlink_to(entry)
        shutil.copytree(chapters, self.book / "chapters", ignore=NOT_COPIED)
        self.notebook = self.book / "chapters" / notebook.relative_to(chapters)
        self._before = self._files()

    def __enter__(self):
        """Return the stage."""
        return self

    def __exit__(self, *_):
        """Remove the stage."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, command, seconds=DEADLINE, **variables):
        """Run the command in the cage; return (cage.py's result, its output)."""
        result, log = self.folder / "result.json", self.folder / "log"
        kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
        cache = os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")
        told = {
            "HOME": str(self.home),
            "XDG_CACHE_HOME": str(cache),  # matplotlib's font list takes seconds
            "TMPDIR": str(self.tmp),
            "PYTHONPATH": str(self.book / "chapters"),
        }
        needed = (BOOK, Path(sys.prefix), self.folder)
        hidden = any(path.is_relative_to("/tmp") for path in needed)
        cage = [sys.executable, TESTS / "cage.py", result, str(seconds)]
        with open(log, "w") as stream:
            process = subprocess.Popen(
                [*cage, "" if hidden else self.tmp, *command],
                cwd=self.notebook.parent,
                env=kept | told | variables,
                stdout=stream,
                stderr=subprocess.STDOUT,
            )
            try:
                process.wait()
            except BaseException:
                process.send_signal(signal.SIGTERM)
                process.wait()
                raise
        output = log.read_text(errors="replace")
        if not result.exists():
            raise RuntimeError(f"tests/cage.py failed:\n{output}")
        return json.loads(result.read_text()), output

    def repeat_cells(self):
        """Let each code cell of the notebook be followed by itself."""
        doubled = read(self.notebook)
        twice = []
        for cell in doubled.cells:
            twice.append(cell)
            if cell.cell_type == "code":
                twice.append(nbformat.from_dict(cell | {"id": f"{cell.id}-again"}))
        doubled.cells = twice
        nbformat.write(doubled, self.notebook)

    def litter(self):
        """Return a message for each file that the run left or changed."""
        after = self._files()
        changed = [p for p, state in after.items() if self._before.get(p) != state]
        gone = [p for p in self._before if p not in after]
        messages = [f"file left or changed: {p}" for p in sorted(changed)]
        messages += [f"file removed: {p}" for p in sorted(gone)]
        more = [f"and {len(messages) - 10} more files"] if len(messages) > 10 else []
        return messages[:10] + more

    def _files(self):
        """Return {shown name: state} of all files in which a run may leave traces."""
        found = {}
        for name, folder in (
            ("TMPDIR", self.tmp),
            ("HOME", self.home),
            ("book", self.book),
            ("book/datasets", self.book / "datasets"),
        ):
            for path in folder.rglob("*"):
                inside = path.relative_to(folder)
                by_design = any(Path(inside.parts[0]).match(p) for p in NO_LITTER)
                killed = any(map(inside.match, KILLED_WORKER)) and not path.is_file()
                if by_design or killed or path == self.notebook:
                    continue
                if "__pycache__" in inside.parts:
                    continue
                state = path.lstat()
                stamp = (state.st_mtime_ns, state.st_size)
                found[f"{name}/{inside}"] = "folder" if path.is_dir() else stamp
        return found


def _staging_folder():
    """Return where stages stand: outside /tmp, which the cage replaces, if possible."""
    folder = Path(tempfile.gettempdir())
    move = folder.is_relative_to("/tmp") and os.access("/var/tmp", os.W_OK)
    return "/var/tmp" if move else folder


def execution(notebook):
    """Return the command that runs a notebook and stores its outputs in it."""
    return [sys.executable, TESTS / "execute.py", notebook, str(CELL_SECONDS)]


def compiler(notebook):
    """Return the variables that choose Java's compiler for the tests of a notebook."""
    heavy = f"{notebook.parent.name}/{notebook.stem}" in HEAVY
    return {"SPARK_SUBMIT_OPTS": BOTH_COMPILERS if heavy else QUICK_COMPILER}


def run(
    notebook,
    chapters=CHAPTERS,
    seconds=DEADLINE,
    master=None,
    twice=False,
    children=False,
):
    """Run a notebook with nbval, strictly, and return a Run.

    master: replaces spark.master in a copy of the configuration, e.g. "local[4]";
    "cluster" starts a standalone cluster for it (tests/cluster.py).
    twice: each cell is run twice in a row, and both times it must print what is stored;
    In [2 n] of a problem's message is then the second run of the n-th cell.
    children: what child processes print counts as output, as a reader in JupyterLab
    sees it; else it is hidden, as when the outputs were stored.
    """
    variables = compiler(notebook) | ({"BOOK_CHILDREN": "1"} if children else {})
    with Stage(notebook, chapters) as stage:
        if twice:
            stage.repeat_cells()
        cells = code_cells(read(stage.notebook))
        lines = stage.folder / "cells.jsonl"
        lines.touch()
        command = [TESTS / "nbval_cells.py", stage.notebook, lines, str(CELL_SECONDS)]
        command = [sys.executable, *command]
        conf = stage.folder / "conf"
        if master == "cluster":
            command = [sys.executable, TESTS / "cluster.py", conf, *command]
        elif master:
            configuration(conf, master)
            variables["SPARK_CONF_DIR"] = str(conf)
        told, output = stage.run(command, seconds, **variables)
        ran = [json.loads(line) for line in lines.read_text().splitlines()]
        problems = _cell_problems(ran)
        if told["code"] is None:
            problems.append(f"not finished after {seconds} s, in In [{len(ran) + 1}]")
        elif len(ran) < len(cells) or (told["code"] and not problems):
            problems.append(
                f"nbval ended with code {told['code']} after {len(ran)} of "
                f"{len(cells)} cells:\n{output[-2000:]}"
            )
        problems += left(told) + stage.litter()
    limit = LIMIT_MIB + (WORKERS_MIB if master == "cluster" else 0)
    if told["peak"] > limit:
        problems.append(f"{told['peak']:.0f} MiB of memory, {limit} are the limit")
    if not told["isolated"] and os.environ.get("CI"):
        problems.append("CI must run notebooks without network: no namespaces here")
    exempt = sum(map(is_exempt, cells))
    return Run(
        problems=problems,
        seconds=told["seconds"],
        peak=told["peak"],
        compared=len(cells) - exempt,
        exempt=exempt,
        isolated=told["isolated"],
        waiting=told["waiting"],
        work=told["work"],
        cells=ran,
    )


def left(told):
    """Return a message for each process and port of cage.py's result."""
    return [f"left running: {process}" for process in told["processes"]] + [
        f"left listening: port {port}" for port in told["ports"]
    ]


def configuration(folder, master):
    """Copy Spark's configuration to a new folder, with another master.

    Raises ValueError when the configuration does not name a master exactly once.
    """
    shutil.copytree(os.environ["SPARK_CONF_DIR"], folder)
    defaults = folder / "spark-defaults.conf"
    text, count = re.subn(
        r"^(spark\.master\s+)\S+", rf"\g<1>{master}", defaults.read_text(), flags=re.M
    )
    if count != 1:
        raise ValueError("spark-defaults.conf does not set spark.master once")
    defaults.write_text(text)


def _cell_problems(ran, shown=3):
    """Return messages for the cells that did not pass, the first few in full."""
    bad = [cell for cell in ran if cell["outcome"] != "passed"]
    problems = [_explain(cell) for cell in bad[:shown]]
    if len(bad) > shown:
        rest = ", ".join(f"[{cell['cell']}]" for cell in bad[shown:])
        problems.append(f"and cells {rest} failed too")
    return problems


def _explain(cell):
    """Return the cell's number, its source, and expected against got."""
    source = _indent(cell["source"])
    if "differ" in cell["error"] or cell["outcome"] == "skipped":
        difference = difflib.unified_diff(
            cell["expected"].splitlines(),
            cell["got"].splitlines(),
            "expected (stored in the notebook)",
            "got (from this run)",
            lineterm="",
            n=2,
        )
        details = _shorten(list(difference), 40)
    else:
        details = _shorten(cell["got"].splitlines(), -25)
    told = re.sub(r"\s+", " ", cell["error"])
    return f"In [{cell['cell']}]: {told}\n{source}\n" + _indent(details, "  | ")


def _shorten(lines, most):
    """Return at most `most` lines as text; the last ones when it is negative."""
    if len(lines) <= abs(most):
        return "\n".join(lines)
    cut = [f"... {len(lines) - abs(most)} more lines"]
    return "\n".join(lines[:most] + cut if most > 0 else cut + lines[most:])


def _indent(text, by="    "):
    """Return the text with every line indented."""
    return "\n".join(by + line for line in text.splitlines())
