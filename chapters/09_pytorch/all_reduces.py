"""Three all-reduces built by hand from point-to-point messages, with their counts.

Each takes a vector whose length the number of ranks divides, sums it over all ranks
in place, and counts what this rank sends: `sent_bytes` has one number per message.
The tree wants a number of ranks that is a power of two.
"""

import torch
import torch.distributed as dist

sent_bytes = []


def send(tensor, to):
    """Send to a rank and wait until the tensor may be changed again; count it."""
    sent_bytes.append(tensor.nbytes)
    dist.send(tensor, to)


def ring(vector):
    """Reduce-scatter, then all-gather: in each round one piece to the right."""
    rank, n = dist.get_rank(), dist.get_world_size()
    right, left = (rank + 1) % n, (rank - 1) % n
    pieces = list(vector.chunk(n))  # views: what is written to them is in the vector
    incoming = torch.empty_like(pieces[0])
    for step in range(2 * (n - 1)):
        out, into = pieces[(rank - step) % n], pieces[(rank - step - 1) % n]
        sent_bytes.append(out.nbytes)
        works = [dist.irecv(incoming, left), dist.isend(out, right)]
        for work in works:
            work.wait()
        if step < n - 1:
            into += incoming  # first half: add
        else:
            into.copy_(incoming)  # second half: copy


def tree(vector):
    """Pairs add up towards rank 0, then the sum goes back the same way."""
    rank, n = dist.get_rank(), dist.get_world_size()
    incoming, distance = torch.empty_like(vector), 1
    while distance < n and rank % (2 * distance) == 0:  # up: wait for the children
        dist.recv(incoming, rank + distance)
        vector += incoming
        distance *= 2
    if rank:
        send(vector, rank - distance)
        dist.recv(vector, rank - distance)
    while distance > 1:  # down: the children in the opposite order
        distance //= 2
        send(vector, rank + distance)


def naive(vector):
    """All send to rank 0, which adds and sends the sum to each."""
    rank, n = dist.get_rank(), dist.get_world_size()
    incoming = torch.empty_like(vector)
    if rank:
        send(vector, 0)
        dist.recv(vector, 0)
        return
    for other in range(1, n):
        dist.recv(incoming, other)
        vector += incoming
    for other in range(1, n):
        send(vector, other)
