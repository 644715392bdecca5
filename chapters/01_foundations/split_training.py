"""One network trained by several MPI ranks; started by notebook 1.6 with

    mpirun -n 4 python split_training.py gradients FOLDER WAY ...
    mpirun -n 4 python split_training.py pipeline RUN ...
    mpirun -n 3 python split_training.py train FOLDER ...
    mpirun -n 3 python split_training.py lose FOLDER STEP

gradients: a WAY is 2x2 for two shards of the batch times two pieces of the network, one
    per rank; the gradient goes to FOLDER/2x2.npz, what each rank held is printed.
pipeline: a RUN is 8 for eight micro-batches, 8:2 if stage 2 takes twice as long; prints
    which rank worked when.
train: synchronous data parallel training with a checkpoint every ten steps.
lose: the same, and rank 1 is killed before STEP.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path
from threading import Event

import network
import numpy as np
from mpi4py import MPI

world = MPI.COMM_WORLD


def gradients(folder, *ways):
    everything = {way: gradient(folder, way, *map(int, way.split("x"))) for way in ways}
    if world.rank == 0:
        print(json.dumps(everything))


def gradient(folder, way, parts, stages):
    """Compute the gradient on parts × stages ranks; return what each of them held."""
    grid = world.Create_cart([parts, stages])
    part, stage = grid.coords
    weights, x, y = network.make()
    rows = np.array_split(np.arange(len(x)), parts)[part]
    layers = np.array_split(np.arange(len(weights)), stages)[stage]
    mine = [weights[n] for n in layers]
    row, column = grid.Sub([False, True]), grid.Sub([True, False])
    outputs, arrays, sent = through_stages(row, mine, x[rows], y[rows], len(x))
    sent += add_up(column, arrays)
    held = world.gather({
        "weights": sum(w.nbytes for w in mine), "sent": sent,
        "activations": sum(output.nbytes for output in outputs[1:]),
    })
    whole = world.gather((part, layers[0], arrays))
    if world.rank == 0:
        in_order = sorted((n, piece) for p, n, piece in whole if p == 0)
        pieces = [array for _, piece in in_order for array in piece]
        np.savez(Path(folder, f"{way}.npz"), *pieces)
    return held


def through_stages(row, mine, x, y, batch):
    """Model parallel: hand outputs to the next rank, gradients to the one before."""
    stage, last = row.rank, row.size - 1
    inputs = x if stage == 0 else row.recv(source=stage - 1)
    outputs = network.forward(mine, inputs)
    if stage < last:
        row.send(outputs[-1], dest=stage + 1)
        back = row.recv(source=stage + 1)
    else:
        back = (outputs[-1] - y) / batch
    arrays, back = network.backward(mine, outputs, back)
    if stage > 0:
        row.send(back, dest=stage - 1)
    sent = outputs[-1].nbytes * (stage < last) + back.nbytes * (stage > 0)
    return outputs, arrays, sent


def add_up(column, arrays):
    """Data parallel: add up the gradients of all shards; return the bytes sent."""
    for array in arrays:
        column.Allreduce(MPI.IN_PLACE, array, op=MPI.SUM)
    # a ring all-reduce of n ranks sends 2 (n - 1) / n times the array per rank (1.3)
    return 2 * (column.size - 1) * sum(a.nbytes for a in arrays) // column.size


def pipeline(*runs):
    everything = {run: run_pipeline(*run.split(":")) for run in runs}
    if world.rank == 0:
        print(json.dumps(everything))


def run_pipeline(microbatches, slow_stage=None):
    """Hand on micro-batches; return on rank 0 the (stage, pass, start, end) of all.

    In place of computing, a stage waits: 0.8 s for each pass over the whole batch.
    """
    count, stage, last = int(microbatches), world.rank, world.size - 1
    seconds = 0.8 / count * (2 if stage == int(slow_stage or -1) else 1)
    events = []

    def work(kind):
        began = time.time()
        Event().wait(seconds)
        events.append((stage, kind, began, time.time()))

    world.Barrier()
    for forward in (True, False):
        before, after = (stage - 1, stage + 1) if forward else (stage + 1, stage - 1)
        for number in range(count):
            if 0 <= before <= last:
                while not world.iprobe(source=before):
                    Event().wait(0.002)  # a blocking receive keeps its processor busy
                world.recv(source=before)
            work("forward" if forward else "backward")
            if 0 <= after <= last:
                world.isend(number, dest=after).wait()
    everything = world.gather(events)
    return sum(everything, []) if stage == 0 else None


def train(*folders):
    for folder in folders:
        train_in(folder)


def lose(folder, step):
    train_in(folder, dies_at=int(step))


def train_in(folder, dies_at=0, steps=40):
    checkpoint, (weights, x, y) = Path(folder, "checkpoint.npz"), network.make()
    step = 0
    if checkpoint.exists():
        with np.load(checkpoint) as saved:
            step, weights = int(saved["step"]), [saved[f"w{n}"] for n in range(4)]
    if world.rank == 0:
        print("starts after step", step, flush=True)
    rows = slice(world.rank, None, world.size)
    while step < steps:
        if world.rank == 1 and step == dies_at > 0:
            os.kill(os.getpid(), signal.SIGKILL)
        outputs = network.forward(weights, x[rows])
        found, _ = network.backward(weights, outputs, (outputs[-1] - y[rows]) / len(x))
        for w, summand in zip(weights, found, strict=True):
            world.Allreduce(MPI.IN_PLACE, summand, op=MPI.SUM)
            w -= summand
        step += 1
        if step % 10 == 0 and world.rank == 0:
            partial = checkpoint.with_name("partial.npz")
            np.savez(partial, step=step, **{f"w{n}": w for n, w in enumerate(weights)})
            partial.replace(checkpoint)  # whole or not at all
    if world.rank == 0:
        print(f"loss after step {step}: {network.loss(weights, x, y):.9f}")


{f.__name__: f for f in (gradients, pipeline, train, lose)}[sys.argv[1]](*sys.argv[2:])
