"""Serve a forest that others hold: ask every tree server, add up their votes.

Started by 05_training_topologies.ipynb:
python forest_server.py PORT SECONDS ADDRESS [ADDRESS ...]

It holds no tree. POST / takes pictures and answers class probabilities, ten doubles per
picture; the header Trees says how many trees they rest on, for a tree server that is
dead or does not answer within SECONDS is left out. `POST /?trees=8` shares out eight
trees. Without a single answer it replies 503.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import numpy as np

CLASSES = 10


def ask(address, body, trees, seconds):
    """Return (votes, number of trees) of one tree server, or None if it is silent."""
    query = f"?trees={trees}" if trees else ""
    try:
        with urlopen(f"{address}/{query}", body, seconds) as answer:
            return np.frombuffer(answer.read()), int(answer.headers["Trees"])
    except (OSError, HTTPException):  # refused, reset, too late or cut off
        return None


def ask_all(body, trees=None):
    """Ask all tree servers at once; return the mean vote and the trees behind it."""
    share = trees // len(addresses) if trees else None
    futures = [pool.submit(ask, a, body, share, seconds) for a in addresses]
    answers = [answer for future in futures if (answer := future.result())]
    voters = sum(number for _, number in answers)
    return sum(votes for votes, _ in answers) / max(voters, 1), voters


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.reply(200, b"ready", 0)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        asked = parse_qs(urlsplit(self.path).query).get("trees")
        mean, trees = ask_all(body, asked and int(asked[0]))
        self.reply(200 if trees else 503, mean.tobytes() if trees else b"", trees)

    def reply(self, status, body, trees):
        self.send_response(status)
        self.send_header("Trees", trees)
        self.send_header("Content-Length", len(body))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing: a line per request would drown the log."""


if __name__ == "__main__":
    seconds, addresses = float(sys.argv[2]), sys.argv[3:]
    pool = ThreadPoolExecutor(4 * len(addresses))
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
