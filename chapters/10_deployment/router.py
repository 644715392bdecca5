"""A proxy before several scoring servers: shadow, canary, and the registry's alias.

    python router.py PORT MODEL SERVERS

MODEL: the registered model whose alias `champion` decides; SERVERS: JSON, version to
address. POST /control sets `canary` (a version), `share` (percent) and `shadow` (a
version); GET /state returns what was compared.
"""

import asyncio
import contextlib
import hashlib
import json
import sys

import fastapi
import httpx
import mlflow
import uvicorn

MODEL, SERVERS = sys.argv[2], json.loads(sys.argv[3])
POLL = 0.2  # seconds between two looks at the registry
control = {"canary": None, "share": 0, "shadow": None}
state = {"champion": None, "failed": 0, "compared": 0, "different": []}
background = set()


def champion():
    """Ask the registry which version serves."""
    return mlflow.MlflowClient().get_model_version_by_alias(MODEL, "champion").version


async def follow_alias():
    """Follow the alias; keep the old version if the registry or a server is missing."""
    while True:
        try:
            version = str(await asyncio.to_thread(champion))
            state["champion"] = version if version in SERVERS else state["champion"]
        except mlflow.MlflowException:
            state["failed"] += 1
        await asyncio.sleep(POLL)


def choose(request_id):
    """Return the version for a request: the same one whenever it is asked again."""
    place = int(hashlib.sha256(request_id.encode()).hexdigest(), 16) % 100
    return control["canary"] if place < control["share"] else state["champion"]


async def ask(client, version, body):
    """Return a server's reply."""
    headers = {"content-type": "application/json"}
    address = SERVERS[version] + "/invocations"
    return await client.post(address, content=body, headers=headers)


async def compare(client, shadow, body, reply, request_id):
    """Ask the shadow version, too, and note whether its reply differs."""
    try:
        answer = await ask(client, shadow, body)
        status, text = answer.status_code, answer.text
    except httpx.TransportError:
        status, text = "down", None
    state["compared"] += 1
    if (status, text) != (reply.status_code, reply.text):
        state["different"].append([request_id, reply.status_code, status])


@contextlib.asynccontextmanager
async def lifespan(app):
    """Open the connections, and follow the alias while the router runs."""
    async with httpx.AsyncClient(timeout=60, trust_env=False) as app.state.client:
        following = asyncio.create_task(follow_alias())
        yield
        following.cancel()


app = fastapi.FastAPI(lifespan=lifespan)


@app.post("/invocations")
async def invocations(request: fastapi.Request):
    """Pass a request on, and say which version has answered."""
    body, request_id = await request.body(), request.headers["x-request-id"]
    version = choose(request_id)
    try:
        reply = await ask(app.state.client, version, body)
    except httpx.TransportError:
        return fastapi.responses.JSONResponse({"down": version}, 503)
    if shadow := control["shadow"]:  # after the reply, so that nobody waits for it
        task = asyncio.create_task(
            compare(app.state.client, shadow, body, reply, request_id)
        )
        background.add(task)
        task.add_done_callback(background.discard)
    return fastapi.Response(
        reply.content, reply.status_code, {"x-version": version}, "application/json"
    )


@app.post("/control")
async def set_control(request: fastapi.Request):
    """Change canary, share or shadow; a new shadow is counted from zero."""
    changes = await request.json()
    if changes.get("shadow"):
        state.update(compared=0, different=[])
    control.update(changes)
    return control


@app.get("/state")
async def get_state():
    """Return the champion and what the shadow found; 503 until the alias is known."""
    return fastapi.responses.JSONResponse(state, 200 if state["champion"] else 503)


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error")
