"""A server that adds numbers up; started by notebook 1.3 with

    python counting_server.py PORT {memory,client,FILE} [SECONDS]

Where is the state, the sum so far? memory: in this process (a stateful server).
client: with the caller, who sends it along (stateless). FILE: in a SQLite file of
all numbers, written before the answer is given. GET /add?n=3&state=4 answers the new
sum. SECONDS is how long each answer takes.
"""

import json
import sqlite3
import sys
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock
from urllib.parse import parse_qs, urlsplit

port, where, seconds = int(sys.argv[1]), sys.argv[2], float((sys.argv[3:] or [0])[0])
total, lock = 0, Lock()


def add(n, state):
    global total
    if where == "client":
        return state + n
    with lock:
        if where == "memory":
            total += n
            return total
        # `store` commits at the end, or not at all, and `closing` then closes it.
        with closing(sqlite3.connect(where)) as store, store:
            store.execute("CREATE TABLE IF NOT EXISTS numbers (n INTEGER)")
            store.execute("INSERT INTO numbers VALUES (?)", [n])
            return store.execute("SELECT SUM(n) FROM numbers").fetchone()[0]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        asked = {k: int(v[0]) for k, v in parse_qs(urlsplit(self.path).query).items()}
        Event().wait(seconds if "n" in asked else 0)
        total = add(asked.get("n", 0), asked.get("state", 0))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"sum": total}).encode())

    def log_message(self, *_):
        """Keep quiet: the default writes a line for each request."""


ThreadingHTTPServer(("localhost", port), Handler).serve_forever()
