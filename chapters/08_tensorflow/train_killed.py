"""Train with checkpoints, and be killed on the way: 04_training_apis.ipynb.

    python train_killed.py MODE,MODE,... FASHION.parquet FOLDER EPOCH BATCH

MODE is one of MODES, or `loop`; each trains in a process of its own. In that epoch,
after that batch, the process sends itself SIGKILL, so Python runs nothing any more.
Prints the exit codes. FOLDER/MODE.log gets a line for each epoch that begins.
"""

import multiprocessing
import os
import signal
import sys
from pathlib import Path

import keras
import tensorflow as tf
from fashion_task import BATCH, EPOCHS, ROWS, fashion, network, shares

STEPS = ROWS // BATCH  # of an epoch
MODES = {  # of training with fit: (shuffled, dropout, save_freq)
    "ordered": (False, 0.0, "epoch"),
    "shuffled": (True, 0.0, "epoch"),
    "dropout": (False, 0.2, "epoch"),
    "batches": (False, 0.0, 15),
}


def die():
    """End this process at once, without any clean-up."""
    os.kill(os.getpid(), signal.SIGKILL)


class Journal(keras.callbacks.Callback):
    """Write a line for each epoch that begins; die after the batch `kill`."""

    def __init__(self, file, kill=None):
        """Take the file and (epoch, batch) or None."""
        super().__init__()
        self.file, self.kill = file, kill

    def on_epoch_begin(self, epoch, logs=None):
        """Note the number of the epoch."""
        self.epoch = epoch
        with open(self.file, "a") as journal:
            journal.write(f"{epoch}\n")

    def on_train_batch_end(self, batch, logs=None):
        """Die here if this is the place."""
        if (self.epoch, batch) == self.kill:
            die()


def adam_network(dropout):
    """Return the network with this share of dropout, compiled with Adam."""
    keras.utils.set_random_seed(0)  # part of the order of every tf.data shuffle
    model = network(dropout=dropout)
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.003), cross_entropy, metrics=["accuracy"])
    return model


def with_fit(mode, images, labels, folder, kill=None):
    """Train with fit, backed up in FOLDER/MODE; resume if there is a backup."""
    shuffled, dropout, save_freq = MODES[mode]
    model = adam_network(dropout)
    dataset = shares(images, labels, shuffled=shuffled)
    backup = keras.callbacks.BackupAndRestore(f"{folder}/{mode}", save_freq=save_freq)
    journal = Journal(f"{folder}/{mode}.log", kill)
    model.fit(
        dataset, epochs=EPOCHS, shuffle=False, verbose=0, callbacks=[backup, journal]
    )
    return model


def with_loop(images, labels, folder, kill=None, every=25):
    """Train with a loop and tf.train.Checkpoint; resume if there is a checkpoint."""
    model, step = adam_network(dropout=0.2), tf.Variable(0, dtype=tf.int64)
    model.optimizer.build(model.trainable_variables)
    batches = iter(shares(images, labels, shuffled=True).repeat(EPOCHS))
    random = model.layers[1].seed_generator.state.value  # of the dropout layer
    checkpoint = tf.train.Checkpoint(
        model=model, batches=batches, random=random, step=step
    )
    manager = tf.train.CheckpointManager(checkpoint, f"{folder}/loop", max_to_keep=2)
    checkpoint.restore(manager.latest_checkpoint)  # None: there is none yet
    first = int(step)
    for batch in batches:
        model.train_on_batch(*batch)
        if int(step.assign_add(1)) % every == 0:
            manager.save()
        if kill and int(step) == kill[0] * STEPS + kill[1] + 1:
            die()
    return model, first


def train(mode, path, folder, kill):
    """Train in this mode until killed."""
    images, labels = fashion(path)
    if mode == "loop":
        with_loop(images, labels, folder, kill)
    else:
        with_fit(mode, images, labels, folder, kill)


def main(modes, path, folder, *kill):
    """Start a process for each mode, at the same time; print their exit codes."""
    Path(folder).mkdir(exist_ok=True)
    kill = tuple(map(int, kill))
    # A fork shares the imports; it is safe because TensorFlow has not computed yet.
    fork = multiprocessing.get_context("fork")
    processes = [
        fork.Process(target=train, args=(mode, path, folder, kill), daemon=True)
        for mode in modes.split(",")
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(300)
    print(*(process.exitcode for process in processes))


if __name__ == "__main__":
    main(*sys.argv[1:])
