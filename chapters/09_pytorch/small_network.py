"""The network, the batches and the counters of lesson 9.4; its programs import them.

Everything is in double precision, so that two ways to compute the same number agree to
some 15 digits and a difference that is larger has another cause than rounding.
"""

import os
from collections import OrderedDict

import numpy as np
import pyarrow.parquet as pq
import torch
from device import choose_device
from torch import nn
from torch.distributed.tensor import DTensor
from torch.nn.functional import avg_pool2d, cross_entropy
from torch.utils._python_dispatch import TorchDispatchMode

from lab import data

DEVICE, BACKEND = choose_device(int(os.environ.get("LOCAL_RANK", "0")))
BATCH, RATE = 96, 0.002  # rows over all ranks; of Adam


def network(seed=0):
    """Return two blocks of two linear layers each: 196 pixels in, 10 classes out."""

    def block(inputs, hidden, outputs):
        return nn.Sequential(
            OrderedDict(
                up=nn.Linear(inputs, hidden),
                relu=nn.ReLU(),
                down=nn.Linear(hidden, outputs),
            )
        )

    torch.manual_seed(seed)
    blocks = OrderedDict(
        block1=block(196, 128, 64), relu=nn.ReLU(), block2=block(64, 128, 10)
    )
    return nn.Sequential(blocks).double().to(DEVICE)


def pictures():
    """Return the 10,000 training pictures, 14 x 14 pixels from 0 to 1, and labels."""
    table = pq.read_table(data("fashion/fashion.parquet")).slice(10_000)
    pixels = np.frombuffer(b"".join(table["image"].to_pylist()), np.uint8)
    images = torch.from_numpy(pixels.reshape(-1, 1, 28, 28) / 255)
    labels = torch.from_numpy(table["label"].to_numpy().astype(np.int64))
    return avg_pool2d(images, 2).flatten(1).to(DEVICE), labels.to(DEVICE)


IMAGES, LABELS = pictures()


def batch(step, rank=0, size=1, rows=BATCH):
    """Return this rank's equal share of the batch that belongs to this step."""
    chosen = np.random.default_rng([step, rows]).choice(len(LABELS), rows, False)
    mine = np.split(chosen, size)[rank]
    return IMAGES[mine], LABELS[mine]


def train(network, optimiser, steps, rank=0, size=1):
    """Make these steps, each with this rank's share of the batch; return the losses."""
    losses = []
    for step in steps:
        images, labels = batch(step, rank, size)
        optimiser.zero_grad()
        loss = cross_entropy(network(images), labels)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses


def whole(tensor):
    """Return the full tensor (all ranks must call this), detached."""
    tensor = tensor.full_tensor() if isinstance(tensor, DTensor) else tensor
    return tensor.detach().clone()


def held(network, optimiser):
    """Return how many numbers this rank holds for each purpose."""

    def count(tensors):
        local = [t.to_local() if isinstance(t, DTensor) else t for t in tensors]
        return sum(t.numel() for t in local)

    parameters = list(network.parameters())
    states = [s for state in optimiser.state.values() for s in state.values()]
    return {
        "parameters": count(parameters),
        "gradients": count(p.grad for p in parameters if p.grad is not None),
        "optimiser": count(s for s in states if s.dim()),  # not the number of steps
    }


class Traffic(TorchDispatchMode):
    """While it is on, notes (kind, bytes handed over, bytes sent) of each call.

    The bytes that a rank hands to the library are counted. How many of them it sends
    to others follows from the formula of a ring (7.5), whatever the library does.
    """

    KINDS = {"all_reduce": "all-reduce", "allreduce_": "all-reduce",
             "all_gather_into_tensor": "all-gather", "_allgather_base_": "all-gather",
             "reduce_scatter_tensor": "reduce-scatter",
             "_reduce_scatter_base_": "reduce-scatter", "send": "send"}  # fmt: skip

    def __init__(self, size=2):
        """size: the number of ranks."""
        super().__init__()
        self.calls, self.other, n = [], set(), size
        self.ring = {"all-reduce": 2 * (n - 1) / n, "all-gather": n - 1,
                     "reduce-scatter": (n - 1) / n, "send": 1}  # fmt: skip

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        """Pass the call on, and note it when it is a collective or a message."""
        if any(issubclass(kind, DTensor) for kind in types):
            return NotImplemented  # DTensor turns it into calls on local tensors first
        result = func(*args, **(kwargs or {}))
        space, _, name = func.name().partition("::")
        name = name.partition(".")[0]
        if "c10d" in space and name in self.KINDS:
            value = args[1] if name.endswith("_base_") else args[0]
            values = value if isinstance(value, list | tuple) else [value]
            handed = sum(v.numel() * v.element_size() for v in values)
            kind = self.KINDS[name]
            self.calls.append((kind, handed, round(handed * self.ring[kind])))
        elif "c10d" in space:
            self.other.add(name)
        return result
