"""The book's Jupyter kernel: ipykernel, and a watcher that leaves nothing running.

    python -m book_kernel -f CONNECTION_FILE

A kernel that is killed runs no clean-up, and subprocess.run answers an interrupt by
killing what it has started, so that launchers (mpirun, torchrun, horovodrun) cannot end
their own processes. Therefore all that a notebook starts inherits a variable with its
kernel's name. A watcher beside the kernel ends what still bears it when the kernel was
killed; the kernel itself ends, after an interrupted cell, what has lost its parent. A
kernel that ends by itself dismisses the watcher: then the notebook has stopped what it
started, and the tests see it if not.

When a program fails whose output a notebook has captured, its error shows the end.
"""

import atexit
import os
import signal
import subprocess
import sys
import time
import uuid

import psutil

NAME, WATCHER = "BOOK_KERNEL", "BOOK_KERNEL_WATCHER"
GRACE = 5  # seconds to end by SIGTERM, before SIGKILL
DYING = 2  # seconds that a killed process may need to be dead, on a busy machine


def started_by(name):
    """Return all processes, but this one, that bear the kernel's name."""
    found = []
    for process in psutil.process_iter(["environ"]):
        named = (process.info["environ"] or {}).get(NAME) == name
        if named and process.pid != os.getpid():
            found.append(process)
    return found


def end(processes):
    """Ask the processes to end, and kill those that have not after GRACE seconds."""
    for act in (psutil.Process.terminate, psutil.Process.kill):
        for process in processes:
            try:
                act(process)
            except psutil.NoSuchProcess:
                continue
        _, processes = psutil.wait_procs(processes, GRACE)


def watch(kernel, name):
    """Wait until the kernel, this process's parent, is gone; end what it has left."""
    while os.getppid() == kernel:
        time.sleep(0.5)
    while left := started_by(name):
        end(left)


def alive_since(begun):
    """Return the children that were started after this time and still run."""
    found = []
    for child in psutil.Process().children():
        try:
            # psutil knows the start of the machine, and so of a process, to a second.
            new = child.create_time() > begun - 1
            if new and child.status() != psutil.STATUS_ZOMBIE:
                found.append(child)
        except psutil.NoSuchProcess:
            continue
    return found


def end_orphans(result, begun):
    """After an interrupted cell, end what has lost its parent; begun: when it began."""
    if isinstance(result.error_in_exec, KeyboardInterrupt):
        # subprocess.run does not wait for the end of what it has killed, and until
        # then nothing has lost its parent.
        deadline = time.monotonic() + DYING
        while alive_since(begun) and time.monotonic() < deadline:
            time.sleep(0.02)
        kept = psutil.Process().children(recursive=True)  # the watcher is one, too
        end([p for p in started_by(os.environ[NAME]) if p not in kept])


def show_cause(shell, kind, error, trace, tb_offset=None):
    """Show a failed program's error with the end of what it wrote."""
    written = error.stderr or error.output or ""
    if isinstance(written, bytes):
        written = written.decode(errors="replace")
    if written:
        error.add_note(f"The end of what it wrote:\n{written[-2000:]}")
    shell.showtraceback((kind, error, trace), tb_offset=tb_offset)


def load_ipython_extension(shell):
    """Prepare the kernel that loads this module as an extension of IPython."""
    begun = 0.0

    def before(_):
        nonlocal begun
        begun = time.time()

    shell.events.register("pre_run_cell", before)
    shell.events.register("post_run_cell", lambda result: end_orphans(result, begun))
    failed = subprocess.CalledProcessError, subprocess.TimeoutExpired
    shell.set_custom_exc(failed, show_cause)
    atexit.register(os.kill, int(os.environ[WATCHER]), signal.SIGKILL)


def main():
    """Start the watcher and become the kernel."""
    name = os.environ[NAME] = uuid.uuid4().hex
    watcher = subprocess.Popen(
        [sys.executable, __file__, str(os.getpid()), name],
        stdin=subprocess.DEVNULL,
        start_new_session=True,  # an interrupt goes to the kernel's whole group
    )
    os.environ[WATCHER] = str(watcher.pid)
    kernel = [sys.executable, "-m", "ipykernel_launcher", *sys.argv[1:]]
    kernel += [f"--IPKernelApp.extra_extensions={__spec__.name}"]
    # Of a connection over this machine's own loopback it would warn at each start.
    kernel += ["--IPKernelApp.log_level=ERROR"]
    os.execv(sys.executable, kernel)


if __name__ == "__main__":
    if __spec__:
        main()
    else:
        watch(int(sys.argv[1]), sys.argv[2])
