"""Plumbing for the book's notebooks: data, servers, pictures, checks, traces of Spark.

Nothing that a chapter teaches hides here. Notebooks write `from lab import ...`.
"""

import os

if "SPARK_CONF_DIR" not in os.environ:
    raise ImportError(
        "this Python lacks the book's variables: choose the kernel 'Spark (chapters "
        "1-6)' or 'Deep learning (chapters 7-10)', which `make lab` offers (for "
        "another front end see README, 'VS Code'), or start it by `docker/env.py exec`"
    )

from lab.check import check, exercise
from lab.data import data, scratch
from lab.plot import palette, style
from lab.serve import Server, free_port, get_json, local_url, wait_for
from lab.trace import plan_of, show_source, stages_of, tasks_of

__all__ = [
    "Server",
    "check",
    "data",
    "exercise",
    "free_port",
    "get_json",
    "local_url",
    "palette",
    "plan_of",
    "scratch",
    "show_source",
    "stages_of",
    "style",
    "tasks_of",
    "wait_for",
]
