"""Do once, while an image or environment is made, what would make each start slow.

- `warm_up.py import` imports what the chapters import, so that its byte code is there;
- `warm_up.py archive CONF FILE [usual]` makes a class-data archive, which spares the
  JVM the parsing of Spark's classes, and lets the Spark configuration in CONF name it.
  With "usual" it holds what lessons use, too: 80 MB more, too many for an image, and
  about a tenth of a lesson's processor time less.
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


def archive(conf, file, extent="first"):
    """Write the archive, from what a session loads, and the lines that use it.

    It holds only for the very class path it was made with, so that is written out, and
    Spark's own jars come first: for each job Spark reads the class files of its
    functions, and looks for them in one jar after the other.
    """
    import pyspark

    jars = sorted(
        Path(pyspark.__file__).parent.glob("jars/*.jar"),
        key=lambda jar: (not jar.name.startswith(("spark-", "scala-lib")), jar.name),
    )
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
        session(usual=extent == "usual")
    os.chmod(file, 0o444)
    defaults.write_text(text)


def session(usual):
    """Run what every session begins with; with `usual`, what lessons do, too."""
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.getOrCreate()
    spark.range(10).count()
    spark.range(10).collect()
    urllib.request.urlopen(spark.sparkContext.uiWebUrl + "/jobs/").read()
    if usual:
        with tempfile.TemporaryDirectory() as folder:
            usual_queries(spark, folder)
            usual_models(spark, folder)
    # Spark kills its JVM when Python ends; only one that ends by itself writes.
    gateway, jvm = spark.sparkContext._gateway, spark.sparkContext._gateway.proc
    spark.stop()
    gateway.shutdown()
    jvm.stdin.close()
    jvm.wait()


def usual_queries(spark, folder):
    """Write and read a table, then group, join, sort and hand it to Python."""
    import pandas as pd
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    frame = pd.DataFrame({"k": list("abcd") * 50, "n": range(200)})
    spark.createDataFrame(frame.assign(x=0.5, y=frame["n"] % 2.0)).write.parquet(
        f"{folder}/table"
    )
    table = spark.read.parquet(f"{folder}/table").cache()
    table.write.csv(f"{folder}/text", header=True)
    spark.read.csv(f"{folder}/text", header=True, inferSchema=True).count()
    groups = table.groupBy("k").agg(F.count("*"), F.avg("x"), F.countDistinct("n"))
    groups.orderBy("k").toPandas()
    table.join(groups, "k").where("n > 3").count()
    table.join(table.hint("merge"), "n").collect()
    ranked = F.row_number().over(Window.partitionBy("k").orderBy("n"))
    table.select(ranked, F.xxhash64("k"), F.concat_ws(",", "k", "n")).collect()
    table.repartition(3, "k").sortWithinPartitions("n").collect()
    table.select(F.pandas_udf(lambda column: column + 1, "double")("x")).collect()
    table.rdd.map(len).sum()


def usual_models(spark, folder):
    """Fit, score, evaluate and save a few of MLlib's models."""
    from pyspark.ml import Pipeline, classification, evaluation, feature
    from pyspark.ml.clustering import KMeans
    from pyspark.ml.functions import vector_to_array
    from pyspark.ml.regression import RandomForestRegressor

    table = spark.read.parquet(f"{folder}/table").repartition(2)
    stages = [
        feature.StringIndexer(inputCol="k", outputCol="i"),
        feature.OneHotEncoder(inputCol="i", outputCol="o"),
        feature.VectorAssembler(inputCols=["x", "n", "o"], outputCol="features"),
        classification.LogisticRegression(labelCol="y", maxIter=3),
    ]
    model = Pipeline(stages=stages).fit(table)
    scored = model.transform(table).cache()
    evaluation.BinaryClassificationEvaluator(labelCol="y").evaluate(scored)
    scored.select(vector_to_array("probability")).toPandas()
    model.write().save(f"{folder}/model")
    rows = scored.select("y", "features")
    KMeans(k=2, seed=1, maxIter=2).fit(rows)
    RandomForestRegressor(labelCol="y", numTrees=2, maxDepth=2).fit(rows)


if __name__ == "__main__":
    {"import": import_all, "archive": archive}[sys.argv[1]](*sys.argv[2:])
