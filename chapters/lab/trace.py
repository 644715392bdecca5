"""What a program's source, a plan and Spark's REST API say, made fit for print."""

import ast
import contextlib
import io
import re
from pathlib import Path

from lab.serve import get_json


def show_source(file, *names):
    """Print functions, methods or classes of a program that is beside the notebook.

    file: path of a Python file; names: what to print, in this order.
    Raises KeyError with the names that there are when one is missing.
    """
    text = Path(file).read_text(encoding="utf-8")
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    found = {n.name: n for n in ast.walk(ast.parse(text)) if isinstance(n, kinds)}
    missing = [name for name in names if name not in found]
    if missing:
        raise KeyError(f"{file} has no {missing}; it has {sorted(found)}")
    lines = text.splitlines()
    parts = []
    for node in (found[name] for name in names):
        first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
        parts.append("\n".join(lines[first - 1 : node.end_lineno]))
    print(*parts, sep="\n\n")


def plan_of(frame, mode="simple"):
    """Return what `frame.explain(mode=mode)` prints (str), without serial numbers.

    Numbers of columns, plans and generated code differ from run to run, and a file's
    address from machine to machine, so they are left out.
    """
    with contextlib.redirect_stdout(io.StringIO()) as text:
        frame.explain(mode=mode)
    serial = r"#\d+L?|, \[plan_id=\d+\]| \[codegen id : \d+\]"
    plan = re.sub(serial, "", text.getvalue())
    plan = re.sub(r"Location: [^\[]*\[[^\]]*\](, |\n)", "", plan)
    return plan.replace("Batched: true, ", "").strip()


def spark_api():
    """Return the address of the REST API of the running Spark application (str).

    All events so far are in its answers: Spark reports them on a queue of their own,
    and this waits until that is empty. Raises RuntimeError when no Spark runs.
    """
    from pyspark import SparkContext

    sc = SparkContext._active_spark_context
    if sc is None:
        raise RuntimeError("no Spark session is running: create it first")
    sc._jsc.sc().listenerBus().waitUntilEmpty(300_000)
    return f"{sc.uiWebUrl}/api/v1/applications/{sc.applicationId}"


def stages_of(description):
    """Return all attempts of the stages of the jobs with this description.

    description: the text given to `sc.setJobDescription` before the action.
    A list of dicts as in Spark's REST API, ordered by stage and attempt; skipped
    stages are among them. Raises LookupError when no job has this description.
    """
    api = spark_api()
    jobs = [j for j in get_json(f"{api}/jobs") if j.get("description") == description]
    if not jobs:
        raise LookupError(f"no job of this application is described as {description!r}")
    ids = {stage for job in jobs for stage in job["stageIds"]}
    stages = [s for s in get_json(f"{api}/stages") if s["stageId"] in ids]
    return sorted(stages, key=lambda stage: (stage["stageId"], stage["attemptId"]))


def tasks_of(description):
    """Return a table (pandas) of all tasks that the jobs with this description ran.

    One row per attempt of a task, ordered by launch: stage, stage_attempt, task
    (partition), attempt, executor, host, status, locality, start (Timestamp, UTC),
    seconds, cpu_seconds, rows_read and bytes_read (input and shuffle together).
    """
    import pandas as pd

    api, rows = spark_api(), []
    for stage in stages_of(description):
        path = f"stages/{stage['stageId']}/{stage['attemptId']}/taskList?length=100000"
        for task in get_json(f"{api}/{path}") if stage["status"] != "SKIPPED" else []:
            metrics = task.get("taskMetrics", {})
            read = metrics.get("inputMetrics", {})
            shuffle = metrics.get("shuffleReadMetrics", {})
            rows.append(
                {
                    "stage": stage["stageId"],
                    "stage_attempt": stage["attemptId"],
                    "task": task["partitionId"],
                    "attempt": task["attempt"],
                    "executor": task["executorId"],
                    "host": task["host"],
                    "status": task["status"],
                    "locality": task["taskLocality"],
                    "start": pd.Timestamp(task["launchTime"].replace("GMT", "Z")),
                    "seconds": task.get("duration", 0) / 1000,
                    "cpu_seconds": metrics.get("executorCpuTime", 0) / 1e9,
                    "rows_read": read.get("recordsRead", 0)
                    + shuffle.get("recordsRead", 0),
                    "bytes_read": read.get("bytesRead", 0)
                    + shuffle.get("localBytesRead", 0)
                    + shuffle.get("remoteBytesRead", 0),
                }
            )
    return pd.DataFrame(rows).sort_values(["start", "stage", "task"], ignore_index=True)
