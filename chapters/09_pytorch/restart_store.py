"""Does a restarted process find what an earlier life wrote? Lesson 9.3 asks it.

    torchrun --standalone --max-restarts 1 restart_store.py RESULT.jsonl

Notes in RESULT.jsonl what it finds in torchrun's key-value store, leaves a key there,
and fails in its first life.
"""

import json
import os
import sys

from torch.distributed import TCPStore


def main(result):
    """Note whether the key is there, and write it; end the first life by an error."""
    life = int(os.environ["TORCHELASTIC_RESTART_COUNT"])
    hosted = os.environ["TORCHELASTIC_USE_AGENT_STORE"] == "True"  # by torchrun
    address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    store = TCPStore(address, port, is_master=not hosted)
    note = {"life": life, "old key": store.check(["my address"])}
    with open(result, "a") as notes:
        print(json.dumps(note), file=notes)
    store.set("my address", f"of life {life}")
    sys.exit(1 if life == 0 else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
