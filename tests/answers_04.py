"""Chapter 4's exercises: answers that the checks must accept, or must refuse."""

ANSWERS = {
    1: {
        "right": [
            """
            def parts():
                return [f"MOD(id, 4) = {i}" for i in range(4)]
            """,
            """
            def parts():
                known = "COALESCE(price, -1)"
                ranges = [f"{known} > {low} AND {known} <= {high}"
                          for low, high in ((-1, 8), (8, 16), (16, 26))]
                return *ranges, "price > 26 OR price IS NULL"
            """,
        ],
        "wrong": {
            """
            def parts():
                return parts_as_they_were()
            """: "40 orders are in no part",
            """
            def parts():
                return ["price <= 10", "price > 10 AND price <= 20",
                        "price > 20 AND price <= 30", "price > 30"]
            """: "comparing a null",
            """
            def parts():
                return ["price IS NULL", "price <= 10", "price >= 10 AND price <= 20",
                        "price > 20"]
            """: "came twice",
            """
            def parts():
                return ["price IS NULL", "price < 260", "price >= 260 AND price < 500",
                        "price >= 500"]
            """: "one part has 333",
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
            """
            def newest(versions):
                text = "try_cast(seats AS INT)"
                order = "PARTITION BY code ORDER BY sent DESC"
                ranked = versions.where(f"{text} IS NOT NULL").selectExpr(
                    "*", f"row_number() OVER ({order}) AS n")
                kept = ranked.where("n = 1").selectExpr(
                    "code", f"{text} AS seats", "sent")
                older = ranked.where("n > 1").drop("n").withColumn(
                    "reason", F.lit("older"))
                bad = versions.where(f"{text} IS NULL").withColumn(
                    "reason", F.lit("unreadable"))
                return [kept, bad.unionByName(older)]
            """,
            """
            def newest(versions):
                table = versions.toPandas().sort_values("sent", kind="stable")
                number = pd.to_numeric(table["seats"], errors="coerce")
                last = table[number.notna()].groupby("code").tail(1).index
                kept = table.loc[last].astype({"seats": int})
                rest = table.drop(index=last)
                bad = number[rest.index].isna()
                rest["reason"] = np.where(bad, "unreadable", "older")
                return spark.createDataFrame(kept), spark.createDataFrame(rest)
            """,
        ],
        "wrong": {
            """
            def newest(versions):
                bad = F.col("seats").try_cast("int").isNull()
                order = Window.partitionBy("code").orderBy(F.desc("sent"))
                marked = versions.withColumn("reason", F.when(bad, "unreadable").when(
                    F.row_number().over(order) > 1, "older"))
                good = marked.where("reason IS NULL").drop("reason")
                return (good.withColumn("seats", F.col("seats").cast("int")),
                        marked.where("reason IS NOT NULL"))
            """: "N2 has one version that can be read",
            """
            def newest(versions):
                seats = F.col("seats").try_cast("int")
                bad = seats.isNull()
                order = Window.partitionBy("code", bad).orderBy(F.desc("sent"))
                marked = versions.withColumn("reason", F.when(bad, "unreadable").when(
                    F.rank().over(order) > 1, "older"))
                good = marked.where("reason IS NULL").drop("reason")
                return (good.withColumn("seats", seats),
                        marked.where("reason IS NOT NULL"))
            """: "N3's equal rows one is enough",
            """
            def newest(versions):
                good = versions.where("try_cast(seats AS INT) IS NOT NULL")
                kept = good.orderBy(F.desc("sent")).dropDuplicates(["code"])
                rest = versions.exceptAll(kept)
                bad = F.expr("try_cast(seats AS INT) IS NULL")
                return kept, rest.withColumn(
                    "reason", F.when(bad, "unreadable").otherwise("older"))
            """: "integers, of the latest delivery",
            """
            def newest(versions):
                good = versions.where("try_cast(seats AS INT) IS NOT NULL")
                bad = versions.where("try_cast(seats AS INT) IS NULL")
                kept = good.groupBy("code").agg(
                    F.max_by(F.col("seats").cast("int"), "sent").alias("seats"),
                    F.max("sent").alias("sent"))
                return kept, bad.withColumn("reason", F.lit("unreadable"))
            """: "9 in, 4 + 2 out",
        },
    },
    6: {
        "right": [
            """
            def at_common_mix(flown, a, b):
                one, other = (flown[flown["airline"] == k].set_index("part")
                              for k in (a, b))
                both = one.join(other, how="inner", lsuffix="_a", rsuffix="_b")
                gap = both.eval("late_a / flights_a - late_b / flights_b")
                return np.average(gap, weights=both.eval("flights_a + flights_b"))
            """,
            """
            def at_common_mix(flown, a, b):
                rows = {(r.airline, r.part): r for r in flown.itertuples()}
                sums = {a: 0, b: 0}
                total = 0
                for part in flown["part"].unique():
                    if (a, part) not in rows or (b, part) not in rows:
                        continue
                    both = rows[a, part].flights + rows[b, part].flights
                    total += both
                    for k in sums:
                        sums[k] += both * rows[k, part].late / rows[k, part].flights
                return float(sums[a] - sums[b]) / total
            """,
        ],
        "wrong": {
            """
            def at_common_mix(flown, a, b):
                s = flown.groupby("airline")[["late", "flights"]].sum()
                share = s["late"] / s["flights"]
                return share[a] - share[b]
            """: "Weight the difference in each part",
            """
            def at_common_mix(flown, a, b):
                part = flown.pivot(index="part", columns="airline")
                share = part["late"] / part["flights"]
                return (share[a] - share[b]).mean()
            """: "Weight the difference in each part",
            """
            def at_common_mix(flown, a, b):
                part = flown.pivot(index="part", columns="airline")
                share = part["late"] / part["flights"]
                mix = part["flights"][a] / part["flights"][a].sum()
                return (mix * (share[a] - share[b])).sum()
            """: "the flights of both together",
            """
            def at_common_mix(flown, a, b):
                part = flown.pivot(index="part", columns="airline")
                share = part["late"] / part["flights"]
                both = part["flights"][a] + part["flights"][b]
                return np.average(share[a] - share[b], weights=both)
            """: "NaN; one of them does not fly",
        },
    },
    7: {
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
    8: {
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
}
