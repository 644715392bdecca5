"""Add up the squares below a million in eight tasks and tell which processes did it.

Started by 01_architecture.ipynb with spark-submit, once in local mode and once on a
standalone cluster; nothing in it knows which. Prints one line of JSON.
"""

import json
import os

from pyspark.sql import SparkSession


def squares(numbers):
    """Yield the JVM that runs the task (the parent of our parent) and the partial sum.

    Spark forks Python workers from a daemon, and the daemon's parent is the JVM that
    runs the tasks: the driver in local mode, an executor on a cluster.
    """
    with open(f"/proc/{os.getppid()}/stat") as stat:
        jvm = int(stat.read().rsplit(")", 1)[1].split()[1])
    yield jvm, sum(n * n for n in numbers)


spark = SparkSession.builder.appName("where it runs").getOrCreate()
sc = spark.sparkContext
parts = sc.parallelize(range(1_000_000), 8).mapPartitions(squares).collect()
print(json.dumps({
    "master": sc.master.split("[")[0].split(":")[0],
    "answer": sum(part for _, part in parts),
    "driver_jvm": os.getppid(),  # spark-submit is that JVM, and starts this program
    "task_jvms": sorted({jvm for jvm, _ in parts}),
}))
spark.stop()
