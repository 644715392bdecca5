"""Be a worker or a parameter server; TF_CONFIG says which.

    TF_CONFIG=... python serve_ps.py FOLDER

It knows nothing of networks or data: the chief sends it what to do. It serves until it
is killed. FOLDER/worker-0 and so on get a file with its number and one with its pid.
"""

import os
import sys
from pathlib import Path

import tensorflow as tf


def serve(folder):
    """Serve, for ever."""
    task = tf.distribute.cluster_resolver.TFConfigClusterResolver()
    home = Path(folder, f"{task.task_type}-{task.task_id}")
    home.mkdir(exist_ok=True)
    os.chdir(home)
    Path("task").write_text(str(task.task_id))
    server = tf.distribute.Server(
        task.cluster_spec(), task.task_type, task.task_id, protocol="grpc"
    )
    Path("pid").write_text(str(os.getpid()))  # from now on it answers
    server.join()


if __name__ == "__main__":
    serve(sys.argv[1])
