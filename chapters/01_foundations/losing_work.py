"""Spark jobs that lose something on the way; started by notebook 1.6 with

    spark-submit losing_work.py JOB ...

Each job adds up squares in sixteen tasks of 0.2 s. In one task, at its first attempt,
the executor's JVM is killed (executor), or only its Python worker (worker); or it is
very slow (straggler); or it fails on the executor where it ran first (bad-place).
Where an executor dies, the numbers were made once before and kept: in the executors'
memory (executor) or as files (checkpointed). Prints JSON: for each job its answer or
its error, its seconds, how many numbers it made, and its tasks as Spark's REST API
describes them.
"""

import json
import os
import signal
import sys
import time
from threading import Event

from pyspark import TaskContext
from pyspark.sql import SparkSession

from lab import get_json, wait_for

KEPT = ("executor", "checkpointed")


def jvm():
    """Return the process id of this task's JVM: the parent of our parent, a daemon."""
    with open(f"/proc/{os.getppid()}/stat") as stat:
        return int(stat.read().rsplit(")", 1)[1].split()[1])


def square(number, what):
    first = TaskContext.get().attemptNumber() == 0
    if number == 5 and first and what in KEPT:
        os.kill(jvm(), signal.SIGKILL)
        Event().wait(600)  # the signal comes first
    if number == 5 and first and what == "worker":
        os._exit(1)
    if number == 15 and first and what == "straggler":
        Event().wait(300)
    if number == 5 and first and what == "bad-place":
        raise OSError("the disk of this executor is broken")
    Event().wait(0.2)
    return number * number


def numbers_of(sc, what):
    """Return 0 to 15 in sixteen partitions, and a counter of those made so far."""
    made = sc.accumulator(0)

    def make(number):
        made.add(1)
        return number

    numbers = sc.parallelize(range(16), 16).map(make)
    if what in KEPT:
        numbers.cache() if what == "executor" else numbers.checkpoint()
        numbers.count()
    return numbers, made


def run(sc, what):
    """Run one job; return what became of it, and of each of its tasks."""
    numbers, made = numbers_of(sc, what)
    before = made.value
    sc.setJobDescription(what)
    began = time.time()
    try:
        outcome = {"answer": numbers.map(lambda n: square(n, what)).sum()}
    except Exception as error:
        text = str(error)
        outcome = {"error": text[text.index("Job aborted") :].splitlines()[0]}
    outcome["seconds"] = time.time() - began
    outcome["made"] = made.value - before
    api = f"{sc.uiWebUrl}/api/v1/applications/{sc.applicationId}"

    def ended():
        jobs = [j for j in get_json(f"{api}/jobs") if j.get("description") == what]
        return jobs and jobs[0]["status"] != "RUNNING" and jobs

    stage = wait_for(ended, 300, "the job's end")[0]["stageIds"][0]
    keys = ("taskId", "index", "attempt", "executorId", "status", "launchTime",
            "duration", "speculative")
    outcome["tasks"] = [
        {key: task.get(key) for key in keys}
        for task in get_json(f"{api}/stages/{stage}/0/taskList?length=1000")
    ]
    return outcome


if __name__ == "__main__":
    spark = SparkSession.builder.appName("losing work").getOrCreate()
    wanted = sys.argv[1:]
    print(json.dumps({what: run(spark.sparkContext, what) for what in wanted}))
    spark.stop()
