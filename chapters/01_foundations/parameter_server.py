"""A parameter server and its workers, each a process of its own, talking over sockets.

    python parameter_server.py {sync,async} [--workers 3] [--gradients 300] [--slow 5]

Trains a logistic regression that tells late flights (more than 15 minutes). The server
owns the weights. A worker owns a shard of the flights; in a loop it pulls the weights,
computes a gradient on a batch and pushes it back. The batches are small, so each worker
waits some milliseconds to stand for a real model, and worker 0 waits --slow times as
long. Prints JSON: losses over time, the staleness of each gradient, test accuracy.
"""

import argparse
import json
import subprocess
import sys
import threading
import time
from multiprocessing.connection import Client, Listener

import numpy as np
import pyarrow.parquet as pq

from lab import data

RATE, BATCH, WAIT = 1.0, 500, 0.004
COLUMNS = ["carrier", "dep_delay", "distance", "hour", "arr_delay"]


def load():
    """Return features (rows × columns) and 0/1 labels of every sixth flight."""
    flights = pq.read_table(data("flights/flights.parquet"), columns=COLUMNS)
    flights = flights.to_pandas().dropna().iloc[::6]
    numbers = flights[["dep_delay", "distance", "hour"]].clip(upper=3000)
    numbers = (numbers - numbers.mean()) / numbers.std()
    carrier = flights["carrier"].to_numpy()[:, None] == np.unique(flights["carrier"])
    ones = np.ones((len(flights), 1))
    features = np.hstack([ones, numbers, carrier]).astype(float)
    return features, (flights["arr_delay"].to_numpy() > 15).astype(float)


def probability(weights, features):
    return 1 / (1 + np.exp(-features @ weights))


def gradient(weights, features, labels):
    return features.T @ (probability(weights, features) - labels) / len(labels)


class ParameterServer:
    """The weights, and the rule by which gradients change them."""

    def __init__(self, length, workers, gradients, synchronous):
        self.weights, self.version = np.zeros(length), 0
        self.workers, self.left, self.synchronous = workers, gradients, synchronous
        self.waiting, self.staleness, self.history = [], [], []
        self.changed = threading.Condition()

    def serve(self, connection):
        """Answer one worker until enough gradients have been used."""
        while self.left > 0:
            connection.send((self.version, self.weights))
            version, pushed = connection.recv()
            with self.changed:
                if self.synchronous:
                    self.wait_for_all(version, pushed)
                elif self.left > 0:
                    self.staleness.append(self.version - version)
                    self.apply(pushed / self.workers, 1)
        connection.send(None)

    def wait_for_all(self, version, pushed):
        self.waiting.append(pushed)
        if len(self.waiting) == self.workers:
            self.staleness += [self.version - version] * self.workers
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


def work(port, number, workers, slow):
    features, labels = load()
    train = np.arange(len(labels)) % 5 != 0
    features, labels = features[train][number::workers], labels[train][number::workers]
    random = np.random.default_rng(number)
    with Client(("localhost", port)) as server:
        while (pulled := server.recv()) is not None:
            version, weights = pulled
            batch = random.integers(len(labels), size=BATCH)
            step = gradient(weights, features[batch], labels[batch])
            threading.Event().wait(WAIT * slow if number == 0 else WAIT)
            server.send((version, step))


def train(options):
    features, labels = load()
    test = np.arange(len(labels)) % 5 == 0
    features, labels = features[test], labels[test]
    server = ParameterServer(features.shape[1], options.workers, options.gradients,
                             options.how == "sync")
    with Listener(("localhost", 0)) as listener:
        worker = [sys.executable, __file__, "worker", f"--port={listener.address[1]}",
                  f"--workers={options.workers}", f"--slow={options.slow}"]
        workers = [subprocess.Popen([*worker, f"--number={n}"])
                   for n in range(options.workers)]
        connections = [listener.accept() for _ in workers]
    threads = [threading.Thread(target=server.serve, args=[c]) for c in connections]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for worker in workers:
        worker.wait()
    guesses = [np.clip(probability(w, features), 1e-9, 1 - 1e-9)
               for _, w in server.history]
    print(json.dumps({
        "seconds": [at - began for at, _ in server.history],
        "losses": [-np.mean(np.log(np.where(labels == 1, g, 1 - g))) for g in guesses],
        "staleness": server.staleness,
        "accuracy": np.mean((guesses[-1] > 0.5) == labels),
        "bytes": 2 * 8 * len(server.weights) * len(server.staleness),
    }))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("how", choices=["sync", "async", "worker"])
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--gradients", type=int, default=300)
    parser.add_argument("--slow", type=float, default=5, help="times")
    parser.add_argument("--port", type=int, help="of the server, for a worker")
    parser.add_argument("--number", type=int, help="of a worker")
    options = parser.parse_args()
    if options.how == "worker":
        work(options.port, options.number, options.workers, options.slow)
    else:
        train(options)
