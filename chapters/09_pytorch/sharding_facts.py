"""What lesson 9.4 looks at in sharded tensors; model_parallel.py runs it on every rank.

Each function returns what this rank holds, hands over or notices.
"""

import warnings
from datetime import timedelta

import torch
import torch.distributed as dist
from small_network import DEVICE, RATE, Traffic, batch, network, train, whole
from splits import tensor_parallel
from torch import nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import (
    DTensor,
    Partial,
    Replicate,
    Shard,
    distribute_tensor,
)
from torch.distributed.tensor.debug import CommDebugMode
from torch.nn.functional import cross_entropy


def pieces(mesh):
    """Return this rank's piece of one small matrix under each placement."""
    matrix, local = torch.arange(12.0, device=DEVICE).reshape(4, 3), {}
    for placement in (Replicate(), Shard(0), Shard(1)):
        tensor = distribute_tensor(matrix, mesh, [placement])
        local[f"{placement}"] = tensor.to_local().tolist()
    left = distribute_tensor(matrix, mesh, [Shard(1)])
    right = distribute_tensor(torch.ones(3, 2, device=DEVICE), mesh, [Shard(0)])
    product = left @ right  # DTensor chooses its placement
    local[f"product: {product.placements[0]}"] = product.to_local().tolist()
    return local


def changes(mesh):
    """Return (from, to, calls) for each change of placement of a 64 x 64 matrix."""
    facts, placements = [], (Replicate(), Shard(0), Partial())
    matrix = torch.ones(64, 64, dtype=torch.float64, device=DEVICE)
    for old in placements:
        local = matrix.chunk(mesh.size())[0] if old == Shard(0) else matrix
        tensor = DTensor.from_local(local, mesh, [old])
        for new in placements[:2]:
            with Traffic() as traffic:
                tensor.redistribute(mesh, [new])
            facts.append((str(old), str(new), traffic.calls))
    return facts


def layout(mesh):
    """Return, for tensor parallel, each parameter's placement, and the collectives."""
    layers = tensor_parallel(mesh)
    placed = {
        name: [str(p.placements[0]), list(p.shape), list(p.to_local().shape)]
        for name, p in layers.named_parameters()
    }
    images, labels = batch(0)
    # CommDebugMode hooks into modules; the pixels need no gradient, which is harmless.
    warnings.filterwarnings("ignore", message="Full backward hook is firing")
    with CommDebugMode() as mode:
        cross_entropy(layers(images), labels).backward()
    counts = {op.__name__: n for op, n in mode.get_comm_counts().items()}
    return {"placed": placed, "CommDebugMode": counts}


def gathered(layers):
    """Return how many numbers of whole parameters FSDP holds in a block's forward."""
    numbers, hooks = {}, []

    def whole_numbers():
        return sum(p.numel() for p in layers.parameters() if not isinstance(p, DTensor))

    for name in ("block1", "block2"):

        def note(*_, name=name):
            numbers[name] = whole_numbers()

        inner = layers.get_submodule(name).up
        hooks.append(inner.register_forward_pre_hook(note))
    with torch.no_grad():
        layers(batch(0)[0])
    for hook in hooks:
        hook.remove()
    return numbers | {"afterwards": whole_numbers()}


def lopsided(mesh):
    """Return how many numbers of some weights this rank holds, for each placement."""
    facts = {}
    for rows, columns, dim in (
        (128, 196, 0), (10, 128, 0), (3, 65, 0), (1, 65, 0), (1, 64, 1), (1, 65, 1)
    ):  # fmt: skip
        layer = nn.Linear(columns, rows, bias=False, device=DEVICE)
        try:
            fully_shard(layer, mesh=mesh, shard_placement_fn=lambda _, d=dim: Shard(d))
            held = layer.weight.to_local().numel()
        except NotImplementedError as error:
            held = str(error)
        facts[f"({rows}, {columns}) along dimension {dim}"] = held
    return facts


def optimiser_first(mesh):
    """Train with an optimiser that was made too early; return what one can notice."""
    layers = network()
    optimiser = torch.optim.Adam(layers.parameters(), lr=RATE)  # of the whole weights
    fully_shard(layers, mesh=mesh)  # puts sharded weights in their place
    before = {name: whole(p) for name, p in layers.named_parameters()}
    losses, norms = [], []
    for _ in range(3):  # the same batch each time
        losses += train(layers, optimiser, [0], mesh.get_rank(), mesh.size())
        norms.append(whole(layers.block2.up.weight.grad).norm().item())
    moved = [(whole(p) - before[n]).abs().max() for n, p in layers.named_parameters()]
    own = [p for group in optimiser.param_groups for p in group["params"]]
    both = {id(p) for p in own} & {id(p) for p in layers.parameters()}
    return {
        "loss in each step": [round(loss, 6) for loss in losses],
        "largest change of a weight": max(moved).item(),
        "size of the gradient, relative": [round(norm / norms[0], 6) for norm in norms],
        "parameters that have optimiser state": len(optimiser.state),
        "parameters of the network that the optimiser knows": len(both),
        "numbers in its own parameters": sum(
            p.untyped_storage().nbytes() // p.element_size() for p in own
        ),
    }


def alone_in_a_collective(mesh):
    """Let rank 0 alone ask for a whole tensor; return the error, or nothing."""
    group = dist.new_group(timeout=timedelta(seconds=3), backend="gloo")
    tensor = distribute_tensor(
        torch.ones(4), DeviceMesh.from_group(group, "cpu"), [Shard(0)]
    )
    error = ""
    if mesh.get_rank() == 0:
        try:
            print(tensor.full_tensor())
        except RuntimeError as raised:
            error = str(raised)
    return error
