"""Hold a share of a model's weights: clients pull them and push gradients, over HTTP.

Started by 05_training_topologies.ipynb:  python weight_server.py PORT LENGTH RATE

GET /weights answers LENGTH doubles. POST /gradient?clients=4 takes as many; when four
have come, one gradient step of RATE is made: synchronous training. GET /traffic tells,
as JSON, the steps made and the bytes of weights sent and of gradients received so far.
"""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import numpy as np

traffic = {"steps": 0, "sent": 0, "received": 0}
waiting = []  # gradients of this step that have come so far
lock = threading.Lock()


def push(gradient, clients):
    """Keep a gradient; with the last one, move the weights by their sum."""
    with lock:
        waiting.append(gradient)
        traffic["received"] += gradient.nbytes
        if len(waiting) == clients:
            weights[:] -= rate * sum(waiting)
            waiting.clear()
            traffic["steps"] += 1


def pull():
    """Return a copy of the weights as bytes."""
    with lock:
        traffic["sent"] += weights.nbytes
        return weights.tobytes()


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.reply(pull() if self.path == "/weights" else json.dumps(traffic).encode())

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        clients = int(parse_qs(urlsplit(self.path).query)["clients"][0])
        push(np.frombuffer(body), clients)
        self.reply(b"")

    def reply(self, body):
        self.send_response(200)
        self.send_header("Content-Length", len(body))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing: a line a request would drown the log."""


if __name__ == "__main__":
    weights, rate = np.zeros(int(sys.argv[2])), float(sys.argv[3])
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
