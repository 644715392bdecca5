"""Chapter 4's exercises: answers that the checks must accept, or must refuse.

`_solution` is the notebook's own answer to the exercise, here spoilt in one point.
"""

ANSWERS = {
    1: {
        "right": [
            """
            def parts():
                return ["price < 10", "price BETWEEN 10 AND 19",
                        "price BETWEEN 20 AND 30", "price IS NULL OR NOT price <= 30"]
            """,
            """
            def parts():
                known = "COALESCE(price, -1)"
                ranges = [f"{known} > {low} AND {known} <= {high}"
                          for low, high in ((-1, 8), (8, 16), (16, 26))]
                return *ranges, "price > 26 OR price IS NULL"
            """,
            """
            def parts():
                return ["price IS NULL OR price > 30", "price <= 10",
                        "price > 10 AND price <= 20", "price > 20 AND price <= 30"]
            """,
        ],
        "wrong": {
            """
            def parts():
                return parts_as_they_were()
            """: "40 orders without a price",
            """
            def parts():
                return ["price <= 10", "price > 10 AND price <= 20",
                        "price > 20 AND price <= 30", "price > 30"]
            """: "comparing a null",
            """
            def parts():
                return ["price IS NULL OR price < 10", "price > 10 AND price <= 20",
                        "price > 20 AND price <= 30", "price > 30"]
            """: "orders with a price are in no part",
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
            """
            def parts():
                return [f"MOD(id, 4) = {i}" for i in range(4)]
            """: "only `price` has an index",
            """
            def parts():
                return [f"MOD(id, 4) = {i} OR price = -1" for i in range(4)]
            """: "only `price` has an index",
            """
            def parts():
                return ["price IS NULL OR price > 30", "price =< 10",
                        "price > 10 AND price <= 20", "price > 20 AND price <= 30"]
            """: "the database says: Syntax error",
        },
    },
    2: {
        "right": [
            """
            def read_by_name(path, wanted):
                header = spark.read.csv(path).first()
                names = list(header)
                missing = [name for name in wanted if name not in names]
                if missing:
                    raise ValueError(", ".join(missing))
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
            """: "which column of the file is this?",
            """
            def read_by_name(path, wanted):
                schema = ", ".join(f"{n} {t}" for n, t in wanted.items())
                return spark.read.csv(
                    path, header=True, schema=schema, enforceSchema=False)
            """: "by name, or by position?",
            """
            def read_by_name(path, wanted):
                frame = spark.read.csv(path, header=True, inferSchema=True)
                return frame.select([F.col(n).cast(t) for n, t in wanted.items()])
            """: "which step took these for numbers?",
            """
            def read_by_name(path, wanted):
                frame = spark.read.csv(path, header=True)
                return frame.select([
                    (F.col(n) if n in frame.columns else F.lit(None)).cast(t).alias(n)
                    for n, t in wanted.items()])
            """: "there was no ValueError",
            """
            def read_by_name(path, wanted):
                frame = spark.read.csv(path, header=True)
                return frame.select([
                    F.col(n).cast(t).alias(n) for n, t in wanted.items()])
            """: "the call raised AnalysisException, not ValueError",
            """
            def read_by_name(path, wanted):
                frame = spark.read.csv(path, header=True)
                if "code" in wanted and "code" not in frame.columns:
                    raise ValueError("code")
                return frame.select([
                    F.col(n).cast(t).alias(n) for n, t in wanted.items()])
            """: "file old, wanted ['terminal', 'flight']: the call raised",
            """
            def read_by_name(path, wanted):
                names = spark.read.csv(path, header=True).columns
                for name in wanted:
                    if name not in names:
                        raise ValueError(f"{name} is missing")
                return _solution(path, wanted)
            """: "name every missing column, also `code`",
            """
            def read_by_name(path, wanted):
                return spark.read.csv(path, header=True).select(*wanted)
            """: "columns and types are",
            """
            def read_by_name(path, wanted):
                frame = spark.read.csv(path, header=True)
                if "code" not in frame.columns:
                    raise ValueError("code")
                return frame.selectExpr("CAST(flight AS INT) AS flight", "code")
            """: "columns and types are",
            """
            def read_by_name(path, wanted):
                if not set(wanted) <= set(spark.read.csv(path, header=True).columns):
                    raise ValueError(list(wanted))
                return _solution(path, wanted)
            """: "`flight` is not missing",
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
            """: "session in UTC: wrong for id [1, 2, 4, 5, 6]",
            """
            def local_dates(events):
                there = F.from_utc_timestamp("instant", F.col("zone"))
                return events.withColumn("date", F.to_date(there))
            """: "does the session's zone shift the result once more?",
            """
            def local_dates(events):
                spark.conf.set("spark.sql.session.timeZone", "UTC")
                there = F.from_utc_timestamp("instant", F.col("zone"))
                return events.withColumn("date", F.to_date(there))
            """: "the call changed the session's zone from Asia/Kolkata to UTC",
            """
            def local_dates(events):
                there = F.convert_timezone(None, F.col("zone"), F.col("instant"))
                shifted = events.withColumn("instant", there)
                return shifted.withColumn("date", F.to_date("instant"))
            """: "`instant` has the type timestamp_ntz, not timestamp",
            """
            def local_dates(events):
                there = F.from_utc_timestamp("instant", F.col("zone"))
                return _solution(events).withColumn("instant", there)
            """: "`instant` or `zone` was changed in the rows with id",
            """
            def local_dates(events):
                found = _solution(events)
                return found.union(found.limit(1))
            """: "each row must come once",
            """
            def local_dates(events):
                there = F.convert_timezone(None, F.lit("America/New_York"), "instant")
                return events.withColumn("date", F.to_date(there))
            """: "session in UTC: wrong for id [4, 5, 6]",
            """
            def local_dates(events):
                offset = F.expr('''CASE zone
                    WHEN 'America/New_York' THEN '-04:00'
                    WHEN 'Pacific/Honolulu' THEN '-10:00'
                    WHEN 'Asia/Tokyo' THEN '+09:00' ELSE '+00:00' END''')
                there = F.convert_timezone(None, offset, F.col("instant"))
                return events.withColumn("date", F.to_date(there))
            """: "wrong for id [1, 6]",
            """
            def local_dates(events):
                offset = F.expr('''CASE zone
                    WHEN 'America/New_York' THEN '-05:00'
                    WHEN 'Pacific/Honolulu' THEN '-10:00'
                    WHEN 'Asia/Tokyo' THEN '+09:00' ELSE '+00:00' END''')
                there = F.convert_timezone(None, offset, F.col("instant"))
                return events.withColumn("date", F.to_date(there))
            """: "has this place the same offset in winter and in summer?",
            """
            def local_dates(events):
                return _solution(events).select("id", "date")
            """: "keep all columns",
            """
            def local_dates(events):
                text = F.col("date").cast("string")
                return _solution(events).withColumn("date", text)
            """: "`date` has the type string",
        },
    },
    4: {
        "right": [
            "numbers = 5 * 3, 3 * 10, 3 * 2, 3 + 1",
            "numbers = tuple(np.array([15, 30, 6, 4]))",
        ],
        "wrong": {
            "numbers = 5, 30, 6, 4": "the first number: who writes",
            "numbers = 15, 150, 6, 4": "the second number",
            "numbers = 15, 30, 3, 4": "the third number",
            "numbers = 15, 30, 4, 4": "the third number",
            "numbers = 15, 30, 6, 3": "rows without a shop",
            "numbers = 15, 30, 6": "give four numbers",
        },
    },
    5: {
        "right": [
            """
            def newest(versions):
                read = "try_cast(seats AS INT)"
                order = f"{read} IS NULL, sent DESC, {read} DESC, seats"
                ranked = versions.selectExpr(
                    "*", f"row_number() OVER (PARTITION BY code ORDER BY {order}) AS n",
                    "CASE WHEN code IS NULL THEN 'no code'"
                    f" WHEN {read} IS NULL THEN 'unreadable' END AS reason")
                good = "reason IS NULL AND n = 1"
                kept = ranked.where(good).selectExpr(
                    "code", f"{read} AS seats", "seats AS text", "sent")
                rest = ranked.where(f"NOT ({good})").drop("n")
                return [kept, rest.fillna("older", subset=["reason"])]
            """,
            """
            def newest(versions):
                best, refused = {}, []
                for row in versions.collect():
                    text = row.seats.strip()
                    if row.code is None:
                        refused.append((*row, "no code"))
                    elif not text.isdigit():
                        refused.append((*row, "unreadable"))
                    else:
                        best.setdefault(row.code, []).append((row.sent, int(text), row))
                kept = []
                for rows in best.values():
                    *rest, (sent, seats, row) = sorted(rows)
                    kept.append((row.code, seats, row.seats, sent))
                    refused += [(*older, "older") for _, _, older in rest]
                names = "code string, seats string, sent int, reason string"
                return (spark.createDataFrame(kept, ["code", "seats", "text", "sent"]),
                        spark.createDataFrame(refused, names))
            """,
        ],
        "wrong": {
            """
            def newest(versions):
                number = F.col("seats").try_cast("int")
                order = Window.partitionBy("code").orderBy(
                    F.desc("sent"), number.desc())
                marked = versions.withColumn("reason", F.expr(
                    "CASE WHEN code IS NULL THEN 'no code'"
                    " WHEN try_cast(seats AS INT) IS NULL THEN 'unreadable' END"))
                first = F.row_number().over(order) == 1
                marked = marked.withColumn("reason", F.coalesce(
                    "reason", F.when(~first, "older")))
                kept = marked.where("reason IS NULL").select(
                    "code", number.alias("seats"), F.col("seats").alias("text"), "sent")
                return kept, marked.where("reason IS NOT NULL")
            """: "must not take part in the choice",
            """
            def newest(versions):
                number = F.col("seats").try_cast("int")
                reason = F.when(F.col("code").isNull(), "no code").when(
                    number.isNull(), "unreadable")
                order = Window.partitionBy("code", reason).orderBy(
                    F.desc("sent"), number.desc())
                behind = F.when(F.rank().over(order) > 1, "older")
                marked = versions.withColumn("reason", F.coalesce(reason, behind))
                kept = marked.where("reason IS NULL").select(
                    "code", number.alias("seats"), F.col("seats").alias("text"), "sent")
                return kept, marked.where("reason IS NOT NULL")
            """: "how many of two equal rows stay?",
            """
            def newest(versions):
                number = F.col("seats").try_cast("int")
                reason = F.when(F.col("code").isNull(), "no code").when(
                    number.isNull(), "unreadable")
                order = Window.partitionBy("code", reason).orderBy(
                    F.desc("sent"), F.desc("seats"))
                behind = F.when(F.row_number().over(order) > 1, "older")
                marked = versions.withColumn("reason", F.coalesce(reason, behind))
                kept = marked.where("reason IS NULL").select(
                    "code", number.alias("seats"), F.col("seats").alias("text"), "sent")
                return kept, marked.where("reason IS NOT NULL")
            """: "which has more seats, as a number?",
            """
            def newest(versions):
                number = F.col("seats").try_cast("int")
                reason = F.when(F.col("code").isNull(), "no code").when(
                    number.isNull(), "unreadable")
                order = Window.partitionBy("code", reason).orderBy(F.desc("sent"))
                behind = F.when(F.row_number().over(order) > 1, "older")
                marked = versions.withColumn("reason", F.coalesce(reason, behind))
                kept = marked.where("reason IS NULL").select(
                    "code", number.alias("seats"), F.col("seats").alias("text"), "sent")
                return kept, marked.where("reason IS NOT NULL")
            """: "two rows of one delivery: which has more seats",
            """
            def newest(versions):
                kept, refused = _solution(versions)
                ghost = [(None, 40, "40", 2)]
                return (kept.union(spark.createDataFrame(ghost, kept.schema)),
                        refused.where("seats != '40'"))
            """: "to which plane does a row without a code belong?",
            """
            def newest(versions):
                kept, refused = _solution(versions)
                return kept, refused.where("reason != 'older'")
            """: "refused of N1: []",
            """
            def newest(versions):
                kept, refused = _solution(versions)
                return kept, refused.withColumn("reason", F.expr(
                    "CASE WHEN sent = 0 THEN 'older' ELSE reason END"))
            """: "as it came, and with the right reason?",
            """
            def newest(versions):
                kept, refused = _solution(versions)
                number = F.col("seats").try_cast("int")
                return kept, refused.withColumn("seats", number)
            """: "refused: seats came as string",
            """
            def newest(versions):
                kept, refused = _solution(versions)
                return kept, refused.withColumn("seats", F.expr(
                    "CASE WHEN code = 'N1' THEN ' 155' ELSE seats END"))
            """: "refused of N1",
            """
            def newest(versions):
                kept, refused = _solution(versions)
                return kept.withColumn("sent", F.lit(1)), refused
            """: "kept of N1",
            """
            def newest(versions):
                kept, refused = _solution(versions)
                return kept.withColumn("seats", F.col("seats").cast("double")), refused
            """: "seats has the type double",
            """
            def newest(versions):
                kept, refused = _solution(versions)
                return kept.withColumn("text", F.col("seats").cast("string")), refused
            """: "with its number and its text?",
            """
            def newest(versions):
                kept, refused = _solution(versions)
                return kept.drop("text"), refused
            """: "kept has",
        },
    },
    6: {
        "right": [
            """
            def p99(frame):
                values = frame.where("NOT isnan(delay)")
                return values.agg(F.percentile("delay", 0.99)).first()[0]
            """,
            """
            def p99(frame):
                good = F.when(~F.isnan("delay"), F.col("delay"))
                return frame.agg(F.percentile_approx(good, 0.99, 10_000)).first()[0]
            """,
            """
            def p99(frame):
                values = frame.toPandas()["delay"].astype(float).dropna().sort_values()
                if len(values):
                    return values.iloc[math.ceil(0.99 * len(values)) - 1]
            """,
        ],
        "wrong": {
            """
            def p99(frame):
                return p99_as_it_was(frame)
            """: "how large may the rank's error be?",
            """
            def p99(frame):
                found = frame.approxQuantile("delay", [0.99], 0.01)
                return found[0] if found else None
            """: "how large may the rank's error be?",
            """
            def p99(frame):
                return p99_as_it_was(frame.where("delay < 1000"))
            """: "a day of snow: 800.00 is not between 78,800 and 79,600",
            """
            def p99(frame):
                short = frame.where("delay < 1000")
                return short.agg(F.percentile("delay", 0.99)).first()[0]
            """: "a day of snow",
            """
            def p99(frame):
                short = frame.where("delay < 40000")
                return short.agg(F.percentile("delay", 0.99)).first()[0]
            """: "a day of snow",
            """
            def p99(frame):
                return frame.agg(F.percentile("delay", 0.99)).first()[0]
            """: "Where does Spark sort a NaN?",
            """
            def p99(frame):
                return frame.fillna(0).approxQuantile("delay", [0.99], 0.001)[0]
            """: "of which rows",
            """
            def p99(frame):
                if frame.where("delay IS NOT NULL AND NOT isnan(delay)").isEmpty():
                    return None
                zeros = F.nanvl("delay", F.lit(0.0))
                return frame.agg(F.percentile(zeros, 0.99)).first()[0]
            """: "of which rows",
            """
            def p99(frame):
                return frame.approxQuantile("delay", [0.99], 0.001)[0]
            """: "what did Spark return?",
            """
            def p99(frame):
                return frame.approxQuantile("delay", [0.99], 0.001)
            """: "return one number",
        },
    },
    7: {
        "right": [
            """
            def merge(a, b):
                if not a[0] or not b[0]:
                    return a if a[0] else b
                n = a[0] + b[0]
                mean = (a[0] * a[1] + b[0] * b[1]) / n
                return n, mean, sum(
                    m2 + size * (own - mean) ** 2 for size, own, m2 in (a, b))
            """,
            """
            def merge(a, b):
                n, means, m2 = np.array([a, b], dtype=float).T
                if n.sum() == 0:
                    return a
                mean = means[0] + np.average(means - means[0], weights=n)
                between = np.sum(n * (means - mean) ** 2)
                return np.array([n.sum(), mean, m2.sum() + between])
            """,
        ],
        "wrong": {
            """
            def merge(a, b):
                n = a[0] + b[0]
                mean = (a[0] * a[1] + b[0] * b[1]) / n if n else 0.0
                return n, mean, a[2] + b[2]
            """: "which deviations are in neither",
            """
            def merge(a, b):
                step = b[1] - a[1]
                n = a[0] + b[0]
                m2 = a[2] + b[2] + (step**2 * a[0] * b[0] / n if n else 0)
                return n, (a[1] + b[1]) / 2, m2
            """: "what does each mean count for?",
            """
            def merge(a, b):
                n = a[0] + b[0]
                if n == 0:
                    return a
                squares = sum(m2 + size * mean**2 for size, mean, m2 in (a, b))
                mean = (a[0] * a[1] + b[0] * b[1]) / n
                return n, mean, squares - n * mean**2
            """: "which large numbers were subtracted?",
            """
            def merge(a, b):
                n, step = a[0] + b[0], b[1] - a[1]
                mean = a[1] + step * b[0] / n
                return n, mean, a[2] + b[2] + step**2 * a[0] * b[0] / n
            """: "how many values do two empty tasks have together?",
            """
            def merge(a, b):
                n, mean, m2 = _solution(a, b)
                return n, mean, m2 / max(n - 1, 1)
            """: "M2 is",
            """
            def merge(a, b):
                return _solution(a, b)[:2]
            """: "return three numbers",
        },
    },
    8: {
        "right": [
            """
            def passes(frame):
                good = "coalesce(wind > 0 AND wind < double('Infinity'), false)"
                return not frame.isEmpty() and frame.where(f"NOT {good}").isEmpty()
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
                return passes_as_it_was(frame)
            """: "a null: this should not pass: what is `null > 0`",
            """
            def passes(frame):
                wind = F.col("wind")
                bad = wind.isNull() | ~(wind > 0) | (wind == math.inf)
                return frame.where(bad).isEmpty() and frame.count() > 0
            """: "a NaN: this should not pass",
            """
            def passes(frame):
                good = (F.col("wind") > 0) & (F.col("wind") < math.inf)
                return frame.where(~good).isEmpty() and frame.count() > 0
            """: "a null: this should not pass",
            """
            def passes(frame):
                good = frame.where("wind > 0 AND wind < double('Infinity')")
                return good.count() == frame.count()
            """: "no rows: this should not pass",
            """
            def passes(frame):
                return frame.where("wind > 0 AND NOT isnan(wind)").count() > 0
            """: "a wind of 0: this should not pass",
            """
            def passes(frame):
                good = frame.where("wind > 0 AND wind < 1000")
                return good.count() == frame.count() > 0
            """: "a wind of 1,048: this should pass",
            """
            def passes(frame):
                good = frame.where("wind > 0 AND wind < 10000")
                return good.count() == frame.count() > 0
            """: "a wind of 1e300: this should pass",
            """
            def passes(frame):
                good = frame.where("wind >= 1 AND wind < double('Infinity')")
                return good.count() == frame.count() > 0
            """: "a wind of 0.001: this should pass",
            """
            def passes(frame):
                good = frame.where("wind > 0 AND NOT isnan(wind)")
                return good.count() == frame.count() > 0
            """: "an infinite wind: this should not pass",
        },
    },
    9: {
        "right": [
            "row_counts = [6, 3, 8, 2]",
            "row_counts = tuple(count() for count in counts)",
        ],
        "wrong": {
            "row_counts = 8, 3, 8, 2": "the first number: in which lines",
            "row_counts = 5, 3, 8, 2": "and in which is it absent?",
            "row_counts = 2, 3, 8, 2": "the first number: in which lines",
            "row_counts = 6, 4, 8, 2": "the second number: which two columns",
            "row_counts = 6, 1, 8, 2": "does anything else matter?",
            "row_counts = 6, 3, 6, 2": "does a count need the column `cents`?",
            "row_counts = 6, 3, 8, 8": "how many columns does `distinct` compare?",
            "row_counts = 6, 3, 8": "give four numbers",
        },
    },
}
