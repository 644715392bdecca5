"""Chapter 6's exercises: answers that the checks must accept, or must refuse."""

ANSWERS = {
    1: {
        "right": [
            """
            def auc(scored):
                name = ({"probability", "rawPrediction"} & set(scored.columns))
                name = "probability" if "probability" in name else "rawPrediction"
                score = vector_to_array(name)[1].alias("s")
                rows = scored.select("late", score).toPandas()
                return roc_auc_score(rows["late"], rows["s"])
            """,
            """
            def auc(scored):
                raw = vector_to_array("rawPrediction")
                if "probability" in scored.columns:
                    raw = vector_to_array("probability")
                scored = scored.withColumn("difference", raw[1] - raw[0])
                return evaluation.BinaryClassificationEvaluator(
                    labelCol="late", rawPredictionCol="difference").evaluate(scored)
            """,
        ],
        "wrong": {
            """
            def auc(scored):
                return evaluation.BinaryClassificationEvaluator(
                    labelCol="late").evaluate(scored)
            """: "grows with the chance",
            """
            def auc(scored):
                return evaluation.BinaryClassificationEvaluator(
                    labelCol="late", rawPredictionCol="probability").evaluate(scored)
            """: "linear SVC: IllegalArgumentException",
            """
            def auc(scored):
                return evaluation.BinaryClassificationEvaluator(
                    labelCol="late", rawPredictionCol="prediction").evaluate(scored)
            """: "grows with the chance",
        },
    },
    2: {
        "right": [
            """
            def with_probability(held_out, new):
                vector = feature.VectorAssembler(inputCols=["score"], outputCol="x")
                platt = ml.LogisticRegression(featuresCol="x", labelCol="late")
                model = platt.fit(vector.transform(held_out))
                scored = model.transform(vector.transform(new))
                return scored.withColumn("p", vector_to_array("probability")[1])
            """,
            """
            def with_probability(held_out, new):
                eighths = [i / 8 for i in range(1, 8)]
                edges = held_out.approxQuantile("score", eighths, 0.001)
                bucket = sum((F.col("score") > edge).cast("int") for edge in edges)
                grouped = held_out.groupBy(bucket.alias("b"))
                shares = grouped.agg(F.avg("late")).collect()
                shares = sorted(tuple(row) for row in shares)
                best, p = 0, F.lit(0.0)
                for b, share in shares:
                    best = max(best, share)
                    p = F.when(bucket == b, best).otherwise(p)
                return new.withColumn("p", p)
            """,
        ],
        "wrong": {
            """
            def with_probability(held_out, new):
                return new.withColumn("p", 1 / (1 + F.exp(-F.col("score"))))
            """: "p minus the share",
            """
            def with_probability(held_out, new):
                share = held_out.agg(F.avg("late")).first()[0]
                return new.withColumn("p", F.lit(share))
            """: "ignores the score",
            """
            def with_probability(held_out, new):
                steps = IsotonicRegression(featuresCol="score", labelCol="late",
                                           predictionCol="p", isotonic=False)
                return steps.fit(held_out).transform(new)
            """: "ignores the score",
        },
    },
    3: {
        "right": [
            "winners = [0, 2, 1, 0]",
            "winners = tuple(np.array([0, 2, 1, 0]))",
        ],
        "wrong": {
            "winners = 0, 1, 2, 1": "what does NumPy's argmin do",
            "winners = 0, 2, 2, 0": "does NaN lose there",
            "winners = 0, 2, 1, 1": "the search believes isLargerBetter",
            "winners = 0, 2, 1": "give four numbers",
        },
    },
    4: {
        "right": [
            """
            def recommend(scores, seen, popularity, k):
                known = {(r.user, r.item) for r in seen.collect()}
                counts = dict(popularity.collect())
                t = scores.toPandas()
                t = t[[(u, i) not in known for u, i in zip(t.user, t.item)]].copy()
                t["value"] = t["score"].fillna(t["item"].map(counts))
                t = t.sort_values(["user", "value", "item"],
                                  ascending=[True, False, True])
                t["place"] = t.groupby("user").cumcount() + 1
                t = t[t["place"] <= k]
                return spark.createDataFrame(t[["user", "item", "place"]])
            """,
            """
            def recommend(scores, seen, popularity, k):
                value = F.when(F.isnan("score"), F.col("n")).otherwise(F.col("score"))
                left = scores.join(popularity, "item").join(
                    seen.withColumn("old", F.lit(1)), ["user", "item"], "left")
                left = left.where("old IS NULL").select(
                    "user", F.struct((-value).alias("minus"), "item").alias("pair"))
                best = left.groupBy("user").agg(
                    F.slice(F.sort_array(F.collect_list("pair")), 1, k).alias("best"))
                return best.select("user", F.posexplode("best")).selectExpr(
                    "user", "col.item AS item", "pos + 1 AS place")
            """,
        ],
        "wrong": {
            """
            def recommend(scores, seen, popularity, k):
                value = F.nanvl("score", F.col("n").cast("double"))
                order = Window.partitionBy("user").orderBy(F.desc("value"), "item")
                ranked = scores.join(popularity, "item").withColumn("value", value)
                ranked = ranked.withColumn("place", F.row_number().over(order))
                return ranked.where(F.col("place") <= k).select("user", "item", "place")
            """: "seen before",
            """
            def recommend(scores, seen, popularity, k):
                left = scores.where("NOT isnan(score)").join(
                    seen, ["user", "item"], "left_anti")
                order = Window.partitionBy("user").orderBy(F.desc("score"), "item")
                ranked = left.withColumn("place", F.row_number().over(order))
                return ranked.where(F.col("place") <= k).select("user", "item", "place")
            """: "a new one counts, too",
            """
            def recommend(scores, seen, popularity, k):
                left = scores.join(seen, ["user", "item"], "left_anti")
                left = left.join(popularity, "item").withColumn(
                    "value", F.coalesce("score", "n"))
                order = Window.partitionBy("user").orderBy(
                    F.desc("value"), F.desc("item"))
                ranked = left.withColumn("place", F.row_number().over(order))
                return ranked.where(F.col("place") <= k).select("user", "item", "place")
            """: "user 1",
        },
    },
    5: {
        "right": [
            """
            def best_start(frame, k, seeds):
                best = None
                for seed in seeds:
                    model = KMeans(k=k, seed=seed, maxIter=20).fit(frame)
                    cost = model.summary.trainingCost
                    if best is None or cost < best[0]:
                        best = cost, model
                return best[1]
            """,
            """
            def best_start(frame, k, seeds):
                def cost(model):
                    rows = model.transform(frame).select("features", "prediction")
                    centres = model.clusterCenters()
                    return sum(((row[0].toArray() - centres[row[1]]) ** 2).sum()
                               for row in rows.collect())
                fits = {seed: KMeans().setK(k).setSeed(seed).fit(frame)
                        for seed in seeds}
                return sorted(fits.values(), key=cost)[0]
            """,
        ],
        "wrong": {
            """
            def best_start(frame, k, seeds):
                fits = [KMeans(k=k, seed=seed).fit(frame) for seed in seeds]
                return max(fits, key=lambda model: model.summary.trainingCost)
            """: "which fit is the best",
            """
            def best_start(frame, k, seeds):
                return KMeans(k=k, seed=seeds[0], maxIter=200).fit(frame)
            """: "which fit is the best",
            """
            def best_start(frame, k, seeds):
                fits = [KMeans(k=k, seed=seed).fit(frame) for seed in seeds]
                return min(model.summary.trainingCost for model in fits)
            """: "return a fitted model",
            """
            def best_start(frame, k, seeds):
                for seed in seeds:
                    model = KMeans(k=k, seed=seed).fit(frame)
                return model
            """: "which fit is the best",
            """
            def best_start(frame, k, seeds):
                fits = [KMeans(k=k, seed=seed).fit(frame) for seed in (1, 5)]
                return min(fits, key=lambda model: model.summary.trainingCost)
            """: "no other",
        },
    },
    6: {
        "right": [
            "raises = [n * 100 > a * b for a, b, n in counts.values()]",
            "raises = [1, 0, 1, 0, 1]",
        ],
        "wrong": {
            "raises = [n / a >= 0.75 for a, b, n in counts.values()]": "tea -> sugar",
            "raises = [n / a > 0.5 for a, b, n in counts.values()]": "tea -> sugar",
            "raises = True, False, True, True, True": "eggs -> salt",
        },
    },
    7: {
        "right": [
            "jobs = 270.0, np.int64(210)",
            "jobs = [21 * 10 + 60, 3 + 21 * 7 + 20 * 3]",
        ],
        "wrong": {
            "jobs = 260, 200": "the winner is fitted once more",
            "jobs = 273, 210": "is not evaluated",
            "jobs = 270, 207": "the selector is fitted too, once",
            "jobs = 270, 270": "only the classifier is fitted in every fold",
        },
    },
    8: {
        "right": [
            """
            def draw(count, seed):
                rng = np.random.RandomState(seed)
                penalties = np.exp(rng.uniform(np.log(1e-4), 0, count))
                return [{logistic.maxIter: int(n), logistic.regParam: float(p)}
                        for n, p in zip(rng.randint(5, 51, count), penalties)]
            """,
            """
            def draw(count, seed):
                import random
                dice = random.Random(seed)
                return [{logistic.regParam: 10 ** dice.uniform(-4, 0),
                         logistic.maxIter: dice.randint(5, 50)}
                        for _ in range(count)]
            """,
        ],
        "wrong": {
            """
            def draw(count, seed):
                rng = np.random.default_rng(seed)
                return [{logistic.regParam: float(rng.uniform(1e-4, 1)),
                         logistic.maxIter: int(rng.integers(5, 51))}
                        for _ in range(count)]
            """: "draw the exponent",
            """
            def draw(count, seed):
                np.random.seed(seed)
                return [{logistic.regParam: float(10 ** np.random.uniform(-4, 0)),
                         logistic.maxIter: int(np.random.randint(5, 51))}
                        for _ in range(count)]
            """: "global random state",
            """
            def draw(count, seed):
                rng = np.random.default_rng()
                return [{logistic.regParam: float(10 ** rng.uniform(-4, 0)),
                         logistic.maxIter: int(rng.integers(5, 51))}
                        for _ in range(count)]
            """: "the same seed gives other settings",
            """
            def draw(count, seed):
                rng = np.random.default_rng(seed)
                return [{logistic.regParam: float(10 ** rng.uniform(-4, 0)),
                         logistic.maxIter: int(rng.integers(5, 50))}
                        for _ in range(count)]
            """: "each of 5 to 50",
        },
    },
    9: {
        "right": [
            "tree_costs = 616.0, np.int64(6)",
            "tree_costs = [11 * (50 + 6), 6]",
        ],
        "wrong": {
            "tree_costs = 550, 50": "each job has a second stage",
            "tree_costs = 11 * (50 + 7), 7": "rounded down",
            "tree_costs = 56, 6": "there are eleven",
            "tree_costs = 616, 50": "before the driver sees them",
            "tree_costs = 616, 1": "one per task of the last stage",
        },
    },
    10: {
        "right": [
            """
            def amdahl(tasks, seconds):
                p = np.array(tasks, dtype=float)
                design = np.column_stack([np.ones_like(p), 1 / p])
                return np.linalg.lstsq(design, np.array(seconds), rcond=None)[0]
            """,
            """
            def amdahl(tasks, seconds):
                from sklearn.linear_model import LinearRegression
                x = [[1 / p] for p in tasks]
                line = LinearRegression().fit(x, seconds)
                return float(line.intercept_), float(line.coef_[0])
            """,
        ],
        "wrong": {
            """
            def amdahl(tasks, seconds):
                slope, start = np.polyfit(tasks, seconds, 1)
                return start, -slope
            """: "fit against 1 / tasks",
            """
            def amdahl(tasks, seconds):
                shared, serial = np.polyfit(1 / np.asarray(tasks), seconds, 1)
                return shared, serial
            """: "the other order",
            """
            def amdahl(tasks, seconds):
                t = dict(zip(tasks, seconds))
                low, high = min(t), max(t)
                return t[high], t[low] - t[high]
            """: "use all measurements",
            """
            def amdahl(tasks, seconds):
                i, j = np.argmin(tasks), np.argmax(tasks)
                shared = (seconds[i] - seconds[j]) / (1 / tasks[i] - 1 / tasks[j])
                return seconds[i] - shared / tasks[i], shared
            """: "use all measurements",
        },
    },
}
