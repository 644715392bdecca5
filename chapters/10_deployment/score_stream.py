"""Score flights as their files arrive, and write each batch to three places.

    python score_stream.py INPUT MODEL FOLDER [BATCH]

INPUT: a folder of JSON files; MODEL: a stored pipeline of MLlib; FOLDER gets the
checkpoint and the outputs. With BATCH, the program and its JVM kill themselves when
this batch is written and not yet committed: the worst moment for a crash.
"""

import os
import signal
import sqlite3
import sys

from pyspark.ml import PipelineModel
from pyspark.ml.functions import vector_to_array
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

SCHEMA = "id long, hour int, minute int, month int, distance int, late int"


def scored(spark, source, model):
    """Return a stream of (id, score, version), one input file per batch."""
    files = spark.readStream.schema(SCHEMA).option("maxFilesPerTrigger", 1)
    score = vector_to_array("probability")[1]
    return model.transform(files.json(source)).select(
        "id", F.round(score, 6).alias("score"), F.lit(1).alias("version")
    )


def append(rows, batch, folder):
    """Add the batch's rows to a table of Parquet files."""
    rows.write.mode("append").parquet(f"{folder}/append")


def overwrite(rows, batch, folder):
    """Replace what this batch has written before: its number is part of the path."""
    rows.write.mode("overwrite").parquet(f"{folder}/overwrite/batch={batch}")


def insert_once(rows, batch, folder):
    """Insert the rows and the batch's number in one transaction, or nothing."""
    values = [tuple(row) for row in rows.collect()]
    with sqlite3.connect(f"{folder}/scores.db") as database:  # commits, or rolls back
        database.execute("CREATE TABLE IF NOT EXISTS batches (batch INT PRIMARY KEY)")
        database.execute("CREATE TABLE IF NOT EXISTS scores (id INT, score, version)")
        new = database.execute("INSERT OR IGNORE INTO batches VALUES (?)", [batch])
        if new.rowcount:
            database.executemany("INSERT INTO scores VALUES (?, ?, ?)", values)
    database.close()


def main(source, model, folder, fatal=None):
    """Score all files that are there; die in the batch `fatal`."""
    spark = SparkSession.builder.appName("score_stream").getOrCreate()
    os.makedirs(folder, exist_ok=True)

    def write(rows, batch):
        rows.persist()
        for sink in (append, overwrite, insert_once):
            sink(rows, batch, folder)
        rows.unpersist()
        if batch == fatal:
            os.killpg(0, signal.SIGKILL)  # this process and its JVM, at once

    stream = scored(spark, source, PipelineModel.load(model))
    query = (
        stream.writeStream.foreachBatch(write)
        .option("checkpointLocation", f"{folder}/checkpoint")
        .trigger(availableNow=True)
        .start()
    )
    query.awaitTermination()
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:4], *map(int, sys.argv[4:]))
