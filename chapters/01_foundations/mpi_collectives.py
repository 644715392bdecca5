"""What MPI offers and what it leaves to you: four ranks, started by notebook 1.2 with

    mpirun -n 4 python mpi_collectives.py {tour,types,killed,deadlock}
    mpirun -n 4 python mpi_collectives.py late FILE

Every rank runs this whole program; rank 0 alone prints.
"""

import json
import os
import sys
from threading import Event

import numpy as np
from mpi4py import MPI

world = MPI.COMM_WORLD
rank, size = world.rank, world.size


def say(*words):
    if rank == 0:
        print(*words, flush=True)


def tour():
    mine = np.array([rank + 1.0])

    from_zero = np.array([42.0]) if rank == 0 else np.empty(1)
    world.Bcast(from_zero, root=0)
    say("Bcast      rank 0's value on every rank:", world.gather(from_zero[0]))

    dealt = np.empty(1)
    world.Scatter(np.arange(10.0, 10.0 + size) if rank == 0 else None, dealt, root=0)
    say("Scatter    one piece of rank 0's array each:", world.gather(dealt[0]))

    collected = np.empty(size) if rank == 0 else None
    world.Gather(mine, collected, root=0)
    say("Gather     all values on rank 0:", collected)

    rows = np.arange(size, dtype=float) + 10 * rank
    columns = np.empty(size)
    world.Alltoall(rows, columns)
    everyone = world.gather(columns.astype(int).tolist())
    say("Alltoall   row r of a matrix in, column r out:", everyone)

    total = np.empty(1) if rank == 0 else None
    world.Reduce(mine, total, op=MPI.SUM, root=0)
    say("Reduce     the sum on rank 0:", total)

    world.Allreduce(MPI.IN_PLACE, mine, op=MPI.SUM)
    say("Allreduce  the sum on every rank:", world.gather(mine[0]))

    grid = world.Create_cart(dims=[2, size // 2], periods=[True, True])
    say("Cartesian  (row, column) of each rank:", world.gather(tuple(grid.coords)))
    right = world.gather(grid.Shift(direction=1, disp=1)[1])
    say("Cartesian  right neighbour of each rank:", right)

    machine = world.Split_type(MPI.COMM_TYPE_SHARED)  # the ranks that share memory
    say("Split_type rank within the machine:", world.gather(machine.rank))


def late(file):
    """Add up each carrier's minutes of late arrival, and vectors made from a seed."""
    flights = np.load(file, mmap_mode="r")  # rows of (number of the carrier, minutes)
    begin, end = (len(flights) * r // size for r in (rank, rank + 1))
    carrier, late_by = flights[begin:end].T
    minutes = np.bincount(carrier, weights=late_by, minlength=16)
    world.Allreduce(MPI.IN_PLACE, minutes, op=MPI.SUM)

    vector = np.random.default_rng(rank).normal(size=1000)
    world.Allreduce(MPI.IN_PLACE, vector, op=MPI.SUM)
    say(json.dumps({"minutes": minutes.tolist(), "vector": vector.tolist()}))


def types():
    """Send one double and receive it as one 64-bit integer."""
    if rank == 1:
        world.Send([np.array([1.5]), MPI.DOUBLE], dest=0)
    if rank == 0:
        number = np.empty(1, dtype=np.int64)
        world.Recv([number, MPI.INT64_T], source=1)
        say("rank 1 sent 1.5, rank 0 received", number[0])


def killed():
    """Five rounds; rank 2 stops in the third until somebody kills it.

    The first line is rank 2's process number, then one line for each finished round.
    """
    pids = world.gather(os.getpid())
    say(pids and pids[2])
    for step in range(1, 6):
        if rank == 2 and step == 3:
            Event().wait()
        world.Barrier()
        say("round", step, "done")
        world.Barrier()
    say("all rounds done")


def deadlock():
    """Each of two ranks waits for the other's message before it sends its own."""
    if rank < 2:
        theirs = world.recv(source=1 - rank)
        world.send(rank, dest=1 - rank)
        say("received", theirs)


tasks = {f.__name__: f for f in (tour, late, types, killed, deadlock)}
tasks[sys.argv[1]](*sys.argv[2:])
