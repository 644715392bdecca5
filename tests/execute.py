"""Run a notebook and store its outputs in it, as `jupyter execute --inplace` does.

    python execute.py NOTEBOOK SECONDS_PER_CELL

That command kills a kernel which has not ended five seconds after it was asked to, as
on a busy machine. Then nothing that the notebook registered for its end (lab.scratch,
lab.Server) runs, and its files and processes stay.
"""

import sys
from pathlib import Path

import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from traitlets import Float

import notebooks


class PatientKernelManager(AsyncKernelManager):
    """One that waits until the kernel has ended."""

    shutdown_wait_time = Float(notebooks.ENDING_SECONDS)


def main():
    """Read the command line and run the notebook; an error in a cell is raised."""
    path, seconds = Path(sys.argv[1]), int(sys.argv[2])
    notebook = notebooks.read(path)
    NotebookClient(
        notebook,
        timeout=seconds,
        startup_timeout=seconds,
        kernel_manager_class=PatientKernelManager,
        resources={"metadata": {"path": str(path.parent)}},
    ).execute()
    nbformat.write(notebook, path)


if __name__ == "__main__":
    main()
