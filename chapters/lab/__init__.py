"""Plumbing for the book's notebooks: data, servers, pictures, checks, traces of Spark.

Nothing that a chapter teaches hides here. Notebooks write `from lab import ...`.
"""

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
