"""Memory of one rank that all ranks read and write; started by notebook 1.2 with

    mpirun -n 4 python mpi_window.py LATE

LATE: a file of NumPy's, rows of (number of the carrier, minutes). Prints JSON: for
each way of adding the minutes up, the sum found and the seconds, by the slowest rank,
and what rank 1 read of a value that rank 2 changed.
"""

import json
import sys
import time

import numpy as np
from mpi4py import MPI

world = MPI.COMM_WORLD
rank, size = world.rank, world.size
OWNER = 0  # the rank whose memory holds the shared numbers


def add_up(window, updates, how):
    """Add each of this rank's updates to its place in the owner's memory."""
    old, unused = np.empty((2, 1), dtype=np.int64)
    for place, minutes in updates:
        if how == "Fetch_and_op":  # read, add and write as one step
            window.Fetch_and_op(minutes, old, OWNER, place, op=MPI.SUM)
        else:
            window.Get_accumulate(unused, old, OWNER, place, op=MPI.NO_OP)  # read
            window.Flush(OWNER)  # now `old` is here
            new = old + minutes  # a name keeps it alive until the Flush
            window.Accumulate(new, OWNER, place, op=MPI.REPLACE)  # write
        window.Flush(OWNER)  # now the owner has the new value


def keep_a_copy(window):
    """Rank 1 reads a value; rank 2 changes it; what does rank 1 know?"""
    copy, again = np.empty(1, dtype=np.int64), np.empty(1, dtype=np.int64)
    if rank == 1:
        window.Get(copy, OWNER, 0)
        window.Flush(OWNER)
    world.Barrier()
    if rank == 2:
        seven = np.array([7])  # a name keeps it alive until the Flush
        window.Put(seven, OWNER, 0)
        window.Flush(OWNER)
    world.Barrier()
    if rank == 1:
        window.Get(again, OWNER, 0)
        window.Flush(OWNER)
    return world.bcast([int(copy[0]), int(again[0])], root=1)


def begin(window, totals, value):
    """Set all totals to a value; nobody goes on before the owner has done it."""
    totals[:] = value
    window.Sync()  # the owner's own writes: visible to the others from here on
    world.Barrier()


def main(file):
    late = np.load(file)
    places = int(late[:, 0].max()) + 1
    mine = [(int(place), np.array([minutes])) for place, minutes in late[rank::size]]
    window = MPI.Win.Allocate(places * 8 * (rank == OWNER), disp_unit=8, comm=world)
    totals = np.frombuffer(window, dtype=np.int64)  # empty on all other ranks
    window.Lock_all()  # from here on every rank may reach the owner's memory
    results = {}
    for how in ("read, then write", "Fetch_and_op"):
        begin(window, totals, 0)
        began = time.perf_counter()
        add_up(window, mine, how)
        world.Barrier()
        window.Sync()
        seconds = time.perf_counter() - began
        results[how] = {"found": int(totals.sum()), "seconds": seconds}
    begin(window, totals, 1)
    results["copy"] = keep_a_copy(window)
    window.Unlock_all()
    if rank == OWNER:
        print(json.dumps(results))
    window.Free()


if __name__ == "__main__":
    main(*sys.argv[1:])
