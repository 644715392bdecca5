"""A DataLoader worker that is forked while a thread holds a lock; lesson 9.5 starts it.

    fork_workers.py

Prints a line of JSON for each case: what the loader delivered within its deadline.
"""

import json
import threading
import warnings

import torch
from torch.utils.data import DataLoader, Dataset

warnings.filterwarnings("ignore", message="This DataLoader will create")


class Cached(Dataset):
    """Numbers 0 to 3, through a cache that a lock protects, as caches must be."""

    def __init__(self):
        """Make an empty cache."""
        self.lock, self.cache = threading.Lock(), {}

    def __len__(self):
        """Return 4."""
        return 4

    def __getitem__(self, index):
        """Return the number and how many threads run in this process."""
        with self.lock:
            number = self.cache.setdefault(index, index)
        return torch.tensor([number, threading.active_count()])

    def refresh(self, held, done):
        """Renew the cache under its lock, until `done` is set."""
        with self.lock:
            held.set()
            done.wait(timeout=300)

    def __getstate__(self):
        """Return what is sent to a spawned worker: all but the lock and the cache."""
        return {}

    def __setstate__(self, state):
        """Begin with a lock and a cache of this process's own."""
        self.__init__()


def read(method):
    """Read with one worker that is started by `method`, while a thread refreshes."""
    dataset, held, done = Cached(), threading.Event(), threading.Event()
    thread = threading.Thread(target=dataset.refresh, args=(held, done))
    thread.start()
    held.wait(timeout=300)  # from here on the thread holds the lock
    try:
        loader = DataLoader(
            dataset, batch_size=2, num_workers=1, multiprocessing_context=method,
            timeout=2 if method == "fork" else 200,
        )  # fmt: skip
        rows = torch.cat(list(loader))
        found = {"numbers": rows[:, 0].tolist(), "threads": rows[0, 1].item()}
    except RuntimeError as error:
        found = {"error": str(error).splitlines()[0]}
    done.set()
    thread.join()
    return {"method": method} | found


if __name__ == "__main__":
    for start_method in ("fork", "spawn"):
        print(json.dumps(read(start_method)), flush=True)
