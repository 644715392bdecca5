"""A parameter server and its workers, each a process of its own, talking over sockets.

    python parameter_server.py FILE {sync,async}-WORKERS ...

Trains a logistic regression that tells late flights (more than 15 minutes), once for
each way and number of workers, e.g. async-3. The server owns the weights. A worker is
given a shard of the flights at the start; in a loop it pulls the weights, computes a
gradient on a batch and pushes it back. In place of a large model's work each worker
waits some milliseconds, worker 0 five times as long. They wait, and do not compute,
because real workers have a machine each and these would compete for the same cores.
Prints JSON: for each way, losses over time, the staleness of each gradient, how many
each worker gave, and the test accuracy.
"""

import json
import subprocess
import sys
import threading
import time
from multiprocessing.connection import Client, Listener

import numpy as np

RATE, BATCH, PAUSE, SLOW = 1.0, 500, 0.008, 5
GRADIENTS = 300
NUMBERS = ["dep_delay", "distance", "hour"]


def load(file):
    """Return features (rows × columns) and 0/1 labels of every sixth flight."""
    import pyarrow.parquet as pq  # here, since no worker reads the file

    table = pq.read_table(file, columns=["carrier", "arr_delay", *NUMBERS])
    table = table.drop_null().to_pydict()
    flights = {name: np.array(values)[::6] for name, values in table.items()}
    numbers = np.column_stack([flights[name] for name in NUMBERS]).clip(max=3000)
    numbers = (numbers - numbers.mean(axis=0)) / numbers.std(axis=0)
    carrier = flights["carrier"][:, None] == np.unique(flights["carrier"])
    ones = np.ones((len(numbers), 1))
    features = np.hstack([ones, numbers, carrier]).astype(float)
    return features, (flights["arr_delay"] > 15).astype(float)


def probability(weights, features):
    return 1 / (1 + np.exp(-features @ weights))


def gradient(weights, features, labels):
    return features.T @ (probability(weights, features) - labels) / len(labels)


class ParameterServer:
    """The weights, and the rule by which gradients change them."""

    def __init__(self, length, synchronous, workers):
        self.weights, self.version = np.zeros(length), 0
        self.left, self.synchronous = GRADIENTS, synchronous
        self.waiting, self.staleness, self.history = [], [], []
        self.workers, self.used = workers, [0] * workers  # gradients of each worker
        self.changed = threading.Condition()

    def serve(self, number, connection):
        """Answer one worker until enough gradients have been used."""
        while self.left > 0:
            with self.changed:  # a version and the weights that belong to it
                pulled = self.version, self.weights
            connection.send(pulled)
            version, pushed = connection.recv()
            with self.changed:
                if self.left > 0:
                    self.used[number] += 1
                    self.staleness.append(self.version - version)
                    if self.synchronous:
                        self.wait_for_all(version, pushed)
                    else:
                        self.apply(pushed / self.workers, 1)
        connection.send(None)

    def wait_for_all(self, version, pushed):
        self.waiting.append(pushed)
        if len(self.waiting) == self.workers:
            self.apply(np.mean(self.waiting, axis=0), self.workers)
            self.waiting = []
            self.changed.notify_all()
        else:
            self.changed.wait_for(lambda: self.version > version)

    def apply(self, step, used):
        self.weights = self.weights - RATE * step
        self.version += 1
        self.left -= used
        self.history.append((time.perf_counter(), self.weights))


def work(port, number):
    """Pull, compute, push until the server has nothing more to do."""
    random = np.random.default_rng(number)
    with Client(("localhost", port)) as server:
        features, labels = server.recv()  # this worker's shard
        while (pulled := server.recv()) is not None:
            version, weights = pulled
            batch = random.integers(len(labels), size=BATCH)
            step = gradient(weights, features[batch], labels[batch])
            threading.Event().wait(PAUSE * SLOW if number == 0 else PAUSE)
            server.send((version, step))


def connect(features, labels, number):
    """Start the workers one by one, give each its shard; return (processes, lines)."""
    workers, connections = [], []
    with Listener(("localhost", 0)) as listener:
        for n in range(number):
            command = [sys.executable, __file__, "worker", str(listener.address[1])]
            workers.append(subprocess.Popen([*command, str(n)]))
            connections.append(listener.accept())
    for n, connection in enumerate(connections):
        connection.send((features[n::number], labels[n::number]))
    return workers, connections


def train(features, labels, how):
    """Train with a server and its workers; return what was measured."""
    test, (rule, number) = np.arange(len(labels)) % 5 == 0, how.split("-")
    server = ParameterServer(features.shape[1], rule == "sync", int(number))
    workers, connections = connect(features[~test], labels[~test], int(number))
    threads = [threading.Thread(target=server.serve, args=pair)
               for pair in enumerate(connections)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for worker in workers:
        worker.wait()
    features, late = features[test], labels[test] == 1
    guesses = [np.clip(probability(w, features), 1e-9, 1 - 1e-9)
               for _, w in server.history]
    return {
        "seconds": [at - began for at, _ in server.history],
        "losses": [-np.mean(np.log(np.where(late, g, 1 - g))) for g in guesses],
        "staleness": server.staleness,
        "used": server.used,
        "accuracy": np.mean((guesses[-1] > 0.5) == late),
    }


if __name__ == "__main__":
    if sys.argv[1] == "worker":
        work(*map(int, sys.argv[2:]))
    else:
        flights = load(sys.argv[1])
        print(json.dumps({how: train(*flights, how) for how in sys.argv[2:]}))
