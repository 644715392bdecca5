"""Which device a process computes on, and which backend carries its messages.

Every program of chapter 9 asks `choose_device`, so that each is written to run
unchanged on a machine with NVIDIA GPUs and on a machine without.
"""

import os

import torch
import torch.distributed


def choose_device(rank: int = 0) -> tuple[torch.device, str]:
    """Return the device of this process and the backend of its process group.

    rank: the number of the process *on its machine* (`LOCAL_RANK`, which
    torchrun sets), because each machine numbers its GPUs from 0.

    With GPUs and NCCL: GPU number `rank` and "nccl"; an error where there are
    fewer GPUs than processes. Otherwise: the processor and "gloo".
    """
    if torch.cuda.is_available() and torch.distributed.is_nccl_available():
        gpus = torch.cuda.device_count()
        processes = int(os.environ.get("LOCAL_WORLD_SIZE", rank + 1))
        if processes > gpus:
            raise RuntimeError(
                f"{processes} processes but {gpus} GPUs; NCCL wants one each"
            )
        device = torch.device("cuda", rank)
        torch.cuda.set_device(device)  # "cuda" without a number means this one
        return device, "nccl"
    return torch.device("cpu"), "gloo"
