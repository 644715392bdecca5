"""Networks that DDP treats in an unexpected way (9.3): two heads, batch normalisation.

train_ddp.py runs these cases, on the processor and by Gloo on any machine.
"""

import torch
import torch.distributed as dist
from small_fashion import traffic
from torch import nn
from torch.distributed.algorithms.ddp_comm_hooks import default_hooks
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel


class TwoHeads(nn.Module):
    """A network with two last layers, of which a step uses one."""

    def __init__(self):
        """Make the three layers."""
        super().__init__()
        self.body, self.left, self.right = (
            nn.Linear(49, 32), nn.Linear(32, 10), nn.Linear(32, 10)
        )  # fmt: skip

    def forward(self, images, head):
        """Return the scores by the head of that name."""
        return getattr(self, head)(self.body(images).relu())


def unused(images, labels, find):
    """Make two steps; rank 0 uses the left head, rank 1 the right one."""
    torch.manual_seed(0)
    rank, steps = dist.get_rank(), []
    mine = slice(32 * rank, 32 * rank + 32)
    model = DistributedDataParallel(TwoHeads(), find_unused_parameters=find)
    for _ in range(2):
        with traffic_of(model) as sizes:
            try:
                scores = model(images[mine], ("left", "right")[rank])
                cross_entropy(scores, labels[mine]).backward()
                message = ""
            except RuntimeError as error:
                message = str(error).partition(".")[0]
        layers = {"body": model.module.body, "left": model.module.left}
        norms = {name: norm(layer.weight.grad) for name, layer in layers.items()}
        steps.append({"all-reduces": len(sizes), "error": message, **norms})
    return steps


def norm(gradient):
    """Return the length of a gradient, None where there is none."""
    return None if gradient is None else round(gradient.norm().item(), 4)


def traffic_of(model):
    """Return traffic(); a hook makes the model's all-reduces visible to it."""
    if not model._comm_hooks:
        group = model.process_group
        model.register_comm_hook(group, default_hooks.allreduce_hook)
    return traffic()


class SumOverRanks(torch.autograd.Function):
    """An all-reduce with a gradient: each rank's loss depends on all ranks' inputs."""

    @staticmethod
    def forward(_, inputs):
        """Return the sum of the inputs of all ranks."""
        total = inputs.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(_, gradient):
        """Return the sum of all ranks' gradients: every loss contains our inputs."""
        total = gradient.contiguous().clone()
        dist.all_reduce(total)
        return total


class SharedBatchNorm(nn.BatchNorm1d):
    """Batch normalisation by mean and variance over the rows of all ranks.

    All ranks must have equally many rows. Enough for small inputs; SyncBatchNorm
    combines means and variances, which loses fewer digits.
    """

    def forward(self, inputs):
        """Normalise, while training by the statistics of the whole batch."""
        if not self.training:
            return super().forward(inputs)
        local = torch.stack([inputs.mean(0), inputs.square().mean(0)])
        mean, square = SumOverRanks.apply(local) / dist.get_world_size()
        variance, rows = square - mean**2, len(inputs) * dist.get_world_size()
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * rows / (rows - 1), self.momentum)
        scaled = (inputs - mean) / (variance + self.eps).sqrt()
        return scaled * self.weight + self.bias


def batch_norm(train_rows, test_rows, kind, alone=False, again=False):
    """Train for 100 steps; rank 0 holds the classes 0-4, rank 1 the classes 5-9.

    alone: no DDP; every rank computes all of each batch by itself.
    again: at the end, compute the running statistics again, from both ranks' rows.
    Returns the running means, and the recall of both halves of the classes.
    """
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Linear(49, 64), kind(64), nn.ReLU(), nn.Linear(64, 10))
    model = layers if alone else DistributedDataParallel(layers)
    optimiser = torch.optim.SGD(layers.parameters(), lr=0.1)
    images, labels = train_rows
    halves = [torch.nonzero(labels // 5 == half).flatten() for half in range(2)]
    for step in range(100):
        parts = [half[32 * step : 32 * step + 32] for half in halves]
        mine = torch.cat(parts) if alone else parts[dist.get_rank()]
        loss = cross_entropy(model(images[mine]), labels[mine])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    if again:
        layers[1].momentum = 1.0  # the statistics of the next batch, whole
        with torch.no_grad():
            layers(images[torch.cat([half[:1600] for half in halves])])
    layers.eval()
    images, labels = test_rows
    with torch.no_grad():
        right = (layers(images).argmax(1) == labels).float()
    recall = [right[labels // 5 == half].mean().item() for half in range(2)]
    return {"means": layers[1].running_mean.tolist(), "recall": recall}


def synchronised(images):
    """Return what PyTorch's own SyncBatchNorm says to a tensor on the processor."""
    try:
        nn.SyncBatchNorm(49)(images[:8])
    except ValueError as error:
        return str(error)


def run(train_rows, test_rows):
    """Run the cases; return what each found."""
    shared, plain = SharedBatchNorm, nn.BatchNorm1d
    return {
        "unused": {str(find): unused(*train_rows, find) for find in (False, True)},
        "batch norm": {
            "each rank's own": batch_norm(train_rows, test_rows, plain),
            "own, recomputed": batch_norm(train_rows, test_rows, plain, again=True),
            "shared": batch_norm(train_rows, test_rows, shared),
            "one process": batch_norm(train_rows, test_rows, plain, alone=True),
        },
        "synchronised": synchronised(train_rows[0]),
    }
