"""Chapter 1's exercises: answers that the checks must accept, or must refuse."""

ANSWERS = {
    1: {
        "right": [
            """
            NAMES = {s.value: s.name for s in signal.Signals}
            def signal_of(exit_code):
                return NAMES.get(exit_code - 128)
            """,
            """
            def signal_of(exit_code):
                if 129 <= exit_code <= 192:
                    return signal.Signals(exit_code - 128)
            """,
        ],
        "wrong": {
            "def signal_of(exit_code): return 'SIGKILL'": "code 143 gives 'SIGKILL'",
            "def signal_of(exit_code): return exit_code - 128": "code 137 gives 9",
            """
            def signal_of(exit_code):
                return signal.Signals(exit_code % 128 or 1).name
            """: "code 0 gives 'SIGHUP': no signal was at work",
            """
            def signal_of(exit_code):
                return None if exit_code < 129 else signal.Signals(exit_code - 128)
            """: "code 255 gives ValueError",
            """
            def signal_of(exit_code):
                names = {137: "SIGKILL", 139: "SIGSEGV", 143: "SIGTERM"}
                return names.get(exit_code)
            """: "code 129 gives None",
        },
    },
    2: {
        "right": [
            """
            def in_test(tailnum):
                return pd.util.hash_array(tailnum.to_numpy()) % 10 < 2
            """,
            """
            def in_test(tailnum):
                digits = tailnum.apply(lambda plane: sum(map(ord, plane[1:])))
                return (digits % 5 == 2).tolist()
            """,
        ],
        "wrong": {
            """
            def in_test(tailnum):
                return np.random.default_rng(0).random(len(tailnum)) < 0.2
            """: "a plane is on both sides",
            """
            def in_test(tailnum):
                planes = np.sort(tailnum.unique())
                chosen = np.random.default_rng(0).permutation(planes)
                return tailnum.isin(chosen[:len(planes) // 5])
            """: "planes change sides with the rows",
            """
            def in_test(tailnum):
                return tailnum.map(lambda plane: zlib.crc32(plane.encode()) % 2 == 0)
            """: "of the planes, not a fifth",
            """
            drawn = flights["tailnum"].dropna().drop_duplicates()
            drawn = drawn.sample(frac=0.2, random_state=0)
            def in_test(tailnum):
                return tailnum.isin(drawn)
            """: "0% of new planes, not a fifth",
            "def in_test(tailnum): return True": "one boolean for each row",
        },
    },
    3: {
        "right": [
            """
            def mean_delay(pairs):
                return pairs.groupByKey().mapValues(lambda v: sum(v) / len(v))
            """,
            """
            def mean_delay(pairs):
                def add(a, b):
                    return a[0] + b[0], a[1] + b[1]
                sums = pairs.aggregateByKey(
                    (0, 0), lambda a, delay: (a[0] + delay, a[1] + 1), add)
                return sums.map(lambda pair: (pair[0], pair[1][0] / pair[1][1]))
            """,
        ],
        "wrong": {
            """
            def mean_delay(pairs):
                return pairs.reduceByKey(lambda a, b: (a + b) / 2)
            """: "carry (sum, count)",
            """
            def mean_delay(pairs):
                return pairs.reduceByKey(max)
            """: "carry (sum, count)",
            "def mean_delay(pairs): pass": "must return an RDD of pairs",
            # a row for each flight
            """
            def mean_delay(pairs):
                sums = pairs.mapValues(lambda minutes: (minutes, 1)).reduceByKey(
                    lambda a, b: (a[0] + b[0], a[1] + b[1]))
                means = sums.mapValues(lambda both: both[0] / both[1])
                return pairs.join(means).mapValues(lambda both: both[1])
            """: "one mean for each airport",
        },
    },
    4: {
        "right": [
            "def gang_seconds(work): return sum(max(row) for row in work.T)",
            """
            def gang_seconds(work):
                clock = 0
                for step in range(len(work[0])):
                    clock += max(row[step] for row in work)
                return np.float64(clock)
            """,
        ],
        "wrong": {
            "def gang_seconds(work): return 11.0": "wait for the slowest",
            "def gang_seconds(work): return work.sum(axis=1).max()": (
                "wait for the slowest"
            ),
            "def gang_seconds(work): return work.max(axis=0)": "one number",
        },
    },
    5: {
        "right": [
            "extra = [(1, n) for n in range(2, 7)]",
            "extra = {(6, 1), (1, 5), (5, 2), (2, 4), (4, 3)}",
            "extra = np.array([[1, 2], [2, 3], [2, 4], [4, 5], [4, 6]])",
        ],
        "wrong": {
            "extra = [(n, n % 6 + 1) for n in range(1, 7)]": "6 links: fewer would do",
            "extra = [(1, 2), (3, 4), (5, 6)]": "in 3 groups",
            "extra = [(1, 2), (2, 3), (3, 1), (4, 5), (5, 6)]": "in 2 groups",
            "extra = [(n, n + 1) for n in range(1, 7)]": "the nodes are 0 to 6",
            "extra = zip(range(1, 7), [2, 3, 4, 5, 6, 1])": "6 links: fewer would do",
        },
    },
    6: {
        "right": [
            """
            from sklearn.base import clone
            from sklearn.model_selection import PredefinedSplit, cross_val_predict

            def out_of_fold(model, x, y, fold):
                return cross_val_predict(clone(model), x, y, cv=PredefinedSplit(fold))
            """,
            """
            def out_of_fold(model, x, y, fold):
                found = pd.Series(0, index=range(len(y)))
                for number in set(fold.tolist()):
                    rows = np.flatnonzero(fold == number)
                    others = np.flatnonzero(fold != number)
                    model.fit(x[others], y[others])
                    found.iloc[rows] = model.predict(x[rows])
                return found
            """,
        ],
        "wrong": {
            """
            def out_of_fold(model, x, y, fold):
                return model.fit(x, y).predict(x)
            """: "100% right on labels of pure chance",
            """
            from sklearn.model_selection import cross_val_predict

            def out_of_fold(model, x, y, fold):
                return cross_val_predict(model, x, y, cv=5)
            """: "use the folds that are given",
            """
            def out_of_fold(model, x, y, fold):
                found = []
                for number in np.unique(fold):
                    inside = fold == number
                    found.extend(model.fit(x[~inside], y[~inside]).predict(x[inside]))
                return np.array(found)
            """: "in its row's place",
            """
            def out_of_fold(model, x, y, fold):
                found = np.empty_like(y)
                for number in np.unique(fold):
                    inside = fold == number
                    rows = np.flatnonzero(~inside)[:3]
                    found[inside] = model.fit(x[rows], y[rows]).predict(x[inside])
                return found
            """: "use all the other folds",
            """
            def out_of_fold(model, x, y, fold):
                found = np.empty_like(y)
                for number in range(5):
                    inside, other = fold == number, fold == (number + 1) % 5
                    found[inside] = model.fit(x[other], y[other]).predict(x[inside])
                return found
            """: "use all the other folds",
            "def out_of_fold(model, x, y, fold): pass": "one prediction per row",
        },
    },
    7: {
        "right": [
            """
            def send(values, weights, sender, receiver):
                for numbers in (values, weights):
                    part = numbers[sender] / 3
                    numbers[sender] -= part
                    numbers[receiver] += part
                return values, weights
            """,
            """
            def send(values, weights, sender, receiver):
                move = np.eye(len(values))
                move[sender, sender] = move[receiver, sender] = 0.5
                return np.array([values, weights]) @ move.T
            """,
            """
            def send(values, weights, sender, receiver):
                both = np.array([values, weights])
                part = both[:, sender] / 20
                both[:, receiver] += part
                both[:, sender] -= part
                return both
            """,
        ],
        "wrong": {
            """
            def send(values, weights, sender, receiver):
                values[receiver] = (values[sender] + values[receiver]) / 2
                return values, weights
            """: "what the sender gives the receiver must get",
            """
            def send(values, weights, sender, receiver):
                values[receiver] += values[sender] / 2
                values[sender] /= 2
                return values, weights
            """: "the same share of both",
            """
            def send(values, weights, sender, receiver):
                values[[sender, receiver]] = (values[sender] + values[receiver]) / 2
                return values, weights
            """: "hears nothing back",
            "def send(values, weights, *pair): return values, weights": (
                "not all estimates are the mean"
            ),
            """
            def send(values, weights, sender, receiver):
                for numbers in (values, weights):
                    numbers[receiver] += numbers[sender]
                    numbers[sender] = 0
                return values, weights
            """: "keep a part",
        },
    },
    8: {
        "right": [
            """
            def poisoners(combine):
                poison = np.full_like(honest, 1e6)
                broken = [
                    (abs(combine(np.vstack([poison[:n], honest[n:]])) - 1) > 1).any()
                    for n in range(11)
                ]
                return np.argmax(broken)
            """,
            """
            def poisoners(combine, number=10):
                sent = np.where(np.arange(10)[:, None] < number - 1, 1e6, honest)
                if np.allclose(combine(sent), 1, atol=1, rtol=0):
                    return number
                return poisoners(combine, number - 1)
            """,
        ],
        "wrong": {
            "def poisoners(combine): return 1": "is not the smallest number",
            """
            def poisoners(combine):
                for number in range(10):
                    sent = honest.copy()
                    sent[:number + 1] = 1e6
                    if np.abs(combine(sent) - 1).max() > 1:
                        return number
            """: "the mean: 0 is not the smallest number",
            """
            def poisoners(combine):
                sent = honest.copy()
                for number in range(1, 6):
                    sent[:number] = 1e6
                    if np.abs(combine(sent) - 1).max() > 1:
                        return number
            """: "the smallest: None is not the smallest number",
            """
            def poisoners(combine):
                for number in range(1, 11):
                    sent = np.vstack([np.full((number, 5), 1e6), honest[number:]])
                    if np.abs(combine(sent) - 1).min() > 1:
                        return number
            """: "2 minus the mean: 5 is not the smallest number",
            """
            def poisoners(combine):
                for number in range(1, 11):
                    sent = np.vstack([np.full((number, 5), 1e6), honest[number:]])
                    if (combine(sent) - 1).max() > 1:
                        return number
            """: "2 minus the mean: 5 is not the smallest number",
        },
    },
}
