"""How lesson 9.4 splits its network over the ranks of a mesh, and saves the pieces."""

import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
from small_network import BATCH, DEVICE, RATE, batch, network
from torch.distributed.checkpoint.state_dict import get_state_dict, set_state_dict
from torch.distributed.fsdp import fully_shard
from torch.distributed.pipelining import PipelineStage
from torch.distributed.tensor.parallel import (
    ColwiseParallel,
    RowwiseParallel,
    parallelize_module,
)
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel


def data_parallel(mesh):
    """Return the network in DistributedDataParallel (9.3), for comparison."""
    return DistributedDataParallel(network())


def tensor_parallel(mesh):
    """Return the network with each block's hidden units divided among the ranks."""
    plan = {
        "block1.up": ColwiseParallel(), "block1.down": RowwiseParallel(),
        "block2.up": ColwiseParallel(), "block2.down": RowwiseParallel(),
    }  # fmt: skip
    return parallelize_module(network(), mesh, plan)


def fully_sharded(mesh):
    """Return the network with every parameter cut along its dimension 0."""
    layers = network()
    for block in (layers.block1, layers.block2):
        fully_shard(block, mesh=mesh)  # a block is gathered and freed as a unit
    return fully_shard(layers, mesh=mesh)


def one_unit(mesh):
    """Return the network, fully sharded, but not block by block."""
    return fully_shard(network(), mesh=mesh)


class LoggedStage(PipelineStage):
    """A pipeline stage that writes down the order of its passes, as F0 F1 B0 ..."""

    def forward_one_chunk(self, chunk, *args, **kwargs):
        """Note the forward pass of a micro-batch."""
        self.log.append(f"F{chunk}")
        return super().forward_one_chunk(chunk, *args, **kwargs)

    def backward_one_chunk(self, chunk, *args, **kwargs):
        """Note the backward pass of a micro-batch."""
        self.log.append(f"B{chunk}")
        return super().backward_one_chunk(chunk, *args, **kwargs)


class Pipeline:
    """This rank's half of the network, and the schedule that runs both halves."""

    def __init__(self, rank, schedule, micro_batches=4, **options):
        """options: what the schedule takes besides, such as scale_grads."""
        layers = network()
        self.rank, self.half = rank, layers[:2] if rank == 0 else layers[2:]
        stage = LoggedStage(self.half, rank, 2, DEVICE)
        stage.log = self.log = []
        self.schedule = schedule(stage, micro_batches, loss_fn=cross_entropy, **options)

    def run(self, step, rows=BATCH):
        """Run a batch forward and backward; return the outputs in the last rank."""
        images, labels = batch(step, rows=rows)
        if self.rank == 0:
            return self.schedule.step(images)
        return self.schedule.step(target=labels)

    def train(self, steps):
        """Make these steps; return the optimiser, which knows this half alone."""
        optimiser = torch.optim.Adam(self.half.parameters(), lr=RATE)
        for step in steps:
            optimiser.zero_grad()
            self.run(step)
            optimiser.step()
        return optimiser

    def collect(self, value):
        """Return in rank 0 {name: value(parameter)} over both halves."""
        own = {name: value(p) for name, p in self.half.named_parameters()}
        halves = [None, None] if self.rank == 0 else None
        dist.gather_object(own, halves)
        return halves and halves[0] | halves[1]


def restore(layers, optimiser, folder):
    """Fill network and optimiser, however they are split, from a checkpoint."""
    weights, state = get_state_dict(layers, optimiser)
    stored = {"network": weights, "optimiser": state}
    dcp.load(stored, checkpoint_id=folder)  # in place
    set_state_dict(layers, optimiser, model_state_dict=stored["network"],
                   optim_state_dict=stored["optimiser"])  # fmt: skip


def save(layers, optimiser, folder):
    """Write network and optimiser; every rank writes the pieces that it holds."""
    weights, state = get_state_dict(layers, optimiser)
    dcp.save({"network": weights, "optimiser": state}, checkpoint_id=folder)
