"""Peers that decide who does what; notebook 1.3 starts one process for each, with

    python peers.py {fixed,elected} NUMBER PORT PORT ...

Peer NUMBER listens on the port in that place. At first the one with the highest number
leads. Each request is answered with JSON:

/assign?item=7    who does the item? The leader decides, the others pass the request on
/elect            hold an election; the answer names the leader
/follow?leader=2  the announcement of the winner
/mine?item=7      does this peer do the item? Each peer decides that for itself
/ping             ask all peers whether they are there
"""

import json
import sys
import urllib.request
from collections import Counter
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

control, me, ports = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
alive = set(range(len(ports)))  # as far as this peer knows
leader, sent, assigned = max(alive), 0, Counter()


def call(peer, request):
    """Return another peer's answer, or None when nothing listens there any more."""
    global sent
    sent += 1
    try:
        url = f"http://127.0.0.1:{ports[peer]}{request}"
        with urllib.request.urlopen(url) as reply:
            return json.load(reply)
    except OSError:
        alive.discard(peer)


def assign(item):
    """Central control: the leader gives the item to the peer that has the fewest."""
    if leader == me:
        worker = min(sorted(alive), key=lambda peer: assigned[peer])
        assigned[worker] += 1
        return {"worker": worker, "leader": me, "decisions": assigned.total()}
    reply = call(leader, f"/assign?item={item}")
    if reply is None and control == "elected":
        elect()
        return assign(item)
    return reply or {"worker": None, "leader": None}


def elect():
    """Bully algorithm: the highest number that still answers becomes the leader."""
    for higher in range(me + 1, len(ports)):
        if reply := call(higher, "/elect"):
            return reply
    follow(me)
    for lower in range(me):
        call(lower, f"/follow?leader={me}")
    return {"leader": me}


def follow(number):
    global leader
    leader = int(number)
    return {"leader": leader}


def mine(item):
    """Decentralised control: all peers know the rule, so nobody needs to be asked."""
    owner = min(alive, key=lambda peer: sha256(f"{item} {peer}".encode()).digest())
    return {"mine": owner == me}


def ping():
    for peer in sorted(alive - {me}):
        call(peer, "/state")
    return {"alive": sorted(alive)}


requests = {f.__name__: f for f in (assign, elect, follow, mine, ping)}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        url = urlsplit(self.path)
        answer = requests.get(url.path[1:], dict)  # any other request: only `sent`
        reply = answer(*[value for _, value in parse_qsl(url.query)])
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(reply | {"sent": sent}).encode())

    def log_message(self, *_):
        """Keep quiet: the default writes a line for each request."""


ThreadingHTTPServer(("127.0.0.1", int(ports[me])), Handler).serve_forever()
