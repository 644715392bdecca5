"""Train elastically, and lose a worker on the way: 05_horovod.ipynb.

    horovodrun -np 2 --min-np 1 --host-discovery-script ./find_hosts.sh \
        python train_elastic.py FOLDER

In the middle of epoch 5 the worker with the highest rank kills itself, once. Rank 0
writes a line of JSON to FOLDER/log.jsonl when it begins an epoch and when it has
finished one.
"""

import json
import os
import signal
import sys
from pathlib import Path

import horovod.torch as hvd
import torch

EPOCHS, BATCHES, DIES_IN = 12, 20, 5

folder = Path(sys.argv[1])
hvd.init()
torch.manual_seed(0)
truth = torch.arange(1.0, 11.0).reshape(10, 1)
model = torch.nn.Linear(10, 1)
optimiser = hvd.DistributedOptimizer(
    torch.optim.SGD(model.parameters(), lr=0.01),
    named_parameters=model.named_parameters(),
)


def log(**line):
    """Add a line to the log; only rank 0 does."""
    if hvd.rank() == 0:
        with open(folder / "log.jsonl", "a") as file:
            file.write(json.dumps(line) + "\n")


def die_once():
    """Kill this process if it has the highest rank and none has died yet."""
    if hvd.rank() == hvd.size() - 1 and not (folder / "died").exists():
        (folder / "died").touch()
        os.kill(os.getpid(), signal.SIGKILL)


@hvd.elastic.run
def train(state):
    """Train from wherever `state` stands; called again after each change of workers."""
    while state.epoch < EPOCHS:
        log(begins=state.epoch, size=hvd.size(), weights=model.weight[0].tolist())
        generator = torch.Generator().manual_seed(100 * state.epoch + hvd.rank())
        for batch in range(BATCHES):
            if state.epoch == DIES_IN and batch == BATCHES // 2:
                die_once()
            inputs = torch.randn(32, 10, generator=generator)
            optimiser.zero_grad()
            loss = (model(inputs) - inputs @ truth).square().mean()
            loss.backward()
            optimiser.step()
        mean = hvd.allreduce(loss.detach()).item()
        log(epoch=state.epoch, size=hvd.size(), loss=mean)
        state.epoch += 1
        state.commit()  # a failure later on takes us back to here


train(hvd.elastic.TorchState(model=model, optimizer=optimiser, epoch=0))
