"""Do once, while an image or environment is made, what would make each start slow.

- `warm_up.py import` imports what the chapters import, so that its byte code is there;
- `warm_up.py archive CONF FILE` makes a class-data archive, which spares the JVM the
  parsing of Spark's classes, and lets the Spark configuration in CONF name it.
"""

import importlib.util
import os
import shutil
import sys
import tempfile
import urllib.request
from pathlib import Path

MODULES = """
    jupyterlab.labapp jupyter_server.serverapp jupyter_server.services.api.handlers
    jupyter_lsp.serverextension notebook_shim.shim jupyter_server_terminals
    jupyter_server_proxy jupyterlab.serverextension nbconvert.exporters nbval
    ipykernel.kernelapp ipykernel.ipkernel matplotlib_inline.backend_inline nbclient
    jedi
    matplotlib.pyplot matplotlib.backends.backend_agg networkx mpi4py.MPI psutil
    pandas numpy pyarrow pyarrow.parquet pyarrow.dataset scipy.stats scipy.sparse
    sklearn.linear_model sklearn.ensemble sklearn.metrics sklearn.model_selection
    sklearn.pipeline sklearn.preprocessing sklearn.cluster sklearn.datasets
    pyspark.sql pyspark.sql.functions pyspark.sql.pandas.functions pyspark.daemon
    pyspark.worker pyspark.pandas pyspark.ml.classification pyspark.ml.regression
    pyspark.ml.clustering pyspark.ml.recommendation pyspark.ml.feature
    pyspark.ml.evaluation pyspark.ml.tuning pyspark.ml.torch.distributor
    pyspark.sql.streaming
    mlflow mlflow.pyfunc mlflow.sklearn mlflow.spark mlflow.tracking
    mlflow.store.tracking.sqlalchemy_store mlflow.server.handlers
"""
DL_MODULES = """
    torch torch.nn torch.optim torch.utils.data torch._dynamo torchvision
    tensorflow keras
    petastorm petastorm.spark petastorm.pytorch petastorm.tf_utils horovod.torch
    horovod.spark.common.store tensorboard.program mlflow.pytorch mlflow.tensorflow
"""


def import_all():
    """Import every module; one that is missing fails the build."""
    has_dl = importlib.util.find_spec("torch") is not None
    for name in (MODULES + DL_MODULES * has_dl).split():
        importlib.import_module(name)


def archive(conf, file):
    """Write the archive, from what a first session loads, and the lines that use it.

    It holds only for the very class path it was made with, so that is written out.
    """
    import pyspark

    jars = sorted(Path(pyspark.__file__).parent.glob("jars/*.jar"))
    defaults = Path(conf, "spark-defaults.conf")
    lines = defaults.read_text().splitlines()
    number = next(
        n for n, line in enumerate(lines) if "spark.driver.defaultJavaOptions" in line
    )
    lines[number] += (
        " -Xlog:cds=off -Xlog:cds+dynamic=off -XX:SharedArchiveFile=" + file
    )
    classes = ":".join(map(str, jars))
    lines += [
        "",
        "# Written by docker/warm_up.py.",
        f"spark.driver.extraClassPath {classes}",
    ]
    text = "\n".join(lines) + "\n"
    with tempfile.TemporaryDirectory() as folder:
        training = shutil.copytree(conf, Path(folder, "conf"))
        (training / defaults.name).write_text(
            text.replace("SharedArchiveFile", "ArchiveClassesAtExit")
        )
        os.environ["SPARK_CONF_DIR"] = str(training)
        first_session()
    os.chmod(file, 0o444)
    defaults.write_text(text)


def first_session():
    """Run what every session begins with; more would make the archive much larger."""
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.getOrCreate()
    spark.range(10).count()
    spark.range(10).collect()
    urllib.request.urlopen(spark.sparkContext.uiWebUrl + "/jobs/").read()
    # Spark kills its JVM when Python ends; only one that ends by itself writes.
    gateway, jvm = spark.sparkContext._gateway, spark.sparkContext._gateway.proc
    spark.stop()
    gateway.shutdown()
    jvm.stdin.close()
    jvm.wait()


if __name__ == "__main__":
    {"import": import_all, "archive": archive}[sys.argv[1]](*sys.argv[2:])
