"""Run one command in a cage, and tell what it used and what it left behind.

    python cage.py RESULT.json SECONDS TMP COMMAND...

The command sees no network but the loopback device and its own folder as /tmp, where
the machine allows namespaces. RESULT.json then holds: `code` (its exit code, null
after the deadline of SECONDS), `seconds`, `peak` (MiB: the greatest sum of the PSS of
all its processes), `isolated` (whether the namespaces could be made), `processes` and
`ports` (what was still alive and listening `GRACE` seconds after its end; these
processes are then killed), `work` (processor seconds by kind, see usage.Meter) and
`waiting` (seconds in which the command kept less than a tenth of one core busy).
Orphans are found too: this process adopts them.
"""

import ctypes
import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time

import psutil

import usage

GRACE = 10  # seconds that the JVM and Python's helpers have to follow their parent
POLL = 2  # seconds between two looks at the processes: one a second took 5 % of a core
LOOKS_PER_WEIGHING = 2  # their memory costs more: Linux walks through every page
NEW_MOUNTS, NEW_USER, NEW_NET = 0x20000, 0x10000000, 0x40000000
PRIVATE, BIND = 0x40000 | 0x4000, 0x1000
SUBREAPER = 36
LIBC = ctypes.CDLL(None, use_errno=True)


def must(code):
    """Raise OSError when a call of the C library returned -1."""
    if code == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def isolate(tmp, extra):
    """Enter namespaces of our own: loopback is the only network, tmp is /tmp.

    extra is NEW_USER for a user who is not root, else 0; tmp may be empty.
    """
    uid, gid = os.getuid(), os.getgid()
    must(LIBC.unshare(NEW_NET | NEW_MOUNTS | extra))
    if extra:
        for file, text in (
            ("setgroups", "deny"),
            ("uid_map", f"{uid} {uid} 1"),
            ("gid_map", f"{gid} {gid} 1"),
        ):
            with open(f"/proc/self/{file}", "w") as stream:
                stream.write(text)
    must(LIBC.mount(b"none", b"/", None, PRIVATE, None))
    if tmp:
        must(LIBC.mount(tmp.encode(), b"/tmp", None, BIND, None))
    with socket.socket() as any_socket:
        up = struct.pack("16sh14x", b"lo", 0x1 | 0x40)
        fcntl.ioctl(any_socket, 0x8914, up)


def possible(tmp):
    """Return the first way to isolate that works on this machine, or None.

    Each is tried in a child, since a half-made isolation cannot be undone.
    """
    for extra in (0, NEW_USER):
        child = os.fork()
        if child == 0:
            try:
                isolate(tmp, extra)
                os._exit(0)
            except OSError:
                os._exit(1)
        if os.waitpid(child, 0)[1] == 0:
            return extra
    return None


def alive():
    """Return the processes below this one that still run."""
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            if process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found


def memory(pids):
    """Return the sum of the processes' proportional set sizes in MiB."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup") as stream:
                total += next(
                    int(row.split()[1]) for row in stream if row[:4] == "Pss:"
                )
        except (OSError, StopIteration):
            continue
    return total / 1024


def describe(process):
    """Return (what the process is, the ports it listens on), for a message."""
    try:
        command = " ".join(process.cmdline()) or process.name()
        connections = process.net_connections("inet")
    except psutil.Error:
        return f"process {process.pid}", []
    listening = [c.laddr.port for c in connections if c.status == psutil.CONN_LISTEN]
    return f"process {process.pid}: {command[:120]}", listening


def kill(processes):
    """Kill the processes."""
    for process in processes:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue


def run(seconds, command):
    """Run the command until its end or the deadline; return what RESULT.json holds."""
    start, peak, parent = time.monotonic(), 0, os.getppid()
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    meter = usage.Meter(os.getpid())
    try:
        looks = 0
        while child.poll() is None and time.monotonic() - start < seconds:
            processes = meter.look()
            if looks % LOOKS_PER_WEIGHING == 1:  # at the first, nothing runs yet
                peak = max(peak, memory(processes))
            looks += 1
            if os.getppid() != parent:
                sys.exit("cage.py: whoever waited for this run is gone")
            try:
                child.wait(POLL if looks > 1 else POLL / 4)  # a short run counts, too
            except subprocess.TimeoutExpired:
                continue
        meter.look()
        told = {"code": child.poll(), "seconds": time.monotonic() - start, "peak": peak}
        told |= {"work": meter.work(), "waiting": meter.waiting}
        if told["code"] is None:
            return told | {"processes": [], "ports": []}
        end = time.monotonic() + GRACE
        while (left := alive()) and time.monotonic() < end:
            time.sleep(0.1)
        described = [describe(process) for process in left]
        return told | {
            "processes": [text for text, _ in described],
            "ports": sorted({port for _, ports in described for port in ports}),
        }
    finally:
        kill(alive())


def main():
    """Read the command line, make the cage, run, and write the result."""
    result, seconds, tmp, *command = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    must(LIBC.prctl(SUBREAPER, 1, 0, 0, 0))
    extra = possible(tmp)
    if extra is not None:
        isolate(tmp, extra)
        if tmp:
            os.environ["TMPDIR"] = "/tmp"
    told = run(float(seconds), command) | {"isolated": extra is not None}
    with open(result, "w") as stream:
        json.dump(told, stream)


if __name__ == "__main__":
    main()
