"""Simulations: a long run on machines that fail, stragglers, a ring of messages.

`train` goes from event to event. Its assumptions, each of which decides part of the
result: machines fail independently, at a constant rate (exponential times); one failure
stops all; work since the last complete checkpoint is lost; restarting takes a fixed
time and always succeeds; a checkpoint stops the work while it is written.
"""

import heapq

import numpy as np


def train(work, machines, mtbf, interval, checkpoint, restart, rng):
    """Return the hours of a run, the failures, and the hours of work that were lost.

    work: hours of computing that are needed; mtbf: mean hours between failures of one
    machine; interval: hours of work between two checkpoints (inf for none);
    checkpoint, restart: hours; rng: numpy's Generator.
    """
    events = [(rng.exponential(mtbf), machine) for machine in range(machines)]
    heapq.heapify(events)
    clock = saved = lost = failures = 0.0
    while saved < work:
        piece = min(interval, work - saved)
        end = clock + piece + checkpoint * (saved + piece < work)
        failure, machine = events[0]
        if failure >= end:
            clock, saved = end, saved + piece
            continue
        lost += min(failure - clock, piece)
        failures += 1
        clock = failure + restart
        # The broken machine is replaced, and so is what fails during the restart.
        while events[0][0] <= clock:
            _, machine = events[0]
            heapq.heapreplace(events, (clock + rng.exponential(mtbf), machine))
    return clock, int(failures), lost


def slowest_of(workers, backups, spread, rng, steps=200):
    """Return the median time of a step that ends when `workers` of all have finished.

    Each machine's time is lognormal with median 1 and standard deviation `spread` of
    its logarithm, independent of the others and of the step before.
    """
    times = rng.lognormal(0, spread, (steps, workers + backups))
    times.partition(workers - 1, axis=1)
    return float(np.median(times[:, workers - 1]))


def ring(machines, message, jitter, rng):
    """Return the time of a ring all-reduce in which each message takes its own time.

    message: the time of one message (of a piece of the vector); jitter: the standard
    deviation of its logarithm. A machine sends a piece when it has received the one
    before and has finished sending its last one.
    """
    received = sent = np.zeros(machines)
    for _ in range(2 * (machines - 1)):
        sent = np.maximum(received, sent) + message * rng.lognormal(0, jitter, machines)
        received = np.roll(sent, 1)
    return float(received.max())
