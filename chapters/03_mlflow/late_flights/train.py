"""Train a forest; the project's entry point `main`. Logs to the run of `mlflow run`.

A seed below 0 means none: the training then cannot be repeated.
"""

import argparse
from importlib.metadata import version

import mlflow
from flights import INPUTS, fingerprints, table
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score

parser = argparse.ArgumentParser(description=__doc__)
for name in ("trees", "months", "seed"):
    parser.add_argument(f"--{name}", type=int, required=True)
given = parser.parse_args()

flights = table()
learn = flights[flights["month"] <= given.months]
later = flights[flights["month"] == given.months + 1]
forest = RandomForestClassifier(
    n_estimators=given.trees,
    max_depth=8,
    max_samples=10_000,
    random_state=None if given.seed < 0 else given.seed,
).fit(learn[INPUTS], learn["late"])
with mlflow.start_run():
    mlflow.set_tags(fingerprints())
    chance = forest.predict_proba(later[INPUTS])[:, 1]
    mlflow.log_metric("auc", roc_auc_score(later["late"], chance))
    mlflow.sklearn.log_model(
        forest, name="forest", serialization_format="cloudpickle",
        pip_requirements=[f"{package}=={version(package)}"
                          for package in ("scikit-learn", "cloudpickle")],
    )  # fmt: skip
