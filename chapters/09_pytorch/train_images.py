"""Train a small convolutional network on pictures that Spark has prepared (9.5).

    torchrun --nproc-per-node 2 train_images.py FOLDER MEAN STD

FOLDER has the Parquet folders part=train, part=validation and part=test; MEAN and STD
are those of the training pixels, as shares of 255. The first rank logs to the run of
MLflow that MLFLOW_TRACKING_URI and MLFLOW_RUN_ID name, and writes FOLDER/result.pt.
"""

import os
import sys
import time
from datetime import timedelta
from pathlib import Path

import mlflow
import numpy as np
import torch
import torch.distributed as dist
from device import choose_device
from image_loader import equal_steps, loader
from image_network import network
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel

BATCH, EPOCHS, LOG_EVERY = 100, 4, 5  # pictures per rank, passes, steps
DEVICE, BACKEND = choose_device(int(os.environ.get("LOCAL_RANK", "0")))


def step(model, batch, optimiser):
    """Make one step; return the loss of this rank's batch, a tensor."""
    scores = model(batch["image"].to(DEVICE))
    loss = cross_entropy(scores, batch["label"].long().to(DEVICE))
    optimiser.zero_grad()
    loss.backward()  # averages the gradients over the ranks
    optimiser.step()
    return loss.detach()


def train(layers, folder, log):
    """Train; return the steps of each epoch, and test scores before share_buffers.

    log: a function of name, value, step.
    """
    model = DistributedDataParallel(layers)
    optimiser = torch.optim.Adam(layers.parameters(), lr=0.005)
    ranks, steps, losses = dist.get_world_size(), [], []
    for epoch in range(EPOCHS):
        layers.train()
        batches = loader(
            folder / "part=train", dist.get_rank(), ranks, BATCH, True, epoch + 1
        )
        first = len(losses)
        for batch in equal_steps(batches, BATCH, DEVICE):
            losses.append(step(model, batch, optimiser))
            if len(losses) % LOG_EVERY == 0:
                mean = torch.stack(losses[-LOG_EVERY:]).mean() / ranks
                dist.all_reduce(mean)  # of both ranks' batches
                log("loss", mean.item(), len(losses))
        steps.append(len(losses) - first)
        if epoch == EPOCHS - 1:
            as_trained = score(layers, folder / "part=test")
        share_buffers(layers)
        _, labels, scores, _ = score(layers, folder / "part=validation")
        log("accuracy", (scores.argmax(1) == labels).float().mean().item(), len(losses))
    return steps, as_trained


def share_buffers(layers):
    """Give all ranks the buffers of rank 0: the running means of BatchNorm."""
    for buffer in layers.buffers():
        dist.broadcast(buffer, 0)


def score(layers, folder):
    """Return ids, labels, scores and ranks of all rows; each rank scores its share.

    No collective depends on the sizes of the shares: lists are gathered at the end.
    """
    layers.eval()
    rank, ranks, parts = dist.get_rank(), dist.get_world_size(), []
    with torch.no_grad():
        for batch in loader(folder, rank, ranks, BATCH):
            scores = layers(batch["image"].to(DEVICE)).cpu()
            ranks_of = torch.full_like(batch["label"], rank)
            parts.append((batch["id"], batch["label"], scores, ranks_of))
    shares = [None] * ranks
    dist.all_gather_object(shares, parts)
    columns = zip(*(part for share in shares for part in share), strict=True)
    return [torch.cat(column) for column in columns]


def as_many_as_there_are(layers, folder):
    """The trap: make as many steps as this rank has batches. Return what happens."""
    group = dist.new_group(backend="gloo", timeout=timedelta(seconds=10))
    model = DistributedDataParallel(layers.cpu(), process_group=group)
    found, steps, began = {"error": "none", "message": ""}, 0, time.monotonic()
    try:
        for batch in loader(folder, dist.get_rank(), dist.get_world_size(), BATCH):
            cross_entropy(model(batch["image"]), batch["label"].long()).backward()
            steps, began = steps + 1, time.monotonic()
        dist.barrier(group)
    except RuntimeError as raised:
        found = {"error": type(raised).__name__, "message": str(raised).splitlines()[0]}
    return found | {"steps": steps, "waited": time.monotonic() - began}


def log_model(layers):
    """Log the trained network to this run; return the address of the model."""
    return mlflow.pytorch.log_model(
        layers.cpu().eval(), name="clothes", pip_requirements=["torch"],
        input_example=np.zeros((2, 1, 28, 28), np.uint8),  # two: see the lesson
    ).model_uri  # fmt: skip


def main(folder, mean, std):
    """Train, score the test pictures, log from the first rank; then show the trap."""
    dist.init_process_group(BACKEND)  # address, rank and size: from torchrun
    folder, first = Path(folder), dist.get_rank() == 0
    if first:
        mlflow.start_run()  # the one that the environment names
        mlflow.log_params({"batch per rank": BATCH, "ranks": dist.get_world_size(),
                           "epochs": EPOCHS, "mean": mean, "std": std})  # fmt: skip
    layers = network(float(mean), float(std)).to(DEVICE)
    torch.manual_seed(dist.get_rank())  # each rank augments with its own numbers
    log = mlflow.log_metric if first else (lambda *_: None)
    result = dict(zip(("steps", "as trained"), train(layers, folder, log), strict=True))
    result["test"] = score(layers, folder / "part=test")
    if first:
        result["model"] = log_model(layers)
        mlflow.end_run()
    dist.barrier()
    trap = [None] * dist.get_world_size()
    dist.all_gather_object(trap, as_many_as_there_are(layers, folder / "part=train"))
    if first:
        torch.save(result | {"trap": trap}, folder / "result.pt")
    dist.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
