"""Parquet files as batches: sharded, shuffled and resumable; 06_end_to_end.ipynb."""

from functools import lru_cache

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

COLUMNS = ["features", "label", "row"]


@lru_cache(maxsize=1)
def decode(file, group):
    """Return a row group as an Arrow record batch, decoded in the calling thread."""
    with pq.ParquetFile(file) as opened:
        table = opened.read_row_group(group, columns=COLUMNS, use_threads=False)
    return table.combine_chunks().to_batches()[0]


def tensors(batch):
    """Return a record batch's columns as tensors; refuse nulls and ragged lists."""
    lists, *rest = (batch.column(name) for name in COLUMNS)
    flat = lists.flatten()
    if len(pc.list_value_length(lists).unique()) > 1:
        raise ValueError("lists of different lengths")
    if any(column.null_count for column in (lists, flat, *rest)):
        raise ValueError("nulls: fill them in Spark")
    arrays = [flat.to_numpy().reshape(len(batch), -1)]
    arrays += [column.to_numpy() for column in rest]
    return [torch.tensor(array) for array in arrays]


class ParquetShards(IterableDataset):
    """One rank's share of the rows of Parquet files, as batches of tensors.

    files: paths, the same list in every rank; batch: rows in a batch;
    window: rows that are shuffled together, a multiple of batch;
    rank, ranks: number of this process, and of all; workers: DataLoader's, per rank.
    """

    def __init__(self, files, batch, window, rank=0, ranks=1, workers=0, seed=0):
        """Read the footers of the files, nothing else; refuse sizes that do not fit."""
        footers = [(file, pq.read_metadata(file)) for file in files]
        self.groups = [
            (file, group, footer.row_group(group).num_rows)
            for file, footer in footers
            for group in range(footer.num_row_groups)
        ]
        self.rows = sum(rows for _, _, rows in self.groups)
        self.batch, self.window, self.seed = batch, window, seed
        self.rank, self.ranks, self.workers = rank, ranks, workers
        self.epoch = self.used = 0  # used: batches of this epoch that were trained on
        if window % batch:
            raise ValueError(f"window {window} is not a multiple of batch {batch}")
        if self.rows < ranks * max(workers, 1) * batch:
            raise ValueError(f"{self.rows} rows are not a batch for each reader")

    def share(self):
        """Return (first, stop) of the rows of each reader, in the epoch's order."""
        readers = self.ranks * max(self.workers, 1)
        size = self.rows // readers // self.batch * self.batch  # full batches only
        return [(reader * size, (reader + 1) * size) for reader in range(readers)]

    def pieces(self, first, stop):
        """Return these rows of the epoch's order as (file, group, first, stop)."""
        random = np.random.default_rng([self.seed, self.epoch])
        found, offset = [], 0
        for i in random.permutation(len(self.groups)):
            file, group, rows = self.groups[i]
            begin, end = max(first - offset, 0), min(stop - offset, rows)
            if begin < end:
                found.append((file, group, begin, end))
            offset += rows
        return found

    def shuffled(self, first, stop):
        """Return these rows of the epoch's order as tensors, in random order."""
        parts = [
            tensors(decode(file, group).slice(begin, end - begin))
            for file, group, begin, end in self.pieces(first, stop)
        ]
        random = np.random.default_rng([self.seed, self.epoch, first])
        order = torch.from_numpy(random.permutation(stop - first))
        return [torch.cat(column)[order] for column in zip(*parts, strict=True)]

    def __iter__(self):
        """Yield what is left of the epoch for this rank and this DataLoader worker."""
        info, workers = get_worker_info(), max(self.workers, 1)
        if (info.num_workers if info else 0) != self.workers:
            raise ValueError(f"to be read by {self.workers} workers: use batches()")
        # The DataLoader asks its workers in turn, and begins with number 0. After
        # `used` batches it is the turn of the one that was number used % workers.
        worker = ((info.id if info else 0) + self.used) % workers
        done = (self.used - worker + workers - 1) // workers * self.batch  # rows
        begin, end = self.share()[self.rank * workers + worker]
        for first in range(begin, end, self.window):
            stop = min(first + self.window, end)
            skip = max(begin + done - first, 0)
            if first + skip < stop:  # else all of the window was used: do not read it
                columns = (
                    c[skip:].split(self.batch) for c in self.shuffled(first, stop)
                )
                yield from zip(*columns, strict=True)

    def batches(self):
        """Yield the rest of the epoch, read by the workers; then begin the next one."""
        for batch in DataLoader(self, batch_size=None, num_workers=self.workers):
            self.used += 1  # counted where it is used, not where it is read
            yield batch
        self.epoch, self.used = self.epoch + 1, 0

    def state_dict(self):
        """Return the place in the data, for a checkpoint."""
        shards = [self.ranks, self.workers, self.batch, self.window]
        return {"epoch": self.epoch, "used": self.used, "shards": shards}

    def load_state_dict(self, state):
        """Go on where `state` was saved; in mid-epoch only with the same division."""
        if state["used"] and state["shards"] != self.state_dict()["shards"]:
            raise ValueError(f"saved with other shards: {state['shards']}")
        self.epoch, self.used = state["epoch"], state["used"]
