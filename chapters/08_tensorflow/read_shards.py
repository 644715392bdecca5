"""Report which rows one worker of a cluster gets under each sharding policy.

    TF_CONFIG=... python read_shards.py FOLDER RESULT

Start it for each worker that TF_CONFIG names, all at the same time. FOLDER holds
pictures.parquet and the same rows in part-*.tfrecord; the first of these is "one file".
Each worker writes RESULT/N.json; worker 0 saves an iterator as RESULT/iterator too.
"""

import json
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import tensorflow as tf

BATCH = 500  # rows in a global batch, that is, over all workers
STOP = 7  # batches that are read before the iterator is saved
Policy = tf.data.experimental.AutoShardPolicy
ROW = {"row": tf.io.FixedLenFeature([], tf.int64)}


def parse(record):
    """Return one record's row number."""
    return tf.io.parse_single_example(record, ROW)["row"]


def from_row_groups(folder, first=0, step=1):
    """Return a data set of the row numbers in every `step`-th row group."""

    def row_numbers():
        table = pq.ParquetFile(folder / "pictures.parquet")
        for group in range(first, table.num_row_groups, step):
            yield table.read_row_group(group, columns=["row"])["row"].to_numpy()

    signature = tf.TensorSpec([None], tf.int64)
    return tf.data.Dataset.from_generator(row_numbers, output_signature=signature)


def sources(folder, files):
    """Return {name: (data set, function from its elements to row numbers)}."""
    return {
        "files": (tf.data.TFRecordDataset(files), parse),
        "generator": (from_row_groups(folder).unbatch(), lambda row: row),
        "one file": (tf.data.TFRecordDataset(files[:1]), parse),
    }


def counted(decode, count):
    """Return `decode` with one more line, which counts the rows that it gets."""

    def function(element):
        count.assign_add(tf.size(element, tf.int64))
        return decode(element)

    return function


def read(strategy, source, decode, policy):
    """Read one epoch under the policy; return what this worker got."""
    count = tf.Variable(0, dtype=tf.int64)
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = policy
    dataset = source.map(counted(decode, count)).batch(BATCH).with_options(options)
    return report(strategy, strategy.experimental_distribute_dataset(dataset), count)


def read_shuffled(strategy, files, seed):
    """Read one epoch under DATA, with the records shuffled before the map."""
    records = tf.data.TFRecordDataset(files).shuffle(5000, seed=seed)
    return read(strategy, records, parse, Policy.DATA)


def read_own_shard(strategy, source, decode):
    """Read one epoch of a shard that we take ourselves, before the map."""
    count = tf.Variable(0, dtype=tf.int64)

    def make(context):
        mine = source.shard(context.num_input_pipelines, context.input_pipeline_id)
        size = context.get_per_replica_batch_size(BATCH)
        return mine.map(counted(decode, count)).batch(size)

    return report(strategy, strategy.distribute_datasets_from_function(make), count)


def read_row_groups(strategy, folder):
    """Read one epoch of every n-th row group, of n workers, from Parquet."""
    count = tf.Variable(0, dtype=tf.int64)

    def make(context):
        number, workers = context.input_pipeline_id, context.num_input_pipelines
        mine = from_row_groups(folder, number, workers)
        size = context.get_per_replica_batch_size(BATCH)
        # counted before `rebatch` cuts them: the row groups as they are read
        return mine.map(counted(lambda rows: rows, count)).rebatch(size)

    return report(strategy, strategy.distribute_datasets_from_function(make), count)


def report(strategy, distributed, count):
    """Return the row numbers, the rows in each batch, and those that were decoded."""
    local = strategy.experimental_local_results
    batches = [part.numpy().tolist() for batch in distributed for part in local(batch)]
    sizes = [len(rows) for rows in batches]
    return {"rows": sum(batches, []), "batches": sizes, "decoded": int(count)}


def attempt(strategy, source, decode, policy):
    """Call `read`; return the kind and the first sentence of an error if it fails."""
    try:
        return read(strategy, source, decode, policy)
    except tf.errors.OpError as error:
        text = error.message.rpartition("}} ")[2]
        return {"error": type(error).__name__, "message": text.splitlines()[0]}


def resumable(files):
    """Return an epoch of row numbers in batches of 100, in a new order each time."""
    rows = tf.data.TFRecordDataset(files).map(parse)
    return rows.shuffle(2000).batch(100).prefetch(2)


def interrupted(files, checkpoint):
    """Save an iterator after STOP batches; return the rows before and after that."""
    iterator = iter(resumable(files))
    before = [next(iterator).numpy().tolist() for _ in range(STOP)]
    tf.train.Checkpoint(iterator=iterator).write(checkpoint)
    after = [batch.numpy().tolist() for batch in iterator]
    return {"before": sum(before, []), "after": sum(after, [])}


def main(folder, result):
    """Read every source under every policy, and write what happened."""
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    task = strategy.cluster_resolver.task_id
    paths = sorted(map(str, folder.glob("part-*.tfrecord")))
    made = sources(folder, paths)
    files = tf.data.TFRecordDataset(paths)
    found = {"files, own shard": read_own_shard(strategy, files, parse)}
    found["row groups, own shard"] = read_row_groups(strategy, folder)
    for name, seed in {"shuffled, no seed": None, "shuffled, seed": 8}.items():
        found[name] = read_shuffled(strategy, paths, seed)
    if task == 0:
        found["interrupted"] = interrupted(paths, str(result / "iterator"))
    # Last comes what makes worker 1 wait for a partner that has failed: one file.
    cases = [f"{name}, {rule}" for name in made for rule in ("DATA", "FILE", "AUTO")]
    for case in ["files, OFF", *cases]:
        found[case] = {}  # begun
        (result / f"{task}.json").write_text(json.dumps(found))
        name, policy = case.split(", ")
        found[case] = attempt(strategy, *made[name], Policy[policy])
        found[case]["ended"] = time.time()
    (result / f"{task}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
