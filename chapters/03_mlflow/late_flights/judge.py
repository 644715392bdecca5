"""Judge the forest of an earlier run by another month; the entry point `judge`."""

import argparse

import mlflow
from flights import INPUTS, table
from sklearn.metrics import roc_auc_score

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("run", help="the id of a run of `main`")
parser.add_argument("--month", type=int, required=True)
given = parser.parse_args()

flights = table()
month = flights[flights["month"] == given.month]
outputs = mlflow.get_run(given.run).outputs.model_outputs
forest = mlflow.sklearn.load_model(f"models:/{outputs[0].model_id}")
with mlflow.start_run():
    chance = forest.predict_proba(month[INPUTS])[:, 1]
    mlflow.log_metric("auc", roc_auc_score(month["late"], chance))
