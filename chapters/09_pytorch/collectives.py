"""The collectives and messages of lesson 9.2, each once; torchrun starts four ranks.

    torchrun --standalone --nproc-per-node 4 collectives.py FOLDER

Each rank writes what it saw to FOLDER/RANK.json. The functions of the table take what
a rank has before the call and return what it has afterwards.
"""

import json
import os
import sys
from datetime import timedelta
from pathlib import Path

import all_reduces
import torch
import torch.distributed as dist
from messages import (
    BACKEND,
    DEVICE,
    RANK,
    SIZE,
    barrier,
    blocking,
    both_neighbours,
    in_groups,
    numbers,
    objects,
    refused,
    shifted,
    unfinished,
)

VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "GROUP_RANK",
             "MASTER_ADDR", "MASTER_PORT")  # fmt: skip


def broadcast(x):
    dist.broadcast(x, src=2)
    return x


def scatter(x):
    out = torch.empty_like(x[: len(x) // SIZE])
    dist.scatter(out, list(x.chunk(SIZE)) if RANK == 2 else None, src=2)
    return out


def gather(x):
    part = x[: len(x) // SIZE]
    outs = [torch.empty_like(part) for _ in range(SIZE)] if RANK == 2 else None
    dist.gather(part, outs, dst=2)
    return torch.cat(outs) if outs else x[:0]


def all_gather(x):
    part = x[: len(x) // SIZE]
    outs = [torch.empty_like(part) for _ in range(SIZE)]
    dist.all_gather(outs, part)
    return torch.cat(outs)


def reduce(x):
    dist.reduce(x, dst=2)
    return x


def all_reduce(x):
    dist.all_reduce(x)  # op=dist.ReduceOp.SUM
    return x


def reduce_scatter(x):
    out = torch.empty_like(x[: len(x) // SIZE])
    dist.reduce_scatter_single(out, x)
    return out


def all_to_all(x):
    out = torch.empty_like(x)
    dist.all_to_all_single(out, x)
    return out


def operators():
    results, names = {}, ["SUM", "AVG", "PRODUCT", "MIN", "MAX"]
    if BACKEND == "gloo":  # NCCL does not work on bits
        names += ["BAND", "BOR", "BXOR"]
    for name in names:
        x = torch.tensor([RANK + 1, 2 * RANK], device=DEVICE)
        x = x.double() if name == "AVG" else x  # 2.5 is no integer
        dist.all_reduce(x, op=getattr(dist.ReduceOp, name))
        results[name] = x.tolist()
    return results


def bytes_of(call, *arguments):
    """Return the bytes that this process wrote to files and sockets in a call."""
    dist.barrier()
    before = bytes_written()
    call(*arguments)
    return bytes_written() - before


def bytes_written():
    """Return what Linux counts for this process in all write calls."""
    return int(Path("/proc/self/io").read_text().split("wchar: ")[1].split()[0])


def by_hand(length=1 << 18):
    """Return what each all-reduce of all_reduces.py sends, and whether it is right."""
    results = {}
    for algorithm in (all_reduces.ring, all_reduces.tree, all_reduces.naive):
        mine, right = numbers(length) % 1000, numbers(length) % 1000
        dist.all_reduce(right)
        all_reduces.sent_bytes.clear()
        written = bytes_of(algorithm, mine)
        counted = all_reduces.sent_bytes
        results[algorithm.__name__] = {
            "messages": len(counted), "bytes": sum(counted),
            "written": written, "equal": torch.equal(mine, right)}  # fmt: skip
    return results


def main(folder, store):
    """Call everything and write this rank's results."""
    results = {"environment": {name: os.environ[name] for name in VARIABLES}}
    results["store"] = store.get("letter").decode()
    tables = (broadcast, scatter, gather, all_gather, reduce, all_reduce,
              reduce_scatter, all_to_all)  # fmt: skip
    for call in tables:
        results[call.__name__] = numbers().tolist(), call(numbers()).tolist()
    for call in (blocking, shifted, both_neighbours):
        results[call.__name__] = call().tolist()
    for call in (in_groups, objects, operators, refused, by_hand):
        results[call.__name__] = call()
    for call in (barrier, unfinished):
        results[call.__name__] = call(store)
    mebibyte = numbers(1 << 18)
    results["bytes"] = {call.__name__: bytes_of(call, mebibyte) for call in tables}
    Path(folder, f"{RANK}.json").write_text(json.dumps(results))
    dist.barrier()


if __name__ == "__main__":
    torch.set_num_threads(1)
    host, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    store = dist.TCPStore(host, port, is_master=False)
    if RANK == 0:
        store.set("letter", "from rank 0")
    dist.init_process_group(BACKEND, timeout=timedelta(minutes=5))
    main(sys.argv[1], store)
    dist.destroy_process_group()
