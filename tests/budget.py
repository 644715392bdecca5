"""What the notebooks cost: the report at the end of a run, and last time's table.

tests/budget.csv is that table, one line a notebook, kept by `make test KEEP=1` on a
machine that has nothing else to do. By it the longest notebooks start first, progress
tells the minutes left, and a reader of the repository sees where the time goes.
"""

import csv
from pathlib import Path

import notebooks

TABLE = Path(__file__).with_name("budget.csv")
# Processor seconds of a notebook. Seventy of them on two cores take half an hour.
BUDGET = 50
BUDGET_OF_MANY = 100  # of those that start several frameworks
MANY = {
    "01_foundations/02_computing_models.ipynb",
    "01_foundations/06_challenges.ipynb",
    "02_spark/06_cluster.ipynb",
    "02_spark/07_diagnosis.ipynb",
    "03_mlflow/02_models_and_registry.ipynb",
    "07_bridge/02_petastorm.ipynb",
    "07_bridge/03_throughput.ipynb",
    "07_bridge/04_project_hydrogen.ipynb",
    "07_bridge/05_horovod.ipynb",
    "07_bridge/06_end_to_end.ipynb",
    "08_tensorflow/03_strategies.ipynb",
    "08_tensorflow/04_training_apis.ipynb",
    "09_pytorch/03_data_parallel.ipynb",
    "09_pytorch/04_rpc_and_model_parallel.ipynb",
    "09_pytorch/05_spark_to_pytorch.ipynb",
}
PHASES = {
    "kernel": "the kernel's start, and nbval's",
    "imports": "the first cell",
    "start": "the Java virtual machines until their first Spark task",
    "compile": "their compiler",
    "collect": "their garbage collector",
    "java": "the rest of them",
    "python": "all other processes: the kernel, Spark's Python workers, programs",
}
COLUMNS = ("notebook", "seconds", "waiting", "mib", "processor", *PHASES)
DEAREST = 10


def row(name, ran):
    """Return the table's row of a notebooks.Run, a dictionary of text and numbers."""
    first = ran.cells[0] if ran.cells else {"before": 0, "work": 0}
    phases = ran.work | {"kernel": first["before"], "imports": first["work"]}
    rest = ran.work["python"] - first["before"] - first["work"]
    phases["python"] = max(rest, 0)
    return {
        "notebook": name,
        "seconds": ran.seconds,
        "waiting": ran.waiting,
        "mib": ran.peak,
        "processor": sum(ran.work.values()),
        **{phase: phases[phase] for phase in PHASES},
        "compared": ran.compared,
        "exempt": ran.exempt,
        "isolated": ran.isolated,
        "cells": [[cell["cell"], cell["work"], cell["seconds"]] for cell in ran.cells],
    }


def over(row):
    """Return in words which budgets a row exceeds; an empty list is the aim."""
    most = BUDGET_OF_MANY if row["notebook"] in MANY else BUDGET
    found = [f"over {most} processor seconds"] * (row["processor"] > most)
    most = notebooks.BUDGET_MIB
    return found + [f"over {most} MiB"] * (row["mib"] > most)


def report(rows):
    """Return the lines of the report on rows."""
    rows = sorted(rows, key=lambda row: row["notebook"])
    width = max(len(row["notebook"]) for row in rows)
    titles = [*COLUMNS[1:], "cells", "exempt"]
    lines = [" " * width + "".join(f"{title:>10}" for title in titles)]
    for each in [*rows, total(rows)]:
        numbers = [f"{each[column]:10.1f}" for column in COLUMNS[1:]]
        counts = [f"{each[column]:10}" for column in ("compared", "exempt")]
        lines.append(f"{each['notebook']:{width}}" + "".join(numbers + counts))
    lines += [""] + [f"{phase:>10}: {what}" for phase, what in PHASES.items()]
    cells = [
        (work, seconds, f"{row['notebook']} In [{cell}]")
        for row in rows
        for cell, work, seconds in row["cells"]
    ]
    lines += ["", f"The {DEAREST} dearest cells (processor seconds, seconds):"]
    for work, seconds, name in sorted(cells, reverse=True)[:DEAREST]:
        lines.append(f"{work:10.1f}{seconds:10.1f}  {name}")
    lines += ["", "Over their budget:"]
    exceeding = [(row["notebook"], over(row)) for row in rows if over(row)]
    return lines + [
        f"    {name}: {', '.join(what)}" for name, what in exceeding or [("none", [""])]
    ]


def total(rows):
    """Return the sum of rows, the greatest memory."""
    numbers = (*COLUMNS[1:], "compared", "exempt")
    summed = {column: sum(row[column] for row in rows) for column in numbers}
    return summed | {"notebook": "total", "mib": max(row["mib"] for row in rows)}


def keep(rows):
    """Write the rows into the table, in place of those with the same names."""
    kept = {each["notebook"]: each for each in stored()}
    for each in rows:
        kept[each["notebook"]] = {
            column: each[column] if column == "notebook" else f"{each[column]:.1f}"
            for column in COLUMNS
        }
    there = {str(p.relative_to(notebooks.CHAPTERS)) for p in notebooks.find()}
    with open(TABLE, "w", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept[name] for name in sorted(kept) if name in there)


def stored():
    """Return the table's rows (dictionaries of text); an empty list without a table."""
    if not TABLE.exists():
        return []
    with open(TABLE, newline="") as stream:
        return list(csv.DictReader(stream))


def seconds():
    """Return {notebook: seconds} of the table."""
    return {each["notebook"]: float(each["seconds"]) for each in stored()}
