"""Serve a part of a forest: the decision trees of one Parquet folder, over HTTP.

Started by 05_training_topologies.ipynb:  python tree_server.py PORT FOLDER

The folder holds rows of (tree, id, feature, threshold, left, right, votes), a row a
tree node, as Spark MLlib saves a forest. POST / takes pictures, 49 bytes each, and
answers the sum of the trees' votes, ten doubles a picture; the header Trees says how
many trees voted.
`POST /?trees=5` asks the first five only. GET / says that the server is up.
"""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pyarrow.parquet as pq

PIXELS = 49


def read_forest(folder):
    """Return the trees, each as arrays over its nodes; a leaf is its own child."""
    table = pq.read_table(folder).sort_by([("tree", "ascending"), ("id", "ascending")])
    column = {name: table[name].to_numpy() for name in table.column_names}
    starts = np.flatnonzero(column["id"] == 0)
    forest = []
    for start, end in zip(starts, [*starts[1:], len(table)], strict=True):
        tree = {name: values[start:end] for name, values in column.items()}
        votes = np.stack(tree["votes"])
        tree["votes"] = votes / votes.sum(axis=1, keepdims=True)
        leaf = tree["left"] < 0
        for side in ("left", "right"):
            tree[side] = np.where(leaf, tree["id"], tree[side])
        tree["feature"] = np.where(leaf, 0, tree["feature"])
        forest.append(tree)
    return forest


def vote(tree, pictures):
    """Return the class shares of the leaf that each picture falls into."""
    rows, at = np.arange(len(pictures)), np.zeros(len(pictures), dtype=int)
    while True:
        goes_left = pictures[rows, tree["feature"][at]] <= tree["threshold"][at]
        below = np.where(goes_left, tree["left"][at], tree["right"][at])
        if (below == at).all():
            return tree["votes"][at]
        at = below


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.reply(b"ready", 0)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        pictures = np.frombuffer(body, np.uint8).reshape(-1, PIXELS)
        asked = parse_qs(urlsplit(self.path).query).get("trees")
        trees = forest[: int(asked[0])] if asked else forest
        self.reply(sum(vote(tree, pictures) for tree in trees).tobytes(), len(trees))

    def reply(self, body, trees):
        self.send_response(200)
        self.send_header("Trees", trees)
        self.send_header("Content-Length", len(body))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing: a line a request would drown the log."""


if __name__ == "__main__":
    forest = read_forest(sys.argv[2])
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
