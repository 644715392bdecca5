"""Processes that add up minutes in one shared array; started by notebook 1.2 with

    python shared_array.py FILE PROCESSES {lock,none,own} ...

FILE: NumPy's, rows of (number of the carrier, minutes). lock: they take a lock for
every update; none: they do not; own: each adds up for itself, and the sums are merged
at the end. Prints JSON: for each way, of three runs, the least minutes found, and of
the cheapest its seconds, and processor seconds of all processes.
"""

import json
import os
import sys
import time
from multiprocessing import Barrier, Lock, Process, shared_memory

import numpy as np

CARRIERS = 16
REPEATS = 4  # passes over the data, to give the processes time to meet


def add_up(name, flights, lock, start, how):
    shared = shared_memory.SharedMemory(name)
    totals = np.ndarray(CARRIERS, dtype=np.int64, buffer=shared.buf)
    own = np.zeros(CARRIERS, dtype=np.int64)
    start.wait()
    for carrier, minutes in flights:
        if how == "own":
            own[carrier] += minutes
        elif how == "lock":
            with lock:
                totals[carrier] += minutes
        else:
            totals[carrier] += minutes  # read, add, write: three steps, not one
    if how == "own":
        with lock:
            totals += own
    del totals
    shared.close()


def main(file, processes, *ways):
    pairs = np.tile(np.load(file), (REPEATS, 1))
    size = {"right": int(pairs[:, 1].sum()), "updates": len(pairs)}
    best = {}
    for how in ways:
        runs = [run(how, int(processes), pairs) for _ in range(3)]
        cheapest = min(runs, key=lambda run: run["cpu"])
        best[how] = size | cheapest | {"found": min(run["found"] for run in runs)}
    print(json.dumps(best))


def run(how, processes, pairs):
    """Add the pairs up once; return the minutes found, and the seconds it took."""
    shared = shared_memory.SharedMemory(create=True, size=8 * CARRIERS)
    totals = np.ndarray(CARRIERS, dtype=np.int64, buffer=shared.buf)
    totals[:] = 0
    lock, start = Lock(), Barrier(processes + 1)
    workers = [
        Process(target=add_up,
                args=(shared.name, pairs[n::processes], lock, start, how))
        for n in range(processes)
    ]
    for worker in workers:
        worker.start()
    start.wait()
    began, used = time.perf_counter(), children()
    for worker in workers:
        worker.join()
    result = {"found": int(totals.sum()), "seconds": time.perf_counter() - began,
              "cpu": children() - used}
    del totals
    shared.close()
    shared.unlink()
    return result


def children():
    """Return the processor seconds used by all child processes that have ended."""
    spent = os.times()
    return spent.children_user + spent.children_system


if __name__ == "__main__":
    main(*sys.argv[1:])
