"""Train one small network split in several ways, and save a sharded checkpoint.

    torchrun --nproc-per-node 2 model_parallel.py FOLDER
    torchrun --nproc-per-node 3 model_parallel.py FOLDER resume

The first start runs every split; it leaves FOLDER/run_all.json (one entry per rank),
run_all.pt (whole tensors) and checkpoint. The second goes on and leaves resume.*.
"""

import json
import sys
from datetime import timedelta
from pathlib import Path

import sharding_facts
import torch
import torch.distributed as dist
from small_network import BACKEND, DEVICE, RATE, Traffic, batch, held, train, whole
from splits import (
    Pipeline,
    data_parallel,
    fully_sharded,
    one_unit,
    restore,
    save,
    tensor_parallel,
)
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.pipelining import Schedule1F1B, ScheduleGPipe
from torch.nn.functional import cross_entropy

BEFORE, AFTER = range(10), range(10, 20)  # steps before and after the checkpoint
BATCHES = (96, 384)  # rows per step for which the bytes are counted


def one_step(layers, rank, size, rows):
    """Make both passes; return the outputs, the calls of each, and unknown calls."""
    images, labels = batch(0, rank, size, rows)
    with Traffic() as forward:
        outputs = layers(images)
    with Traffic() as backward:
        cross_entropy(outputs, labels).backward()
    calls = {"forward": forward.calls, "backward": backward.calls}
    return whole(outputs), calls, forward.other | backward.other


def module_split(make, mesh, shared_batch):
    """Run a network that make(mesh) splits; return it, its optimiser, facts, tensors.

    shared_batch: whether all ranks compute on the same rows, and not on a share each.
    """
    rank, size = (0, 1) if shared_batch else (mesh.get_rank(), mesh.size())
    layers, calls, other = make(mesh), {}, set()
    for rows in BATCHES[::-1]:  # the smaller one last: its gradient is compared
        layers.zero_grad()
        outputs, calls[rows], unknown = one_step(layers, rank, size, rows)
        other |= unknown
    tensors = {"outputs": outputs}
    named = list(getattr(layers, "module", layers).named_parameters())
    tensors["gradient"] = {name: whole(p.grad) for name, p in named}
    optimiser = torch.optim.Adam(layers.parameters(), lr=RATE)
    train(layers, optimiser, BEFORE, rank, size)
    tensors["weights"] = {name: whole(p) for name, p in named}
    facts = {"calls": calls, "other": sorted(other), "held": held(layers, optimiser)}
    return layers, optimiser, facts, tensors


def pipeline(rank, schedule):
    """Run the network in two stages; return facts and tensors as module_split does."""
    calls, other = {}, set()
    for rows in BATCHES[::-1]:
        pipe = Pipeline(rank, schedule)  # a stage keeps the shape of its first batch
        pipe.run(0, rows)  # the first run asks for the shapes, with messages of its own
        pipe.half.zero_grad()
        pipe.log.clear()
        with Traffic() as traffic:
            outputs = pipe.run(0, rows)
        calls[rows] = {"both": traffic.calls}
        other |= traffic.other
    orders = {4: " ".join(pipe.log)}
    last = [whole(outputs) if rank else None]
    dist.broadcast_object_list(last, src=1)  # the last stage has the outputs
    tensors = {"outputs": last[0], "gradient": pipe.collect(lambda p: p.grad)}
    optimiser = pipe.train(BEFORE)
    tensors["weights"] = pipe.collect(lambda p: p.detach())
    eight = Pipeline(rank, schedule, micro_batches=8)
    eight.run(0)
    orders[8] = " ".join(eight.log)
    facts = {"calls": calls, "other": sorted(other), "orders": orders}
    return facts | {"held": held(pipe.half, optimiser)}, tensors


def accumulate(rank, scale_grads):
    """Return the gradients that three batches leave when they are accumulated."""
    pipe = Pipeline(rank, ScheduleGPipe, scale_grads=scale_grads)
    for step in range(3):
        pipe.run(step)  # no zero_grad between the batches
    return pipe.collect(lambda p: p.grad)


def run_all(mesh, folder):
    """Run every split and every failure; return facts and tensors."""
    rank, facts, tensors = mesh.get_rank(), {}, {}
    for experiment in ("pieces", "changes", "layout", "lopsided"):
        facts[experiment] = getattr(sharding_facts, experiment)(mesh)
    for name, make in (("data", data_parallel), ("tensor", tensor_parallel)):
        *_, facts[name], tensors[name] = module_split(make, mesh, name == "tensor")
    facts["GPipe"], tensors["GPipe"] = pipeline(rank, ScheduleGPipe)
    facts["1F1B"], tensors["1F1B"] = pipeline(rank, Schedule1F1B)
    for scale in (True, False):
        tensors[f"accumulated, scale_grads={scale}"] = accumulate(rank, scale)
    results = module_split(fully_sharded, mesh, False)
    layers, optimiser, facts["FSDP"], tensors["FSDP"] = results
    save(layers, optimiser, folder / "checkpoint")
    for name, unit in (("per block", layers), ("one unit", one_unit(mesh))):
        facts[f"gathered, {name}"] = sharding_facts.gathered(unit)
    for failure in ("optimiser_first", "alone_in_a_collective"):
        facts[failure] = getattr(sharding_facts, failure)(mesh)
    return facts, tensors


def resume(mesh, folder):
    """Go on from the checkpoint with this number of ranks; return facts and tensors."""
    layers = fully_sharded(mesh)
    optimiser = torch.optim.Adam(layers.parameters(), lr=RATE)
    restore(layers, optimiser, folder / "checkpoint")
    loaded = {name: whole(p) for name, p in layers.named_parameters()}
    train(layers, optimiser, AFTER, mesh.get_rank(), mesh.size())
    after = {name: whole(p) for name, p in layers.named_parameters()}
    return {"held": held(layers, optimiser)}, {"loaded": loaded, "weights": after}


def main(folder, job="run_all"):
    """Join the group, do the job, and let rank 0 write what all ranks found."""
    dist.init_process_group(BACKEND, timeout=timedelta(seconds=120))
    mesh = init_device_mesh(DEVICE.type, (dist.get_world_size(),))
    facts, tensors = {"run_all": run_all, "resume": resume}[job](mesh, Path(folder))
    of_ranks = [None] * mesh.size()
    dist.all_gather_object(of_ranks, facts)
    if mesh.get_rank() == 0:
        Path(folder, f"{job}.json").write_text(json.dumps(of_ranks))
        torch.save(tensors, Path(folder, f"{job}.pt"))
    # Nobody leaves while another still talks (7.4).
    dist.monitored_barrier() if BACKEND == "gloo" else dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
