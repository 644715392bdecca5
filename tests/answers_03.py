"""Chapter 3's exercises: answers that the checks must accept, or must refuse."""

ANSWERS = {
    1: {
        "right": [
            """
            def condition():
                return ("status = 'FINISHED' AND metric.rounds >= 51"
                        " AND params.model LIKE 'tree%' AND metrics.auc > 0.7")
            """,
            """
            def condition():
                return ("metrics.auc > 0.7 and metrics.rounds > 50"
                        " and params.model != 'line' and status LIKE 'FINISHED'")
            """,
        ],
        "wrong": {
            """
            def condition():
                return ("attributes.status = 'FINISHED' and params.model = 'trees'"
                        " and metrics.auc > 0.7 and params.rounds > '50'")
            """: "the filter is refused: Invalid comparator",
            """
            def condition():
                return ("attributes.status = 'FINISHED' and params.model = 'trees'"
                        " and metrics.auc >= 0.7 and metrics.rounds > 50")
            """: "there are runs with an AUC of 0.7",
            """
            def condition():
                return "params.model = 'trees' and metrics.auc > 0.7"
            """: "there are runs that have not finished",
            """
            def condition():
                return ("metrics.auc > 0.7 and metrics.rounds > 50"
                        " and params.model = 'trees' and attributes.status != 'FAILED'")
            """: "there are runs that have not finished",
            """
            def condition():
                return ("attributes.status = 'FINISHED' and params.model = 'trees'"
                        " and metrics.auc > 0.71 and metrics.rounds > 50")
            """: "it finds 1 of two runs",
            """
            def condition():
                return ("attributes.status = 'FINISHED' and params.model = 'trees'"
                        " and metrics.auc > 0.7 and metrics.rounds >= 100")
            """: "it finds 1 of two runs",
            """
            def condition():
                return ["metrics.auc > 0.7"]
            """: "must return a filter, a text",
        },
    },
    2: {
        "right": [
            """
            def train(where, fit, rate):
                run = client.create_run(where).info.run_id
                client.log_param(run, "rate", rate)
                try:
                    client.log_metric(run, "loss", fit(rate))
                except BaseException as error:
                    client.set_tag(run, "error", type(error).__name__)
                    client.set_terminated(run, "FAILED")
                    raise
                client.set_terminated(run)
            """,
            """
            def train(where, fit, rate):
                mlflow.start_run(experiment_id=where)
                status = "FAILED"
                try:
                    mlflow.log_param("rate", rate)
                    mlflow.log_metric("loss", fit(rate))
                    status = "FINISHED"
                except Exception as error:
                    mlflow.set_tag("error", error.__class__.__name__)
                    raise error
                finally:
                    mlflow.end_run(status)
            """,
        ],
        "wrong": {
            """
            def train(where, fit, rate):
                with mlflow.start_run(experiment_id=where):
                    mlflow.log_param("rate", rate)
                    mlflow.log_metric("loss", fit(rate))
            """: "the tags `error` are",
            """
            def train(where, fit, rate):
                with mlflow.start_run(experiment_id=where):
                    mlflow.log_param("rate", rate)
                    try:
                        mlflow.log_metric("loss", fit(rate))
                    except Exception as error:
                        mlflow.set_tag("error", type(error).__name__)
            """: "the caller must see the error",
            """
            def train(where, fit, rate):
                mlflow.start_run(experiment_id=where)
                mlflow.log_param("rate", rate)
                try:
                    mlflow.log_metric("loss", fit(rate))
                except Exception as error:
                    mlflow.set_tag("error", type(error).__name__)
                    raise
                finally:
                    mlflow.end_run()
            """: "by rate, status and loss are",
            """
            def train(where, fit, rate):
                mlflow.start_run(experiment_id=where)
                mlflow.log_param("rate", rate)
                mlflow.log_metric("loss", fit(rate))
                mlflow.end_run()
            """: "a run is still open",
            """
            def train(where, fit, rate):
                mlflow.start_run(experiment_id=where, nested=True)
                mlflow.log_param("rate", rate)
                mlflow.log_metric("loss", fit(rate))
                mlflow.end_run()
            """: "a run is still open",
            """
            def train(where, fit, rate):
                with mlflow.start_run(experiment_id=where):
                    mlflow.log_param("rate", rate)
                    try:
                        fit(rate)
                    except Exception as error:
                        mlflow.set_tag("error", type(error).__name__)
                        raise
            """: "by rate, status and loss are",
        },
    },
    3: {
        "right": [
            """
            def most_overfitted(where):
                gaps = {}
                for run in client.search_runs([where], "status = 'FINISHED'"):
                    metrics = run.data.metrics
                    if {"auc", "auc_train"} <= set(metrics):
                        gaps[run.info.run_id] = metrics["auc_train"] - metrics["auc"]
                return max(gaps, key=gaps.get)
            """,
            """
            def most_overfitted(where):
                runs = mlflow.search_runs([where])
                runs = runs[runs["status"] == "FINISHED"]
                runs = runs.dropna(subset=["metrics.auc", "metrics.auc_train"])
                gap = runs["metrics.auc_train"] - runs["metrics.auc"]
                return runs.assign(gap=gap).nlargest(1, "gap")["run_id"].iloc[0]
            """,
        ],
        "wrong": {
            """
            def most_overfitted(where):
                runs = mlflow.search_runs([where])
                gap = runs["metrics.auc_train"] - runs["metrics.auc"]
                return runs["run_id"][gap.idxmax()]
            """: "yours is FAILED",
            """
            def most_overfitted(where):
                runs = mlflow.search_runs([where], "attributes.status = 'FINISHED'")
                gap = (runs["metrics.auc_train"] - runs["metrics.auc"]).abs()
                return runs["run_id"][gap.idxmax()]
            """: "another run has the largest gap",
            """
            def most_overfitted(where):
                runs = mlflow.search_runs([where], "attributes.status = 'FINISHED'")
                gap = runs["metrics.auc_train"] - runs["metrics.auc"]
                return gap.idxmax()
            """: "must return the id of one of the runs",
            """
            def most_overfitted(where):
                runs = mlflow.search_runs([where], "attributes.status = 'FINISHED'")
                ratio = runs["metrics.auc_train"] / runs["metrics.auc"]
                return runs["run_id"][ratio.idxmax()]
            """: "another run has the largest gap",
        },
    },
    4: {
        "right": [
            """
            def promote(results):
                for _, flights in results.groupby("period"):
                    if flights["challenger"].sum() <= flights["champion"].sum():
                        return False
                return True
            """,
            """
            def promote(results):
                lead = results["challenger"].astype(int) - results["champion"]
                return lead.groupby(results["period"]).mean().min() > 0
            """,
        ],
        "wrong": {
            """
            def promote(results):
                return results["challenger"].mean() > results["champion"].mean()
            """: "wins in total and loses in autumn",
            """
            def promote(results):
                hits = results.groupby("period")[["challenger", "champion"]].mean()
                return (hits["challenger"] >= hits["champion"]).all()
            """: "only draws in autumn",
            """
            def promote(results):
                hits = results.groupby("period")[["challenger", "champion"]].mean()
                return (hits["challenger"] > hits["champion"]).mean() > 0.5
            """: "loses in the second of three periods",
            """
            def promote(results):
                hits = results.groupby("period")[["challenger", "champion"]].mean()
                return hits["challenger"].min() > hits["champion"].min()
            """: "loses in the second of three periods",
            """
            def promote(results):
                for _, flights in results.groupby("period"):
                    wins = flights["challenger"].sum() > flights["champion"].sum()
                return wins
            """: "wins in total and loses in autumn",
        },
    },
    5: {
        "right": [
            """
            def roll_back(name):
                def before(number):
                    tags = client.get_model_version(name, number).tags
                    older = int(tags["succeeded"])
                    kept = client.get_model_version(name, older).tags
                    return before(older) if "withdrawn" in kept else older

                now = client.get_model_version_by_alias(name, "champion").version
                client.set_model_version_tag(name, now, "withdrawn", "late")
                client.set_registered_model_alias(name, "champion", before(now))
                return before(now)
            """,
            """
            def roll_back(name):
                found = client.search_model_versions(f"name = '{name}'")
                tags = {int(version.version): version.tags for version in found}
                now = int(client.get_model_version_by_alias(name, "champion").version)
                client.set_model_version_tag(name, now, "withdrawn", True)
                older = int(tags[now]["succeeded"])
                while "withdrawn" in tags[older]:
                    older = int(tags[older]["succeeded"])
                client.set_registered_model_alias(name, "champion", older)
                return older
            """,
        ],
        "wrong": {
            """
            def roll_back(name):
                version = client.get_model_version_by_alias(name, "champion")
                client.set_model_version_tag(name, version.version, "withdrawn", "yes")
                older = version.tags["succeeded"]
                client.set_registered_model_alias(name, "champion", older)
                return older
            """: "from 6 to 5, not 2",
            """
            def roll_back(name):
                now = int(client.get_model_version_by_alias(name, "champion").version)
                client.set_model_version_tag(name, now, "withdrawn", "yes")
                while "withdrawn" in client.get_model_version(name, now).tags:
                    now -= 1
                client.set_registered_model_alias(name, "champion", now)
                return now
            """: "from 6 to 3, not 2",
            """
            def roll_back(name):
                version = client.get_model_version_by_alias(name, "champion")
                client.set_model_version_tag(name, version.version, "withdrawn", "yes")
                version = client.get_model_version(name, version.tags["succeeded"])
                if "withdrawn" in version.tags:
                    version = client.get_model_version(name, version.tags["succeeded"])
                client.set_registered_model_alias(name, "champion", version.version)
                return version.version
            """: "from 6 to 4, not 2",
            """
            def roll_back(name):
                version = client.get_model_version_by_alias(name, "champion")
                while True:
                    older = version.tags["succeeded"]
                    version = client.get_model_version(name, older)
                    if "withdrawn" not in version.tags:
                        break
                client.set_registered_model_alias(name, "champion", older)
                return older
            """: "has no tag withdrawn",
        },
    },
    6: {
        "right": [
            """
            def log_all(client, run, key, values, started):
                rest = list(enumerate(values))
                while rest:
                    client.log_batch(run, [Metric(key, value, 0, step)
                                           for step, value in rest[:1000]])
                    rest = rest[1000:]
            """,
            """
            def log_all(client, run, key, values, started):
                steps = np.arange(len(values))
                for part in np.split(steps, range(1000, len(values), 1000)):
                    client.log_batch(run, metrics=[
                        Metric(key, values[step], started + int(step), int(step))
                        for step in part])
            """,
            """
            def log_all(client, run, key, values, started):
                kept = {row.step for row in client.get_metric_history(run, key)}
                rest = [Metric(key, value, started, step)
                        for step, value in enumerate(values) if step not in kept]
                for start in range(0, len(rest), 1000):
                    client.log_batch(run, metrics=rest[start:start + 1000])
            """,
        ],
        "wrong": {
            """
            def log_all(client, run, key, values, started):
                for step, value in enumerate(values):
                    client.log_metric(run, key, value, started, step)
            """: "2 values took 2 requests, not 1",
            """
            def log_all(client, run, key, values, started):
                for start in range(0, len(values), 1000):
                    part = enumerate(values[start:start + 1000])
                    client.log_batch(run, metrics=[
                        Metric(key, value, started, step) for step, value in part])
            """: "another step's value",
            """
            def log_all(client, run, key, values, started):
                now = int(pd.Timestamp.now("UTC").timestamp() * 1000)
                now += len(client.get_metric_history(run, key))  # surely another time
                for start in range(0, len(values), 1000):
                    client.log_batch(run, metrics=[
                        Metric(key, values[step], now, step)
                        for step in range(start, min(start + 1000, len(values)))])
            """: "4 rows of 2 values after the second call",
        },
    },
    7: {
        "right": [
            """
            def train_once(seed):
                rng = np.random.RandomState(seed)
                drawn = rng.choice(len(x), 300, replace=False)
                loss = fitted_loss(drawn, random_state=rng)
                mlflow.log_metrics({"loss": loss})
                mlflow.log_params({"seed": seed})
            """,
            """
            def train_once(seed):
                np.random.seed(seed)  # works, and changes what others draw
                mlflow.log_param("seed", seed)
                drawn = np.random.permutation(len(x))[:300]
                mlflow.log_metric("loss", fitted_loss(drawn))
            """,
        ],
        "wrong": {
            """
            def train_once(seed):
                mlflow.log_param("seed", seed)
                drawn = np.random.default_rng(seed).permutation(len(x))[:300]
                mlflow.log_metric("loss", fitted_loss(drawn))
            """: "what else draws random numbers?",
            """
            def train_once(seed):
                mlflow.log_param("seed", seed)
                drawn = np.random.permutation(len(x))[:300]
                mlflow.log_metric("loss", fitted_loss(drawn, random_state=seed))
            """: "the same seed draws other rows",
            """
            def train_once(seed):
                mlflow.log_param("seed", seed)
                drawn = np.random.default_rng(seed).integers(len(x), size=300)
                mlflow.log_metric("loss", fitted_loss(drawn, random_state=seed))
            """: "draw 300 different rows",
            """
            def train_once(seed):
                mlflow.log_param("seed", seed)
                mlflow.log_metric("loss", fitted_loss(range(300), random_state=seed))
            """: "every seed draws the same rows",
        },
    },
    8: {
        "right": ["seconds = 14.0", "seconds = np.int64(0 + 2 + 4 + 8)"],
        "wrong": {
            "seconds = 9": "the client does not know that the server is back",
            "seconds = 6": "the server is still away",
            "seconds = 15": "add them up",
            "seconds = '14 s'": "the answer is a number",
        },
    },
}
