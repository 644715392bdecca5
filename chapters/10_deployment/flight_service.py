"""An airline's service: how likely is a flight to be late? Three sources of the answer.

    flight_service.py PORT FLIGHTS SOURCE=ADDRESS ...

PORT: where it listens. FLIGHTS: a Parquet file with the features of each flight.
SOURCE=ADDRESS: inside=MODEL loads a model of MLflow's into this process, remote=URL
asks MLflow's scoring server, table=FOLDER reads what a batch job has scored.
"""

import sys

import httpx
import pandas as pd
import uvicorn
from fastapi import FastAPI, HTTPException

BASE_RATE = 0.26  # the share of late flights in training: an answer without a model


class ModelInside:
    """The model is an object of this process, and a prediction a function call."""

    def __init__(self, uri):
        """Load the model once, when the service starts."""
        import mlflow  # here: a service without the model does not pay for it

        self.model = mlflow.pyfunc.load_model(uri)

    def chances(self, rows):
        """Return the chance of being late for each row of features."""
        return self.model.predict(rows)[:, 1].tolist()


class ModelService:
    """The model is behind a server, and a prediction a request over HTTP."""

    def __init__(self, url):
        """Keep one connection open; a new one for each request would cost more."""
        self.client = httpx.Client(base_url=url, timeout=30, trust_env=False)

    def chances(self, rows):
        """Return the chance of being late for each row of features."""
        values = [[None if x != x else x for x in row] for row in rows.values.tolist()]
        table = {"columns": list(rows.columns), "data": values}
        reply = self.client.post("/invocations", json={"dataframe_split": table})
        return [row[1] for row in reply.raise_for_status().json()["predictions"]]


class ScoredTable:
    """The predictions are already there, and a prediction a look-up by flight."""

    def __init__(self, folder):
        """Read the scores into memory once."""
        scored = pd.read_parquet(folder, columns=["flight_id", "chance"])
        self.scored = dict(scored.itertuples(index=False))

    def chances(self, rows):
        """Return the stored chance of each flight; KeyError if one was not scored."""
        return [self.scored[flight] for flight in rows.index]


SOURCES = {"inside": ModelInside, "remote": ModelService, "table": ScoredTable}


def create(features, addresses):
    """Return the application, its sources opened."""
    app = FastAPI()
    sources = {name: SOURCES[name](at) for name, at in addresses.items()}

    @app.get("/ping")
    def ping():
        return {"sources": list(sources)}

    @app.post("/chances/{name}")
    def chances(name: str, flights: list[int]):
        if name not in sources:
            raise HTTPException(404, f"no source {name}")
        try:
            values = sources[name].chances(features.loc[flights])
        except (httpx.HTTPError, KeyError):  # no model, or not in the table
            return {"from": "base rate", "chances": [BASE_RATE] * len(flights)}
        return {"from": name, "chances": values}

    @app.post("/reload/{name}")
    def reload(name: str):
        sources[name] = SOURCES[name](addresses[name])

    return app


if __name__ == "__main__":
    port, flights, *pairs = sys.argv[1:]
    table = pd.read_parquet(flights).set_index("flight_id")
    app = create(table, dict(pair.split("=", 1) for pair in pairs))
    uvicorn.run(app, port=int(port), log_level="warning")
