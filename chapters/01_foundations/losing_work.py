"""Spark jobs that lose something on the way; started by notebook 1.6 with

    spark-submit losing_work.py FOLDER JOB ...

Each job squares sixteen numbers in a map stage of eight tasks, shuffles, and adds up in
a result stage of eight tasks. In result task 5 the executor's JVM is killed (shuffle,
checkpointed), or only its Python worker (worker); or the task is very slow (straggler);
or it fails where it runs first (bad-place); each happens once. In the job checkpointed
the shuffled sums were written to FOLDER before. Prints JSON: for each job its answer or
its error, its seconds, and its tasks as Spark's REST API describes them.
"""

import hashlib
import json
import operator
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from threading import Event

from pyspark.sql import SparkSession

from lab import tasks_of, wait_for


def compute(rounds):
    """Keep a processor busy: a hash of a hash of a hash, so many times."""
    hashlib.pbkdf2_hmac("sha256", b"any", b"thing", rounds)


def square(number):
    """Map stage: return a key from 0 to 7, and the square."""
    compute(150_000)
    return number % 8, number * number


def lose(pair, what, folder):
    """Result stage: return the sum; for key 5, the first time, lose something."""
    key, total = pair
    if key == 5 and first_time(folder, what):
        if what in ("shuffle", "checkpointed"):
            os.kill(jvm(), signal.SIGKILL)  # the executor: its memory and its files
            Event().wait(600)  # the signal comes first
        if what == "worker":
            os._exit(1)  # only the Python process
        if what == "straggler":
            Event().wait(300)
        if what == "bad-place":
            raise OSError("the disk of this executor is broken")
    compute(100_000)
    return total


def first_time(folder, what):
    """Return whether this is the first call of all tasks: who makes the file is it."""
    try:
        Path(folder, what).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def jvm():
    """Return the process id of this task's JVM: the parent of our parent, a daemon."""
    with open(f"/proc/{os.getppid()}/stat") as stat:
        return int(stat.read().rsplit(")", 1)[1].split()[1])


def run(sc, what, folder):
    """Run one job; return what became of it, and of each of its tasks."""
    squares = sc.parallelize(range(16), 8).map(square)
    sums = squares.reduceByKey(operator.add, 8)
    began = time.monotonic()
    if what == "checkpointed":
        sc.setJobDescription("before")
        sums.checkpoint()
        sums.count()
    outcome = {"seconds before": time.monotonic() - began}
    sc.setJobDescription(what)
    began = time.monotonic()
    try:
        outcome["answer"] = sums.map(lambda pair: lose(pair, what, folder)).sum()
    except Exception as error:
        text = str(error)
        outcome["error"] = text[text.index("Job aborted") :].splitlines()[0]
    outcome["seconds"] = time.monotonic() - began
    wait_for(lambda: "RUNNING" not in set(tasks_of(what)["status"]), 300, "all ends")
    outcome["tasks"] = json.loads(tasks_of(what).to_json(orient="records"))
    return outcome


if __name__ == "__main__":
    spark = SparkSession.builder.appName("losing work").getOrCreate()
    marks = tempfile.mkdtemp(dir=sys.argv[1])
    spark.sparkContext.setCheckpointDir(marks)
    outcomes = {what: run(spark.sparkContext, what, marks) for what in sys.argv[2:]}
    print(json.dumps(outcomes))
    spark.stop()
