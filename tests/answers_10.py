"""Chapter 10's exercises: answers that the checks must accept, and others to refuse."""

ANSWERS = {
    1: {
        "right": [
            """
            def pays_from(start, rows, per_row, per_call):
                job = start + rows * per_row
                return next((n for n in range(1, rows + 1) if n * per_call > job), None)
            """,
            """
            def pays_from(start, rows, per_row, per_call):
                job = start + rows * per_row
                if rows * per_call <= job:
                    return None
                n = int(job / per_call)
                return np.int64(n if n * per_call > job else n + 1)
            """,
            """
            def pays_from(start, rows, per_row, per_call):
                n = int((start + rows * per_row) // per_call) + 1
                return n if n <= rows else None
            """,
        ],
        "wrong": {
            # an equal time is not less
            """
            def pays_from(start, rows, per_row, per_call):
                job = start + rows * per_row
                n = math.ceil(job / per_call)
                return n if n <= rows else None
            """: "the job must take less",
            # an equal time for all rows
            """
            def pays_from(start, rows, per_row, per_call):
                job = start + rows * per_row
                return None if rows * per_call < job else math.floor(job / per_call) + 1
            """: "not even calls for all rows",
            # forgets that only so many rows exist
            """
            def pays_from(start, rows, per_row, per_call):
                return math.floor((start + rows * per_row) / per_call) + 1
            """: "not even calls for all rows",
            # forgets the job's work per row
            """
            def pays_from(start, rows, per_row, per_call):
                n = math.floor(start / per_call) + 1
                return n if n <= rows else None
            """: "the job must take less",
            """
            def pays_from(start, rows, per_row, per_call):
                n = math.ceil((start + rows * per_row) / per_call) + 1
                return n if n <= rows else None
            """: "are enough",
            """
            def pays_from(start, rows, per_row, per_call):
                n = (start + rows * per_row) / per_call + 1
                return n if n <= rows else None
            """: "a whole number of rows",
        },
    },
    2: {
        "right": [
            """
            def write(rows, batch, folder):
                half = folder / f"{batch}.part"
                save(rows, half)
                half.replace(folder / f"{batch}.csv")
            """,
            """
            def write(rows, batch, folder):
                for old in folder.glob(f"{batch}-*.csv"):
                    old.unlink()
                save(rows, folder / f"{batch}-0.csv")
            """,
        ],
        "wrong": {
            # appends
            """
            def write(rows, batch, folder):
                save(rows, folder / f"{len([*folder.glob('*.csv')])}.csv")
            """: "What identifies a batch?",
            # takes half a file for a whole one
            """
            def write(rows, batch, folder):
                path = folder / f"{batch}.csv"
                if not path.exists():
                    save(rows, path)
            """: "half a file taken for a whole one",
            # one file for all
            """
            def write(rows, batch, folder):
                save(rows, folder / "rows.csv")
            """: "a new batch for an old one",
            # past `save`
            """
            def write(rows, batch, folder):
                path = folder / f"{batch}.csv"
                if not path.exists():
                    rows.to_csv(path, index=False)
            """: "so that it can die",
        },
    },
    3: {
        "right": [
            "outcomes = ['ignored', 'refused', 'used', 'used', 'refused']",
            """
            outcomes = dict.fromkeys(changes, "used") | {
                changes[0]: "ignored", changes[1]: "refused", changes[4]: "refused"}
            outcomes = tuple(outcomes.values())
            """,
        ],
        "wrong": {
            "outcomes = 5 * ['used']": "a setting or a fact?",
            "outcomes = ['ignored', 'used', 'used', 'used', 'refused']": "the type of",
            "outcomes = ['ignored'] + 4 * ['refused']": "name or its type?",
            "outcomes = ['ignored', 'refused'] + 3 * ['used']": "one number or two?",
        },
    },
    4: {
        "right": [
            "statuses = [200, 200, 200, 400, 200, 200]",
            "statuses = np.array([200] * 6) + 200 * (np.arange(6) == 3)",
        ],
        "wrong": {
            "statuses = 200, 200, 400, 400, 200, 200": "with the fraction",
            "statuses = 200, 200, 200, 400, 400, 200": "can a double be missing",
            "statuses = 200, 200, 200, 400, 200, 400": "unknown columns",
            "statuses = 200, 400, 200, 400, 200, 200": "can an integer become a double",
        },
    },
    5: {
        "right": [
            """
            def latency(due, work):
                done = np.zeros(len(due))
                for n in range(len(due)):
                    begin = max(due[n], done[n - 1]) if n else due[n]
                    done[n] = begin + work[n]
                return done - due
            """,
            """
            def latency(due, work):
                total = np.cumsum(work)
                start = np.maximum.accumulate(due - (total - work))
                return start + total - due
            """,
        ],
        "wrong": {
            "def latency(due, work):\n    return list(work)": "due during the stop",
            # counts from zero, not from due
            """
            def latency(due, work):
                return np.cumsum(work)
            """: "does an idle server start at once",
            # the server never catches up
            """
            def latency(due, work):
                late = np.where(np.arange(len(work)) > np.argmax(work), max(work), 0)
                return work + late
            """: "wrong before any queue",
        },
    },
    6: {
        "right": [
            "def threshold(n):\n    return stats.chi2.ppf(0.95, 9) / n",
            """
            def threshold(n):
                rng = np.random.default_rng(1)
                scores = [psi(rng.multinomial(n, [0.1] * 10)) for _ in range(20_000)]
                return sorted(scores)[int(0.95 * len(scores))]
            """,
        ],
        "wrong": {
            "def threshold(n):\n    return 0.2": "how does PSI depend on n",
            "def threshold(n):\n    return 9 / n": "how does PSI depend on n",
            "def threshold(n):\n    return 50 / n": "also miss",
            # as if it were symmetric
            """
            def threshold(n):
                return (9 + 1.645 * math.sqrt(18)) / n
            """: "is it symmetric",
        },
    },
    7: {
        "right": [
            "def detector():\n    return drift.ADWIN()",
            "detector = lambda: drift.PageHinkley(delta=0.03, threshold=60)",
            "detector = lambda: drift.PageHinkley(threshold=100)",
        ],
        "wrong": {
            "def detector():\n    return drift.PageHinkley()": "for nothing in",
            "detector = lambda: drift.PageHinkley(threshold=2_000)": "was found in",
            "detector = lambda: drift.PageHinkley(delta=0.2)": "was found in",
        },
    },
    8: {
        "right": [
            """
            def promote(champion, challenger, labels):
                table = pd.DataFrame({"a": champion, "b": challenger, "y": labels})
                table = table.dropna()
                new, old = table["b"] == table["y"], table["a"] == table["y"]
                wins, n = (new & ~old).sum(), (new != old).sum()
                p = stats.binomtest(wins, n, alternative="greater").pvalue if n else 1
                return p <= 0.01
            """,
            """
            def promote(champion, challenger, labels):
                wins = losses = 0
                for old, new, label in zip(champion, challenger, labels):
                    if label is not None and (old == label) != (new == label):
                        wins, losses = wins + (new == label), losses + (old == label)
                n = wins + losses
                tail = sum(math.comb(n, k) for k in range(wins, n + 1)) / 2**n
                return n > 0 and tail < 0.01
            """,
        ],
        "wrong": {
            # any advantage
            """
            def promote(champion, challenger, labels):
                old, new = (np.array(a) == labels for a in (champion, challenger))
                return new.sum() > old.sum()
            """: "happen by chance in 5.8 %",
            # two-sided, whoever wins
            """
            def promote(champion, challenger, labels):
                rows = [*zip(champion, challenger, labels)]
                wins = sum(b == y != a for a, b, y in rows)
                n = wins + sum(a == y != b for a, b, y in rows)
                return n > 0 and stats.binomtest(wins, n).pvalue < 0.02
            """: "which side does the test take",
            # a missing label counts as a win, since both differ
            """
            def promote(champion, challenger, labels):
                rows = [*zip(champion, challenger, labels)]
                wins = sum(a != y != "b" and a != b for a, b, y in rows)
                n = wins + sum(a == y != b for a, b, y in rows)
                p = stats.binomtest(wins, n, alternative="greater").pvalue if n else 1
                return p < 0.01
            """: "without a label decide nothing",
            """
            def promote(champion, challenger, labels):
                rows = [*zip(champion, challenger, labels, strict=True)]
                wins = sum(b == y != a for a, b, y in rows)
                n = sum(a != b for a, b, y in rows)
                test = stats.binomtest(wins, n, alternative="greater") if n else None
                return bool(n) and test.pvalue < 0.01
            """: "without a label decide nothing",
            """
            def promote(champion, challenger, labels):
                rows = [*zip(champion, challenger, labels, strict=True)]
                wins = sum(b == y != a for a, b, y in rows)
                n = sum(a != b for a, b, y in rows if y is not None)
                test = stats.binomtest(wins, n, alternative="greater") if n else None
                return bool(n) and test.pvalue < 0.01
            """: "neither has won",
            # a label 0 is no missing label
            """
            def promote(champion, challenger, labels):
                rows = [*zip(champion, challenger, labels, strict=True)]
                wins = sum(b == y != a for a, b, y in rows if y)
                n = wins + sum(a == y != b for a, b, y in rows if y)
                test = stats.binomtest(wins, n, alternative="greater") if n else None
                return bool(n) and test.pvalue < 0.01
            """: "are not due to chance",
        },
    },
    9: {
        "right": [
            """
            def largest(mtbf, checkpoint, restart, limit):
                a, b = restart / mtbf, math.sqrt(2 * checkpoint / mtbf)
                root = (-b + math.sqrt(b * b + 4 * a * limit)) / (2 * a)
                return math.floor(root**2)
            """,
            """
            def largest(mtbf, checkpoint, restart, limit):
                n = 1
                while overhead(n + 1, mtbf, checkpoint, restart) <= limit:
                    n += 1
                return n
            """,
        ],
        "wrong": {
            # no restarts
            """
            def largest(mtbf, checkpoint, restart, limit):
                return int(limit**2 * mtbf / (2 * checkpoint))
            """: "counted the restarts",
            # only the restarts
            """
            def largest(mtbf, checkpoint, restart, limit):
                return int(limit * mtbf / restart)
            """: "does the interval depend",
            "def largest(mtbf, checkpoint, restart, limit):\n    return 100": "still",
            """
            def largest(mtbf, checkpoint, restart, limit):
                a, b = restart / mtbf, math.sqrt(2 * checkpoint / mtbf)
                root = (-b + math.sqrt(b * b + 4 * a * limit)) / (2 * a)
                return root**2
            """: "a whole number",
        },
    },
}
