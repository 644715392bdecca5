"""The chief of a cluster with two workers and two parameter servers (serve_ps.py).

    TF_CONFIG=... python train_ps.py FASHION FOLDER [resume]

It runs its part of the matrix, loses a worker, waits for its successor, and is killed.
With `resume` it goes on from the checkpoint, and loses a parameter server.
"""

import os
import signal
import sys
from pathlib import Path

import tensorflow as tf
from fashion_steps import (
    BATCH,
    KERAS,
    STEPS,
    batches,
    create,
    fashion,
    fit,
    flat,
    make_step,
    outcome,
    save,
)
from staleness import Versions, overtake, poll


def coordinator_loop(strategy, api, all_batches):
    """Train on the batches, one at a time; return the model and its losses."""
    coordinator = tf.distribute.coordinator.ClusterCoordinator(strategy)
    model, optimiser = create(strategy, api)
    step = make_step(strategy, model, optimiser)
    losses = []
    for batch in all_batches:
        result = coordinator.schedule(step, (batch,))  # for any worker that is free
        coordinator.join()  # wait until all that was handed out is done
        losses.append(result.fetch())
    return model, losses


def kill(folder, server):
    """Send SIGKILL to this server."""
    pid = Path(folder, server, "pid")
    os.kill(int(pid.read_text()), signal.SIGKILL)
    pid.unlink()  # its successor, if there is one, will write another


def first_chief(strategy, dataset, all_batches, folder):
    """Run the matrix, hold a gradient back, lose a worker, be killed."""
    results = {}
    for keras, api in KERAS.items():
        name = f"ParameterServer, {{}}, {keras}".format
        results[name("fit")] = outcome(fit, strategy, api, dataset)
        results[name("custom_loop")] = outcome(
            coordinator_loop, strategy, api, all_batches
        )
    free = Versions(strategy)
    results["free"] = free.reports(free.hand_out(all_batches))
    results["held"] = overtake(Versions(strategy), all_batches)
    results |= lose_worker(strategy, all_batches, folder)
    save(results, folder, "chief")
    os.kill(os.getpid(), signal.SIGKILL)


def lose_worker(strategy, all_batches, folder):
    """Kill a worker in its step, write a checkpoint, wait for the successor."""
    steps = Versions(strategy)
    results = {"placement": placement(steps.model)}
    results["lost"] = overtake(
        steps, all_batches, lambda n: kill(folder, f"worker-{n}")
    )
    steps.checkpoint.write(f"{folder}/ps")
    results["weights"] = flat(steps.model)
    lost_worker, workers = results["lost"]["holder"], set()
    save(lost_worker, folder, "lost")  # now the operator may start another
    poll(Path(folder, f"worker-{lost_worker}", "pid").exists)

    def rejoined():
        reports = steps.reports(steps.hand_out(all_batches[:10]))
        workers.update(report[0] for report in reports)
        return lost_worker in workers

    poll(rejoined)
    return results | {"workers": sorted(workers)}


def placement(model):
    """Return path, shape and device of each variable."""
    return [
        [variable.path.partition("/")[2], list(variable.shape), variable.value.device]
        for variable in model.variables
    ]


def second_chief(strategy, all_batches, folder):
    """Go on from the checkpoint with the same servers; lose a parameter server."""
    steps = Versions(strategy)
    steps.checkpoint.read(f"{folder}/ps").assert_consumed()
    results = {"weights": flat(steps.model)}
    results["reports"] = steps.reports(steps.hand_out(all_batches[:10]))
    results["split"] = {
        keras: split_layer(strategy, api) for keras, api in KERAS.items()
    }
    kill(folder, "ps-1")
    try:
        steps.reports(steps.hand_out(all_batches[:10]))
    except tf.errors.OpError as error:
        results |= {"error": type(error).__name__, "message": error.message}
    save(results, folder, "second_chief")


def split_layer(strategy, api):
    """Make a layer that is large enough to be split; ask for its gradient."""
    with strategy.scope():
        layer = api.layers.Dense(64)
        layer.build((None, 784))
    wrapped = api is KERAS["Keras 3"]  # it wraps TensorFlow's variables
    parts = (layer.kernel.value if wrapped else layer.kernel).variables
    with tf.GradientTape() as tape:
        output = layer(tf.ones((1, 784)))
    results = {
        "parts": [[part.shape.as_list(), part.device] for part in parts],
        "output": output.shape.as_list(),
    }
    try:
        gradients = tape.gradient(output, layer.trainable_variables)
        results["gradient"] = [gradient.shape.as_list() for gradient in gradients]
    except AttributeError as error:
        results["gradient"] = str(error)
    return results


def main(path, folder, resume):
    """Connect to the servers and be the first chief, or the second."""
    servers = [Path(folder, f"{role}-{n}") for role in ("worker", "ps") for n in (0, 1)]
    poll(lambda: all((server / "pid").exists() for server in servers))  # they serve
    parts = tf.distribute.experimental.partitioners.MinSizePartitioner(
        min_shard_bytes=64 << 10, max_shards=2
    )
    strategy = tf.distribute.ParameterServerStrategy(
        tf.distribute.cluster_resolver.TFConfigClusterResolver(),
        variable_partitioner=parts if resume else None,
    )
    images, labels = fashion(path)
    starts = [step * BATCH % len(images) for step in range(STEPS)]
    all_batches = [(images[s : s + BATCH], labels[s : s + BATCH]) for s in starts]
    if resume:
        second_chief(strategy, all_batches, folder)
    else:
        first_chief(strategy, batches(images, labels), all_batches, folder)


if __name__ == "__main__":
    main(*sys.argv[1:3], resume=len(sys.argv) > 3)
