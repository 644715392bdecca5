"""One network trained by several MPI ranks; started by notebook 1.6 with

    mpirun -n 4 python split_training.py gradients FOLDER WAY ...
    mpirun -n 4 python split_training.py pipeline RUN ...
    mpirun -n 3 python split_training.py train FOLDER ...
    mpirun -n 3 python split_training.py lose FOLDER STEP

gradients: a WAY is 2x2 for two shards of the batch times two pieces of the network, one
    per rank; the gradient goes to FOLDER/2x2.npz, what each rank held is printed.
pipeline: a RUN is 8 for eight micro-batches and a layer per stage, 8:2 if stage 2 has
    two layers; prints which rank worked when.
train: synchronous data parallel training with a checkpoint every ten steps.
lose: the same, and rank 1 is killed after STEP.
"""

import functools
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
    activations = sum(output.nbytes for output in outputs[1:])
    held = {"weights": sum(w.nbytes for w in mine), "activations": activations}
    of_ranks = world.gather(held | {"sent": sent})
    whole = world.gather((part, layers[0], arrays))
    if world.rank == 0:
        in_order = sorted((n, piece) for p, n, piece in whole if p == 0)
        pieces = [array for _, piece in in_order for array in piece]
        np.savez(Path(folder, f"{way}.npz"), *pieces)
    return of_ranks


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
    equal, unequal = (1, 1, 1, 1), (1, 1, 2, 1)
    run_pipeline(8, equal)  # the first use of everything is slow
    everything = {
        run: run_pipeline(int(run.split(":")[0]), unequal if ":" in run else equal)
        for run in runs
    }
    if world.rank == 0:
        print(json.dumps(everything))


def run_pipeline(count, cut):
    """Send a batch through the stages in `count` pieces, forward and then back.

    cut: how many layers each stage has. Returns on rank 0 every stage's passes, (stage,
    pass, start, end), and how far the gradient is from that of the batch in one piece.
    """
    stage, last = world.rank, world.size - 1
    mine, batch, whole = stage_of_deep_network(cut)
    clock, passes, kept, gradient = Clock(), [], [], 0
    for x in np.array_split(batch, count):
        if stage > 0:
            x = clock.receive(source=stage - 1)
        kept.append(clock.work(passes, "forward", network.forward, mine, x))
        if stage < last:
            clock.send(kept[-1][-1], dest=stage + 1)
    for outputs in kept:
        back = outputs[-1] if stage == last else clock.receive(source=stage + 1)
        of_piece, back = clock.work(
            passes, "backward", network.backward, mine, outputs, back
        )
        gradient = gradient + np.array(of_piece)
        if stage > 0:
            clock.send(back, dest=stage - 1)
    error = world.reduce(
        np.abs(gradient - whole).max() / np.abs(whole).max(), op=MPI.MAX
    )
    everything = world.gather(passes)
    return {"passes": sum(everything, []), "error": error} if stage == 0 else None


class Clock:
    """The time of a rank: its own processor time, and never behind a received message.

    So the timeline is that of ranks with a processor each, however few there are.
    """

    now = 0.0

    def work(self, passes, kind, compute, *arguments):
        """Compute; add to `passes` when by this clock."""
        began = time.process_time()
        result = compute(*arguments)
        start, self.now = self.now, self.now + time.process_time() - began
        passes.append((world.rank, kind, start, self.now))
        return result

    def send(self, array, dest):
        world.send((self.now, array), dest=dest)

    def receive(self, source):
        while not world.iprobe(source=source):
            Event().wait(0.002)  # a blocking receive keeps its processor busy
        sent, array = world.recv(source=source)
        self.now = max(self.now, sent)
        return array


@functools.cache
def stage_of_deep_network(cut, width=384, rows=2048):
    """Return this stage's layers, the batch, and the layers' gradient in one piece."""
    random = np.random.default_rng(0)
    weights = [random.normal(size=(width, width)) / width**0.5 for _ in range(sum(cut))]
    batch = random.normal(size=(rows, width))
    outputs = network.forward(weights, batch)
    gradient, _ = network.backward(weights, outputs, outputs[-1])
    mine = slice(sum(cut[: world.rank]), sum(cut[: world.rank + 1]))
    return weights[mine], batch, np.array(gradient[mine])


def train(*folders):
    for folder in folders:
        train_in(folder)


def lose(folder, step):
    train_in(folder, dies_at=int(step))


def train_in(folder, dies_at=0, steps=40):
    """Train, data parallel, from the checkpoint if there is one; rank 1 may die."""
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
        error = (outputs[-1] - y[rows]) / len(x)
        of_rows, _ = network.backward(weights, outputs, error)
        for w, gradient in zip(weights, of_rows, strict=True):
            world.Allreduce(MPI.IN_PLACE, gradient, op=MPI.SUM)
            w -= gradient
        step += 1
        if step % 10 == 0 and world.rank == 0:
            partial = checkpoint.with_name("partial.npz")
            np.savez(partial, step=step, **{f"w{n}": w for n, w in enumerate(weights)})
            partial.replace(checkpoint)  # whole or not at all
    if world.rank == 0:
        print(f"loss after step {step}: {network.loss(weights, x, y):.9f}")


{f.__name__: f for f in (gradients, pipeline, train, lose)}[sys.argv[1]](*sys.argv[2:])
