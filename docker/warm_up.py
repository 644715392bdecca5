"""Do once, while an image is built, what would make its first minute slow.

- `warm_up.py import` imports what the chapters import, so that its byte code is there;
- `warm_up.py spark` runs what a first session runs, so that the JVM can write a
  class-data archive when it ends (-XX:ArchiveClassesAtExit).
"""

import importlib.util
import sys
import urllib.request

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


def first_session():
    """Run what every session begins with; more would make the archive much larger."""
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.getOrCreate()
    spark.range(10).count()
    spark.range(10).show()
    urllib.request.urlopen(spark.sparkContext.uiWebUrl + "/jobs/").read()
    # Spark kills its JVM when Python ends; only one that ends by itself writes.
    gateway, jvm = spark.sparkContext._gateway, spark.sparkContext._gateway.proc
    spark.stop()
    gateway.shutdown()
    jvm.stdin.close()
    jvm.wait()


if __name__ == "__main__":
    {"import": import_all, "spark": first_session}[sys.argv[1]]()
