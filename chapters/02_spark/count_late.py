"""Count late flights by airport; started by 06_cluster.ipynb with

    spark-submit --py-files late_flights.zip count_late.py FLIGHTS.parquet

The tasks use the package late_flights, so the executors must get it: that is what
--py-files is for. Prints one line of JSON.
"""

import json
import sys

from late_flights.rules import is_late
from pyspark.sql import SparkSession

spark = SparkSession.builder.appName("count late").getOrCreate()
flights = spark.read.parquet(sys.argv[1]).select("origin", "arr_delay").rdd
late = flights.filter(lambda row: is_late(row.arr_delay))
print(json.dumps(dict(late.map(lambda row: row.origin).countByValue())))
spark.stop()
