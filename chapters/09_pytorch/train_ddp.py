"""All cases of lesson 9.3 in one start of two processes.

    torchrun --nproc-per-node 2 train_ddp.py FASHION.parquet RESULT.json

Each case is a function of the pictures and their labels; what it returns on each rank
goes into RESULT.json, as {case: [of rank 0, of rank 1]}.
"""

import json
import sys
from contextlib import nullcontext

import ddp_failures
import torch
import torch.distributed as dist
import uneven_ddp
from small_fashion import BACKENDS, DEVICE, flat, leave, network, pictures, traffic
from torch import nn
from torch.distributed.algorithms.ddp_comm_hooks import default_hooks
from torch.distributed.algorithms.ddp_comm_hooks import powerSGD_hook as power_sgd
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel


def wrap(layers, **options):
    """Return the layers as a data-parallel model on this process's device."""
    devices = [DEVICE.index] if DEVICE.type == "cuda" else None
    return DistributedDataParallel(layers.to(DEVICE), device_ids=devices, **options)


def train(images, labels, hook=None, steps=80, batch=128):
    """Train; return the loss over the first 2,000 rows, every fifth step."""
    rank, size = dist.get_rank(), dist.get_world_size()
    model = wrap(network())
    if hook:
        model.register_comm_hook(*hook)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.3)
    losses = []
    for step in range(steps):
        mine = (torch.arange(rank, batch, size) + step * batch) % len(images)
        loss = cross_entropy(model(images[mine]), labels[mine])
        optimiser.zero_grad()
        loss.backward()  # here the gradients are averaged over the ranks
        optimiser.step()
        if step % 5 == 4:
            with torch.no_grad():  # without DDP: no rank needs another one here
                whole = cross_entropy(model.module(images[:2000]), labels[:2000])
            losses.append(round(whole.item(), 4))
    return losses


def big_batch(images, labels):
    """Return the gradient that one process computes from these rows."""
    layers = network().to(DEVICE)
    cross_entropy(layers(images), labels).backward()
    return flat(weight.grad for weight in layers.parameters())


def splits(images, labels):
    """Return the gradient of ten rows: by one process, and by DDP in three ways."""
    gradients = {"one process": big_batch(images[:10], labels[:10]).tolist()}
    ways = {"5 + 5 rows": (5, False), "8 + 2 rows": (8, False)}
    for name, (cut, weighted) in (ways | {"8 + 2, weighted": (8, True)}).items():
        mine = slice(0, cut) if dist.get_rank() == 0 else slice(cut, 10)
        model = wrap(network())
        loss = cross_entropy(model(images[mine]), labels[mine])
        if weighted:
            loss = loss * len(images[mine]) * dist.get_world_size() / 10
        loss.backward()
        gradients[name] = flat(weight.grad for weight in model.parameters()).tolist()
    return gradients


def count(sizes, bucket):
    """Note the bytes of a bucket, and average it as DDP does without a hook."""
    sizes.append(bucket.buffer().nbytes)
    return default_hooks.allreduce_hook(dist.group.WORLD, bucket)


def accumulate(images, labels, quiet):
    """Return what four micro-batches send, and how far their gradient is off.

    quiet: what is inside no_sync for the first three: "nothing", "backward", "both".
    """
    model, sizes, whole = wrap(network()), [], slice(0, 256)
    model.register_comm_hook(sizes, count)
    for step in range(4):
        mine = slice(64 * step + dist.get_rank(), 64 * step + 64, dist.get_world_size())
        silent = quiet != "nothing" and step < 3
        with model.no_sync() if silent and quiet == "both" else nullcontext():
            loss = cross_entropy(model(images[mine]), labels[mine]) / 4
            with model.no_sync() if silent else nullcontext():
                loss.backward()
    gradient = flat(weight.grad for weight in model.parameters())
    error = (gradient - big_batch(images[whole], labels[whole])).abs().max()
    return {"sizes": sizes, "error": error.item()}


def accumulated_step(model, optimiser, micro_batches):
    """Make one step from micro-batches of equally many rows, with one all-reduce."""
    optimiser.zero_grad()
    for images, labels in micro_batches[:-1]:
        with model.no_sync():  # around the forward pass, too
            (cross_entropy(model(images), labels) / len(micro_batches)).backward()
    images, labels = micro_batches[-1]
    (cross_entropy(model(images), labels) / len(micro_batches)).backward()  # averages
    optimiser.step()


def measure_step(images, labels, rate=0.3):
    """Return what such a step sends, and how far its weights are off."""
    model, sizes = wrap(network()), []
    before = flat(model.parameters())
    model.register_comm_hook(sizes, count)
    rank, size = dist.get_rank(), dist.get_world_size()
    shares = [slice(64 * step + rank, 64 * step + 64, size) for step in range(4)]
    accumulated_step(
        model,
        torch.optim.SGD(model.parameters(), lr=rate),
        [(images[mine], labels[mine]) for mine in shares],
    )
    expected = before - rate * big_batch(images[:256], labels[:256])
    error = (flat(model.parameters()) - expected).abs().max()
    return {"sizes": sizes, "error": error.item()}


def buckets(images, labels, cap):
    """Make three steps with a deeper network, whose buckets have this limit.

    Returns for each step the bytes of each bucket, and how many buckets had left when
    the backward pass came to the first layer, which is its last one.
    """
    hidden = [part for _ in range(3) for part in (nn.Linear(64, 64), nn.ReLU())]
    layers = nn.Sequential(nn.Linear(49, 64), nn.ReLU(), *hidden, nn.Linear(64, 10))
    model, steps, early = wrap(layers, bucket_cap_mb=cap), [], []
    layers[0].weight.register_hook(lambda _: early.append(len(steps[-1])))
    for _ in range(3):
        steps.append([])
        if len(steps) == 1:
            model.register_comm_hook(None, lambda _, bucket: count(steps[-1], bucket))
        cross_entropy(model(images[:64]), labels[:64]).backward()
    return {"steps": steps, "early": early}


def compress(images, labels, rank_of_matrices):
    """Train with each hook; return the losses, and the bytes of all all-reduces."""
    group, runs = dist.group.WORLD, {}
    hooks = {"none": (group, default_hooks.allreduce_hook),
             "fp16": (group, default_hooks.fp16_compress_hook)}  # fmt: skip
    for r in rank_of_matrices:
        state = power_sgd.PowerSGDState(group, r, start_powerSGD_iter=2)
        hooks[f"PowerSGD, rank {r}"] = (state, power_sgd.powerSGD_hook)
    for name, hook in hooks.items():
        with traffic() as sizes:
            losses = train(images, labels, hook)
        runs[name] = {"losses": losses, "sizes": list(sizes)}
    return runs


def main(file, result):
    """Run all cases; let the first rank write what all ranks returned."""
    dist.init_process_group(BACKENDS)  # address, rank and size: from torchrun
    rows = [tensor.to(DEVICE) for tensor in pictures(file)]
    own = {"splits": splits(*rows), "compress": compress(*rows, (1, 2))}
    own["accumulate"] = {
        q: accumulate(*rows, q) for q in ("nothing", "backward", "both")
    }
    own["accumulated step"] = measure_step(*rows)
    own["buckets"] = {
        str(cap): buckets(*rows, cap) for cap in (None, 1 / 32, 1 / 1024)
    }
    on_processor = pictures(file), pictures(file, "test")
    own |= ddp_failures.run(*on_processor) | uneven_ddp.run(*on_processor)
    of_ranks = [None] * dist.get_world_size()
    dist.all_gather_object(of_ranks, own)
    if dist.get_rank() == 0:
        cases = {case: [results[case] for results in of_ranks] for case in own}
        with open(result, "w") as opened:
            json.dump(cases, opened)
    leave()


if __name__ == "__main__":
    main(*sys.argv[1:])
