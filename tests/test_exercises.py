"""Exercise sheets are made from the solutions; blanks fail, solutions pass.

Both notebooks are also run again by test_notebooks.py, which compares the verdicts.
"""

import nbformat
import pytest

import exercises
import notebooks

ALL = sorted(notebooks.CHAPTERS.glob(f"*/{exercises.SOLUTIONS}"))
EACH = pytest.mark.parametrize("notebook", ALL, ids=[path.parent.name for path in ALL])


def test_every_sheet_has_solutions():
    sheets = {path.parent for path in notebooks.CHAPTERS.glob(f"*/{exercises.SHEET}")}
    assert sheets == {path.parent for path in ALL}


@EACH
def test_the_sheet_is_made_from_the_solutions(notebook):
    made = exercises.sheet(notebooks.read(notebook))
    stored = notebooks.read(notebook.with_name(exercises.SHEET))
    kinds = [
        [(cell.cell_type, cell.source) for cell in n.cells] for n in (made, stored)
    ]
    assert kinds[0] == kinds[1], (
        "make it again: make render NOTEBOOK=.../solutions.ipynb"
    )


@EACH
def test_solutions_pass_and_blanks_fail(notebook):
    solved = exercises.verdicts(notebooks.read(notebook))
    blanks = exercises.verdicts(notebooks.read(notebook.with_name(exercises.SHEET)))
    assert list(solved) == list(blanks) == list(range(1, len(solved) + 1))
    assert 5 <= len(solved) <= 8
    assert set(solved.values()) == {"solved"}
    assert all(told.startswith("not ") for told in blanks.values()), blanks


def test_answers_become_blanks():
    source = (
        "jobs, stages = 1, 3  # answer\n"
        "kept = 2  # a remark\n"
        "def double(n):\n    # answer\n    twice = 2 * n\n    return twice\n"
        "    # end of answer\n"
        "print(double(jobs))"
    )
    assert exercises.blank(source) == (
        "jobs, stages = ...  # your answer\n"
        "kept = 2  # a remark\n"
        "def double(n):\n    ...  # your answer\n"
        "print(double(jobs))"
    )


def test_solution_texts_stay_out_of_the_sheet():
    cell = nbformat.v4.new_markdown_cell
    texts = ["# Chapter 1: exercises, solved", "What?", "**Solution.** That."]
    notebook = nbformat.v4.new_notebook(cells=[cell(text) for text in texts])
    made = exercises.sheet(notebook)
    assert [c.source for c in made.cells] == ["# Chapter 1: exercises", "What?"]
    assert notebook.cells[0].source == texts[0]
