"""Chapter 2's exercises: answers that the checks must accept, or must refuse."""

ANSWERS = {
    1: {
        "right": ["tasks = list((2, 3, 5))", "tasks = np.array([2, 3, 5])"],
        "wrong": {
            "tasks = [6, 2, 3, 5]": "fewer stages: coalesce needs no rows",
            "tasks = [6, 3, 5]": "the first stage: coalesce needs no rows",
            "tasks = [2, 5]": "other keys need another shuffle",
            "tasks = [2, 3, 3]": "one task for each partition it makes",
            "tasks = 10": "one number of tasks for each stage",
        },
    },
    2: {
        "right": [
            """
            def in_spark(table):
                return spark.sql('''
                    SELECT origin, day, count(*) AS flights,
                           count_if(arr_delay > 15) / count(*) AS share,
                           count(*) - lag(count(*)) OVER (
                               PARTITION BY origin ORDER BY day) AS change
                    FROM {table} WHERE tailnum IS NULL OR tailnum != 'N725MQ'
                    GROUP BY origin, day ORDER BY day''', table=table)
            """,
            """
            def in_spark(table):
                table = table.fillna({"tailnum": "unknown", "arr_delay": 0})
                late = (F.col("arr_delay") > 15).cast("int")
                others = table.filter("tailnum <> 'N725MQ'")
                daily = others.groupBy("origin", "day").agg(
                    F.sum(F.lit(1)).alias("flights"), F.mean(late).alias("share"))
                after = daily.select("origin", (F.col("day") + 1).alias("day"),
                                     F.col("flights").alias("before"))
                joined = daily.join(after, ["origin", "day"], "left")
                change = (F.col("flights") - F.col("before")).cast("double")
                return joined.withColumn("change", change).drop("before")
            """,
        ],
        "wrong": {
            """
            def in_spark(table):
                others = table.where("tailnum != 'N725MQ'")
                late = (F.col("arr_delay") > 15).cast("int")
                daily = others.groupBy("origin", "day").agg(
                    F.count("arr_delay").alias("flights"), F.avg(late).alias("share"))
                w = Window.partitionBy("origin").orderBy("day")
                return daily.withColumn(
                    "change", F.col("flights") - F.lag("flights").over(w))
            """: "which nulls are lost",
            """
            def in_spark(table):
                others = table.where("tailnum IS NULL OR tailnum != 'N725MQ'")
                late = (F.col("arr_delay") > 15).cast("int")
                daily = others.groupBy("origin", "day").agg(
                    F.count("*").alias("flights"), F.avg(late).alias("share"))
                w = Window.partitionBy("origin").orderBy("day")
                return daily.withColumn(
                    "change", F.col("flights") - F.lag("flights").over(w))
            """: "a missing delay is not late",
            """
            def in_spark(table):
                table = table.fillna({"tailnum": "unknown", "arr_delay": 0})
                late = (F.col("arr_delay") > 15).cast("int")
                daily = table.where("tailnum != 'N725MQ'").groupBy("origin", "day").agg(
                    F.count("*").alias("flights"), F.avg(late).alias("share"))
                w = Window.orderBy("origin", "day")
                return daily.withColumn(
                    "change", F.col("flights") - F.lag("flights").over(w))
            """: "its first has none",
            """
            def in_spark(table):
                return in_pandas(table.toPandas())
            """: "must return a Spark DataFrame",
        },
    },
    3: {
        "right": [
            """
            def salted_join(big, small, n):
                salts = F.expr(f"explode(sequence(0L, {n - 1}L))")
                left = big.withColumn("part", F.col("value") % n)
                right = small.withColumn("part", salts)
                same = ["key", "part"]
                return left.join(right, same).drop("part")
            """,
            """
            def salted_join(big, small, n):
                big = big.selectExpr("*", f"abs(hash(value)) % {n} AS s")
                small = small.selectExpr("*", f"explode(sequence(0, {n} - 1)) AS s")
                return spark.sql(
                    "SELECT l.key, value, name FROM {l} AS l JOIN {r} AS r "
                    "ON l.key = r.key AND l.s = r.s", l=big, r=small)
            """,
            """
            def salted_join(big, small, n):
                big = big.withColumn("salt", F.pmod(F.xxhash64("value"), F.lit(n)))
                salts = spark.range(n).withColumnRenamed("id", "salt")
                joined = big.join(small.crossJoin(salts), ["key", "salt"])
                return joined.select("key", "value", "name")
            """,
        ],
        "wrong": {
            """
            def salted_join(big, small, n):
                salts = F.explode(F.sequence(F.lit(0), F.lit(n - 1)))
                big = big.withColumn("salt", (F.rand() * n).cast("int"))
                joined = big.join(small.withColumn("salt", salts), ["key", "salt"])
                return joined.select("key", "value", "name")
            """: "must follow from the values of the row",
            """
            def salted_join(big, small, n):
                return big.join(small, "key").select("key", "value", "name")
            """: "no join on key and salt",
            """
            def salted_join(big, small, n):
                big = big.withColumn("salt", F.pmod(F.xxhash64("value"), F.lit(n)))
                joined = big.join(small.withColumn("salt", F.lit(0)), ["key", "salt"])
                return joined.select("key", "value", "name")
            """: "no join on key and salt",
            """
            def salted_join(big, small, n):
                salts = F.explode(F.sequence(F.lit(0), F.lit(n - 1)))
                big = big.withColumn("salt", F.xxhash64("value") % F.lit(n))
                joined = big.join(small.withColumn("salt", salts), ["key", "salt"])
                return joined.select("key", "value", "name")
            """: "is each salt from 0 to n - 1",
            """
            def salted_join(big, small, n):
                salts = F.explode(F.array(F.lit(0), F.lit(1)))
                big = big.withColumn("salt", F.col("value") % 2)
                joined = big.join(small.withColumn("salt", salts), ["key", "salt"])
                return joined.select("key", "value", "name")
            """: "use all n salts",
        },
    },
    4: {
        "right": [
            """
            def to_cache(flights):
                columns = ["arr_delay", "origin", "distance", "carrier"]
                return flights[columns].filter(F.col("distance") >= 1501)
            """,
            """
            def to_cache(flights):
                return spark.sql('''
                    SELECT carrier, origin, arr_delay, distance FROM {flights}
                    WHERE distance > 3000 / 2 ''', flights=flights)
            """,
            """
            def to_cache(flights):
                long = flights.where("distance > 1500 and arr_delay is not null")
                return long.select("carrier", "origin", "distance", "arr_delay")
            """,
        ],
        "wrong": {
            """
            def to_cache(flights):
                return flights.where("distance > 1500")
            """: "columns that no question needs",
            """
            def to_cache(flights):
                return flights.select("carrier", "origin", "distance", "arr_delay")
            """: "rows, the questions need",
            """
            def to_cache(flights):
                long = flights.where(F.col("distance") * 2 - 1000 > 2000)
                return long.select("carrier", "origin", "distance", "arr_delay")
            """: "leave the column alone",
            """
            def to_cache(flights):
                long = flights.where("distance > 2000")
                return long.select("carrier", "origin", "distance", "arr_delay")
            """: "an answer is not the one",
        },
    },
    5: {
        "right": [
            """
            def centre(frame):
                mean = frame.agg(F.avg("arr_delay")).first()[0]
                return frame.withColumn("centred", F.col("arr_delay") - mean)
            """,
            """
            def centre(frame):
                mean = F.avg("arr_delay").over(Window.partitionBy())
                return frame.select((F.col("arr_delay") - mean).alias("centred"))
            """,
        ],
        "wrong": {
            """
            @F.pandas_udf("double")
            def centred(delay: pd.Series) -> pd.Series:
                return delay - delay.mean()

            def centre(frame):
                return frame.select(centred("arr_delay").alias("centred"))
            """: "subtract the mean of all rows",
            """
            def centred(batches):
                rows = pd.concat(batches)
                mean = rows["arr_delay"].mean()
                yield pd.DataFrame({"centred": rows["arr_delay"] - mean})

            def centre(frame):
                return frame.mapInPandas(centred, "centred double")
            """: "subtract the mean of all rows",
            """
            def centre(frame):
                mean = frame.limit(1000).toPandas()["arr_delay"].mean()
                return frame.withColumn("centred", F.col("arr_delay") - mean)
            """: "subtract the mean of all rows",
            """
            def centre(frame):
                return frame.withColumn("mean", F.lit(6.895))
            """: "no column centred",
        },
    },
    6: {
        "right": [
            """
            def reg_param(C, weights):
                return np.float64(1.0) / C / np.sum(weights)
            """,
            "reg_param = lambda C, weights: 1 / (C * len(weights) * np.mean(weights))",
        ],
        "wrong": {
            """
            def reg_param(C, weights):
                return 1 / (C * len(weights))
            """: "sum be divided?",
            """
            def reg_param(C, weights):
                return C / sum(weights)
            """: "weights of the model differ",
            """
            def reg_param(C, weights):
                return 1 / (C * weights)
            """: "return one number",
        },
    },
    7: {
        "right": [
            """
            def to_repeat(tasks, dead, parts):
                table = pd.DataFrame(tasks)
                is_map = table["stage"] == "map"
                if (~is_map & table["done"]).sum() == parts:
                    return []
                again = (table["executor"] == dead) & (is_map | ~table["done"])
                return table.loc[again, ["stage", "part"]].to_numpy().tolist()
            """,
            """
            def to_repeat(tasks, dead, parts):
                results = [t for t in tasks if t["stage"] == "result" and t["done"]]
                again = set()
                for t in tasks:
                    if t["executor"] == dead and t not in results:
                        if len(results) < parts:
                            again.add((t["stage"], t["part"]))
                return again
            """,
        ],
        "wrong": {
            """
            def to_repeat(tasks, dead, parts):
                return {(t["stage"], t["part"]) for t in tasks
                        if t["executor"] == dead and not t["done"]}
            """: "the output on A's disk",
            """
            def to_repeat(tasks, dead, parts):
                return {(t["stage"], t["part"]) for t in tasks if t["executor"] == dead}
            """: "what the driver has is safe",
            """
            def to_repeat(tasks, dead, parts):
                return {(t["stage"], t["part"]) for t in tasks
                        if t["executor"] == dead
                        and (t["stage"] == "map" or not t["done"])}
            """: "who would read the shuffle",
            """
            def to_repeat(tasks, dead, parts):
                return {(t["stage"], t["part"]) for t in tasks
                        if t["stage"] == "map" or not t["done"]}
            """: "what B has is there",
            """
            def to_repeat(tasks, dead, parts):
                if not any(t["stage"] == "result" and not t["done"] for t in tasks):
                    return set()
                return {(t["stage"], t["part"]) for t in tasks
                        if t["executor"] == dead
                        and (t["stage"] == "map" or not t["done"])}
            """: "part 4 has not been started",
            """
            def to_repeat(tasks, dead, parts):
                if sum(t["stage"] == "result" and t["done"] for t in tasks) == parts:
                    return set()
                return {(t["stage"], t["part"]) for t in tasks
                        if t["executor"] == dead
                        and (t["stage"] == "map") == t["done"]}
            """: "finished or not",
        },
    },
    8: {
        "right": [
            """
            def spilled(events):
                ends = [e for e in events if e["Event"].endswith("TaskEnd")]
                sizes = pd.Series([e["Task Metrics"]["Disk Bytes Spilled"]
                                   for e in ends])
                sums = sizes.groupby([e["Stage ID"] for e in ends]).sum()
                return sums[sums > 0]
            """,
            """
            def spilled(events):
                ends = [e for e in events if "Task Metrics" in e]
                stages = {e["Stage ID"] for e in ends}
                sums = {s: sum(e["Task Metrics"]["Disk Bytes Spilled"] for e in ends
                               if e["Stage ID"] == s) for s in stages}
                return {s: size for s, size in sums.items() if size > 0}
            """,
        ],
        "wrong": {
            """
            def spilled(events):
                found = {}
                for e in events:
                    size = e.get("Task Metrics", {}).get("Memory Bytes Spilled", 0)
                    if size:
                        found[e["Stage ID"]] = found.get(e["Stage ID"], 0) + size
                return found
            """: "add the disk bytes",
            """
            def spilled(events):
                return {e["Stage ID"]: e["Task Metrics"]["Disk Bytes Spilled"]
                        for e in events if e.get("Task Metrics")}
            """: "did not spill",
            """
            def spilled(events):
                ends = [e for e in events if "Task Metrics" in e]
                return {e["Stage ID"]: e["Task Metrics"]["Disk Bytes Spilled"]
                        for e in ends if e["Task Metrics"]["Disk Bytes Spilled"]}
            """: "of all tasks of a stage",
        },
    },
    9: {
        "right": [
            "partitions = [1, 8, 8]",
            "partitions = np.array([1, 8, 8])",
        ],
        "wrong": {
            "partitions = 8, 8, 8": "small partitions",
            "partitions = 1, 1, 8": "the number in the setting",
            "partitions = 1, 8, 1": "asked for",
        },
    },
}
