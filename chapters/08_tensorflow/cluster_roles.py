"""One process of a cluster: it reports what TF_CONFIG says, and does its role's work.

    TF_CONFIG=... python cluster_roles.py FOLDER

Started once for each task. FOLDER is where the chief saves for the evaluator. Each
report is one line of JSON.
"""

import json
import sys
import time

import tensorflow as tf


def report(**values):
    """Print one line of JSON at once, also when the output is a file."""
    print(json.dumps(values), flush=True)


def describe(resolver):
    """Return the part of TF_CONFIG that makes this process different from others."""
    cluster = resolver.cluster_spec()
    return {
        "task": f"{resolver.task_type} {resolver.task_id}",
        "cluster": {job: cluster.num_tasks(job) for job in sorted(cluster.jobs)},
    }


def work_in_step(resolver):
    """Chief and workers of a synchronous cluster: everyone runs this function."""
    start = time.monotonic()
    strategy = tf.distribute.MultiWorkerMirroredStrategy()  # waits for all the others
    waited = time.monotonic() - start
    mine = 1.0 if resolver.task_type == "chief" else 10.0

    @tf.function
    def add_up():
        return tf.distribute.get_replica_context().all_reduce("sum", tf.constant(mine))

    return {
        "replicas": strategy.num_replicas_in_sync,
        "sum": float(strategy.run(add_up)),
        "saves": strategy.extended.should_checkpoint,  # not in the documented API
        "waited": round(waited, 2),
    }


def serve(resolver):
    """Worker or parameter server: hold variables or compute, when the chief asks."""
    server = tf.distribute.Server(
        resolver.cluster_spec(),
        job_name=resolver.task_type,
        task_index=resolver.task_id,
    )
    server.join()  # never returns: whoever has started the process ends it


def coordinate(resolver, folder):
    """Chief of a cluster with parameter servers: only this process runs the program."""
    strategy = tf.distribute.ParameterServerStrategy(resolver)
    coordinator = tf.distribute.coordinator.ClusterCoordinator(strategy)
    with strategy.scope():
        weight = tf.Variable(0.0)

    @tf.function
    def step():
        print("Python's print", flush=True)  # runs where the function is traced
        tf.print("tf.print", output_stream=sys.stdout)  # runs where the graph runs
        weight.assign_add(1.0)

    for _ in range(5):
        coordinator.schedule(step)  # returns at once; some worker will run it
    coordinator.join()  # until all five are done
    tf.train.Checkpoint(weight=weight).save(f"{folder}/checkpoint")
    return {
        "replicas": strategy.num_replicas_in_sync,
        "weight": float(weight),
        "held by": weight.device,
    }


def evaluate(folder):
    """Evaluator: not a member of the training cluster; it only reads checkpoints."""
    weight = tf.Variable(-1.0)
    for path in tf.train.checkpoints_iterator(folder, timeout=200):
        tf.train.Checkpoint(weight=weight).read(path).assert_existing_objects_matched()
        break
    return {
        "replicas": tf.distribute.get_strategy().num_replicas_in_sync,
        "weight": float(weight),
    }


def main(folder):
    """Choose the work by the role."""
    resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
    report(**describe(resolver))
    if resolver.task_type == "evaluator":
        results = evaluate(folder)
    elif "ps" not in resolver.cluster_spec().jobs:
        results = work_in_step(resolver)
    elif resolver.task_type == "chief":
        results = coordinate(resolver, folder)
    else:
        serve(resolver)
        return
    report(**results)


if __name__ == "__main__":
    main(sys.argv[1])
