"""Plumbing for the book's notebooks: finding data, starting servers, drawing, checking.

Nothing that a chapter teaches hides here. Notebooks write `from lab import ...`.
"""

from lab.check import check, exercise
from lab.data import data, scratch
from lab.plot import palette, style
from lab.serve import Server, free_port, get_json, local_url, wait_for

__all__ = [
    "Server",
    "check",
    "data",
    "exercise",
    "free_port",
    "get_json",
    "local_url",
    "palette",
    "scratch",
    "style",
    "wait_for",
]
