"""Train under the strategies whose replicas are equals, all cases in one process.

    python train_strategy.py one FASHION FOLDER            Mirrored, CentralStorage
    TF_CONFIG=... python train_strategy.py several FASHION FOLDER [resume]
                                                           MultiWorkerMirrored

Results go to FOLDER as JSON. At its end `one`, and the second worker of `several`, are
killed in the middle of a training that writes a checkpoint every EVERY steps. With
`resume`, both trainings go on from their checkpoints.
"""

import os
import signal
import sys

import tensorflow as tf
from fashion_steps import (
    KERAS,
    RATE,
    STEPS,
    batches,
    create,
    custom_loop,
    fashion,
    fit,
    global_mean,
    make_step,
    outcome,
    replica_mean,
    save,
)

EVERY, KILLED_AT = 10, 25  # a checkpoint after every 10 steps; killed before step 25


def one_process(path, folder):
    """Run everything that a single process can run."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    three = [tf.config.LogicalDeviceConfiguration()] * 3
    tf.config.set_logical_device_configuration(cpu, three)
    dataset = batches(*fashion(path))
    alone = tf.distribute.get_strategy()  # the default one, which distributes nothing
    mirrored = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    central = tf.distribute.experimental.CentralStorageStrategy(
        ["CPU:1", "CPU:2"], parameter_device="CPU:0"
    )
    keras_3 = KERAS["Keras 3"]
    results = {
        "alone": outcome(custom_loop, alone, keras_3, dataset),
        "twice the rate": outcome(custom_loop, alone, keras_3, dataset, 2 * RATE),
        "replica_mean": outcome(
            custom_loop, mirrored, keras_3, dataset, RATE, replica_mean
        ),
        "without batch 0": outcome(
            custom_loop, alone, keras_3, dataset.repeat().skip(1), RATE, global_mean, 39
        ),
    }
    for name, strategy, mean, steps in (
        ("no step", alone, global_mean, 0),
        ("one step, alone", alone, global_mean, 1),
        ("one step, global_mean", mirrored, global_mean, 1),
        ("one step, replica_mean", mirrored, replica_mean, 1),
    ):
        results[name] = outcome(
            custom_loop, strategy, keras_3, dataset, RATE, mean, steps
        )
    results |= matrix("Mirrored", mirrored, dataset)
    results |= matrix("CentralStorage", central, dataset)
    save(results, folder, "one")
    train_with_checkpoints(mirrored, dataset, folder, "mirrored", 0, dies=True)


def matrix(name, strategy, dataset):
    """Return the outcomes of {fit, custom loop} x {Keras 3, tf_keras}."""
    return {
        f"{name}, {train.__name__}, {keras}": outcome(train, strategy, api, dataset)
        for keras, api in KERAS.items()
        for train in (fit, custom_loop)
    } | {name: {"replicas": strategy.num_replicas_in_sync}}


def train_with_checkpoints(
    strategy, dataset, folder, name, task, dies=False, resume=False
):
    """Begin, or go on from the checkpoint; return the loss of each step."""
    model, optimiser = create(strategy, KERAS["Keras 3"])
    checkpoint = tf.train.Checkpoint(model=model, optimiser=optimiser)
    shared = f"{folder}/{name}"
    if resume:
        checkpoint.read(shared).assert_existing_objects_matched()
    first = int(tf.convert_to_tensor(optimiser.iterations))
    step = make_step(strategy, model, optimiser)
    rest = strategy.experimental_distribute_dataset(dataset.repeat().skip(first))
    losses = {}
    for number, batch in zip(range(first, STEPS), rest, strict=False):
        if number == KILLED_AT and dies:
            os.kill(os.getpid(), signal.SIGKILL)
        try:
            losses[number] = float(step(batch))
        except tf.errors.OpError as error:
            return losses | {"error": type(error).__name__, "message": error.message}
        if (number + 1) % EVERY == 0 and not resume:
            # all write, each to a path of its own (there is no chief in this cluster)
            checkpoint.write(f"{folder}/other-{task}-{name}" if task else shared)
    return losses


def several_processes(path, folder, resume):
    """Run what one worker of two runs: the matrix, or the rest of two trainings."""
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    task, dataset = strategy.cluster_resolver.task_id, batches(*fashion(path))
    if resume:
        results = {
            name: train_with_checkpoints(
                strategy, dataset, folder, name, task, resume=True
            )
            for name in ("mirrored", "multi_worker")
        }
        return save(results, folder, f"resumed-{task}")
    results = matrix("MultiWorkerMirrored", strategy, dataset)
    save(results, folder, f"worker-{task}")
    results["multi_worker"] = train_with_checkpoints(
        strategy, dataset, folder, "multi_worker", task, dies=task == 1
    )
    return save(results, folder, f"worker-{task}")


if __name__ == "__main__":
    mode, path, folder, *resume = sys.argv[1:]
    if mode == "one":
        one_process(path, folder)
    else:
        several_processes(path, folder, bool(resume))
