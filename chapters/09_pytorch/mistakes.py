"""Mistakes with collectives; torchrun starts four ranks.

    torchrun --standalone --nproc-per-node 4 mistakes.py FOLDER

Some of them end the process that makes them, so each is made in a child process
with a process group of its own, which has a short timeout. Each rank writes what
became of its children to FOLDER/RANK.json.
"""

import json
import multiprocessing
import os
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist

RANK, SIZE = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
TIMEOUT = timedelta(seconds=2)  # of a call; PyTorch's default for gloo is 30 minutes


def vector(value, length=2, dtype=torch.float32):
    return torch.full((length,), value, dtype=dtype)


def other_collective():
    x, y = vector(1), vector(2)
    calls = [lambda: dist.all_reduce(x), lambda: dist.broadcast(y, src=0)]
    for call in reversed(calls) if RANK == 3 else calls:
        call()
    return x.tolist(), y.tolist()


def other_order():
    loss, rows = vector(0.5, 1), vector(100.0, 1)
    for x in [rows, loss] if RANK == 3 else [loss, rows]:
        dist.all_reduce(x)
    return {"loss": loss.item(), "rows": rows.item()}


def other_type():
    x = vector(1, dtype=torch.int32 if RANK == 3 else torch.float32)
    dist.all_reduce(x)
    return x.tolist()


def other_shape():
    x = torch.arange(4.0).reshape((4, 1) if RANK == 3 else (2, 2))
    dist.all_reduce(x)
    return x.tolist()


def other_length():
    x = vector(1, 12 if RANK == 3 else 8)
    dist.all_reduce(x)
    return x.tolist()


def other_operator():
    x = vector(RANK + 1, 4)
    dist.all_reduce(x, op=dist.ReduceOp.MAX if RANK == 3 else dist.ReduceOp.SUM)
    return x.tolist()


def skipped():
    x = vector(1)
    if RANK != 3:
        dist.all_reduce(x)
    return x.tolist()


def both_send_first():
    x, y = vector(RANK, 1), vector(-1, 1)
    if RANK < 2:
        dist.send(x, 1 - RANK)
        dist.recv(y, 1 - RANK)
    return y.tolist()


def dead_rank():
    if RANK == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    x = vector(1)
    dist.all_reduce(x)
    return x.tolist()


CASES = (other_collective, other_order, other_type, other_shape, other_length,
         other_operator, skipped, both_send_first, dead_rank)  # fmt: skip


def child(case, detail, pipe):
    """Make one mistake in a new process group, and report how it ended."""
    if detail:  # what TORCH_DISTRIBUTED_DEBUG=DETAIL does, for this process
        dist.set_debug_level(dist.DebugLevel.DETAIL)
    store = dist.PrefixStore(f"{case.__name__} {detail}", new_store())
    # Messages and DETAIL's second group keep the timeout with which they were made.
    early = case is both_send_first or (detail and case is skipped)
    timeout = 2 * TIMEOUT if early else timedelta(minutes=5)
    dist.init_process_group(
        "gloo", timeout=timeout, store=store, rank=RANK, world_size=SIZE
    )
    meet(store, "connected")  # or a rank dies while others still connect to it
    if not detail:
        dist.distributed_c10d._set_pg_timeout(TIMEOUT)
    begin = time.perf_counter()
    try:
        report = {"result": case()}
    except RuntimeError as error:
        report = {"error": str(error)}
    pipe.send(report | {"seconds": time.perf_counter() - begin})
    pipe.recv()  # stay, because leaving would close the connections of the others


def new_store():
    """Return a client of the store that torchrun started."""
    return dist.TCPStore(os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]),
                         is_master=False, timeout=timedelta(minutes=5))  # fmt: skip


def meet(store, place):
    """Wait until all ranks have come here."""
    if store.add(place, 1) == SIZE:
        store.set(f"all at {place}", "yes")
    store.wait([f"all at {place}"])


def outcome(case, detail, fork, store):
    """Return what became of this rank's child, once all ranks know that of theirs."""
    mine, childs = fork.Pipe()
    process = fork.Process(target=child, args=(case, detail, childs))
    process.start()
    childs.close()
    try:
        report = mine.recv() if mine.poll(120) else {"error": "hangs"}
    except EOFError:  # it has ended without a report
        process.join()
        code = process.exitcode
        report = {"error": f"exit code {code}"}
        if code < 0:
            report = {"signal": signal.Signals(-code).name}
    meet(store, f"done: {case.__name__} {detail}")
    process.kill()  # a process group of a failed job is not worth a clean-up
    process.join()
    return report


def main(folder):
    """Make each mistake, without and with DETAIL."""
    fork, store, results = multiprocessing.get_context("fork"), new_store(), {}
    for case in CASES:
        once = case in (both_send_first, dead_rank)  # nothing for DETAIL to compare
        for detail in (False,) if once else (False, True):
            results[f"{case.__name__} {detail}"] = outcome(case, detail, fork, store)
    Path(folder, f"{RANK}.json").write_text(json.dumps(results))


if __name__ == "__main__":
    main(sys.argv[1])
