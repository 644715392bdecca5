"""What a notebook starts ends with a killed kernel, and with an interrupted cell."""

import os

import book_kernel
import psutil
import pytest
from jupyter_client.manager import KernelManager

from lab import wait_for

# Two processes that say who they are, and then compute until they are told to end.
PROGRAM = """
import os, sys, time
open(f"{sys.argv[1]}/{os.getpid()}", "w").close()
time.sleep(float(sys.argv[2]))
"""
LAUNCHERS = {
    # An interrupt does not reach its session, and its children survive its end.
    "sh": ("spark", ["setsid", "sh", "-c", '"$@" & "$@"', "sh", "python"]),
    "mpirun": ("spark", ["mpirun", "-n", "2", "python"]),
    "torchrun": ("dl", ["torchrun", "--standalone", "--nproc-per-node=2"]),
    "horovodrun": (
        "dl",
        ["horovodrun", "-np", "2", "--gloo", "--disable-cache", "python"],
    ),
}
# A server, and a task for Spark that says who it is, and then sleeps.
SPARK = """
import os, sys, time
import lab
from pyspark.sql import SparkSession

port = lab.free_port()
command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", port]
server = lab.Server(command, lab.local_url(port))
spark = SparkSession.builder.getOrCreate()

def task(seconds):
    open(f"{pids}/{os.getpid()}", "w").close()
    time.sleep(seconds)
"""
# What it writes is not to be read in the cell itself, which the traceback shows.
FAILING = (
    "import subprocess, sys\n"
    """program = "import sys; sys.exit('the' + ' cause')"\n"""
    "command = [sys.executable, '-c', program]\n"
    "subprocess.run(command, capture_output=True, check=True)"
)
EACH = pytest.mark.parametrize("launcher", LAUNCHERS)


class Kernel:
    """A kernel of the book, in a folder, as a front end starts it."""

    def __init__(self, name, folder):
        """Start it; `ours` is what its processes bear."""
        self.folder = folder
        self.manager = KernelManager(kernel_name=name)
        self.temporary = folder / "tmp"
        self.temporary.mkdir(exist_ok=True)
        variables = os.environ | {"TMPDIR": str(self.temporary)}
        self.manager.start_kernel(cwd=str(folder), env=variables)
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=300)
        self.pid = self.manager.provisioner.pid
        variables = psutil.Process(self.pid).environ()
        self.ours = variables[book_kernel.NAME]
        self.watcher = int(variables[book_kernel.WATCHER])

    def ask(self, code):
        """Run a cell to its end; return what it printed."""
        printed = []
        reply = self.client.execute_interactive(
            code,
            timeout=300,
            output_hook=lambda message: printed.append(message["content"].get("text")),
        )["content"]
        assert reply["status"] == "ok", reply
        return "".join(filter(None, printed)).strip()

    def begin(self, code):
        """Start a cell; its error shall not abort a cell that follows at once."""
        self.running = self.client.execute(code, stop_on_error=False)

    def interrupt(self):
        """Interrupt the running cell; return the name of the error that it ended by."""
        self.manager.interrupt_kernel()
        while True:  # a slow start was asked several times, and answers each time
            reply = self.client.get_shell_msg(timeout=300)
            if reply["parent_header"]["msg_id"] == self.running:
                return reply["content"]["ename"]

    def others(self):
        """Return the process ids of all that it started and that still runs."""
        found = {process.pid for process in book_kernel.started_by(self.ours)}
        return found - {self.pid, self.watcher}

    def stop(self):
        """End it as a front end does."""
        self.client.stop_channels()
        if self.manager.is_alive():
            self.manager.shutdown_kernel()


@pytest.fixture
def start(tmp_path):
    """A function that starts a kernel of this name; it is stopped after the test."""
    started = []

    def begin(name):
        started.append(Kernel(name, tmp_path))
        return started[-1]

    yield begin
    for kernel in started:
        kernel.stop()


def launch(kernel, launcher):
    """Let a cell run the launcher for ten minutes; return once both programs run."""
    (kernel.folder / "program.py").write_text(PROGRAM)
    pids = kernel.folder / "pids"
    pids.mkdir()
    command = [*LAUNCHERS[launcher][1], "program.py", str(pids), "600"]
    kernel.begin(f"import subprocess\nsubprocess.run({command})")
    wait_for(lambda: len(list(pids.iterdir())) == 2, 300, "both programs")
    return [*command[:-1], "0"]


@EACH
def test_an_interrupt_ends_what_the_cell_started(start, launcher):
    kernel = start(LAUNCHERS[launcher][0])
    short = launch(kernel, launcher)
    assert kernel.interrupt() == "KeyboardInterrupt"
    wait_for(lambda: not kernel.others(), 60, "all of it ending")
    again = f"print(subprocess.run({short}, stdout=subprocess.PIPE).returncode)"
    assert kernel.ask(again).splitlines()[-1] == "0", "the next run passes"


def test_an_interrupt_waits_until_the_killed_process_is_dead(start):
    """On a busy machine it dies a little later, and only then are there orphans."""
    kernel = start("spark")
    kernel.begin(
        "import subprocess, threading\n"
        "both = ['setsid', 'sh', '-c', 'sleep 600 & sleep 600']\n"
        "shell = subprocess.Popen(both)\n"
        "try:\n    shell.wait()\n"
        "except KeyboardInterrupt:\n"
        "    threading.Timer(0.5, shell.kill).start()\n    raise"
    )
    wait_for(lambda: len(kernel.others()) == 3, 300, "the shell and its two programs")
    assert kernel.interrupt() == "KeyboardInterrupt"
    wait_for(lambda: not kernel.others(), 60, "all of it ending")


@EACH
def test_a_killed_kernel_leaves_nothing(start, launcher):
    kernel = start(LAUNCHERS[launcher][0])
    launch(kernel, launcher)
    assert kernel.others()
    kernel.manager.shutdown_kernel(now=True)
    wait_for(lambda: not book_kernel.started_by(kernel.ours), 60, "all of it ending")


def test_after_a_kill_in_a_spark_job_the_same_passes(start):
    killed = start("spark")
    pids = killed.folder / "pids"
    pids.mkdir()
    prepare = f"pids = {str(pids)!r}\n{SPARK}"
    killed.ask(prepare)
    server = int(killed.ask("print(server.process.pid)"))
    killed.begin("spark.sparkContext.parallelize([600]).foreach(task)")
    (task,) = wait_for(lambda: list(pids.iterdir()), 300, "the task")
    assert {server, int(task.name)} <= killed.others()
    killed.manager.shutdown_kernel(now=True)
    wait_for(lambda: not book_kernel.started_by(killed.ours), 60, "all of it ending")
    again = start("spark")
    again.ask(prepare)
    again.ask("spark.sparkContext.parallelize([0]).foreach(task)")


def test_an_interrupt_spares_what_other_cells_started(start):
    kernel = start("spark")
    kernel.ask(
        "import subprocess, time\n"
        "server = subprocess.Popen(['sleep', '600'], start_new_session=True)"
    )
    kernel.begin("print('begins', flush=True); time.sleep(600)")
    while kernel.client.get_iopub_msg(timeout=300)["content"].get("text") is None:
        pass
    assert kernel.interrupt() == "KeyboardInterrupt"
    assert kernel.ask("print(server.poll())") == "None"
    kernel.ask("server.kill()")


def test_a_kernel_that_ends_dismisses_its_watcher(start):
    """Else the tests would not see what a notebook leaves running."""
    kernel = start("spark")
    left = kernel.ask(
        "import subprocess\n"
        "print(subprocess.Popen(['sleep', '60'], start_new_session=True).pid)"
    )
    kernel.stop()
    watchers = [p for p in book_kernel.started_by(kernel.ours) if p.pid != int(left)]
    psutil.wait_procs(watchers, 10)
    assert [p.pid for p in book_kernel.started_by(kernel.ours)] == [int(left)]
    psutil.Process(int(left)).kill()


@pytest.mark.parametrize("name", ["spark", "dl"])
def test_a_kernel_starts_without_a_warning(start, capfd, name):
    start(name)
    assert "WARNING" not in capfd.readouterr().err


def test_a_failed_programs_own_message_is_shown(start):
    shown = []
    start("spark").client.execute_interactive(
        FAILING,
        timeout=300,
        output_hook=lambda message: shown.extend(
            message["content"].get("traceback", [])
        ),
    )
    assert "the cause" in "\n".join(shown)
