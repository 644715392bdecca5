"""Train with a parameter server and two trainers that call each other by RPC.

    torchrun --nproc-per-node 3 rpc_parameter_server.py FOLDER

Rank 0 holds the weights and waits to be called. Ranks 1 and 2 compute the loss of half
of each batch; rank 1 drives. It leaves FOLDER/rpc.json and FOLDER/rpc.pt.
"""

import json
import os
import sys
from pathlib import Path
from queue import Queue
from threading import Event

import torch
from device import choose_device
from small_network import RATE, batch, network
from torch.distributed import autograd, rpc
from torch.distributed.optim import DistributedOptimizer
from torch.func import functional_call
from torch.nn.functional import cross_entropy

STEPS = range(10)
NAMES = ("server", "trainer0", "trainer1")
# Trainers compute on this device. Messages and weights are on the processor: RPC sends
# tensors of a GPU only between devices that its options map to each other.
DEVICE, _ = choose_device(int(os.environ["LOCAL_RANK"]))
LAYERS = network()  # its own weights are ignored: each call brings fetched ones
FINISHED = Queue()  # on the server: the calls of `busy` that have come to their end


class Server:
    """The weights; an object that lives in the process `server`."""

    def __init__(self):
        """Make the network."""
        self.layers = network().cpu()

    def weights(self):
        """Return a remote reference to each parameter."""
        return {name: rpc.RRef(p) for name, p in self.layers.named_parameters()}

    def any_grad(self):
        """Return whether any parameter has a gradient in `.grad`."""
        return any(p.grad is not None for p in self.layers.parameters())

    def state(self):
        """Return the weights themselves."""
        return {name: p.detach() for name, p in self.layers.named_parameters()}


def share_loss(weights, step, trainer):
    """Return the loss of this trainer's half of a batch, with weights fetched now."""
    fetched = {name: w.to_here().to(DEVICE) for name, w in weights.items()}
    images, labels = batch(step, trainer, 2)
    return cross_entropy(functional_call(LAYERS, fetched, images), labels).cpu()


def train(server, weights):
    """Make the steps with both trainers; return the losses, and what any_grad says."""
    optimiser = DistributedOptimizer(torch.optim.Adam, [*weights.values()], lr=RATE)
    losses, any_grad = [], False
    for step in STEPS:
        with autograd.context() as context:
            other = rpc.rpc_async("trainer1", share_loss, (weights, step, 1))
            loss = (share_loss(weights, step, 0) + other.wait()) / 2
            autograd.backward(context, [loss])  # through all three processes
            any_grad |= server.rpc_sync().any_grad()
            optimiser.step(context)  # runs where the weights are
        losses.append(loss.item())
    return losses, any_grad


def busy(seconds):
    """Wait, in place of other work, and note the end."""
    Event().wait(seconds)
    FINISHED.put(f"busy({seconds}) has come to its end")


def next_finished():
    """Return the note of the next call of `busy` that ends, within a minute."""
    return FINISHED.get(timeout=60)


def late_call():
    """Allow half a second for a call of two; return the error and the server's note."""
    error = ""
    try:
        rpc.rpc_sync("server", busy, (2,), timeout=0.5)
    except RuntimeError as raised:
        error = str(raised)
    return {"caller": error, "server": rpc.rpc_sync("server", next_finished)}


def drive(folder):
    """What rank 1 does: call the server, make a Server there, and train."""
    total = rpc.rpc_sync("server", torch.add, (torch.ones(2), 3))
    server = rpc.remote("server", Server)  # the object is made there, and stays there
    weights = server.rpc_sync().weights()
    weight = weights["block1.up.weight"]
    facts = {"sum": total.tolist(), "owner": server.owner().name}
    facts |= {"owner of a weight": weight.owner().name, "here": weight.is_owner()}
    facts["losses"], facts["any .grad"] = train(server, weights)
    state = server.rpc_sync().state()
    facts["late call"] = late_call()
    Path(folder, "rpc.json").write_text(json.dumps(facts))
    torch.save(state, Path(folder, "rpc.pt"))


def main(folder):
    """Join; rank 1 drives, and all leave together."""
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    options = rpc.TensorPipeRpcBackendOptions(init_method="env://", rpc_timeout=120)
    rpc.init_rpc(NAMES[rank], rank=rank, world_size=size, rpc_backend_options=options)
    if rank == 1:
        drive(folder)
    rpc.shutdown(timeout=120)  # waits until nobody has work left


if __name__ == "__main__":
    main(*sys.argv[1:])
