"""Exercise sheets are made from the solutions; blanks fail, solutions pass.

Other answers, right and wrong, are tried on each check: tests/answers_NN.py. The same
run, in one kernel, has the cells of the sheet and of the solutions, most of which are
the same, and compares their outputs with what is stored.
"""

import nbformat
import pytest

import budget
import exercises
import notebooks

ALL = sorted(notebooks.CHAPTERS.glob(f"*/{exercises.SOLUTIONS}"))
EACH = pytest.mark.parametrize("notebook", ALL, ids=[path.parent.name for path in ALL])

TRIED = [path for path in ALL if exercises.answers(path)]
EACH_TRIED = pytest.mark.parametrize(
    "notebook", TRIED, ids=[path.parent.name for path in TRIED]
)


def test_every_sheet_has_solutions():
    sheets = {path.parent for path in notebooks.CHAPTERS.glob(f"*/{exercises.SHEET}")}
    assert sheets == {path.parent for path in ALL}
    assert TRIED == ALL, "each has its tries: tests/answers_NN.py"


@EACH
def test_the_sheet_is_made_from_the_solutions(notebook):
    made = exercises.sheet(notebooks.read(notebook))
    stored = notebooks.read(notebook.with_name(exercises.SHEET))
    kinds = [
        [(cell.cell_type, cell.source) for cell in n.cells] for n in (made, stored)
    ]
    again = "make it again: make render NOTEBOOK=.../solutions.ipynb"
    assert kinds[0] == kinds[1], again
    solved = {cell.id: cell for cell in notebooks.code_cells(notebooks.read(notebook))}
    for cell in notebooks.code_cells(stored):
        if cell.source == solved[cell.id].source and "exercise(" not in cell.source:
            assert exercises.shown(cell) == exercises.shown(solved[cell.id]), again


@EACH
def test_solutions_pass_and_blanks_fail(notebook):
    solved = exercises.verdicts(notebooks.read(notebook))
    blanks = exercises.verdicts(notebooks.read(notebook.with_name(exercises.SHEET)))
    assert list(solved) == list(blanks) == list(range(1, len(solved) + 1))
    assert 5 <= len(solved) <= 10
    assert set(solved.values()) == {"solved"}
    assert all(told.startswith("not ") for told in blanks.values()), blanks


@EACH_TRIED
def test_every_exercise_is_tried(notebook):
    answers = exercises.answers(notebook)
    assert list(answers) == list(exercises.verdicts(notebooks.read(notebook)))
    for number, tried in answers.items():
        assert set(tried) == {"right", "wrong"}, number
        assert len(set(tried["right"])) >= 2, f"{number}: two right answers or more"
        assert len(tried["wrong"]) >= 2, f"{number}: two wrong answers or more"
        assert all(tried["wrong"].values()), f"{number}: say which hint is expected"


@EACH_TRIED
def test_answers_are_judged_rightly(notebook, record_property):
    answers, solutions = exercises.answers(notebook), notebooks.read(notebook)
    blanks = notebooks.read(notebook.with_name(exercises.SHEET))
    with notebooks.Stage(notebook) as stage:
        made = exercises.tries(solutions, answers)
        nbformat.write(made, stage.notebook)
        variables = {"PYTEST_CURRENT_TEST": "off"}  # as when the outputs were stored
        variables |= notebooks.compiler(notebook)
        ran, output = stage.run(notebooks.execution(stage.notebook), **variables)
        cost = {name: ran[name] for name in ("seconds", "waiting", "work", "isolated")}
        cost = notebooks.Run(peak=ran["peak"], **cost)
        name = str(notebook.relative_to(notebooks.CHAPTERS))
        record_property("row", budget.row(name, cost))
        assert ran["code"] == 0, notebooks.without_colours(output)[-3000:]
        tried, litter = notebooks.read(stage.notebook), stage.litter()
    messages = exercises.misjudged(tried, answers)
    messages += exercises.changed(tried, solutions, blanks)
    messages += notebooks.left(ran) + litter
    if messages:
        pytest.fail("\n\n".join(messages), pytrace=False)


def test_a_misjudged_answer_is_reported():
    check = "exercise(1, jobs, is_three)"
    source = ["jobs = 3  # answer", f"def is_three(jobs):\n    pass\n\n\n{check}"]
    cells = [nbformat.v4.new_code_cell(text) for text in source]
    answers = {1: {"right": ["jobs = 1 + 2"], "wrong": {"jobs = 2": "more"}}}
    made = exercises.tries(nbformat.v4.new_notebook(cells=cells), answers)
    tried = [cell for cell in made.cells if "try" in cell.metadata]
    assert [cell.source for cell in tried] == [
        f"jobs = 1 + 2\n{check}", f"jobs = 2\n{check}"
    ]  # fmt: skip

    def verdicts(*texts):
        for cell, text in zip(tried, texts, strict=True):
            text = f"Exercise 1: {text}\n"
            cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=text)]
        return len(exercises.misjudged(made, answers))

    assert verdicts("solved", "not solved yet. One more") == 0
    assert verdicts("not solved yet. One more", "solved") == 2
    assert verdicts("solved", "not solved yet. Raw TypeError") == 1


def test_a_changed_output_is_reported():
    def notebook(*pieces):
        cell = nbformat.v4.new_code_cell("print(jobs)", id="a")
        cell.outputs = [
            nbformat.v4.new_output("stream", name="stdout", text=text)
            for text in pieces
        ]
        return nbformat.v4.new_notebook(cells=[cell])

    def messages(tried, solutions="3\n", blanks="3\n", solution=False):
        if solution:
            tried.cells[0].update(id="b", metadata={"solution": ["a"]})
        stored = notebook(solutions), notebook(blanks)
        return len(exercises.changed(tried, *stored))

    assert messages(notebook("3", "\n")) == 0
    assert messages(notebook("4\n")) == 1
    assert messages(notebook("4\n"), blanks="4\n") == 0
    assert messages(notebook("4\n"), blanks="4\n", solution=True) == 1


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
