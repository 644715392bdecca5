"""One network trained by several MPI ranks; started by notebook 1.6 with

    mpirun -n 4 python split_training.py gradients FILE PARTS STAGES
    mpirun -n 4 python split_training.py pipeline MICROBATCHES
    mpirun -n 3 python split_training.py train FOLDER [STEP-AT-WHICH-RANK-1-DIES]

gradients: PARTS shards of the batch times STAGES pieces of the network, a rank each.
pipeline: four stages hand on micro-batches; prints who worked when.
train: synchronous data parallel training that writes a checkpoint every ten steps.
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


def gradients(file, parts, stages):
    grid = world.Create_cart([int(parts), int(stages)])
    part, stage = grid.coords
    weights, x, y = network.make()
    rows = np.array_split(np.arange(len(x)), int(parts))[part]
    layers = np.array_split(np.arange(len(weights)), int(stages))[stage]
    mine = [weights[n] for n in layers]
    row, column = grid.Sub([False, True]), grid.Sub([True, False])
    sent = 0

    inputs = x[rows] if stage == 0 else row.recv(source=stage - 1)
    outputs = network.forward(mine, inputs)
    if stage + 1 < row.size:
        row.send(outputs[-1], dest=stage + 1)
        sent += outputs[-1].nbytes
        back = row.recv(source=stage + 1)
    else:
        back = (outputs[-1] - y[rows]) / len(x)
    found, back = network.backward(mine, outputs, back)
    if stage > 0:
        row.send(back, dest=stage - 1)
        sent += back.nbytes

    for gradient in found:
        column.Allreduce(MPI.IN_PLACE, gradient, op=MPI.SUM)
        sent += gradient.nbytes if column.size > 1 else 0
    told = world.gather({
        "weights": sum(w.nbytes for w in mine), "sent": sent,
        "activations": sum(output.nbytes for output in outputs[1:]),
    })
    whole = world.gather((part, layers[0], found))
    if world.rank == 0:
        in_order = sorted((n, piece) for p, n, piece in whole if p == 0)
        np.savez(file, *[gradient for _, piece in in_order for gradient in piece])
        print(json.dumps(told))


def pipeline(microbatches):
    """Every micro-batch takes its share of 0.4 s in each stage, there and back."""
    count, stage, last = int(microbatches), world.rank, world.size - 1
    events = []

    def work(kind):
        began = time.time()
        Event().wait(0.4 / count)
        events.append((stage, kind, began, time.time()))

    world.Barrier()
    for forward in (True, False):
        before, after = (stage - 1, stage + 1) if forward else (stage + 1, stage - 1)
        for number in range(count):
            if 0 <= before <= last:
                world.recv(source=before)
            work("forward" if forward else "backward")
            if 0 <= after <= last:
                world.isend(number, dest=after).wait()
    everything = world.gather(events)
    if stage == 0:
        print(json.dumps(sum(everything, [])))


def train(folder, dies_at=0, steps=40):
    checkpoint, (weights, x, y) = Path(folder, "checkpoint.npz"), network.make()
    step = 0
    if checkpoint.exists():
        with np.load(checkpoint) as saved:
            step, weights = int(saved["step"]), [saved[f"w{n}"] for n in range(4)]
    if world.rank == 0:
        print("starts after step", step, flush=True)
    rows = slice(world.rank, None, world.size)
    while step < steps:
        if world.rank == 1 and step == int(dies_at) > 0:
            Event().wait(0.5)  # time for the launcher to pass on what was said
            os.kill(os.getpid(), signal.SIGKILL)
        outputs = network.forward(weights, x[rows])
        found, _ = network.backward(weights, outputs, (outputs[-1] - y[rows]) / len(x))
        for w, gradient in zip(weights, found, strict=True):
            world.Allreduce(MPI.IN_PLACE, gradient, op=MPI.SUM)
            w -= gradient
        step += 1
        if step % 10 == 0 and world.rank == 0:
            partial = checkpoint.with_name("partial.npz")
            np.savez(partial, step=step, **{f"w{n}": w for n, w in enumerate(weights)})
            partial.replace(checkpoint)  # whole or not at all
    if world.rank == 0:
        print(f"loss after step {step}: {network.loss(weights, x, y):.9f}")


{f.__name__: f for f in (gradients, pipeline, train)}[sys.argv[1]](*sys.argv[2:])
