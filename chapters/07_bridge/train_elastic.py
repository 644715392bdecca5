"""Train elastically, and lose a worker on the way: 05_horovod.ipynb.

    horovodrun -np 2 --min-np 1 --host-discovery-script ./find_hosts.sh \
        python train_elastic.py FOLDER

After epoch 4 the worker with the highest rank kills itself, once. The worker with rank
0 adds a line of JSON for each epoch to FOLDER/epochs.jsonl.
"""

import json
import os
import signal
import sys
from pathlib import Path

import horovod.torch as hvd
import torch

EPOCHS, BATCHES, DIES_AFTER = 12, 20, 4

folder = Path(sys.argv[1])
hvd.init()
torch.manual_seed(0)
truth = torch.arange(1.0, 11.0).reshape(10, 1)
model = torch.nn.Linear(10, 1)
optimiser = hvd.DistributedOptimizer(
    torch.optim.SGD(model.parameters(), lr=0.01),
    named_parameters=model.named_parameters(),
)


@hvd.elastic.run
def train(state):
    """Train from wherever `state` stands; called again after each change of workers."""
    while state.epoch < EPOCHS:
        generator = torch.Generator().manual_seed(100 * state.epoch + hvd.rank())
        for _ in range(BATCHES):
            inputs = torch.randn(32, 10, generator=generator)
            optimiser.zero_grad()
            loss = (model(inputs) - inputs @ truth).square().mean()
            loss.backward()
            optimiser.step()
        mean = hvd.allreduce(loss.detach()).item()
        if hvd.rank() == 0:
            line = {"epoch": state.epoch, "size": hvd.size(), "loss": mean}
            with open(folder / "epochs.jsonl", "a") as file:
                file.write(json.dumps(line) + "\n")
        state.epoch += 1
        state.commit()  # what survives
        last = hvd.rank() == hvd.size() - 1
        if state.epoch == DIES_AFTER + 1 and last and not (folder / "died").exists():
            (folder / "died").touch()
            os.kill(os.getpid(), signal.SIGKILL)


train(hvd.elastic.TorchState(model=model, optimizer=optimiser, epoch=0))
