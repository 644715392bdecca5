"""Two ways to load a server: a client that waits for replies, and a schedule."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx


def post(client, address, body, request_id=""):
    """Send one request; return its status, the version that answered, and seconds."""
    begin = time.perf_counter()
    headers = {"content-type": "application/json", "x-request-id": request_id}
    reply = client.post(address, content=body, headers=headers)
    seconds = time.perf_counter() - begin
    return reply.status_code, reply.headers.get("x-version"), seconds


def closed_loop(address, body, requests):
    """Send each request when the last one is answered; return seconds per request."""
    with httpx.Client(timeout=60, trust_env=False) as client:
        return [post(client, address, body)[2] for _ in range(requests)]


def open_loop(address, body, requests, rate):
    """Send `rate` requests per second, whatever the server does.

    Returns seconds per request, from the moment at which it should have been sent.
    """
    with (
        httpx.Client(timeout=60, trust_env=False) as client,
        ThreadPoolExecutor(requests) as pool,
    ):
        start = time.perf_counter() + 0.2

        def send(number):
            due = start + number / rate
            time.sleep(max(0, due - time.perf_counter()))
            post(client, address, body)
            return time.perf_counter() - due

        return list(pool.map(send, range(requests)))
