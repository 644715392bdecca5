"""Horovod's words and collectives; started by 05_horovod.ipynb with horovodrun.

    horovodrun -np 3 --mpi python collectives.py FOLDER

Every process writes its numbers and its results to FOLDER/RANK.json.
"""

import json
import sys

import horovod.torch as hvd
import numpy as np
import torch

even = hvd.ProcessSet([0, 2])
hvd.init(process_sets=[even])
rank, size = hvd.rank(), hvd.size()

mine = np.random.default_rng(rank).normal(size=1000)
own = torch.from_numpy(mine)
results = {
    "rank": rank, "size": size, "local_rank": hvd.local_rank(),
    "transport": "MPI" if hvd.mpi_enabled() else "Gloo",
    "sum": hvd.allreduce(own, op=hvd.Sum).tolist(),
    "average": hvd.allreduce(own).tolist(),
    "allgather": hvd.allgather(torch.full((rank + 1,), rank)).tolist(),
    "broadcast from 2": hvd.broadcast(torch.tensor(10 * rank), root_rank=2).item(),
    "sum over {0, 2}": hvd.allreduce(torch.tensor(rank), op=hvd.Sum,
                                     process_set=even).item()
    if even.included() else "not a member",
}  # fmt: skip
# A process that exits shuts Horovod down for all, and 0 and 2 may still be summing.
hvd.barrier()
with open(f"{sys.argv[1]}/{rank}.json", "w") as file:
    json.dump(results, file)
