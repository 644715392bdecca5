"""Measure what messages and all-reduces cost; torchrun starts four ranks.

    torchrun --standalone --nproc-per-node 4 measure_costs.py FOLDER

Rank 0 writes [call, bytes, calls in a row, seconds per call in each round] to
FOLDER/costs.json.
"""

import json
import os
import sys
import time
from datetime import timedelta
from functools import partial
from pathlib import Path

import all_reduces
import torch
import torch.distributed as dist
from device import choose_device

DEVICE, BACKEND = choose_device(int(os.environ["LOCAL_RANK"]))
SIZES = [4**power for power in range(2, 13)]  # bytes: 16 to 16 Mi
ROUNDS = 7
MODELS = {  # parameters of each tensor
    "the network of 9.1": [784 * 32, 32, 32 * 10, 10],
    "as large as ResNet-18": [11_689_512],
}


def vector(size):
    """Return a vector of so many bytes."""
    return torch.zeros(size // 4, device=DEVICE)


def seconds(call, repeat):
    """Return this rank's seconds per call, for several calls one after the other."""
    dist.barrier()
    begin = time.perf_counter()
    for _ in range(repeat):
        call()
    if DEVICE.type == "cuda":  # a collective there is only put into a queue
        torch.cuda.synchronize()
    return (time.perf_counter() - begin) / repeat


def there_and_back(x):
    """Send from rank 0 to rank 1 and back; the other ranks do nothing."""
    if dist.get_rank() == 0:
        dist.send(x, 1)
        dist.recv(x, 1)
    elif dist.get_rank() == 1:
        dist.recv(x, 0)
        dist.send(x, 0)


def two_pairs(x):
    """Send there and back between ranks 0 and 1, and between 2 and 3."""
    rank = dist.get_rank()
    if rank % 2 == 0:
        dist.send(x, rank + 1)
        dist.recv(x, rank + 1)
    else:
        dist.recv(x, rank - 1)
        dist.send(x, rank - 1)


def one_by_one(tensors):
    """All-reduce each tensor by a call of its own."""
    for tensor in tensors:
        dist.all_reduce(tensor)


def overlapped(x, compute):
    """Start the all-reduce, compute meanwhile, then wait for it."""
    work = dist.all_reduce(x, async_op=True)
    compute()
    work.wait()


def in_turn(x, compute):
    """Wait for the all-reduce, then compute."""
    dist.all_reduce(x)
    compute()


def calls():
    """Return {(what, bytes): (call, how often in a row)}."""
    measured = {}
    for size in SIZES:
        x, often = vector(size), 5 if size < 1 << 20 else 1
        measured["message", size] = partial(there_and_back, x), 5 * often
        measured["all_reduce", size] = partial(dist.all_reduce, x), often
        if size in (1 << 10, 1 << 22):
            measured["two pairs", size] = partial(two_pairs, x), 5 * often
        if size in (1 << 10, 1 << 16, 1 << 22):
            for algorithm in (all_reduces.ring, all_reduces.tree, all_reduces.naive):
                measured[algorithm.__name__, size] = partial(algorithm, x), often
    for name, counts in MODELS.items():
        tensors, whole = [vector(4 * n) for n in counts], vector(4 * sum(counts))
        often = 5 if whole.nbytes < 1 << 20 else 1
        measured[name, whole.nbytes] = partial(dist.all_reduce, whole), often
        if len(tensors) > 1:
            separately = name + ", tensor by tensor"
            measured[separately, whole.nbytes] = partial(one_by_one, tensors), often
    x, matrix = vector(1 << 22), torch.ones(400, 400, device=DEVICE)
    compute = partial(torch.linalg.multi_dot, [matrix] * 5)
    measured["computing", x.nbytes] = compute, 1
    measured["in turn", x.nbytes] = partial(in_turn, x, compute), 1
    measured["overlapped", x.nbytes] = partial(overlapped, x, compute), 1
    return measured


def main(folder):
    """Measure each call, its repetitions spread over the whole run."""
    measured = calls()
    for call, _ in measured.values():
        call()  # connections, buffers: not measured
    times = torch.tensor(
        [[seconds(*item) for item in measured.values()] for _ in range(ROUNDS)],
        device=DEVICE,
    )
    dist.all_reduce(times, op=dist.ReduceOp.MAX)  # the slowest rank's
    if dist.get_rank() == 0:
        rows = [
            [*key, repeat, row]
            for (key, (_, repeat)), row in zip(
                measured.items(), times.T.tolist(), strict=True
            )
        ]
        Path(folder, "costs.json").write_text(json.dumps(rows))
    dist.barrier()


if __name__ == "__main__":
    torch.set_num_threads(1)
    dist.init_process_group(BACKEND, timeout=timedelta(minutes=5))
    main(sys.argv[1])
    dist.destroy_process_group()
