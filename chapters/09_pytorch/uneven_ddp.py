"""Ranks that do not have the same work (9.3): slow ones, and ones with more batches.

train_ddp.py runs these cases, on the processor and by Gloo on any machine: a Gloo group
whose timeout is over raises an error, while NCCL's ends the process.
"""

from datetime import timedelta
from time import perf_counter

import torch
import torch.distributed as dist
from small_fashion import flat, network, traffic
from torch.distributed.algorithms.ddp_comm_hooks import default_hooks
from torch.distributed.algorithms.join import Join
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel

TIMEOUT = timedelta(seconds=2)  # the default of Gloo is 30 minutes


def short_group():
    """Return a Gloo group of all ranks that waits for TIMEOUT and no longer."""
    dist.barrier()  # nobody begins to wait while another is in the case before this
    return dist.new_group(backend="gloo", timeout=TIMEOUT)


def straggle(images, labels, rounds):
    """Return [begin, gradient ready, gradient averaged, end] of each step, in seconds.

    rounds: for each rank, how often it moves its pictures by a pixel before a step.
    """
    model, marks = DistributedDataParallel(network()), []
    move = torch.eye(49).roll(1, 0)

    def averaged(future):
        marks[-1].append(perf_counter())
        return future.value()

    def timed(_, bucket):
        marks[-1].append(perf_counter())  # the gradient is ready
        return default_hooks.allreduce_hook(None, bucket).then(averaged)

    model.register_comm_hook(None, timed)
    for _ in range(7):  # in the first two, DDP makes its buckets, and makes them anew
        marks.append([perf_counter()])
        moved = images[:5000]
        for _ in range(rounds[dist.get_rank()]):
            moved = moved @ move
        cross_entropy(model(moved), labels[:5000]).backward()
        marks[-1].append(perf_counter())
    return marks


def uneven(images, labels, steps):
    """Make as many steps as steps[rank] says; then wait for the others in a barrier."""
    group, done, start = short_group(), 0, perf_counter()
    model = DistributedDataParallel(network(), process_group=group)
    try:
        for step in range(steps[dist.get_rank()]):
            mine = slice(50 * step, 50 * step + 50)
            cross_entropy(model(images[mine]), labels[mine]).backward()
            done += 1
        dist.barrier(group)
        error = "none"
    except RuntimeError as raised:
        error = str(raised)
    return {"steps": done, "error": error, "seconds": perf_counter() - start}


def joined(images, labels, effective):
    """Return the last gradient of rank 0, which has a batch more than rank 1.

    effective: whether it is divided by the number of ranks that still have batches.
    """
    model = DistributedDataParallel(network())
    with Join([model], divide_by_initial_world_size=not effective):
        for _ in range(4 - dist.get_rank()):
            model.zero_grad()
            cross_entropy(model(images[:50]), labels[:50]).backward()
    return flat(weight.grad for weight in model.parameters()).norm().item()


def accuracy(train_rows, test_rows, join):
    """Train on unequal shares, 60 and 59 batches; then all-reduce the correct answers.

    Returns this rank's own counts for the ten classes, what the all-reduce made of
    them, the bytes of all all-reduces, and half of the last gradient of the last bias.
    """
    group, rank = short_group(), dist.get_rank()
    # Buckets of 40 bytes: then each parameter is a message of its own.
    model = DistributedDataParallel(
        network(), process_group=group, bucket_cap_mb=40 / 2**20
    )
    optimiser, half = torch.optim.SGD(model.parameters(), lr=0.5), []

    def hook(_, bucket):
        if bucket.buffer().numel() == 10:
            half[:] = (bucket.buffer() / dist.get_world_size()).tolist()
        return default_hooks.allreduce_hook(group, bucket)

    model.register_comm_hook(None, hook)
    result = {"sum": None, "error": "none"}
    with traffic() as sizes:
        try:
            with Join([model], enable=join):
                for step in range(60 - rank):
                    mine = torch.arange(100 * step + rank, 100 * step + 100, 2)
                    scores = model(train_rows[0][mine])
                    optimiser.zero_grad()
                    cross_entropy(scores, train_rows[1][mine]).backward()
                    optimiser.step()
            counts = correct(model.module, test_rows)
            dist.all_reduce(counts, group=group)
            result["sum"] = counts.tolist()
        except RuntimeError as error:
            result["error"] = type(error).__name__
    own = correct(model.module, test_rows).tolist()
    return result | {"own": own, "sizes": list(sizes), "half gradient": half}


def correct(layers, rows):
    """Return how many of this rank's half of the pictures are right, for each class."""
    images, labels = (part[dist.get_rank() :: 2] for part in rows)
    with torch.no_grad():
        right = layers(images).argmax(1) == labels
    return torch.bincount(labels[right], minlength=10).float()


def run(train_rows, test_rows):
    """Run the cases; return what each found."""
    return {
        "straggle": straggle(*train_rows, rounds=(1, 150)),
        "uneven": uneven(*train_rows, steps=(4, 3)),
        "joined": [joined(*train_rows, effective) for effective in (False, True)],
        "accuracy": accuracy(train_rows, test_rows, join=False),
        "accuracy with Join": accuracy(train_rows, test_rows, join=True),
    }
