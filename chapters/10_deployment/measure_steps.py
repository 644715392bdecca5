"""Measure the parts of a data parallel step, and whole steps; torchrun starts ranks.

    torchrun --standalone --nproc-per-node N measure_steps.py FILE

Rank 0 writes to FILE, as JSON, the least seconds of: computing with a batch of each
size, an all-reduce of each size in bytes, a whole step with a global batch of BATCH.
The time of a call is that of the slowest rank.
"""

import json
import sys
import time
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist

BATCH = 1024  # of all ranks together
BATCHES = [128, 256, 512, 1024]  # of one rank, for computing alone
SIZES = [4**power for power in range(5, 12)]  # bytes: 1 Ki to 4 Mi
ROUNDS = 15


def network():
    """Return a network with a million parameters, 4 MB of gradients."""
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Linear(784, 1024), torch.nn.ReLU(), torch.nn.Linear(1024, 256)
    )


def compute(model, x):
    """Compute the gradients of a batch."""
    model.zero_grad()
    model(x).square().mean().backward()


def step(model, x):
    """Compute the gradients, and add up those of all ranks in one all-reduce."""
    compute(model, x)
    gradients = torch.cat([p.grad.flatten() for p in model.parameters()])
    dist.all_reduce(gradients)


def slowest(call, *arguments):
    """Return the seconds of a call on the slowest rank, after a barrier."""
    dist.barrier()
    begin = time.perf_counter()
    call(*arguments)
    seconds = torch.tensor([time.perf_counter() - begin])
    dist.all_reduce(seconds, dist.ReduceOp.MAX)
    return seconds.item()


def best(call, *arguments):
    """Return the least seconds of ROUNDS calls, the one that nothing else disturbed."""
    return min(slowest(call, *arguments) for _ in range(ROUNDS))


def main(file):
    """Measure, and write the results."""
    ranks, model = dist.get_world_size(), network()
    batch = torch.randn(BATCH, 784)
    results = {
        "compute": {b: best(compute, model, batch[:b]) for b in BATCHES},
        "all_reduce": {s: best(dist.all_reduce, torch.zeros(s // 4)) for s in SIZES},
        "step": best(step, model, batch[: BATCH // ranks]),
        "gradient": 4 * sum(p.numel() for p in model.parameters()),
    }
    if dist.get_rank() == 0:
        Path(file).write_text(json.dumps(results))


if __name__ == "__main__":
    torch.set_num_threads(1)
    dist.init_process_group("gloo", timeout=timedelta(minutes=5))
    main(sys.argv[1])
    dist.destroy_process_group()
