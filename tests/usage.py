"""Where a run's processor time goes, read from Linux's /proc.

Nothing is traced and nothing slows down: the kernel counts the time of every thread
anyway. Processes that ended are in the account of the parent that waited for them.
"""

import os
import time
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")  # the unit of /proc's times, per second
IDLE = 0.1  # cores; who uses less is waiting
COMPILER = ("C1 Compiler", "C2 Compiler", "Sweeper thread")
COLLECTOR = ("GC Thread", "G1 ", "Concurrent Mark", "VM Thread")
FIRST_TASK = "Executor task l"  # Linux keeps 15 characters of a thread's name
KINDS = ("compile", "collect", "start", "java", "python")


def stat(path):
    """Return (name, fields after it) of a stat file in /proc, or None if it is gone."""
    try:
        text = Path(path, "stat").read_text()
    except OSError:
        return None
    opening, closing = text.index("("), text.rindex(")")
    return text[opening + 1 : closing], text[closing + 2 :].split()


def tree(root):
    """Return {pid: (name, own seconds, seconds of ended children)} below a process."""
    found, children = {}, {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit() and (read := stat(entry.path)):
            name, fields = read
            times = [int(n) / TICK for n in fields[11:15]]
            found[int(entry.name)] = (name, sum(times[:2]), sum(times[2:]))
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    below, waiting = {}, list(children.get(root, []))
    while waiting:
        pid = waiting.pop()
        below[pid] = found[pid]
        waiting += children.get(pid, [])
    return below


def processor_seconds(root, below=None):
    """Return the processor seconds of all processes below root, ended ones too.

    below: the tree of root, where it has just been read.
    """
    below = tree(root) if below is None else below
    read = stat(f"/proc/{root}")
    ended = sum(int(n) for n in read[1][13:15]) / TICK if read else 0
    return ended + sum(own + children for _, own, children in below.values())


class Meter:
    """Looks at the processes below one, again and again, and adds up by kind.

    work() returns processor seconds: of the Java virtual machines `compile` (their
    compiler threads), `collect` (their garbage collector), `start` (all else until a
    JVM runs its first Spark task; JVMs that run none altogether) and `java` (all
    after that); `python` is every other process. What a process does between the last
    look and its end is not split: it counts as `python`.
    """

    def __init__(self, root):
        """Watch the processes below root (a process id)."""
        self.root = root
        self.waiting = 0.0  # seconds
        self._first = processor_seconds(root)
        self._last = (time.monotonic(), self._first)
        self._threads = {}  # (pid, thread): (kind, seconds)
        self._machines = {}  # pid of a JVM: seconds when it ran its first task

    def look(self):
        """Read the counters once, every second or so; return the processes' ids."""
        below = tree(self.root)
        now, total = time.monotonic(), processor_seconds(self.root, below)
        before, sum_before = self._last
        if total - sum_before < IDLE * (now - before):
            self.waiting += now - before
        self._last = (now, total)
        for pid, (name, *_) in below.items():
            if name == "java":
                self._look_at(pid)
        return list(below)

    def _look_at(self, pid):
        """Read the threads of one JVM."""
        try:
            threads = os.listdir(f"/proc/{pid}/task")
        except OSError:
            return
        started = False
        for thread in threads:
            if not (read := stat(f"/proc/{pid}/task/{thread}")):
                continue
            name, fields = read
            kind = "java"
            if name.startswith(COMPILER):
                kind = "compile"
            elif name.startswith(COLLECTOR):
                kind = "collect"
            started |= name.startswith(FIRST_TASK)
            seconds = (int(fields[11]) + int(fields[12])) / TICK
            self._threads[pid, thread] = (kind, seconds)
        if started and pid not in self._machines:
            self._machines[pid] = self._sum("java", pid)

    def _sum(self, kind, pid=None):
        """Return the seconds of a kind, of one JVM or of all."""
        return sum(
            seconds
            for (of, _), (what, seconds) in self._threads.items()
            if what == kind and pid in (None, of)
        )

    def work(self):
        """Return {kind: processor seconds} for all KINDS."""
        total = self._last[1] - self._first
        java = self._sum("java")
        start = sum(
            self._machines.get(pid, self._sum("java", pid))
            for pid in {pid for pid, _ in self._threads}
        )
        told = {kind: self._sum(kind) for kind in ("compile", "collect")}
        told |= {"start": start, "java": java - start}
        return told | {"python": max(total - sum(told.values()), 0)}
