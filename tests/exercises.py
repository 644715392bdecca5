"""Make a chapter's exercise sheet from its solutions, the one source of both.

In chapters/NN_topic/solutions.ipynb an answer is marked, and blank in the sheet:

    jobs = 3  # answer                      jobs = ...  # your answer

    def share(counts):                      def share(counts):
        # answer                                ...  # your answer
        return counts / counts.sum()
        # end of answer

Text cells that begin with `**Solution` stand in the solutions only, and the title's
`, solved` too. tests/render.py writes the sheet, tests/test_exercises.py checks it.

What other answers the checks must accept or refuse stands in tests/answers_NN.py:

    ANSWERS = {
        1: {
            "right": ["jobs = 1 + 2", "jobs = np.int64(3)"],
            "wrong": {"jobs = 2": "a phrase of the hint", "jobs = 4": "another phrase"},
        },
    }

An answer is what a reader would write into the cell that holds the blank.
"""

import ast
import copy
import importlib
import re
import textwrap

import nbformat
from nbval.plugin import coalesce_streams

import nbval_cells
import notebooks

SOLUTIONS, SHEET = "solutions.ipynb", "exercises.ipynb"
LINE = re.compile(r"^(\s*[\w, ]+ = ).*  # answer$", re.M)
BLOCK = re.compile(r"^( *)# answer\n.*?^\1# end of answer$", re.M | re.S)
BLANK = "...  # your answer"


def sheet(solutions):
    """Return the sheet, a notebook not yet run, of a solutions notebook."""
    made = copy.deepcopy(solutions)
    made.cells = [cell for cell in made.cells if not is_solution(cell)]
    made.cells[0].source = made.cells[0].source.replace(", solved", "", 1)
    for cell in notebooks.code_cells(made):
        cell.source = blank(cell.source)
        cell.outputs, cell.execution_count = [], None
    made.metadata.pop("book", None)
    return made


def is_solution(cell):
    """Return whether a cell belongs to the solutions alone."""
    return cell.cell_type == "markdown" and cell.source.startswith("**Solution")


def blank(source):
    """Return the code with its marked answers taken out."""
    return LINE.sub(rf"\1{BLANK}", BLOCK.sub(rf"\1{BLANK}", source))


def verdicts(notebook):
    """Return {exercise number: what lab.exercise printed}, from the stored outputs."""
    text = "\n".join(
        output.text
        for cell in notebooks.code_cells(notebook)
        for output in cell.outputs
        if output.output_type == "stream"
    )
    return {
        int(n): told for n, told in re.findall(r"^Exercise (\d+): (.*)", text, re.M)
    }


def answers(solutions):
    """Return ANSWERS of the chapter that holds this path, or None without its file."""
    name = f"answers_{solutions.parent.name[:2]}"
    if not (notebooks.TESTS / f"{name}.py").exists():
        return None
    return importlib.import_module(name).ANSWERS


def calls(source):
    """Return {number: (source of a call of `exercise`, source of the answer in it)}."""
    found = {}
    body = ast.parse(source).body if "exercise(" in source else []  # may hold a %magic
    for node in body:
        call = getattr(node, "value", None)
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "exercise":
            parts = [
                ast.get_source_segment(source, part) for part in (call, call.args[1])
            ]
            found[ast.literal_eval(call.args[0])] = tuple(parts)
    return found


def tries(solutions, answers):
    """Return one notebook that runs a chapter's sheet, its solutions and the answers.

    Its cells are those of the sheet, in their order. Below each check, a cell with the
    solution and the call of `exercise` follows, with {"solution": ids of its two cells}
    in its metadata, and a cell for each answer, with {"try": (number, kind, n)}. The
    blank is put back after them, so that each cell of the sheet finds what it finds
    in the sheet. An answer may use the solution, as `_solution`.
    """
    made = sheet(solutions)
    blanks = {cell.id: cell for cell in notebooks.code_cells(made)}
    made.cells = []
    for cell in notebooks.code_cells(solutions):
        made.cells.append(blanks[cell.id])
        if cell.source != blanks[cell.id].source:
            answered = cell
        for number, (call, answer) in calls(cell.source).items():
            made.cells.append(nbformat.v4.new_code_cell(f"_blank = {answer}"))
            source = f"{answered.source}\n{call}\n_solution = {answer}"
            solved = nbformat.v4.new_code_cell(source)
            solved.metadata["solution"] = [answered.id, cell.id]
            made.cells.append(solved)
            for kind in ("right", "wrong"):
                for n, text in enumerate(answers.get(number, {}).get(kind, [])):
                    source = f"{textwrap.dedent(text).strip()}\n{call}"
                    tried = nbformat.v4.new_code_cell(source)
                    tried.metadata["try"] = [number, kind, n]
                    made.cells.append(tried)
            made.cells.append(nbformat.v4.new_code_cell(f"{answer} = _blank"))
    return made


def changed(tried, solutions, blanks):
    """Return a message for each cell whose output is not what is stored.

    tried: what `tries` made of the solutions, executed. solutions and blanks: the
    stored notebooks. A check must print nothing but its verdict.
    """
    of_sheet = {cell.id: cell for cell in notebooks.code_cells(blanks)}
    of_solutions = {cell.id: cell for cell in notebooks.code_cells(solutions)}
    messages = []
    for cell in notebooks.code_cells(tried):
        if cell.id in of_sheet:
            stored = [of_sheet[cell.id]]
        elif "solution" in cell.metadata:
            stored = [of_solutions[each] for each in cell.metadata["solution"]]
        else:
            continue
        expected, got = "".join(map(shown, stored)), shown(cell)
        if expected != got and not any(map(notebooks.is_exempt, stored)):
            messages.append(f"stored:\n{expected}\ngot:\n{got}\n{cell.source}")
    return messages


def shown(cell):
    """Return a cell's outputs as text, one print in one piece."""
    return nbval_cells.as_text(coalesce_streams(cell.outputs))


def misjudged(tried, answers):
    """Return a message for each answer of the executed notebook that was misjudged."""
    messages = []
    for cell in notebooks.code_cells(tried):
        if "try" not in cell.metadata:
            continue
        number, kind, n = cell.metadata["try"]
        phrase = "" if kind == "right" else list(answers[number]["wrong"].values())[n]
        text = "".join(o.get("text", "") for o in cell.outputs)
        verdict = text.rpartition(f"Exercise {number}: ")[2].strip()
        good = verdict == "solved" if kind == "right" else phrase in verdict
        if not good or (kind == "wrong" and not verdict.startswith("not solved yet.")):
            wanted = f"; its hint must say {phrase!r}" if phrase else ""
            messages.append(f"{number}, {kind}: {verdict}{wanted}\n{cell.source}")
    return messages
