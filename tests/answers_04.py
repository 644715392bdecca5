"""Chapter 4's exercises: answers that the checks must accept, or must refuse."""

ANSWERS = {
    1: {
        "right": [
            "rows = [np.int64(n) for n in (7, 7, 5, 2)]",
            "rows = (7, *(7, 5), 2.0)",
        ],
        "wrong": {
            "rows = 2, 2, 2, 2": "count() needs no column",
            "rows = 7, 7, 7, 2": "which values of this one column",
            "rows = 7, 7, 4, 2": "An empty one is null",
            "rows = 7, 7, 5, 4": "the values counted",
        },
    },
    2: {
        "right": [
            """
            def read_by_name(path, wanted):
                header = spark.read.csv(path).first()
                names = list(header)
                for name in wanted:
                    if name not in names:
                        raise ValueError(f"{name} is missing")
                schema = ", ".join(f"{n} {wanted.get(n, 'string')}" for n in names)
                return spark.read.csv(path, schema=schema, header=True)[list(wanted)]
            """,
            """
            def read_by_name(path, wanted):
                frame = spark.read.option("header", True).csv(path)
                if set(wanted) - set(frame.columns):
                    raise ValueError(set(wanted) - set(frame.columns))
                return frame.selectExpr(*[
                    f"try_cast({n} AS {t}) AS {n}" for n, t in wanted.items()])
            """,
        ],
        "wrong": {
            """
            def read_by_name(path, wanted):
                schema = ", ".join(f"{n} {t}" for n, t in wanted.items())
                return spark.read.csv(path, schema=schema, header=True)
            """: "match the names",
            """
            def read_by_name(path, wanted):
                frame = spark.read.csv(path, header=True, inferSchema=True)
                return frame.select([F.col(n).cast(t) for n, t in wanted.items()])
            """: "let a code be a text from the start",
            """
            def read_by_name(path, wanted):
                frame = spark.read.csv(path, header=True)
                return frame.select([
                    (F.col(n) if n in frame.columns else F.lit(None)).cast(t).alias(n)
                    for n, t in wanted.items()])
            """: "there was no ValueError",
            """
            def read_by_name(path, wanted):
                return spark.read.csv(path, header=True).select(*wanted)
            """: "columns and types are",
        },
    },
    3: {
        "right": [
            """
            def local_dates(events):
                return events.selectExpr(
                    "*", "CAST(convert_timezone(zone, instant) AS DATE) AS date")
            """,
            """
            def local_dates(events):
                date = F.lit(None).cast("date")
                for zone in sorted({row["zone"] for row in events.collect()}):
                    there = F.convert_timezone(None, F.lit(zone), "instant")
                    here = F.col("zone") == zone
                    date = F.when(here, F.to_date(there)).otherwise(date)
                return events.withColumn("date", date)
            """,
        ],
        "wrong": {
            """
            def local_dates(events):
                return events.withColumn("date", F.to_date("instant"))
            """: "session in UTC: wrong for id [1, 2, 4, 5]",
            """
            def local_dates(events):
                there = F.from_utc_timestamp("instant", F.col("zone"))
                return events.withColumn("date", F.to_date(there))
            """: "session in Asia/Kolkata: wrong for id",
            """
            def local_dates(events):
                there = F.convert_timezone(None, F.lit("America/New_York"), "instant")
                return events.withColumn("date", F.to_date(there))
            """: "session in UTC: wrong for id [4, 5]",
        },
    },
    4: {
        "right": [
            "numbers = 5 * 3, 3, 3 * 10, 3 * 2",
            "numbers = tuple(np.array([15, 3, 30, 6]))",
        ],
        "wrong": {
            "numbers = 3, 3, 30, 6": "each of five tasks",
            "numbers = 15, 5, 30, 6": "all rows of a shop are in one task",
            "numbers = 15, 3, 30, 4": "200 rows of a shop",
            "numbers = 15, 3, 30": "give four numbers",
        },
    },
    5: {
        "right": [
            "largest = np.array([True, False, True, True, False])",
            "largest = [1, 0, 1, 1, 0]",
        ],
        "wrong": {
            "largest = [False, False, False, False, False]": "number 1",
            "largest = [True, False, False, True, False]": "number 3",
            "largest = [True, False, True, False, False]": "number 4",
            "largest = [True, True]": "give five truth values",
        },
    },
    6: {
        "right": [
            """
            def deviation(groups):
                n, mean, m2 = 0, 0.0, 0.0
                for row in groups.itertuples():
                    step = row.mean - mean
                    m2 += 0 if row.n == 1 else row.variance * (row.n - 1)
                    m2 += step**2 * n * row.n / (n + row.n)
                    n, mean = n + row.n, mean + step * row.n / (n + row.n)
                return (m2 / (n - 1)) ** 0.5
            """,
            """
            def deviation(groups):
                variance = groups["variance"].fillna(0)
                n, mean = groups["n"].to_numpy(), groups["mean"].to_numpy()
                squares = (n - 1) * variance + n * mean**2
                all_mean = np.average(mean, weights=n)
                return np.sqrt((squares.sum() - n.sum() * all_mean**2) / (n.sum() - 1))
            """,
        ],
        "wrong": {
            """
            def deviation(groups):
                return math.sqrt(np.average(groups["variance"], weights=groups["n"]))
            """: "but all values together have",
            """
            def deviation(groups):
                within = ((groups["n"] - 1) * groups["variance"]).sum()
                return math.sqrt(within / (groups["n"].sum() - 1))
            """: "unequal groups",
            """
            def deviation(groups):
                n, mean = groups["n"], groups["mean"]
                within = ((n - 1) * groups["variance"]).fillna(0).sum()
                between = (n * (mean - mean.mean()) ** 2).sum()
                return math.sqrt((within + between) / (n.sum() - 1))
            """: "unequal groups",
            """
            def deviation(groups):
                return groups["variance"] ** 0.5
            """: "return one number",
        },
    },
    7: {
        "right": [
            """
            def passes(frame):
                bad = F.expr("wind IS NULL OR isnan(wind) OR wind <= 0")
                return not frame.isEmpty() and frame.where(bad).isEmpty()
            """,
            """
            def passes(frame):
                winds = frame.toPandas()["wind"].astype(float).to_numpy()
                return len(winds) > 0 and np.all(np.isfinite(winds) & (winds > 0))
            """,
        ],
        "wrong": {
            """
            def passes(frame):
                bad = F.col("wind").isNull() | ~(F.col("wind") > 0)
                return frame.where(bad).isEmpty() and frame.count() > 0
            """: "a NaN: this should not pass",
            """
            def passes(frame):
                good = (F.col("wind") > 0) & ~F.isnan("wind")
                return frame.where(~good).isEmpty() and frame.count() > 0
            """: "a null: this should not pass",
            """
            def passes(frame):
                good = frame.where("wind > 0 AND NOT isnan(wind)")
                return good.count() == frame.count()
            """: "no rows: this should not pass",
            """
            def passes(frame):
                return frame.where("wind > 0 AND NOT isnan(wind)").count() > 0
            """: "a wind of 0: this should not pass",
        },
    },
    8: {
        "right": [
            """
            def split(frame, rules):
                pairs = F.array(*[
                    F.struct(F.lit(n).alias("name"),
                             F.ifnull(r, F.lit(False)).alias("ok"))
                    for n, r in rules.items()])
                broken = F.transform(F.filter(pairs, lambda pair: ~pair["ok"]),
                                     lambda pair: pair["name"])
                marked = frame.withColumn("broken", broken)
                good = marked.where("size(broken) = 0").drop("broken")
                return good, marked.where("size(broken) > 0")
            """,
            """
            def split(frame, rules):
                text = F.concat_ws("|", *[
                    F.when(r, None).otherwise(F.lit(n)) for n, r in rules.items()])
                good = frame.where(text == "")
                refused = frame.withColumn("broken", F.split(text, r"\\|"))
                return [good, refused.where(text != "")]
            """,
        ],
        "wrong": {
            """
            def split(frame, rules):
                broken = F.array(*[F.when(~r, F.lit(n)) for n, r in rules.items()])
                marked = frame.withColumn("broken", F.array_compact(broken))
                good = F.size("broken") == 0
                return marked.where(good).drop("broken"), marked.where(~good)
            """: "good are N1 (twice) and N6",
            """
            def split(frame, rules):
                good = F.lit(True)
                for rule in rules.values():
                    good = good & rule
                names = F.array(*[F.when(~r, F.lit(n)) for n, r in rules.items()])
                refused = frame.where(~good)
                return frame.where(good), refused.withColumn("broken", names)
            """: "8 rows in",
            """
            def split(frame, rules):
                parts = [frame.where(~F.coalesce(r, F.lit(False)))
                         .withColumn("broken", F.array(F.lit(n)))
                         for n, r in rules.items()]
                refused = parts[0].union(parts[1]).union(parts[2])
                return frame.exceptAll(refused.drop("broken")), refused
            """: "8 rows in",
            """
            def split(frame, rules):
                good = F.lit(True)
                for rule in rules.values():
                    good = good & F.coalesce(rule, F.lit(False))
                return frame.where(good), frame.where(~good)
            """: "one more column: broken",
        },
    },
}
