"""Make a chapter's exercise sheet from its solutions, the one source of both.

In chapters/NN_topic/solutions.ipynb an answer is marked, and blank in the sheet:

    jobs = 3  # answer                      jobs = ...  # your answer

    def share(counts):                      def share(counts):
        # answer                                ...  # your answer
        return counts / counts.sum()
        # end of answer

Text cells that begin with `**Solution` stand in the solutions only, and the title's
`, solved` too. tests/render.py writes the sheet, tests/test_exercises.py checks it.
"""

import copy
import re

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
