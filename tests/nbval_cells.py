"""Run one notebook under nbval in strict mode, and write what each cell did.

    python nbval_cells.py NOTEBOOK CELLS.jsonl SECONDS_PER_CELL

CELLS.jsonl gets one JSON object for each code cell as it ends: `cell` (1, 2, ...),
`outcome` ("passed", "failed", "skipped"), `seconds`, `before` and `work` (processor
seconds of the kernel and all it started, until the cell and in it), and for a failure
`source`, `error`, `expected` and `got` (the outputs as text).
"""

import json
import os
import sys
import time
from queue import Empty

import pytest
from nbval import kernel, plugin

import notebooks
import usage


class Cells:
    """A pytest plugin that writes a line for every cell."""

    def __init__(self, path):
        """Write to the file at path."""
        self.path = path
        self.before = 0.0

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item):
        """Note the processor seconds before the cell."""
        self.before = usage.processor_seconds(os.getpid())
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item, call):
        """Write the cell's line once its outcome is known."""
        report = yield
        if report.when == "call" or report.failed:
            work = usage.processor_seconds(os.getpid()) - self.before
            line = {
                "cell": item.cell_num + 1,
                "outcome": report.outcome,
                "seconds": round(call.duration, 3),
                "before": round(self.before, 2),
                "work": round(work, 2),
            }
            if call.excinfo:
                line["source"] = item.cell.source
                line["error"] = str(call.excinfo.value)
                line["expected"] = as_text(item.cell.outputs)
                line["got"] = as_text(item.test_outputs or [])
            with open(self.path, "a") as stream:
                stream.write(json.dumps(line) + "\n")
        return report


def as_text(outputs):
    """Return a cell's outputs as text: what nbval compares, without pictures."""
    lines = []
    for output in outputs:
        if output.output_type == "stream":
            lines += [output.text]
        elif output.output_type == "error":
            lines += output.traceback
        else:
            kinds = sorted(k for k in output.data if not k.startswith("image/"))
            lines += [f"[{kind}] {output.data[kind]}" for kind in kinds]
    return notebooks.without_colours("\n".join(lines))


class ReadersKernel(kernel.RunningKernel):
    """nbval's kernel, made to behave as it does for a reader in JupyterLab."""

    def __init__(self, *args, **options):
        """Start it; with BOOK_CHILDREN=1 what child processes print is an output, too.

        ipykernel captures it unless it sees pytest's variable, under which the outputs
        were stored.
        """
        if os.environ.get("BOOK_CHILDREN"):
            os.environ.pop("PYTEST_CURRENT_TEST", None)
        super().__init__(*args, **options)

    def execute_cell_input(self, cell_input, allow_stdin=None):
        """Send the code, with history: without it a closing semicolon hides nothing."""
        return self.kc.execute(
            cell_input, store_history=True, allow_stdin=allow_stdin, stop_on_error=False
        )

    def await_reply(self, msg_id, timeout=None):
        """Wait for the cell's end, or for the kernel's: nbval sees only the former."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                return super().await_reply(msg_id, timeout=1)
            except Empty:
                if not self.is_alive():
                    raise RuntimeError("the kernel died") from None
                if time.monotonic() > deadline:
                    raise

    def stop(self):
        """Ask the kernel to end, and kill it only if it is deaf.

        nbval kills it at once, and then nothing that a notebook registered for its end
        (lab.scratch, lab.Server) would run.
        """
        self.kc.stop_channels()
        self.km.shutdown_wait_time = notebooks.ENDING_SECONDS
        self.km.shutdown_kernel(now=False)
        del self.km


def main():
    """Read the command line and run pytest; exit with its code."""
    notebook, cells, seconds = sys.argv[1:]
    plugin.RunningKernel = ReadersKernel
    options = ["--nbval", f"--nbval-cell-timeout={seconds}", "--color=no", "--tb=line"]
    plugins_off = ["-p", "no:cacheprovider", "-p", "no:xdist"]
    place = ["-c", "/dev/null", "--rootdir=."]
    return pytest.main(
        [*options, *plugins_off, *place, notebook], plugins=[Cells(cells)]
    )


if __name__ == "__main__":
    sys.exit(main())
