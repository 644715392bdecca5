"""Train a network on Parquet shards, data-parallel; started by 06_end_to_end.ipynb.

    torchrun --nproc-per-node 2 train_shards.py FILES FOLDER [DIE_AT]

FILES is a folder of Parquet files. The program goes on from FOLDER/checkpoint.pt if
that is there, and writes FOLDER/final.pt when it has finished. Rank 0 adds its losses
to the run of MLflow that MLFLOW_TRACKING_URI and MLFLOW_RUN_ID name. At step DIE_AT
rank 1 kills itself.
"""

import os
import signal
import sys
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import torch
import torch.distributed as dist
from shards import ParquetShards
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy
from torch.nn.parallel import DistributedDataParallel

BATCH, WINDOW, WORKERS, EPOCHS = 1024, 32 * 1024, 2, 2
LOG_EVERY, SAVE_EVERY = 16, 32  # steps; no mean is half made when a state is saved
seconds = Counter()


@contextmanager
def clock(station):
    """Add the seconds that the block takes to seconds[station]."""
    start = time.perf_counter()
    yield
    seconds[station] += time.perf_counter() - start


def waited(batches):
    """Yield the batches, and measure how long they are waited for."""
    while True:
        with clock("waiting for batches"):
            batch = next(batches, None)
        if batch is None:
            return
        yield batch


def network():
    """Return the network: 37 features in, the log-odds of a late arrival out."""
    return nn.Sequential(
        nn.Linear(37, 64), nn.ReLU(),
        nn.Linear(64, 32), nn.ReLU(),
        nn.Linear(32, 1), nn.Flatten(0),
    )  # fmt: skip


def save(state, path):
    """Write the state; whatever happens, the file at path is the old or the new."""
    torch.save(state, path.with_suffix(".partial"))
    os.replace(path.with_suffix(".partial"), path)


def restore(path, dataset, layers, optimiser):
    """Load the checkpoint, if there is one; return the number of steps made."""
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True)
    dataset.load_state_dict(state["dataset"])
    layers.load_state_dict(state["weights"])
    optimiser.load_state_dict(state["optimiser"])
    return state["step"]


def train(dataset, layers, optimiser, step, checkpoint, log, die_at):
    """Train from this step to the end of the last epoch; return the last step.

    log: MLflow's log_metric in rank 0, which also saves the checkpoint; None in others.
    """
    model, losses = DistributedDataParallel(layers), []

    def keep():
        with clock("checkpoints"):
            save({"weights": layers.state_dict(), "optimiser": optimiser.state_dict(),
                  "dataset": dataset.state_dict(), "step": step}, checkpoint)

    while dataset.epoch < EPOCHS:
        for features, label, _ in waited(dataset.batches()):
            with clock("steps"):
                loss = cross_entropy(model(features), label)
                optimiser.zero_grad()
                loss.backward()  # averages the gradients over the ranks
                optimiser.step()
            step += 1
            losses.append(loss.item())
            if log and step % LOG_EVERY == 0:
                with clock("logging"):
                    mean = sum(losses[-LOG_EVERY:]) / LOG_EVERY
                    log("loss", mean, step=step)
            if log and step % SAVE_EVERY == 0:
                keep()
            if step == die_at and dist.get_rank() == 1:
                os.kill(os.getpid(), signal.SIGKILL)
        if log:
            keep()  # between two epochs: the number of ranks may change here
    return step


def main(files, folder, die_at=0):
    """Train this rank's share; the first rank writes the result."""
    dist.init_process_group("gloo")
    rank, folder = dist.get_rank(), Path(folder)
    files = sorted(map(str, Path(files).glob("*.parquet")))
    dataset = ParquetShards(files, BATCH, WINDOW, rank, dist.get_world_size(), WORKERS)
    torch.manual_seed(0)
    layers = network()
    optimiser = torch.optim.Adam(layers.parameters(), lr=0.005)
    checkpoint, log = folder / "checkpoint.pt", None
    first = restore(checkpoint, dataset, layers, optimiser)
    if rank == 0:
        import mlflow  # takes seconds, so only where it is used

        mlflow.start_run()  # the one that the environment names
        log = mlflow.log_metric
    last = train(dataset, layers, optimiser, first, checkpoint, log, int(die_at))
    if rank == 0:
        mlflow.end_run()
        result = {"first": first, "last": last, "seconds": dict(seconds)}
        save(result | {"weights": layers.state_dict()}, folder / "final.pt")
    dist.monitored_barrier()  # nobody leaves while another still talks (7.4)
    dist.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
