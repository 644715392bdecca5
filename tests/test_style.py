"""Every notebook keeps the rules of style.py; every program passes its linter."""

import os
import subprocess
from pathlib import Path

import pytest

import notebooks
import style

ALL = notebooks.find()
TOOLS = notebooks.BOOK / ".venv/tools/bin"


@pytest.mark.parametrize(
    "notebook", ALL, ids=[str(path.relative_to(notebooks.CHAPTERS)) for path in ALL]
)
def test_notebook(notebook):
    """It breaks none of the rules."""
    if found := style.problems(notebook):
        pytest.fail(f"{notebook.name}\n" + "\n".join(found), pytrace=False)


def files(wanted):
    """Return the book's own files for which wanted(path) holds."""
    found = []
    for folder, inner, names in os.walk(notebooks.BOOK):
        inner[:] = [n for n in inner if n == ".ci" or not n.startswith(".")]
        found += [Path(folder, name) for name in names if wanted(Path(folder, name))]
    return sorted(found)


def lint(tool, *arguments):
    """Run one of the tools' programs in the book's folder; fail with what it says."""
    told = subprocess.run(
        [TOOLS / tool, *arguments],
        cwd=notebooks.BOOK,
        capture_output=True,
        text=True,
    )
    if told.returncode:
        pytest.fail(f"{tool}:\n{told.stdout}{told.stderr}", pytrace=False)


def test_ruff_check():
    """Python files and notebooks pass Ruff's rules (.ruff.toml says which)."""
    lint("ruff", "check", "--no-cache", ".")


def test_ruff_format():
    """Python files are formatted as Ruff formats them."""
    lint("ruff", "format", "--no-cache", "--check", "--diff", ".")


def is_shell(path):
    """Return whether it is a shell script: by its name, or by its first line."""
    if path.suffix:
        return path.suffix == ".sh"
    with open(path, "rb") as stream:
        return b"sh" in stream.readline(40) if stream.read(2) == b"#!" else False


def test_shellcheck():
    """Shell scripts pass shellcheck."""
    lint("shellcheck", *files(is_shell))


def test_hadolint():
    """Dockerfiles pass hadolint."""
    lint("hadolint", *files(lambda path: path.name.startswith("Dockerfile")))
