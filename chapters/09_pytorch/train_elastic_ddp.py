"""Data-parallel training that survives a kill; lesson 9.3 starts it under torchrun.

    torchrun --nproc-per-node 2 --max-restarts 1 train_elastic_ddp.py \
        FASHION.parquet FOLDER [DIE_AT ...]

It goes on from FOLDER/checkpoint.pt if that is there, and writes FOLDER/final.pt at the
end. After each step DIE_AT, once, rank 1 kills itself. Each rank notes in
FOLDER/rank-N.jsonl how each life began and which rows each step trained on.
"""

import json
import os
import signal
import sys
from pathlib import Path

import torch
import torch.distributed as dist
from small_fashion import BACKEND, DEVICE, leave, network, pictures
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DistributedSampler, TensorDataset
from torchdata.stateful_dataloader import StatefulDataLoader

EPOCHS, BATCH, SAVE_EVERY = 2, 250, 5  # rows per rank; steps


def save(state, path):
    """Write the state; a kill leaves the old file at path or the new, never a part."""
    torch.save(state, path.with_suffix(".partial"))
    os.replace(path.with_suffix(".partial"), path)


def state_of(layers, optimiser, loader, epoch, step):
    """Return the whole state on rank 0, None on the others; all ranks must call it."""
    first = dist.get_rank() == 0
    places = [None] * dist.get_world_size() if first else None
    dist.gather_object(loader.state_dict(), places)  # each rank has its own place
    if not first:
        return None
    return {"weights": layers.state_dict(), "loaders": places,
            "optimiser": optimiser.state_dict(), "epoch": epoch,
            "step": step}  # fmt: skip


def restore(path, layers, optimiser, loader):
    """Load the checkpoint if there is one; return the epoch and the steps made."""
    if not path.exists():
        return 0, 0
    state = torch.load(path, map_location=DEVICE, weights_only=True)
    layers.load_state_dict(state["weights"])
    optimiser.load_state_dict(state["optimiser"])
    loader.load_state_dict(state["loaders"][dist.get_rank()])
    return state["epoch"], state["step"]


def die(folder, step, steps_to_die):
    """Kill rank 1 at the given steps, but at each of them only once."""
    mark = folder / f"died-{step}"
    if str(step) in steps_to_die and not mark.exists():
        dist.barrier()  # the others have noted this step, too: the log is always equal
        if dist.get_rank() == 1:
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)


def train(file, folder, steps_to_die, note):
    """Train to the end of the last epoch; return the layers."""
    images, labels = pictures(file)
    rows = TensorDataset(torch.arange(len(images)), images, labels)
    sampler = DistributedSampler(rows)
    loader = StatefulDataLoader(rows, BATCH, sampler=sampler, num_workers=2)
    layers = network().to(DEVICE)
    optimiser = torch.optim.SGD(layers.parameters(), lr=0.1, momentum=0.9)
    first, step = restore(folder / "checkpoint.pt", layers, optimiser, loader)
    restarts = os.environ["TORCHELASTIC_RESTART_COUNT"]
    note(torchrun=os.getppid(), restarts=restarts, epoch=first, step=step)
    devices = [DEVICE.index] if DEVICE.type == "cuda" else None
    model = DistributedDataParallel(layers, device_ids=devices)
    for epoch in range(first, EPOCHS):
        sampler.set_epoch(epoch)  # not part of the loader's state
        for numbers, *batch in loader:
            batch_images, batch_labels = (part.to(DEVICE) for part in batch)
            loss = cross_entropy(model(batch_images), batch_labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            step += 1
            note(step=step, epoch=epoch, rows=numbers.tolist())
            if step % SAVE_EVERY == 0:
                state = state_of(layers, optimiser, loader, epoch, step)
                if state:
                    save(state, folder / "checkpoint.pt")
            die(folder, step, steps_to_die)
    return layers


def main(file, folder, *steps_to_die):
    """Train as one rank; the first one writes the final weights."""
    dist.init_process_group(BACKEND)
    folder, rank = Path(folder), dist.get_rank()
    with open(folder / f"rank-{rank}.jsonl", "a", buffering=1) as log:
        layers = train(
            file, folder, steps_to_die, lambda **seen: print(json.dumps(seen), file=log)
        )
    if rank == 0:
        save(layers.state_dict(), folder / "final.pt")
    leave()


if __name__ == "__main__":
    main(*sys.argv[1:])
