"""Chapter 8's exercises: answers that the checks must accept, and others to refuse."""

ANSWERS = {
    1: {
        "right": [
            "traced = [7, 6, 4, 3, 1]",
            "traced = {1, 3, 4, 6, 7}",
            "traced = 1, 3, 4, 6, 7",
            "traced = np.array([1, 3, 4, 6, 7])",
        ],
        "wrong": {
            "traced = [1, 2, 3, 4, 5, 6, 7]": "only the value of a tensor",
            "traced = [1, 4, 6, 7]": "a Python number has another value",
            "traced = [1, 3, 4, 5, 6, 7]": "gives n by name",
            "traced = [1, 3, 4, 7]": "its value belongs to the key",
            "traced = [1, 3, 4, 6]": "n is a tensor",
            "traced = [1.9, 3, 4, 6, 7]": "before the first call",
            "traced = [1, 3, 4, 6, 7, 8]": "there is no call 8",
            "traced = 5": "give a list of numbers",
            'traced = "1 3 4 6 7"': "give a list of numbers",
        },
    },
    2: {
        "right": [
            """
            def tf_config(addresses, rank, servers):
                n = len(addresses)
                roles = ["chief"] + ["worker"] * (n - 1 - servers) + ["ps"] * servers
                cluster = {}
                for role, address in zip(roles, addresses):
                    cluster.setdefault(role, []).append(address)
                task = {"type": roles[rank], "index": roles[:rank].count(roles[rank])}
                return json.dumps({"cluster": cluster, "task": task})
            """,
            """
            def tf_config(addresses, rank, servers):
                first_server = len(addresses) - servers
                cluster = {"chief": [addresses[0]]}
                if first_server > 1:
                    cluster["worker"] = addresses[1:first_server]
                if servers:
                    cluster["ps"] = addresses[first_server:]
                if rank == 0:
                    role, index = "chief", 0
                elif rank < first_server:
                    role, index = "worker", rank - 1
                else:
                    role, index = "ps", rank - first_server
                task = {"type": role, "index": str(index)}
                return json.dumps({"task": task, "cluster": cluster})
            """,
        ],
        "wrong": {
            # the rank in place of the index
            """
            def tf_config(addresses, rank, servers):
                n = len(addresses)
                roles = ["chief"] + ["worker"] * (n - 1 - servers) + ["ps"] * servers
                cluster = {r: [] for r in roles}
                for role, address in zip(roles, addresses):
                    cluster[role].append(address)
                task = {"type": roles[rank], "index": rank}
                return json.dumps({"cluster": cluster, "task": task})
            """: "counts within the role",
            # empty roles are left in
            """
            def tf_config(addresses, rank, servers):
                n = len(addresses) - servers
                cluster = {"chief": addresses[:1], "worker": addresses[1:n],
                           "ps": addresses[n:]}
                for role, tasks in cluster.items():
                    if addresses[rank] in tasks:
                        task = {"type": role, "index": tasks.index(addresses[rank])}
                return json.dumps({"cluster": cluster, "task": task})
            """: "roles ['chief', 'ps', 'worker']",
            # a dictionary
            """
            def tf_config(addresses, rank, servers):
                task = {"type": "worker", "index": rank}
                return {"cluster": {"worker": addresses}, "task": task}
            """: "JSON text",
            # a list in place of the dictionary
            """
            def tf_config(addresses, rank, servers):
                return json.dumps([addresses, rank])
            """: "no JSON text with a cluster",
            # a cluster without roles
            """
            def tf_config(addresses, rank, servers):
                task = {"type": "worker", "index": rank}
                return json.dumps({"cluster": addresses, "task": task})
            """: "cluster maps each role",
            # an address where a list belongs
            """
            def tf_config(addresses, rank, servers):
                n = len(addresses)
                roles = ["chief"] + ["worker"] * (n - 1 - servers) + ["ps"] * servers
                cluster = {r: [] for r in roles}
                for role, address in zip(roles, addresses):
                    cluster[role].append(address)
                cluster["chief"] = addresses[0]
                task = {"type": roles[rank], "index": roles[:rank].count(roles[rank])}
                return json.dumps({"cluster": cluster, "task": task})
            """: "holds a list of addresses",
            # Python's text of a dictionary
            """
            def tf_config(addresses, rank, servers):
                task = {"type": "chief", "index": rank}
                return str({"cluster": {"chief": addresses}, "task": task})
            """: "json.dumps makes one",
            # -0 is 0
            """
            def tf_config(addresses, rank, servers):
                n = len(addresses)
                roles = ["chief"] + ["worker"] * (n - 1 - servers) + ["ps"] * servers
                cluster = {"chief": addresses[:1], "worker": addresses[1:-servers],
                           "ps": addresses[-servers:]}
                cluster = {r: tasks for r, tasks in cluster.items() if tasks}
                task = {"type": roles[rank], "index": roles[:rank].count(roles[rank])}
                return json.dumps({"cluster": cluster, "task": task})
            """: "process 0 of ['chief', 'worker', 'worker']",
            # the index counts on from the workers, unless there are none
            """
            def tf_config(addresses, rank, servers):
                workers = len(addresses) - servers - 1
                cluster = {"chief": addresses[:1], "worker": addresses[1:workers + 1],
                           "ps": addresses[workers + 1:]}
                cluster = {role: tasks for role, tasks in cluster.items() if tasks}
                if rank == 0:
                    task = {"type": "chief", "index": 0}
                elif rank <= workers:
                    task = {"type": "worker", "index": rank - 1}
                else:
                    index = (rank - 1) % workers if workers else rank - 1
                    task = {"type": "ps", "index": index}
                return json.dumps({"cluster": cluster, "task": task})
            """: "counts within the role",
        },
    },
    3: {
        "right": [
            """
            def batch_losses(reported, steps):
                losses = []
                for i, mean in enumerate(reported):
                    k = i % steps
                    losses.append(mean * (k + 1) - (reported[i - 1] * k if k else 0))
                return losses
            """,
            """
            def batch_losses(reported, steps):
                found = []
                for start in range(0, len(reported), steps):
                    total = 0
                    for count, mean in enumerate(reported[start:start + steps], 1):
                        found.append(mean * count - total)
                        total = mean * count
                return np.array(found)
            """,
        ],
        "wrong": {
            # the losses may come as a list
            """
            def batch_losses(reported, steps):
                totals = reported.reshape(-1, steps) * np.arange(1, steps + 1)
                return np.diff(totals, axis=1, prepend=0).ravel()
            """: "'list' object has no attribute 'reshape'",
            # the epochs are forgotten
            """
            def batch_losses(reported, steps):
                totals = np.asarray(reported) * np.arange(1, len(reported) + 1)
                return np.diff(totals, prepend=0)
            """: "where does the mean start again",
            # differences of means
            """
            def batch_losses(reported, steps):
                return np.diff(reported, prepend=0)
            """: "mean times count is a sum",
            # no value for the first batch
            """
            def batch_losses(reported, steps):
                return np.diff(reported)
            """: "one loss per batch",
        },
    },
    4: {
        "right": [
            """
            file_rows, empty_batches = [400, 300], 400 // 50 - 300 // 50
            data_rows, decoded, off_rows = list(range(50, 100)), 2 * 700, 2 * 700
            """,
            """
            file_rows, empty_batches = np.array([400, 300]), np.int64(2)
            data_rows, decoded, off_rows = np.arange(50, 100), 1.4e3, 1400
            """,
        ],
        "wrong": {
            """
            file_rows, empty_batches = (350, 350), 0
            data_rows, decoded, off_rows = range(50, 100), 1400, 1400
            """: "whole files",
            # two files each, but the first two and the last two
            """
            file_rows, empty_batches = (500, 200), 6
            data_rows, decoded, off_rows = range(50, 100), 1400, 1400
            """: "dealt out in turn",
            # batches of 100
            """
            file_rows, empty_batches = (400, 300), 1
            data_rows, decoded, off_rows = range(50, 100), 1400, 1400
            """: "half of a global",
            """
            file_rows, empty_batches = (400, 300), 2
            data_rows, decoded, off_rows = range(1, 100, 2), 1400, 1400
            """: "take turns",
            """
            file_rows, empty_batches = (400, 300), 2
            data_rows, decoded, off_rows = range(50, 100), 700, 1400
            """: "after the map",
            """
            file_rows, empty_batches = (400, 300), 2
            data_rows, decoded, off_rows = range(50, 100), (700, 700), 1400
            """: "the sum over both",
            """
            file_rows, empty_batches = (400, 300), 2
            data_rows, decoded, off_rows = range(50, 100), 1400, 700
            """: "nobody takes a share",
        },
    },
    5: {
        "right": [
            """
            def repaired(rows, decode, augment):
                kept = rows.batch(1000).map(decode).cache()
                single = kept.flat_map(tf.data.Dataset.from_tensor_slices)
                return single.shuffle(1000).batch(100).map(augment)
            """,
            """
            def repaired(rows, decode, augment):
                kept = rows.batch(250).map(decode).unbatch().cache()
                shuffled = kept.shuffle(900).batch(100)
                return shuffled.map(augment, num_parallel_calls=2).prefetch(1)
            """,
            """
            def repaired(rows, decode, augment):
                whole = rows.batch(100).map(decode).cache().map(augment)
                return whole.unbatch().shuffle(1000).batch(100)
            """,
            # eagerly, when the function is called
            """
            def repaired(rows, decode, augment):
                decoded = decode(rows.batch(1000).get_single_element())
                kept = tf.data.Dataset.from_tensor_slices(decoded)
                return kept.shuffle(1000).batch(100).map(augment)
            """,
        ],
        "wrong": {
            # as it was
            """
            def repaired(rows, decode, augment):
                return rows.batch(100).map(decode).map(augment).cache().shuffle(10)
            """: "same in every epoch",
            """
            def repaired(rows, decode, augment):
                return rows.batch(100).map(decode).unbatch().shuffle(1000).batch(
                    100).map(augment)
            """: "3,000 rows were decoded",
            # the order of the lesson: one call per row
            """
            def repaired(rows, decode, augment):
                return rows.map(decode).cache().shuffle(1000).batch(100).map(augment)
            """: "decode was called 1,000 times",
            # whole batches are kept, and only they move
            """
            def repaired(rows, decode, augment):
                return rows.batch(100).map(decode).cache().shuffle(10).map(augment)
            """: "only batches move",
            """
            def repaired(rows, decode, augment):
                kept = rows.batch(100).map(decode).unbatch().cache()
                return kept.shuffle(1000).map(augment).batch(100)
            """: "it can take a batch",
            """
            def repaired(rows, decode, augment):
                kept = rows.batch(100).map(decode).unbatch().shuffle(1000).cache()
                return kept.batch(100).map(augment)
            """: "the same order",
            """
            def repaired(rows, decode, augment):
                kept = rows.batch(100).map(decode).unbatch().cache()
                return kept.batch(100).shuffle(10).map(augment)
            """: "only batches move",
            """
            def repaired(rows, decode, augment):
                kept = rows.batch(100).map(decode).unbatch().cache()
                return kept.shuffle(50).batch(100).map(augment)
            """: "the buffer can be larger",
            """
            def repaired(rows, decode, augment):
                kept = rows.batch(100).map(decode).unbatch().cache()
                return kept.shuffle(250).batch(100).map(augment)
            """: "the buffer can be larger",
            """
            def repaired(rows, decode, augment):
                kept = rows.batch(100).map(decode).cache().unbatch()
                return kept.repeat().shuffle(1000).batch(100).map(augment)
            """: "and end",
        },
    },
    6: {
        "right": [
            """
            def part_of_mean(losses, weights, real_rows):
                return (losses * weights / real_rows).sum()
            """,
            """
            def part_of_mean(losses, weights, real_rows):
                return float(np.dot(losses, weights)) / int(real_rows)
            """,
            # changes its argument, which is a view of the batch
            """
            def part_of_mean(losses, weights, real_rows):
                losses *= weights
                losses /= real_rows
                return losses.sum()
            """,
        ],
        "wrong": {
            # the mean over the replica's own rows
            """
            def part_of_mean(losses, weights, real_rows):
                return losses.mean()
            """: "times too large",
            # the mean over the replica's own real rows
            """
            def part_of_mean(losses, weights, real_rows):
                return np.sum(losses * weights) / np.sum(weights)
            """: "times too large",
            # right in all, but only as long as every replica has a real row
            """
            def part_of_mean(losses, weights, real_rows):
                return np.average(losses, weights=weights) * weights.sum() / real_rows
            """: "not divide by 0",
            # the padding counts as rows
            """
            def part_of_mean(losses, weights, real_rows):
                return np.sum(losses) / real_rows
            """: "rows are padding",
            # the sum is forgotten
            """
            def part_of_mean(losses, weights, real_rows):
                return losses * weights / real_rows
            """: "one number per replica",
        },
    },
    7: {
        "right": [
            """
            def save(write, folder, config):
                from tempfile import TemporaryDirectory

                task, cluster = config["task"], config["cluster"]
                first = task["type"] == "chief" or (
                    "chief" not in cluster and task["index"] == 0)
                if first:
                    return write(folder / "model")
                with TemporaryDirectory() as temporary:
                    write(f"{temporary}/model")
            """,
            """
            def save(write, folder, config):
                import shutil

                role, number = config["task"]["type"], config["task"]["index"]
                own = folder / f"{role}{number}"
                own.mkdir()
                write(own / "model")
                chiefs = config["cluster"].get("chief", [])
                if role == "chief" or (number == 0 and not chiefs):
                    (own / "model").rename(folder / "model")
                shutil.rmtree(own)
            """,
        ],
        "wrong": {
            """
            def save(write, folder, config):
                write(folder / "model")
            """: "two workers wrote to one path",
            # worker 0, also where there is a chief
            """
            def save(write, folder, config):
                task = config["task"]
                path = folder / "model"
                if task["index"] > 0:
                    path = folder / f"other-{task['index']}"
                write(path)
                if task["index"] > 0:
                    path.unlink()
            """: "two workers wrote to one path",
            # the others do not write
            """
            def save(write, folder, config):
                if config["task"]["index"] == 0:
                    write(folder / "model")
            """: "each must, exactly once",
            # the others' files stay
            """
            def save(write, folder, config):
                task = config["task"]
                role = "chief" if "chief" in config["cluster"] else "worker"
                first = (task["type"], task["index"]) == (role, 0)
                own = f"{task['type']}{task['index']}"
                write(folder / ("model" if first else own))
            """: "left behind",
            # only a task of type chief
            """
            def save(write, folder, config):
                task = config["task"]
                path = folder / f"{task['type']}{task['index']}"
                write(path)
                if task["type"] == "chief":
                    path.rename(folder / "model")
                else:
                    path.unlink()
            """: "no file `model`",
            # the folder of all workers, while one of them is saving
            """
            def save(write, folder, config):
                import shutil

                task = config["task"]
                own = folder / task["type"] / str(task["index"])
                write(own / "model")
                if not task["index"] and (
                    task["type"] == "chief" or "chief" not in config["cluster"]):
                    (own / "model").rename(folder / "model")
                shutil.rmtree(folder / task["type"])
            """: "delete only its own",
            # the chief deletes what is there when it has saved
            """
            def save(write, folder, config):
                task = config["task"]
                role = "chief" if "chief" in config["cluster"] else "worker"
                if (task["type"], task["index"]) == (role, 0):
                    write(folder / "model")
                    for path in folder.iterdir():
                        if path.name != "model":
                            path.unlink()
                else:
                    write(folder / f"other-{task['type']}-{task['index']}")
            """: "left behind",
            # the first role is taken for the chief's
            """
            def save(write, folder, config):
                task, role = config["task"], next(iter(config["cluster"]))
                if (task["type"], task["index"]) == (role, 0):
                    write(folder / "model")
                else:
                    path = folder / f"{task['type']}-{task['index']}"
                    write(path)
                    path.unlink()
            """: "is not by chief-0",
        },
    },
    8: {
        "right": [
            """
            changes = {"A": ["mean", "scale", "kernel"], "B": ["kernel"]}
            changes["C"] = ["kernel"]
            """,
            """
            changes = dict(C=("kernel",), B={"kernel"},
                           A=("kernel", "scale", "mean"))
            """,
        ],
        "wrong": {
            """
            changes = {name: {"kernel"} for name in "ABC"}
            """: "also those set",
            """
            changes = {"A": {"kernel", "scale", "mean"}, "B": {"kernel", "mean"},
                       "C": set()}
            """: "keeps all its vectors",
            """
            changes = {"A": {"kernel", "scale", "mean"}, "B": {"kernel"},
                       "C": set()}
            """: "each weight for its own flag",
            """
            changes = {"A": {"kernel", "scale", "mean"}, "B": "kernel", "C": "kernel"}
            """: "even for one part",
        },
    },
    9: {
        "right": [
            """
            def train(rows, steps, state=None):
                random = np.random.default_rng(0)
                weight, speed, step = np.zeros(3), np.zeros(3), 0
                if state is not None:
                    weight, speed, step = map(np.array, state["all"])
                    random.bit_generator.state = state["random"]
                while step < steps:
                    row = rows[random.integers(len(rows))]
                    speed = 0.9 * speed + (weight - row)
                    weight, step = weight - 0.1 * speed, step + 1
                return {"weight": list(weight), "random": random.bit_generator.state,
                        "all": [list(weight), list(speed), int(step)]}
            """,
            """
            def train(rows, steps, state=None):
                weight, speed, first = np.zeros(3), np.zeros(3), 0
                if state:
                    weight, speed = np.array(state["weight"]), np.array(state["speed"])
                    first = state["step"]
                order = np.random.default_rng(0).integers(len(rows), size=steps)
                for step in range(first, steps):
                    speed = 0.9 * speed + (weight - rows[order[step]])
                    weight = weight - 0.1 * speed
                return {"weight": weight.tolist(), "speed": speed.tolist(),
                        "step": steps}
            """,
        ],
        "wrong": {
            # the order begins anew
            """
            def train(rows, steps, state=None):
                random = np.random.default_rng(0)
                weight, speed, step = np.zeros(3), np.zeros(3), 0
                if state:
                    weight, speed = np.array(state["weight"]), np.array(state["speed"])
                    step = state["step"]
                while step < steps:
                    row = rows[random.integers(len(rows))]
                    speed = 0.9 * speed + (weight - row)
                    weight, step = weight - 0.1 * speed, step + 1
                return {"weight": weight.tolist(), "speed": speed.tolist(),
                        "step": step}
            """: "the order of the rows must go on",
            # everything anew
            """
            def train(rows, steps, state=None):
                random = np.random.default_rng(0)
                weight, speed = np.zeros(3), np.zeros(3)
                for _ in range(steps):
                    row = rows[random.integers(len(rows))]
                    speed = 0.9 * speed + (weight - row)
                    weight = weight - 0.1 * speed
                return {"weight": weight.tolist()}
            """: "makes steps again",
            # no momentum
            """
            def train(rows, steps, state=None):
                random = np.random.default_rng(0)
                weight, speed, step = np.zeros(3), np.zeros(3), 0
                if state:
                    weight, step = np.array(state["weight"]), state["step"]
                    random.bit_generator.state = state["random"]
                while step < steps:
                    row = rows[random.integers(len(rows))]
                    speed = 0.9 * speed + (weight - row)
                    weight, step = weight - 0.1 * speed, step + 1
                return {"weight": weight.tolist(), "step": step,
                        "random": random.bit_generator.state}
            """: "momentum",
            # counts the steps of this run only
            """
            def train(rows, steps, state=None):
                random = np.random.default_rng(0)
                weight, speed, step = np.zeros(3), np.zeros(3), 0
                if state:
                    weight, speed = np.array(state["weight"]), np.array(state["speed"])
                    step, random.bit_generator.state = state["step"], state["random"]
                first = step
                while step < steps:
                    row = rows[random.integers(len(rows))]
                    speed = 0.9 * speed + (weight - row)
                    weight, step = weight - 0.1 * speed, step + 1
                return {"weight": weight.tolist(), "speed": speed.tolist(),
                        "step": step - first, "random": random.bit_generator.state}
            """: "makes steps again",
            # the generator stays in this process
            """
            def train(rows, steps, state=None):
                weight, speed, step = np.zeros(3), np.zeros(3), 0
                if state:
                    weight, speed = np.array(state["weight"]), np.array(state["speed"])
                    step = state["step"]
                else:
                    train.random = np.random.default_rng(0)
                while step < steps:
                    row = rows[train.random.integers(len(rows))]
                    speed = 0.9 * speed + (weight - row)
                    weight, step = weight - 0.1 * speed, step + 1
                return {"weight": weight.tolist(), "speed": speed.tolist(),
                        "step": step}
            """: "ends elsewhere",
        },
    },
}
