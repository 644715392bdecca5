"""Read the pictures that Spark has prepared, by Petastorm; lesson 9.5."""

import warnings
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from images import decode
from petastorm import TransformSpec, make_batch_reader
from petastorm.pytorch import BatchedDataLoader
from torchvision.transforms import v2

AUGMENT = v2.Compose([v2.RandomCrop(28, padding=2), v2.RandomHorizontalFlip()])
# Petastorm uses interfaces that pyarrow 14 has and deprecates.
warnings.filterwarnings("ignore", category=FutureWarning, module="petastorm")
# Tensors over Arrow's memory must not be written to; we only read them.
warnings.filterwarnings("ignore", message="The given NumPy array is not writable")


def decoder(augment):
    """Return the TransformSpec that makes a column "image" of the column "png"."""

    def rows(frame):
        images = [torch.from_numpy(decode(png)) for png in frame["png"]]
        if augment:  # each picture by itself: it draws its own random numbers
            images = [AUGMENT(image) for image in images]
        return frame.drop(columns="png").assign(
            image=[i.contiguous().numpy() for i in images]
        )

    field = ("image", np.uint8, (1, 28, 28), False)
    return TransformSpec(rows, edit_fields=[field], removed_fields=["png"])


def loader(folder, rank, ranks, size, augment=False, seed=1):
    """Return a loader of one pass over this rank's share of a Parquet folder."""
    reader = make_batch_reader(
        f"file://{Path(folder).absolute()}", schema_fields=["id", "label", "png"],
        transform_spec=decoder(augment), num_epochs=1, reader_pool_type="dummy",
        cur_shard=rank, shard_count=ranks, seed=seed,
    )  # fmt: skip
    queue = 2000 if augment else 0  # rows that it holds to shuffle them
    return BatchedDataLoader(reader, size, shuffling_queue_capacity=queue)


def equal_steps(batches, size, device):
    """Yield batches of this size; all ranks stop when one of them has none left."""
    batches = iter(batches)
    while True:
        batch = next(batches, None)
        full = batch is not None and len(batch["label"]) == size
        everybody = torch.tensor(int(full), device=device)
        dist.all_reduce(everybody, op=dist.ReduceOp.MIN)
        if not everybody:
            return
        yield batch
