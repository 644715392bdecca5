"""Run notebooks and store their outputs: `make render`, the only way outputs are made.

    render.py [--chapter NN] [NOTEBOOK ...]    all notebooks when none is named

Each runs as in the tests (tests/notebooks.py). What depends on the moment or the
machine is removed, and a hash of code and outputs is stored, by which the style test
sees later edits. With a chapter's solutions goes its exercise sheet, made from them.
A notebook that fails, or is interrupted, keeps its old file.
"""

import argparse
import os
import sys
from pathlib import Path

import nbformat

import exercises
import notebooks
import style


def render(path, chapters=notebooks.CHAPTERS):
    """Run one notebook and store its outputs; return messages, none if all is well."""
    with notebooks.Stage(path, chapters) as stage:
        if notebooks.code_cells(notebooks.read(path)):
            # Under nbval ipykernel sees this variable, and then leaves what children
            # write to the terminal out of the outputs: both must do the same.
            told, output = stage.run(
                notebooks.execution(stage.notebook), PYTEST_CURRENT_TEST="off"
            )
            if told["code"] != 0:
                ended = "deadline" if told["code"] is None else f"code {told['code']}"
                cause = notebooks.without_colours(output).rpartition("CellExecution")[2]
                return [f"failed ({ended}), file untouched:\n{cause}"]
            litter = told["processes"] + stage.litter()
        else:
            litter = []
        text = clean(notebooks.read(stage.notebook))
    partial = path.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
    return [f"stored, but left behind: {message}" for message in litter]


def with_sheets(paths):
    """Yield the paths; make the sheet of each solutions notebook and yield it next."""
    for path in paths:
        if path.name != exercises.SHEET:
            yield path
        if path.name == exercises.SOLUTIONS:
            made = path.with_name(exercises.SHEET)
            nbformat.write(exercises.sheet(notebooks.read(path)), made)
            yield made


def clean(notebook):
    """Return the text of the notebook's file, without what would change each time."""
    kernel = notebook.metadata.kernelspec.name
    notebook.metadata = nbformat.from_dict({
        "kernelspec": {
            "display_name": style.DISPLAY_NAMES[kernel],
            "language": "python",
            "name": kernel,
        },
        "language_info": {"name": "python"},
    })  # fmt: skip
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for cell in notebook.cells:
        tags = cell.metadata.get("tags")
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
        if cell.cell_type == "code":
            cell.outputs = merge_streams(cell.outputs)
    _, notebook = nbformat.validator.normalize(notebook)
    if notebooks.code_cells(notebook):
        notebook.metadata["book"] = {"rendered": style.rendered(notebook)}
    return nbformat.writes(notebook) + "\n"


def merge_streams(outputs):
    """Return the outputs, the pieces of one stream that follow each other joined."""
    merged = []
    for output in outputs:
        before = merged[-1] if merged else None
        if (
            before
            and output.output_type == before.output_type == "stream"
            and output.name == before.name
        ):
            before.text += output.text
        else:
            merged.append(output)
    return merged


def main():
    """Read the command line; exit with the number of notebooks that failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--chapter", help="two digits, e.g. 02")
    parser.add_argument("notebook", nargs="*", type=Path)
    wanted = parser.parse_args()
    chosen = [path.resolve() for path in wanted.notebook] or [
        path
        for path in notebooks.find()
        if not wanted.chapter or path.parent.name.startswith(wanted.chapter + "_")
    ]
    if any(path.name == exercises.SHEET for path in wanted.notebook):
        sys.exit("render.py: sheets are made from solutions.ipynb: name that instead")
    if not chosen:
        sys.exit(f"render.py: no notebooks in chapter {wanted.chapter}")
    failed = 0
    for path in with_sheets(chosen):
        print(f"==> {os.path.relpath(path)}", flush=True)
        messages = render(path)
        print("\n".join(messages) or "    stored", flush=True)
        failed += bool(messages)
    sys.exit(failed)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\ninterrupted: the notebooks not yet stored are untouched")
