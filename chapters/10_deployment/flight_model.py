"""The late-flight model as MLflow stores it: this file, a pipeline, a setting."""

import joblib
import mlflow
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE

WHOLE = {"hour": (0, 23), "month": (1, 12), "distance": (1, 6_000)}  # and their ranges
TEXTS = ["carrier", "origin"]


def problems(frame, known):
    """Yield a sentence for each value that the model must not be asked about."""
    if frame.empty:
        yield "no rows"
    for name, (low, high) in WHOLE.items():
        values = frame[name]
        if values.isna().any():
            yield f"{name} is missing"
        elif (broken := values[values % 1 != 0]).any():
            yield f"{name} must be a whole number, not {broken.iloc[0]}"
        elif not values.between(low, high).all():
            yield f"{name} must be between {low} and {high}"
    for name, values in known.items():
        if unknown := set(frame[name]) - set(values):
            yield f"unknown {name}: {', '.join(sorted(map(str, unknown)))}"


class LateFlights(mlflow.pyfunc.PythonModel):
    """The probability of a late departure, for rows of five columns."""

    def load_context(self, context):
        """Open the pipeline, once, when the model is loaded."""
        self.pipeline = joblib.load(context.artifacts["pipeline"])
        self.checked = context.model_config["checked"]

    def predict(self, context, model_input: pd.DataFrame, params=None):
        """Return one probability per row; if `checked`, refuse rows with problems."""
        frame = model_input.reindex(columns=[*WHOLE, *TEXTS])
        frame["origin"] = frame["origin"].fillna("EWR")  # optional: the largest airport
        if self.checked:
            encoder = self.pipeline[0].named_transformers_["texts"]
            known = dict(zip(TEXTS, encoder.categories_, strict=True))
            if found := [*problems(frame, known)]:
                raise MlflowException("; ".join(found), INVALID_PARAMETER_VALUE)
        return self.pipeline.predict_proba(frame)[:, 1].round(4)


mlflow.models.set_model(LateFlights())
