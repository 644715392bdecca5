"""Train the network of lesson 8.4 with Horovod, in a loop and in fit.

    horovodrun -np 2 python train_horovod_tf.py FASHION.parquet FOLDER

Each process takes its rows of every batch, and starts with weights of its own unless
those of rank 0 are broadcast. Each writes its losses and weights to FOLDER/RANK.json,
and the weights that Keras draws without a seed and with one.
"""

import json
import sys

import horovod.tensorflow as hvd
import keras
import tensorflow as tf
from fashion_task import EPOCHS, RATE, fashion, flat, network, shares


def values(variables):
    """Return the TensorFlow variables inside Keras 3's: Horovod knows only those."""
    return [variable.value for variable in variables]


def with_loop(dataset, broadcast=True):
    """Train with a loop of our own; return the model and the loss of each epoch."""
    model, optimiser = network(seed=hvd.rank()), keras.optimizers.SGD(RATE)
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    if broadcast:
        hvd.broadcast_variables(values(model.variables), root_rank=0)

    @tf.function
    def step(images, labels):
        with tf.GradientTape() as tape:
            loss = cross_entropy(labels, model(images, training=True))
        tape = hvd.DistributedGradientTape(tape)
        gradients = tape.gradient(loss, values(model.trainable_variables))
        optimiser.apply(gradients, model.trainable_variables)
        return hvd.allreduce(loss)  # the mean over the processes

    losses = [[float(step(*batch)) for batch in dataset] for _ in range(EPOCHS)]
    return model, [sum(epoch) / len(epoch) for epoch in losses]


class Averaged(keras.Sequential):
    """A Sequential whose step, run by fit, averages the gradients over all ranks."""

    def train_step(self, batch):
        """Make one step with this rank's part of a batch; return the metrics."""
        images, labels = batch
        with tf.GradientTape() as tape:
            loss = self.compute_loss(y=labels, y_pred=self(images, training=True))
        tape = hvd.DistributedGradientTape(tape)
        gradients = tape.gradient(loss, values(self.trainable_variables))
        self.optimizer.apply(gradients, self.trainable_variables)
        return {"loss": hvd.allreduce(loss)}


class EpochMean(keras.callbacks.Callback):
    """Note the mean of the losses that `train_step` returned, for each epoch."""

    def on_train_begin(self, logs=None):
        """Begin with nothing."""
        self.losses, self.epoch = [], []

    def on_train_batch_end(self, batch, logs=None):
        """Note the loss of a batch."""
        self.epoch.append(float(logs["loss"]))

    def on_epoch_end(self, epoch, logs=None):
        """Note the mean, and begin anew."""
        self.losses.append(sum(self.epoch) / len(self.epoch))
        self.epoch = []


def with_fit(dataset):
    """Train with Keras 3's fit; return the model and the loss of each epoch."""
    model, mean = network(seed=hvd.rank(), kind=Averaged), EpochMean()
    hvd.broadcast_variables(values(model.variables), root_rank=0)
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    # jit_compile: on a GPU, XLA cannot compile Horovod's operations.
    model.compile(keras.optimizers.SGD(RATE), cross_entropy, jit_compile=False)
    model.fit(dataset, epochs=EPOCHS, shuffle=False, verbose=0, callbacks=[mean])
    return model, mean.losses


def drawn(seed=None):
    """Return the first weights that Keras draws for a layer in this process."""
    if seed is not None:
        keras.utils.set_random_seed(seed)
    layer = keras.layers.Dense(1)
    layer.build((None, 4))
    return layer.kernel.numpy().tolist()


def main(path, folder):
    """Run all cases and write what came of them."""
    hvd.init()
    first_weights = {"none": drawn(), "set": drawn(0)}
    dataset = shares(*fashion(path), hvd.rank(), hvd.size())
    cases = {
        "loop": with_loop(dataset),
        "fit": with_fit(dataset),
        "no broadcast": with_loop(dataset, broadcast=False),
    }
    results = {
        name: {"losses": losses, "weights": flat(model).tolist()}
        for name, (model, losses) in cases.items()
    }
    results["fit"]["history"] = cases["fit"][0].history.history["loss"]
    with open(f"{folder}/{hvd.rank()}.json", "w") as file:
        json.dump({"cases": results, "drawn": first_weights}, file)
    hvd.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
