"""Point-to-point messages, groups, objects and refusals; collectives.py calls them."""

import os

import torch
import torch.distributed as dist
from device import choose_device

DEVICE, BACKEND = choose_device(int(os.environ["LOCAL_RANK"]))
RANK, SIZE = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])


def numbers(count=4):
    """Return 10 * rank + position, so that each number tells where it came from."""
    return 10.0 * RANK + torch.arange(count, dtype=torch.float32, device=DEVICE)


def blocking():
    x = numbers(1)
    if RANK == 0:
        dist.send(x, dst=3)
    elif RANK == 3:
        dist.recv(x, src=0)
    return x


def shifted():
    x, out = numbers(1), torch.empty(1, device=DEVICE)
    receiving = dist.irecv(out, src=(RANK - 1) % SIZE)
    sending = dist.isend(x, dst=(RANK + 1) % SIZE)
    receiving.wait()  # only now may `out` be read
    sending.wait()  # only now may `x` be changed
    return out


def both_neighbours():
    x, left, right = numbers(1), numbers(1), numbers(1)
    before, after = (RANK - 1) % SIZE, (RANK + 1) % SIZE
    works = dist.batch_isend_irecv(
        [
            dist.P2POp(dist.isend, x, after),
            dist.P2POp(dist.irecv, left, before),
            dist.P2POp(dist.isend, x, before),
            dist.P2POp(dist.irecv, right, after),
        ]
    )
    for work in works:
        work.wait()
    return torch.cat([left, right])


def in_groups():
    even, odd = dist.new_group([0, 2]), dist.new_group([1, 3])  # every rank makes both
    group = odd if RANK % 2 else even
    x = numbers(1)
    dist.all_reduce(x, group=group)
    return {
        "rank in its group": dist.get_rank(group),
        "sum": x.item(),
        "rank in the other": dist.get_rank(even if RANK % 2 else odd),
    }


def objects():
    everybody, letter = [None] * SIZE, [{"seed": 42} if RANK == 0 else None]
    dist.all_gather_object(everybody, {"rank": RANK, "rows": 100 + RANK})
    dist.broadcast_object_list(letter, src=0)
    return everybody, letter[0]


def barrier(store):
    store.add("arrived", 1)
    dist.barrier()
    return store.add("arrived", 0)


def unfinished(store):
    """Start an all-reduce that cannot end before rank 0 has looked at it."""
    x = numbers()
    if RANK == 3:
        store.wait(["rank 0 has looked"])
    work = dist.all_reduce(x, async_op=True)
    before = work.is_completed()
    if RANK == 0:
        store.set("rank 0 has looked", "yes")
    work.wait()
    return before, work.is_completed(), x.tolist()


def refused():
    """Return the errors of some calls, and what AVG left of its integers."""
    scaled = dist._make_nccl_premul_sum(0.5)  # only a private function makes it
    x, eight_bits, op = numbers(), torch.float8_e4m3fn, dist.ReduceOp
    integers = x.long()
    calls = {
        "all_reduce of int16": lambda: dist.all_reduce(x.short()),
        "broadcast of float8": lambda: dist.broadcast(x.to(eight_bits), 0),
        "all_reduce, BAND, of float32": lambda: dist.all_reduce(x, op.BAND),
        "all_reduce, AVG, of int64": lambda: dist.all_reduce(integers, op.AVG),
        "all_reduce, PREMUL_SUM": lambda: dist.all_reduce(x, scaled),
        "send to itself": lambda: dist.send(x, RANK),
    }
    answers = {}
    for name, call in calls.items():
        try:
            call()
            answers[name] = "accepted"
        except (RuntimeError, ValueError) as error:
            answers[name] = f"{type(error).__name__}: {error}"
    return answers, integers.tolist()
