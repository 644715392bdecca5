"""What the programs of lesson 9.3 share: device, pictures, network, traffic counter."""

import os
from contextlib import contextmanager

import pyarrow.parquet as pq
import torch
import torch.distributed as dist
from device import choose_device
from torch import nn
from torch.nn.functional import avg_pool2d

DEVICE, BACKEND = choose_device(int(os.environ.get("LOCAL_RANK", "0")))
# Some cases compute on the processor also where there are GPUs, which needs Gloo, too.
BACKENDS = "gloo" if BACKEND == "gloo" else f"cpu:gloo,cuda:{BACKEND}"


def pictures(path, split="train"):
    """Return (images, labels): 49 grey levels from 0 to 1 for each row, and classes.

    path: the Parquet file of the data set "fashion". A pixel is a mean of 4 by 4.
    """
    table = pq.read_table(path, filters=[("split", "=", split)])
    raw = bytearray(b"".join(table["image"].to_pylist()))
    images = torch.frombuffer(raw, dtype=torch.uint8).view(-1, 1, 28, 28) / 255
    return avg_pool2d(images, 4).flatten(1), torch.tensor(table["label"].to_pylist())


def network():
    """Return a new network, always the same: 49 inputs, 10 classes, 3,850 weights."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(49, 64), nn.ReLU(), nn.Linear(64, 10))


def flat(tensors):
    """Return all elements of some tensors as one vector, without their graph."""
    return torch.cat([tensor.detach().flatten() for tensor in tensors])


@contextmanager
def traffic():
    """Yield a list that grows by the bytes of each all-reduce called in the block."""
    sizes, all_reduce = [], dist.all_reduce

    def counted(tensor, *arguments, **options):
        sizes.append(tensor.nbytes)
        return all_reduce(tensor, *arguments, **options)

    dist.all_reduce = counted
    try:
        yield sizes
    finally:
        dist.all_reduce = all_reduce


def leave():
    """Leave the process group, but not while another rank still talks (7.4)."""
    dist.monitored_barrier() if BACKEND == "gloo" else dist.barrier()
    dist.destroy_process_group()
