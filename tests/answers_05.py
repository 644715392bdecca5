"""Chapter 5's exercises: answers that the checks must accept, or must refuse."""

ANSWERS = {
    1: {
        "right": [
            """
            def training_rows(visits):
                text = F.col("customer").cast("string")
                return visits.where(F.crc32(text) % 100 < 70)
            """,
            """
            def training_rows(visits):
                digits = F.substring(F.md5(F.concat(F.lit("c"), "customer")), 1, 6)
                number = F.conv(digits, 16, 10).cast("long")
                return visits.where(number < 0.7 * 16**6)
            """,
        ],
        "wrong": {
            """
            def training_rows(visits):
                return visits.randomSplit([0.7, 0.3], seed=1)[0]
            """: "visits on both sides",
            """
            def training_rows(visits):
                return visits.where(F.pmod(F.xxhash64("customer"), F.lit(10)) < 7)
            """: "with customer as bigint",
            """
            def training_rows(visits):
                hashed = F.xxhash64(F.col("customer").cast("bigint"), "visit")
                return visits.where(F.pmod(hashed, F.lit(10)) < 7)
            """: "visits on both sides",
            """
            def training_rows(visits):
                customers = visits.select(F.col("customer").cast("int")).distinct()
                ranked = customers.toPandas()["customer"].sort_values().tolist()
                keep = ranked[:int(0.7 * len(ranked))]
                return visits.where(F.col("customer").isin(keep))
            """: "with the first 600 customers only",
        },
    },
    2: {
        "right": [
            """
            def with_rates(train, test):
                late = F.col("late")
                cells = train.groupBy("key", "fold").agg(
                    F.sum("late").alias("s"), F.count("*").alias("n"))
                table, total = cells.toPandas(), train.agg(F.avg(late)).first()[0]
                overall = {}
                for k in range(3):
                    other = table[table["fold"] != k]
                    overall[k] = other["s"].sum() / other["n"].sum()
                lines = []
                for key in table["key"].unique():
                    mine = table[table["key"] == key]
                    for k in range(3):
                        other = mine[mine["fold"] != k]
                        rate = overall[k]
                        if len(other):
                            rate = other["s"].sum() / other["n"].sum()
                        lines.append((key, k, float(rate)))
                per_fold = spark.createDataFrame(
                    lines, "key string, fold int, rate double")
                per_key = train.groupBy("key").agg(F.avg("late").alias("rate"))
                return (train.join(per_fold, ["key", "fold"], "left"),
                        test.join(per_key, "key", "left").fillna(total, "rate"))
            """,
            """
            def with_rates(train, test):
                rated = None
                for k in range(3):
                    other = train.where(F.col("fold") != k)
                    overall = other.agg(F.avg("late")).first()[0]
                    per_key = other.groupBy("key").agg(F.avg("late").alias("rate"))
                    part = train.where(F.col("fold") == k).join(per_key, "key", "left")
                    part = part.fillna(overall, "rate")
                    rated = part if rated is None else rated.unionByName(part)
                per_key = train.groupBy("key").agg(F.avg("late").alias("rate"))
                overall = train.agg(F.avg("late")).first()[0]
                return rated, test.join(per_key, "key", "left").fillna(overall, "rate")
            """,
        ],
        "wrong": {
            """
            def with_rates(train, test):
                index = StringIndexer(inputCol="key", outputCol="i",
                                      handleInvalid="keep").fit(train)
                encoder = TargetEncoder(inputCol="i", outputCol="rate", labelCol="late",
                                        handleInvalid="keep").fit(index.transform(train))
                both = (index.transform(frame) for frame in (train, test))
                return tuple(encoder.transform(frame) for frame in both)
            """: "still helps to compute its own rate",
            """
            def with_rates(train, test):
                per_key = train.groupBy("key").agg(F.sum("late").alias("s"),
                                                   F.count("*").alias("n"))
                overall = train.agg(F.avg("late")).first()[0]
                rate = F.coalesce(F.expr("try_divide(s - late, n - 1)"), F.lit(overall))
                tested = test.join(per_key, "key", "left").withColumn(
                    "rate", F.coalesce(F.col("s") / F.col("n"), F.lit(overall)))
                return train.join(per_key, "key").withColumn("rate", rate), tested
            """: "are not the mean over the other folds",
            """
            def with_rates(train, test):
                rated = None
                for k in range(3):
                    other = train.where(F.col("fold") != k)
                    per_key = other.groupBy("key").agg(F.avg("late").alias("rate"))
                    part = train.where(F.col("fold") == k).join(per_key, "key", "left")
                    rated = part if rated is None else rated.unionByName(part)
                per_key = train.groupBy("key").agg(F.avg("late").alias("rate"))
                return rated, test.join(per_key, "key", "left")
            """: "some rates are missing",
        },
    },
    3: {
        "right": [
            """
            def buckets_for(words, share):
                if words == 1:
                    return 1
                least = 1 / (1 - (1 - share) ** (1 / (words - 1)))
                return 2 ** math.ceil(math.log2(least))
            """,
            """
            def buckets_for(words, share):
                sizes = 2 ** np.arange(1, 31)
                collide = 1 - (1 - 1 / sizes) ** (words - 1)
                return np.int64(1) if words == 1 else sizes[collide <= share][0]
            """,
        ],
        "wrong": {
            """
            def buckets_for(words, share):
                m = 1
                while 1 - np.exp(-words * (words - 1) / 2 / m) > share:
                    m *= 2
                return m
            """: "is more than needed",
            """
            def buckets_for(words, share):
                return 2 ** math.ceil(math.log2(words))
            """: "is too few",
            """
            def buckets_for(words, share):
                return math.ceil(1 / (1 - (1 - share) ** (1 / max(words - 1, 1))))
            """: "is not a power of 2",
        },
    },
    4: {
        "right": [
            """
            def like_sklearn(counted, fitted):
                weighted = fitted.transform(counted)
                tf, w = vector_to_array("counts"), vector_to_array("weighted")
                total = F.zip_with(tf, w, lambda a, b: a + b)
                square = F.aggregate(total, F.lit(0.0), lambda s, x: s + x * x)
                length = F.when(square == 0, 1.0).otherwise(F.sqrt(square))
                unit = F.transform("total", lambda x: x / F.col("length"))
                return (weighted.withColumn("total", total).withColumn("length", length)
                        .withColumn("tfidf", array_to_vector(unit)))
            """,
            """
            def like_sklearn(counted, fitted):
                table = counted.toPandas()
                x = np.stack([v.toArray() for v in table["counts"]])
                x = x * (fitted.idf.toArray() + 1)
                length = np.linalg.norm(x, axis=1, keepdims=True)
                x = np.divide(x, length, out=np.zeros_like(x), where=length > 0)
                rows = [(int(i), v.tolist()) for i, v in zip(table["id"], x)]
                return spark.createDataFrame(rows, "id int, v array<double>").select(
                    "id", array_to_vector("v").alias("tfidf"))
            """,
        ],
        "wrong": {
            """
            def like_sklearn(counted, fitted):
                unit = Normalizer(inputCol="weighted", outputCol="tfidf")
                return unit.transform(fitted.transform(counted))
            """: "what does scikit-learn add",
            """
            def like_sklearn(counted, fitted):
                weight = F.array(*[F.lit(float(w) + 1) for w in fitted.idf])
                counts = vector_to_array("counts")
                product = F.zip_with(counts, weight, lambda a, b: a * b)
                return counted.withColumn("tfidf", array_to_vector(product))
            """: "scikit-learn's have 1",
            """
            def like_sklearn(counted, fitted):
                weight = F.array(*[F.lit(float(w) + 1) for w in fitted.idf])
                counts = vector_to_array("counts")
                product = F.zip_with(counts, weight, lambda a, b: a * b)
                made = counted.withColumn("product", array_to_vector(product))
                made = Normalizer(inputCol="product", outputCol="tfidf").transform(made)
                return made.where("id <> 3")
            """: "every text keeps its row",
        },
    },
    5: {
        "right": [
            "loads = [np.int64(8), 3, 1]",
            "loads = (5 + 3, 3.0, 1)",
        ],
        "wrong": {
            "loads = 1450, 3, 1": "once per batch",
            "loads = 8, 2, 1": "a task without rows runs",
            "loads = 8, 3, 3": "how many tasks",
            "loads = 8, 3": "give three numbers",
        },
    },
    6: {
        "right": [
            """
            def centred_scores(train, frame, k):
                model = PCA(k=k, inputCol="features", outputCol="raw").fit(train)
                rows = train.select(vector_to_array("features")).collect()
                mean = np.mean([row[0] for row in rows], axis=0)
                offset = (mean @ model.pc.toArray()).tolist()
                raw = vector_to_array("raw")
                moved = F.array(*[raw[i] - offset[i] for i in range(k)])
                scored = model.transform(frame)
                return scored.withColumn("scores", array_to_vector(moved)).drop("raw")
            """,
            """
            def centred_scores(train, frame, k):
                scaler = StandardScaler(inputCol="features", outputCol="c",
                                        withMean=True, withStd=False).fit(train)
                model = PCA(k=k, inputCol="c", outputCol="scores").fit(
                    scaler.transform(train))
                return model.transform(scaler.transform(frame)).select("scores")
            """,
        ],
        "wrong": {
            """
            def centred_scores(train, frame, k):
                model = PCA(k=k, inputCol="features", outputCol="scores").fit(train)
                return model.transform(frame)
            """: "train rows: the means are off by",
            """
            def centred_scores(train, frame, k):
                centre = StandardScaler(inputCol="features", outputCol="c",
                                        withMean=True, withStd=False)
                pca = PCA(k=k, inputCol="c", outputCol="scores")
                model = pca.fit(centre.fit(train).transform(train))
                return model.transform(centre.fit(frame).transform(frame))
            """: "other rows: the means are off by",
            """
            def centred_scores(train, frame, k):
                centre = StandardScaler(inputCol="features", outputCol="c",
                                        withMean=True, withStd=True)
                pca = PCA(k=k, inputCol="c", outputCol="scores")
                return Pipeline(stages=[centre, pca]).fit(train).transform(frame)
            """: "is each column in its unit?",
        },
    },
    7: {
        "right": [
            "sizes = [2, 2, 3, None, 0, 4]",
            "sizes = (*[np.int64(2)] * 2, 3.0, None, 0, 4)",
        ],
        "wrong": {
            "sizes = 2, 2, 2, None, 0, 4": "all rows that tie",
            "sizes = 2, 2, 3, 2, 0, 4": "which of them is first",
            "sizes = 2, 3, 3, None, 0, 4": "number 2",
            "sizes = 2, 2, 3, None, 0, 3": "contains the present row",
            "sizes = 2, 2": "give six answers",
        },
    },
    8: {
        "right": [
            """
            def price_of(orders, prices):
                values = prices.select("item", F.greatest(
                    "valid_from", "known_on").alias("at"), F.struct(
                    "valid_from", "known_on", "price").alias("row"))
                rows = orders.withColumn("at", F.col("day")).unionByName(
                    values, allowMissingColumns=True)
                window = Window.partitionBy("item").orderBy("at")
                return (rows.withColumn("row", F.max("row").over(window))
                        .where("id IS NOT NULL").select("id", "row.price"))
            """,
            """
            def price_of(orders, prices):
                both = orders.join(prices, (orders["item"] == prices["item"])
                                   & (prices["valid_from"] <= orders["day"])
                                   & (prices["known_on"] <= orders["day"]), "left")
                newest = Window.partitionBy("id").orderBy(
                    F.desc("valid_from"), F.desc("known_on"))
                return (both.withColumn("n", F.row_number().over(newest))
                        .where("n = 1").select("id", "price"))
            """,
        ],
        "wrong": {
            """
            def price_of(orders, prices):
                newest = prices.groupBy("item").agg(
                    F.max_by("price", "valid_from").alias("price"))
                return orders.join(newest, "item", "left")
            """: "order 1",
            """
            def price_of(orders, prices):
                usable = (F.col("valid_from") <= F.col("day"))
                row = F.struct("valid_from", "known_on", "price")
                best = F.max(F.when(usable, row))
                return (orders.join(prices, "item", "left").groupBy("id")
                        .agg(best["price"].alias("price")))
            """: "order 2",
            """
            def price_of(orders, prices):
                usable = F.greatest("valid_from", "known_on") <= F.col("day")
                row = F.struct("known_on", "valid_from", "price")
                best = F.max(F.when(usable, row))
                return (orders.join(prices, "item", "left").groupBy("id")
                        .agg(best["price"].alias("price")))
            """: "order 5",
            """
            def price_of(orders, prices):
                usable = F.greatest("valid_from", "known_on") <= F.col("day")
                best = F.max(F.struct("valid_from", "known_on", "price"))
                return (orders.join(prices, "item").where(usable).groupBy("id")
                        .agg(best["price"].alias("price")))
            """: "rows for 10 orders",
        },
    },
}
