"""Train one model with Horovod, in PyTorch or in TensorFlow: 05_horovod.ipynb.

    horovodrun -np 2 python train_horovod.py torch ROWS.npz FOLDER
    horovodrun -np 2 python train_horovod.py tensorflow ROWS.npz FOLDER

A logistic regression by gradient descent. Each process takes every n-th row of every
batch; each starts with weights of its own, and those of process 0 are broadcast. Every
process writes its losses and its final weights to FOLDER/RANK.json.
"""

import json
import sys

import numpy as np

ROWS, BATCH, RATE = 12_800, 256, 0.5


def table(path):
    """Return inputs (ROWS, 3) and labels (ROWS, 1), float32: late or not."""
    import pyarrow.parquet as pq  # the notebook reads the file, once for all

    names = ["dep_delay", "distance", "hour", "arr_delay"]
    flights = pq.read_table(path, columns=names).to_pandas().dropna()
    values = flights.sample(ROWS, random_state=0).to_numpy("float32")
    inputs = values[:, :3] / np.array([60, 1000, 24], "float32")
    return inputs, (values[:, 3:] > 15).astype("float32")


def shares(rank, size):
    """Yield this process's slice of each batch, in order."""
    for start in range(0, ROWS, BATCH):
        yield slice(start + rank, start + BATCH, size)


def initial(rank):
    """Return random weights (4, 1), different for each process; the bias is last."""
    return np.random.default_rng(rank).normal(size=(4, 1)).astype("float32")


def with_torch(inputs, labels, broadcast=True):
    """Train with PyTorch; return (rank, losses, weights)."""
    import horovod.torch as hvd
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

    hvd.init()
    inputs, labels = torch.from_numpy(inputs), torch.from_numpy(labels)
    weights = torch.nn.Parameter(torch.from_numpy(initial(hvd.rank())))
    named = [("weights", weights)]
    if broadcast:
        hvd.broadcast_parameters(named, root_rank=0)
    optimiser = torch.optim.SGD([weights], lr=RATE)
    optimiser = hvd.DistributedOptimizer(optimiser, named_parameters=named)
    losses = []
    for share in shares(hvd.rank(), hvd.size()):
        optimiser.zero_grad()
        loss = cross_entropy(inputs[share] @ weights[:3] + weights[3], labels[share])
        loss.backward()  # starts the all-reduce of each gradient
        optimiser.step()  # waits for it
        losses.append(hvd.allreduce(loss.detach()).item())
    return hvd.rank(), losses, weights.detach().flatten().tolist()


def with_tensorflow(inputs, labels, broadcast=True):
    """Train with TensorFlow; return (rank, losses, weights)."""
    import horovod.tensorflow as hvd
    import tensorflow as tf

    hvd.init()
    weights = tf.Variable(initial(hvd.rank()))
    if broadcast:
        hvd.broadcast_variables([weights], root_rank=0)
    losses = []
    for share in shares(hvd.rank(), hvd.size()):
        with tf.GradientTape() as tape:
            logits = inputs[share] @ weights[:3] + weights[3]
            loss = tf.reduce_mean(
                tf.nn.sigmoid_cross_entropy_with_logits(labels[share], logits)
            )
        tape = hvd.DistributedGradientTape(tape)
        (gradient,) = tape.gradient(loss, [weights])  # averaged over the processes
        weights.assign_sub(RATE * gradient)
        losses.append(float(hvd.allreduce(loss)))
    return hvd.rank(), losses, weights.numpy().flatten().tolist()


def main(framework, rows, folder):
    """Train, and write what this process has."""
    train = with_torch if framework == "torch" else with_tensorflow
    with np.load(rows) as arrays:
        inputs, labels = arrays["inputs"], arrays["labels"]
    rank, losses, weights = train(inputs, labels)
    with open(f"{folder}/{rank}.json", "w") as file:
        json.dump({"losses": losses, "weights": weights}, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
