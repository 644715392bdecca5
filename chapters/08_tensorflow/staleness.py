"""Asynchronous steps that measure how stale their gradients are, for train_ps.py."""

import time

import tensorflow as tf
from fashion_steps import KERAS, create, global_mean

LIMIT = 300  # seconds that anything may take


def poll(condition):
    """Return when the condition holds."""
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)


class Versions:
    """Steps that report their worker, and which version of the weights they saw."""

    def __init__(self, strategy):
        """Make network and optimiser, and three variables beside them."""
        self.strategy = strategy
        self.coordinator = tf.distribute.coordinator.ClusterCoordinator(strategy)
        self.model, self.optimiser = create(strategy, KERAS["Keras 3"])
        with strategy.scope():
            self.version = tf.Variable(0)  # how many updates the weights have had
            self.holder = tf.Variable(-1)  # the worker that holds a gradient back
            self.gate = tf.Variable(0)  # 1: nobody holds back any more
        self.checkpoint = tf.train.Checkpoint(
            model=self.model, optimiser=self.optimiser, version=self.version
        )
        self.update = {False: self.compiled(False), True: self.compiled(True)}

    def compiled(self, held):
        """Return the step as a graph that the coordinator can send to a worker."""
        return tf.function(
            lambda *batch: self.strategy.run(self.report, (*batch, held))
        )

    def report(self, images, labels, held):
        """Make one step; if held, wait at the gate between gradient and update."""
        worker = tf.strings.to_number(tf.io.read_file("task"), tf.int32)
        read = self.version.read_value()
        with tf.control_dependencies([read]), tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
                labels, self.model(images, training=True)
            )
            loss = global_mean(losses)
        variables = self.model.trainable_variables
        gradients = tape.gradient(loss, variables)
        with tf.control_dependencies(gradients):
            gate_opened = self.wait_at_gate(worker) if held else tf.constant(0)
        with tf.control_dependencies([gate_opened]):
            self.optimiser.apply_gradients(zip(gradients, variables, strict=True))
        updated = [variable.value.read_value() for variable in variables]
        with tf.control_dependencies(updated):
            return worker, read, self.version.assign_add(1), loss

    def wait_at_gate(self, worker):
        """Say who waits; return when the gate opens."""
        with tf.control_dependencies([self.holder.assign(worker)]):
            return tf.while_loop(
                lambda _: self.gate.read_value() == 0, lambda looks: looks + 1, [0]
            )[0]

    def hand_out(self, batches, held=False):
        """Hand out the batches and do not wait; return what will be the reports."""
        return [self.coordinator.schedule(self.update[held], b) for b in batches]

    def reports(self, results):
        """Wait; return [worker, version read, version written, loss] of each step."""
        self.coordinator.join()
        return [[float(number) for number in r.fetch()] for r in results]


def overtake(steps, all_batches, lose=None):
    """Let ten steps overtake the first; `lose(worker)` may kill who holds it."""
    results = steps.hand_out(all_batches[:1], held=True)
    poll(lambda: int(steps.holder) >= 0)
    results += steps.hand_out(all_batches[1:11])
    poll(lambda: int(steps.version) == 10)
    holder = int(steps.holder)
    if lose:
        lose(holder)
    steps.gate.assign(1)
    poll(lambda: int(steps.version) == 11)
    results += steps.hand_out(all_batches[11:])
    reports = steps.reports(results)
    return {"holder": holder, "reports": reports, "version": int(steps.version)}
