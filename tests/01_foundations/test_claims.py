"""Every claim of the standard text has its place: claims.csv says where.

A row names a claim, what the book does with it (show, or correct where the text is
wrong), the claim in our words, and a notebook. There a compared cell with output must
carry the tag claim-NN, and a correction must stand below a "What the textbooks say".
"""

import csv
import re

import pytest

import notebooks

TABLE = notebooks.CHAPTERS / "01_foundations/claims.csv"
ROWS = list(csv.DictReader(TABLE.open(encoding="utf-8")))
BOX = "**What the textbooks say.**"


def tag(row):
    """Return the tag of the row's claim, e.g. claim-07."""
    return f"claim-{int(row['claim']):02}"


def tags(cell):
    """Return the claims that a cell shows."""
    return {t for t in cell.metadata.get("tags", []) if t.startswith("claim-")}


def test_the_table_is_complete():
    assert [int(row["claim"]) for row in ROWS] == list(range(1, 50))
    assert {row["verdict"] for row in ROWS} == {"show", "correct"}
    assert all(row["statement"] for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=map(tag, ROWS))
def test_the_claim_is_shown_by_a_compared_cell(row):
    notebook = notebooks.read(notebooks.CHAPTERS / row["notebook"])
    shown = [n for n, cell in enumerate(notebook.cells) if tag(row) in tags(cell)]
    assert shown, f"no cell of {row['notebook']} has the tag {tag(row)}"
    for cell in (notebook.cells[n] for n in shown):
        assert not notebooks.is_exempt(cell), f"not compared:\n{cell.source}"
        assert cell.outputs, f"prints nothing:\n{cell.source}"
    if row["verdict"] == "correct":
        before = notebook.cells[max(0, min(shown) - 4) : max(shown)]
        assert any(BOX in cell.source for cell in before), "no box above the cell"


def test_every_tag_is_in_the_table():
    known = {(row["notebook"], tag(row)) for row in ROWS}
    for path in notebooks.find():
        name = str(path.relative_to(notebooks.CHAPTERS))
        found = {t for cell in notebooks.read(path).cells for t in tags(cell)}
        assert {(name, t) for t in found} <= known


def test_a_tag_is_a_claim_number():
    assert all(re.fullmatch(r"claim-\d\d", tag(row)) for row in ROWS)
