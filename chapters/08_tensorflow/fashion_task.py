"""The data and the small network that all programs of lesson 8.4 train."""

import keras
import numpy as np
import pyarrow.parquet as pq
import tensorflow as tf

ROWS, BATCH, EPOCHS, RATE = 2000, 50, 4, 0.1


def fashion(path, split="train"):
    """Return all images of a split, (n, 784) float32 from 0 to 1, and labels (n,)."""
    table = pq.read_table(path, filters=[("split", "=", split)])
    chosen = table.take(np.random.default_rng(0).permutation(len(table)))
    pixels = np.frombuffer(b"".join(chosen["image"].to_pylist()), np.uint8)
    return pixels.reshape(-1, 784) / np.float32(255), chosen["label"].to_numpy()


def network(seed=0, dropout=0.0, kind=keras.Sequential):
    """Return the 784-16-10 network; equal seeds give equal initial weights."""
    model = kind([
        keras.layers.Input((784,)),
        keras.layers.Dense(16, activation="relu"),
        keras.layers.Dropout(dropout, seed=1),
        keras.layers.Dense(10),
    ])  # fmt: skip
    random = np.random.default_rng(seed)
    model.set_weights([
        random.normal(0, 0.05, (784, 16)), np.zeros(16),
        random.normal(0, 0.3, (16, 10)), np.zeros(10),
    ])  # fmt: skip
    return model


def shares(images, labels, rank=0, size=1, shuffled=False):
    """Return the batches of an epoch, of each the rows of this rank.

    shuffled: in another order in each epoch, by the seed 7; else always in the same.
    """
    dataset = tf.data.Dataset.from_tensor_slices((images[:ROWS], labels[:ROWS]))
    dataset = dataset.shuffle(ROWS, seed=7) if shuffled else dataset
    return dataset.shard(size, rank).batch(BATCH // size)


def flat(model):
    """Return all weights of the model as one vector."""
    return np.concatenate([weight.ravel() for weight in model.get_weights()])
