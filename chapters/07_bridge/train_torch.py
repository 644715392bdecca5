"""Train a small network, data-parallel over all processes of the group.

    torchrun --nproc-per-node 2 train_torch.py FLIGHTS.parquet RESULT.json

Started by torchrun or by Spark's TorchDistributor: it cannot tell and need not. Each
process takes every n-th row of every batch, and DistributedDataParallel averages the
gradients, so any number of processes descends along the same path. The first one writes
RESULT.json: losses, final weights, and what each process found in its environment.
"""

import json
import os
import sys

import numpy as np
import pyarrow.parquet as pq
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

ROWS, BATCH = 25_600, 256


def table(path):
    """Return inputs (ROWS, 3) and labels (ROWS, 1), float32: late or not."""
    names = ["dep_delay", "distance", "hour", "arr_delay"]
    flights = pq.read_table(path, columns=names).drop_null()
    values = np.column_stack([column.to_numpy() for column in flights.columns])
    chosen = np.random.default_rng(0).permutation(len(values))[:ROWS]
    values = torch.from_numpy(values[chosen].astype("float32"))
    inputs = values[:, :3] / torch.tensor([60.0, 1000.0, 24.0])
    return inputs, (values[:, 3:] > 15).float()


def train(inputs, labels):
    """Train for one epoch; return the network and the loss of each of its batches."""
    rank, size = dist.get_rank(), dist.get_world_size()
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 1))
    network = DistributedDataParallel(layers)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.2)
    losses = []
    for start in range(0, ROWS, BATCH):
        mine = slice(start + rank, start + BATCH, size)
        loss = nn.functional.binary_cross_entropy_with_logits(
            network(inputs[mine]), labels[mine]
        )
        optimiser.zero_grad()
        loss.backward()  # here the gradients are averaged over the processes
        optimiser.step()
        losses.append(loss.item())
    return layers, losses


def main(flights, result):
    """Train, and let the first process write the result."""
    dist.init_process_group("gloo")  # address, rank and size come from the environment
    names = ["RANK", "LOCAL_RANK", "WORLD_SIZE", "CUDA_VISIBLE_DEVICES"]
    seen = [None] * dist.get_world_size()
    dist.all_gather_object(seen, {name: os.environ.get(name) for name in names})
    network, losses = train(*table(flights))
    if dist.get_rank() == 0:
        weights = torch.cat([p.flatten() for p in network.parameters()]).tolist()
        with open(result, "w") as file:
            json.dump({"losses": losses, "weights": weights, "seen": seen}, file)
    # Nobody leaves while another still talks. Unlike barrier(), this leaves no work to
    # a thread of Gloo's, which may outlive the interpreter and then abort the process.
    dist.monitored_barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
