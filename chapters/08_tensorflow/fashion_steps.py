"""The data, the network and the two ways to train of lesson 8.3, for any strategy.

`fit` and `custom_loop` take the strategy and the Keras to use as arguments: nothing in
them knows how many processes there are.
"""

import json
import os

import keras
import numpy as np
import pyarrow.parquet as pq
import tensorflow as tf
import tf_keras

ROWS, BATCH, STEPS, RATE = 1000, 50, 40, 0.1
KERAS = {"Keras 3": keras, "tf_keras": tf_keras}


def fashion(path):
    """Return images (ROWS, 784), float32 from 0 to 1, and labels (ROWS,)."""
    table = pq.read_table(path, filters=[("split", "=", "train")])
    chosen = table.take(np.random.default_rng(0).permutation(len(table))[:ROWS])
    pixels = np.frombuffer(b"".join(chosen["image"].to_pylist()), np.uint8)
    return pixels.reshape(ROWS, 784) / np.float32(255), chosen["label"].to_numpy()


def batches(images, labels):
    """Return the data set of global batches, always in the same order."""
    options = tf.data.Options()
    policy = tf.data.experimental.AutoShardPolicy.DATA
    options.experimental_distribute.auto_shard_policy = policy
    dataset = tf.data.Dataset.from_tensor_slices((images, labels))
    return dataset.batch(BATCH, drop_remainder=True).with_options(options)


def network(api):
    """Return the 784-16-10 network of this Keras, always with the same weights."""
    model = api.Sequential([
        api.layers.Input((784,)),
        api.layers.Dense(16, activation="relu"),
        api.layers.Dense(10),
    ])  # fmt: skip
    numbers = np.random.default_rng(1)
    model.set_weights([
        numbers.normal(0, 0.05, (784, 16)), np.zeros(16),
        numbers.normal(0, 0.3, (16, 10)), np.zeros(10),
    ])  # fmt: skip
    return model


def fit(strategy, api, dataset):
    """Train for STEPS steps with Keras's own loop; return the model and no losses."""
    with strategy.scope():
        model = network(api)
        loss = api.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(optimizer=api.optimizers.SGD(RATE), loss=loss)
    epoch = ROWS // BATCH
    epochs = STEPS // epoch
    model.fit(dataset.repeat(), epochs=epochs, steps_per_epoch=epoch, verbose=0)
    return model, []


def global_mean(losses):
    """Return this replica's part of the mean over the global batch."""
    return tf.nn.compute_average_loss(losses, global_batch_size=BATCH)


def replica_mean(losses):
    """Return the mean over this replica's own rows."""
    return tf.reduce_mean(losses)


def create(strategy, api, rate=RATE):
    """Return model and optimiser; their variables are placed by the strategy."""
    with strategy.scope():
        model, optimiser = network(api), api.optimizers.SGD(rate)
        optimiser.build(model.trainable_variables)
    return model, optimiser


def make_step(strategy, model, optimiser, mean=global_mean):
    """Return a function that makes one step with one distributed batch."""

    def replica_step(images, labels):
        with tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
                labels, model(images, training=True)
            )
            loss = mean(losses)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimiser.apply_gradients(
            zip(gradients, model.trainable_variables, strict=True)
        )
        return global_mean(losses)  # the same measure for every `mean`

    @tf.function
    def step(batch):
        return strategy.reduce("SUM", strategy.run(replica_step, batch), axis=None)

    return step


def custom_loop(strategy, api, dataset, rate=RATE, mean=global_mean, steps=STEPS):
    """Train with a loop of our own; return the model and the loss of each step."""
    model, optimiser = create(strategy, api, rate)
    step = make_step(strategy, model, optimiser, mean)
    batches = iter(strategy.experimental_distribute_dataset(dataset.repeat()))
    losses = [step(next(batches)) for _ in range(steps)]
    return model, losses


def outcome(train, *arguments):
    """Run one cell of the matrix; return what came of it, an error included."""
    try:
        model, losses = train(*arguments)
    except Exception as error:  # whatever it raises is the result
        return {"error": type(error).__name__, "message": str(error)}
    return {"weights": flat(model), "losses": [float(loss) for loss in losses]}


def flat(model):
    """Return all weights of the model as one list."""
    return np.concatenate([w.ravel() for w in model.get_weights()]).tolist()


def save(results, folder, name):
    """Write a JSON file that is either there and whole or not there."""
    partial = f"{folder}/{name}.partial"
    with open(partial, "w") as file:
        json.dump(results, file)
    os.replace(partial, f"{folder}/{name}.json")
